package mailer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/faultproxy"
	"traymail/internal/queue"
	"traymail/internal/relay"
	"traymail/internal/sandbox"
)

// notices counts those of an account's that tell of a kind of trouble.
func (b *bench) notices(t *testing.T, name, kind string) (n int) {
	t.Helper()
	list, err := b.Messages(t.Context(), Filter{Account: name, Client: relay.NoticeClient, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if strings.HasPrefix(m.Subject, kind) {
			n++
		}
	}
	return n
}

// A day and the five after it, for one account of the whole program: whatever
// stops it for hours, it goes on by itself as soon as the cause is gone, no attempt
// is used up by that, and who wrote hears of it when it takes long. The clock is
// moved on, also the sandbox's; in between everything runs as it does.
func TestADayOfTroubleAndTheFiveUntilAMessageExpires(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	f.clocks()
	store := &locked{Store: f.Secrets}
	f.Secrets = store
	const day = "day"
	p := f.proxied(day, func(a *account.Account) { a.MessagesPerMinute = 1000 })
	for _, other := range []string{"main", "well"} { // notices leave through day alone
		if err := f.Remove(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	f.run()
	hand := func(n int) []Queued { return f.handOver(t, day, n, 0) }
	waits := func(cause Cause, state AccountState) AccountStatus {
		t.Helper()
		poll(t, "waiting because of "+string(cause), func() bool { return f.accountStatus(day).Cause == cause })
		s := f.accountStatus(day)
		if s.State != state || s.Reason == "" || s.Fix == "" && state == Attention {
			t.Errorf("the account is %s: %q, %q", s.State, s.Reason, s.Fix)
		}
		return s
	}
	// Nobody helps: what waits goes on by itself.
	arrive := func(all []Queued) {
		t.Helper()
		for _, q := range all {
			var r *Record
			poll(t, "delivered", func() bool { r = f.record(t, q.ID); return !r.Finished.IsZero() })
			// A server may close a session that was idle at the moment that a message
			// begins: whether it has that is not known then.
			idle := 0
			for _, a := range r.Attempts {
				if strings.Contains(a.Reply, "the server closed the connection") {
					idle++
				}
			}
			arrived := f.arrivals(q.MessageID)
			if r.State != queue.Delivered || r.Recipients[0].Tries > idle || arrived < 1 || arrived > 1+idle {
				t.Errorf("it is %s after %d tries that counted, and %d arrived:\n%s", r.State, r.Recipients[0].Tries, arrived, replies(r))
			}
		}
	}
	arrive(hand(2))

	// The sign-in is lost for five hours, after which its token does not help any more.
	f.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.RevokedBefore = f.Now() })
	f.pass(2 * time.Hour)
	all := hand(3)
	waits(CauseSignIn, Attention)
	f.pass(4*time.Hour + time.Minute)
	poll(t, "told of the delay", func() bool { return f.notices(t, day, "Delayed: ") == 3 })
	if _, err := f.SignIn(t.Context(), day, SignIn{Open: f.open}); err != nil {
		t.Fatal(err)
	}
	arrive(all)
	poll(t, "delivered the notices", func() bool {
		n := 0
		for _, m := range f.inbox() {
			if strings.Contains(string(m.Data), "Action: delayed") {
				n++
			}
		}
		return n == 3
	})

	// The keychain is locked for an hour.
	store.is.Store(true)
	f.pass(2 * time.Hour)
	all = hand(3)
	waits(CauseKeystore, Paused)
	f.pass(time.Hour)
	store.is.Store(false)
	f.pass(5 * time.Minute) // at most until it is tried again
	arrive(all)

	// So is the network.
	p.Break(func(x *faultproxy.Exchange) { x.Drop() })
	p.Cut()
	all = hand(3)
	waits(CauseNetwork, Paused)
	f.pass(time.Hour)
	p.Mend()
	f.pass(time.Minute)
	arrive(all)

	// The provider wants a rest.
	hit := make(chan struct{}, 100)
	p.Break(says("BDAT", "432 4.3.2 Concurrent connections limit exceeded")(func() { hit <- struct{}{} }))
	all = hand(3)
	<-hit
	if s := waits(CauseThrottle, Paused); s.Until.IsZero() || s.Until.Sub(f.Now()) > time.Minute {
		t.Errorf("it rests until %s", s.Until.Sub(f.Now()))
	}
	p.Mend()
	f.pass(time.Minute)
	arrive(all)

	// A server that says later is asked again: by the schedule, and for five days.
	f.pass(24 * time.Hour)
	p.Break(says("RCPT", "451 4.7.500 Server busy. Please try again later")(func() {}))
	q, err := f.Enqueue(t.Context(), day, Submission{To: []string{"ops@contoso.com"}, Data: strings.NewReader("Subject: patience\r\n\r\nbody\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	attempts := func(n int) *Record {
		t.Helper()
		var r *Record
		poll(t, "tried again", func() bool { r = f.record(t, q.ID); return len(r.Attempts) >= n && r.State != queue.Sending })
		if len(r.Attempts) != n {
			t.Fatalf("%d attempts and not %d:\n%s", len(r.Attempts), n, replies(r))
		}
		return r
	}
	r := attempts(1)
	for n, wait := range []time.Duration{1, 2, 5, 15, 30, 60, 60, 60, 60} {
		wait *= time.Minute
		if next := r.Next.Sub(r.Attempts[n].Finished); next < wait*9/10-time.Second || next > wait*11/10+time.Second {
			t.Errorf("after attempt %d the next is due in %v, and not %v", n+1, next, wait)
		}
		f.pass(r.Next.Sub(f.Now()) + time.Second)
		r = attempts(n + 2)
	}
	if r.Recipients[0].Tries != len(r.Attempts) || slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.Outcome != "retry" }) {
		t.Errorf("%d tries counted of\n%s", r.Recipients[0].Tries, replies(r))
	}
	poll(t, "told of the delay once more", func() bool { return f.notices(t, day, "Delayed: patience") == 1 })
	f.pass(5 * 24 * time.Hour)
	poll(t, "given up", func() bool { r = f.record(t, q.ID); return !r.Finished.IsZero() })
	if said := r.Recipients[0].Reply; r.State != queue.Failed || said != "not delivered within 5 days; last: 451 4.7.500 Server busy. Please try again later" {
		t.Errorf("it is %s: %s", r.State, said)
	}
	p.Mend()
	f.pass(2 * time.Hour)
	poll(t, "told that it failed", func() bool {
		return slices.ContainsFunc(f.inbox(), func(m sandbox.Message) bool {
			return strings.Contains(string(m.Data), "Action: failed") && strings.Contains(string(m.Data), q.MessageID)
		})
	})
	if n := f.notices(t, day, "Delayed: patience"); n != 1 {
		t.Errorf("the delay was told %d times", n)
	}
}
