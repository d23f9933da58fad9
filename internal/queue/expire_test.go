package queue

import (
	"errors"
	"testing"
	"time"
)

const day = 24 * time.Hour

// ageing returns a queue whose clock goes only when it is told to, and that is
// not started: nothing but the clock acts.
func ageing(t *testing.T, o Options) (q *Queue, told func() []string, pass func(time.Duration)) {
	now := time.Now()
	o, told = notified(o)
	o.Now = func() time.Time { return now }
	q = open(t, o)
	ends := time.NewTimer(time.Hour) // which nobody waits for
	return q, told, func(d time.Duration) {
		t.Helper()
		now = now.Add(d)
		if err := errors.Join(q.resumeDue(t.Context(), ends), q.tellLate(t.Context()), q.expire(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}

// try makes an attempt and returns the state after it.
func try(t *testing.T, q *Queue, id string, out Outcome) State {
	t.Helper()
	d, wait, err := q.begin(t.Context(), ownJob(t, q, id), id)
	if d == nil {
		t.Fatalf("it does not begin: %v, %v", wait, err)
	}
	q.record(d, out, out.Pause == nil)
	return get(t, q, id).State
}

func TestMessageThatWasNeverTriedDoesNotExpireOfAgeAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q, _, pass := ageing(t, o)
		delivered := accept(t, q, message("acct", "a@x"), "body")
		refused := accept(t, q, message("acct", "b@x"), "body")
		pass(6 * day)
		for _, id := range []string{delivered, refused} {
			if r := get(t, q, id); r.State != Queued {
				t.Fatalf("it is %s", r.State)
			}
		}
		if s := try(t, q, delivered, Outcome{Results: []Result{{Verdict: Accepted}}}); s != Delivered {
			t.Errorf("taken by the server, it is %s", s)
		}
		if s := try(t, q, refused, Outcome{Reply: "451 busy"}); s != Failed {
			t.Errorf("after an attempt that failed for now, it is %s", s)
		}
	})
}

func TestMessageExpiresWithAnAccountThatIsInTroubleForLong(t *testing.T) {
	for name, c := range map[string]struct {
		pause Pause
		wait  time.Duration
		want  State
	}{
		"only since a moment ago":   {Pause{Cause: "sign-in"}, time.Hour, Queued},
		"for hours":                 {Pause{Cause: "sign-in"}, 5 * time.Hour, Failed},
		"for the day's recipients":  {Pause{Cause: PauseQuota}, 30 * time.Hour, Queued},
		"as a person wants it":      {Pause{Cause: PauseUser}, 30 * time.Hour, Queued},
		"until a time that is over": {Pause{Cause: "network", Until: time.Now().Add(6 * day).Add(time.Minute)}, 5 * time.Hour, Queued},
	} {
		t.Run(name, func(t *testing.T) {
			q, _, pass := ageing(t, sqliteOptions(t))
			id := accept(t, q, message("acct", "a@x"), "body")
			pass(6 * day)
			if err := q.Pause(t.Context(), "acct", c.pause); err != nil {
				t.Fatal(err)
			}
			pass(c.wait)
			if r := get(t, q, id); r.State != c.want {
				t.Errorf("it is %s, want %s", r.State, c.want)
			}
		})
	}
}

func TestMessageExpiresWhenItsAccountIsPausedAgainAndAgain(t *testing.T) {
	q, _, pass := ageing(t, sqliteOptions(t))
	id := accept(t, q, message("acct", "a@x"), "body")
	pass(6 * day)
	for i, want := range []State{Queued, Queued, Failed} {
		if err := q.Resume(t.Context(), "acct"); err != nil {
			t.Fatal(err)
		}
		if s := try(t, q, id, Outcome{Pause: &Pause{Cause: "network", Reason: "no connection"}}); s != want {
			t.Errorf("after attempt %d it is %s, want %s", i+1, s, want)
		}
		pass(150 * time.Minute)
	}
	if reply := get(t, q, id).Recipients[0].Reply; reply != "not delivered within 5 days; last: no connection" {
		t.Errorf("the sender is told %q", reply)
	}
}

func TestReleaseBeginsTheTimeAnew(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q, told, pass := ageing(t, o)
		id := accept(t, q, message("acct", "a@x"), "body")
		if err := q.Hold(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(6 * day)
		if err := q.Release(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if list := told(); len(list) != 0 {
			t.Errorf("told %q of a message that was only held", list)
		}
		if s := try(t, q, id, Outcome{Reply: "451 busy"}); s != Queued {
			t.Errorf("after the first attempt it is %s", s)
		}
		pass(5 * time.Hour)
		if list := told(); len(list) != 1 {
			t.Errorf("hours after its release, told %q", list)
		}
		pass(5 * day)
		if s := try(t, q, id, Outcome{Reply: "451 busy"}); s != Failed {
			t.Errorf("days after its release it is %s", s)
		}
	})
}
