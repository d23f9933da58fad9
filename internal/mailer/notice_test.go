package mailer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/relay"
	"traymail/internal/sandbox"
)

func TestNoticesLeaveOverGraphAlsoWhereNoCopyIsWanted(t *testing.T) {
	t.Parallel()
	b := overGraph(t, func(a *account.Account) { a.SkipSentItems = true }).clocks()
	b.answerTimeout = time.Second
	b.start()
	q, err := b.Enqueue(t.Context(), "", Submission{From: "ops@contoso.com", To: []string{"x@example.com"}, Data: strings.NewReader(
		"From: svc@contoso.com\r\nSubject: signed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.ended(q.ID); r.State != queue.Failed || !strings.Contains(r.Recipients[0].Reply, "allow the copy") {
		t.Fatalf("what Graph has no form for is %s: %+v", r.State, r.Recipients)
	}
	b.until("told that it failed", func(Status) bool { return b.arrived("ops@contoso.com") == 1 })
	b.sandbox.GraphFaults().Add(sandbox.GraphFault{On: "/sendMail", Silent: true})
	held := b.enqueue("ops@contoso.com", "x@example.com")
	b.until("held", func(s Status) bool { return s.Accounts[0].Held == 1 && s.Accounts[0].Unknown == 1 })
	b.until("told that it is held", func(Status) bool { return b.arrived("ops@contoso.com") == 2 })
	if r, err := b.Message(t.Context(), held.ID); err != nil || !r.Unknown || r.Attempts[0].Outcome != "held" {
		t.Errorf("record %+v, %v", r, err)
	}
}

func TestMessagesThatMayHaveBeenSentAreAnAlertUntilNoneIsLeft(t *testing.T) {
	t.Parallel()
	b := overGraph(t, func(a *account.Account) { a.NoticeTo = "admin@contoso.com" }).clocks()
	b.answerTimeout = time.Second
	b.start()
	b.sandbox.GraphFaults().Add(sandbox.GraphFault{On: "/sendMail", Silent: true})
	q := b.enqueue("", "x@example.com")
	b.until("held", func(s Status) bool { return s.Accounts[0].Unknown == 1 })
	b.want("held", b.alertsOf("main"), "warning "+AlertUnknown)
	b.want("mailed", b.check(), "main: main holds a message that may have been sent")
	b.pass(time.Hour)
	b.want("mailed once", b.check(), "main: main holds a message that may have been sent")
	if err := b.Change(t.Context(), q.ID, Drop); err != nil {
		t.Fatal(err)
	}
	b.want("taken out", b.alertsOf("main"))
}

func TestNoticesThatWaitMoveToAnAccountThatSends(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.virtual()
	b.signIn()
	b.add("second", "second@contoso.com", func(*account.Account) {})
	b.start()
	b.check()
	// A notice that was queued while it seemed that second could send.
	q := queue.Message{Envelope: queue.Envelope{Recipients: []queue.Recipient{{Address: "ops@contoso.com", Notify: []string{"NEVER"}}}},
		Account: "second", Client: relay.NoticeClient, MessageID: "<one@contoso.com>", Subject: "a notice"}
	id, err := b.running().queue.Accept(t.Context(), q, strings.NewReader("From: traymail <second@contoso.com>\r\nTo: <ops@contoso.com>\r\nMessage-ID: <one@contoso.com>\r\nSubject: a notice\r\n\r\nbody\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.until("sent through main", func(Status) bool { return b.arrived("ops@contoso.com") == 1 })
	if m := b.inbox()[0]; m.User != "svc@contoso.com" || !strings.Contains(string(m.Data), "From: traymail <svc@contoso.com>") || strings.Contains(string(m.Data), "second@") {
		t.Errorf("%s sent\n%s", m.User, m.Data)
	}
	if r := b.ended(id); r.State != queue.Removed {
		t.Errorf("the first is %s: %+v", r.State, r)
	}
}

func TestAnAccountWhoseTroubleNothingProvedOverTakesNoMail(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	if err := b.OpenQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, now := b.running().alerts, b.Now()
	s := &AccountStatus{Name: "main", State: Ready}
	r := &remembered{Since: now.Add(-time.Hour)}
	for _, tt := range []struct {
		name             string
		cause            Cause
		ended, delivered time.Time
		want             bool
	}{
		{"in trouble", CauseProvider, time.Time{}, time.Time{}, true},
		{"that ended just now", CauseProvider, now.Add(-time.Minute), time.Time{}, true},
		{"that ended, and it delivered before", CauseSettings, now.Add(-time.Minute), now.Add(-2 * time.Hour), true},
		{"that ended, and it delivered since", CauseSettings, now.Add(-time.Minute), now.Add(-time.Minute), false},
		{"that ended a while ago", CauseKeystore, now.Add(-proveWithin), time.Time{}, false},
		{"that a sign-in ended", CauseSignIn, now, time.Time{}, false},
		{"that is no trouble", AlertRefusals, time.Time{}, time.Time{}, false},
	} {
		r.Ended, s.LastDelivered = tt.ended, tt.delivered
		l.memory["main"] = map[string]*remembered{string(tt.cause): r}
		if got := l.unproven(s); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	l.memory["main"] = map[string]*remembered{string(CauseProvider): {Since: now}}
	if a := l.route([]AccountStatus{*s}, "main", true); a != nil {
		t.Errorf("mail leaves through %s", a.Name)
	}
}

func TestAnAccountThatNobodyEverSignedInToNeedsAttention(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.start()
	s := b.until("in need of a sign-in", func(s Status) bool { return s.Accounts[0].State == Attention })
	if a := s.Accounts[0]; a.Cause != CauseSignIn || a.Reason != "nobody is signed in" || a.Fix != "sign in: traymail login main" {
		t.Errorf("status %+v", a)
	}
	b.want("its alert", b.alertsOf("main"), "urgent sign-in")
	b.signIn()
	if s, err := b.Status(t.Context()); err != nil || s.Accounts[0].State != Ready || slices.ContainsFunc(s.Accounts[0].Alerts, func(a Alert) bool { return a.ID == string(CauseSignIn) }) {
		t.Errorf("signed in: %+v, %v", s.Accounts, err)
	}
}
