package mailer

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// second adds another account that is signed in.
func (b *bench) second() {
	b.t.Helper()
	a := b.account
	fresh := account.New("second")
	a.Name, a.ID = "second", fresh.ID
	if err := b.Save(b.t.Context(), a, ""); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.SignIn(b.t.Context(), "second", SignIn{Open: b.open}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) enqueueTo(name string) Queued {
	b.t.Helper()
	q, err := b.Enqueue(b.t.Context(), name, Submission{To: []string{"ops@contoso.com"}, Data: strings.NewReader("Subject: hello\r\n\r\nbody\r\n")})
	if err != nil {
		b.t.Fatal(err)
	}
	return q
}

func (b *bench) pause(name string, until time.Time) {
	b.t.Helper()
	if err := b.Pause(b.t.Context(), name, until); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) resume(name string) {
	b.t.Helper()
	if err := b.Resume(b.t.Context(), name); err != nil {
		b.t.Fatal(err)
	}
}

// untouched fails when a message was tried.
func (b *bench) untouched(id string) {
	b.t.Helper()
	r, err := b.Message(b.t.Context(), id)
	if err != nil || r.State != queue.Queued || r.Recipients[0].Tries != 0 || len(r.Attempts) != 0 {
		b.t.Errorf("it is %+v, %v", r, err)
	}
}

func (b *bench) accountStatus(name string) AccountStatus {
	b.t.Helper()
	s, err := b.Status(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range s.Accounts {
		if a.Name == name {
			return a
		}
	}
	b.t.Fatalf("there is no account %s", name)
	return AccountStatus{}
}

func TestAPersonsPauseHoldsUpOneAccountAlsoThroughARestart(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.second()
	b.start()
	b.pause("main", time.Time{})
	waits := b.enqueueTo("main")
	if r := b.ended(b.enqueueTo("second").ID); r.State != queue.Delivered {
		t.Errorf("the other account's message is %s", r.State)
	}
	a := b.accountStatus("main")
	if a.State != Paused || a.Cause != CauseUser || a.Since.IsZero() || !a.Until.IsZero() || a.Waiting != 1 || a.Fix != "let it go on: traymail resume main" {
		t.Errorf("status %+v", a)
	}
	if _, err := b.Flush(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
	if r := b.ended(b.enqueueTo("second").ID); r.State != queue.Delivered {
		t.Errorf("after the restart the other account's message is %s", r.State)
	}
	if again := b.accountStatus("main"); again.Cause != CauseUser || !again.Since.Equal(a.Since) || len(again.Alerts) != 0 {
		t.Errorf("after the restart %+v, before %+v", again, a)
	}
	b.untouched(waits.ID)
	b.resume("main")
	if r := b.ended(waits.ID); r.State != queue.Delivered || len(r.Attempts) != 1 {
		t.Errorf("after the pause it is %+v", r)
	}
	if a := b.accountStatus("main"); a.State != Ready || a.Cause != "" {
		t.Errorf("status %+v", a)
	}
}

func TestAPauseOfAllHoldsUpAccountsOfWhichTheQueueKnowsNothingYet(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	b.pause("", time.Time{})
	s, err := b.Status(t.Context())
	if err != nil || s.Paused == nil || s.Paused.Since.IsZero() || !s.Paused.Until.IsZero() {
		t.Errorf("%+v, %v", s.Paused, err)
	}
	b.second()
	waits, other := b.enqueueTo("main"), b.enqueueTo("second")
	if a := b.accountStatus("second"); a.Cause != CauseUser || a.Fix != "let it go on: traymail resume" {
		t.Errorf("status %+v", a)
	}
	b.resume("second") // it alone goes on
	if r := b.ended(other.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %+v", r)
	}
	b.untouched(waits.ID)
	if a := b.accountStatus("main"); a.Cause != CauseUser {
		t.Errorf("status %+v", a)
	}
	b.resume("")
	if r := b.ended(waits.ID); r.State != queue.Delivered {
		t.Errorf("it is %s", r.State)
	}
	if s, err := b.Status(t.Context()); err != nil || s.Paused != nil {
		t.Errorf("%+v, %v", s.Paused, err)
	}
}

func TestAPauseEndsByItself(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	b.pause("main", time.Now().Add(time.Hour))
	b.pause("main", time.Now().Add(time.Second)) // shorter than it was
	q := b.enqueueTo("main")
	if a := b.accountStatus("main"); a.Cause == CauseUser && (a.Until.IsZero() || !strings.Contains(a.Fix, "goes on by itself")) {
		t.Errorf("status %+v", a)
	}
	if r := b.ended(q.ID); r.State != queue.Delivered {
		t.Errorf("it is %s", r.State)
	}
	b.until("ready", func(s Status) bool { return s.Accounts[0].State == Ready })
}

func TestWhatIsBeingSentWhenAPersonPausesIsFinished(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	dialing, goOn := make(chan struct{}, 10), make(chan struct{})
	b.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialing <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	b.start()
	first := b.enqueueTo("main")
	<-dialing
	b.pause("", time.Time{})
	next := b.enqueueTo("main")
	close(goOn)
	if r := b.ended(first.ID); r.State != queue.Delivered {
		t.Errorf("the first is %s", r.State)
	}
	b.untouched(next.ID)
	b.resume("")
	if r := b.ended(next.ID); r.State != queue.Delivered || len(r.Attempts) != 1 {
		t.Errorf("the next is %+v", r)
	}
}

func TestAPersonsPauseAndAnotherCauseEndEachByItself(t *testing.T) {
	b := newBench(t, "")
	b.start()
	q := b.enqueueTo("main")
	b.until("in need of a sign-in", func(s Status) bool { return s.Accounts[0].Cause == CauseSignIn })
	b.pause("main", time.Time{})
	if a := b.accountStatus("main"); a.Cause != CauseUser || a.State != Paused {
		t.Errorf("paused as well, it is %+v", a)
	}
	b.resume("main")
	if a := b.accountStatus("main"); a.Cause != CauseSignIn || a.State != Attention {
		t.Errorf("resumed, it is %+v", a)
	}
	b.pause("main", time.Time{})
	b.signIn()
	// The cause ends, and the person's pause takes its place in the queue.
	b.until("paused by the person alone", func(Status) bool {
		all, err := b.running().queue.Accounts(t.Context())
		return err == nil && all[0].Cause == string(CauseUser)
	})
	if a := b.accountStatus("main"); a.Cause != CauseUser {
		t.Errorf("signed in, it is %+v", a)
	}
	if r, err := b.Message(t.Context(), q.ID); err != nil || r.State != queue.Queued {
		t.Errorf("%+v, %v", r, err)
	}
	b.resume("")
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %+v", r)
	}
}

func TestAPauseThatCannotBeIsRefused(t *testing.T) {
	b := newBench(t, "")
	var field *account.FieldError
	if err := b.Pause(t.Context(), "main", time.Now().Add(-time.Minute)); !errors.As(err, &field) || field.Key != "until" || field.Fix == "" {
		t.Errorf("a time that is over: %v", err)
	}
	for name, do := range map[string]func() error{
		"pause":  func() error { return b.Pause(t.Context(), "other", time.Time{}) },
		"resume": func() error { return b.Resume(t.Context(), "other") },
	} {
		if err := do(); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s of no account: %v", name, err)
		}
	}
	if _, err := os.Stat(b.pausesFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was kept: %v", err)
	}
}

func TestAnAccountOfARemovedOnesNameIsNotPaused(t *testing.T) {
	b := newBench(t, "")
	b.second()
	for _, name := range []string{"main", "second"} {
		b.pause(name, time.Time{})
	}
	if err := b.Remove(t.Context(), "second"); err != nil {
		t.Fatal(err)
	}
	b.second()
	if a := b.accountStatus("second"); a.Cause == CauseUser {
		t.Errorf("the new one is %+v", a)
	}
	if a := b.accountStatus("main"); a.Cause != CauseUser {
		t.Errorf("the other one is %+v", a)
	}
}

func TestPausesThatCannotBeReadKeepTheProgramFromSending(t *testing.T) {
	b := newBench(t, "")
	b.settings("")
	if err := os.MkdirAll(filepath.Dir(b.pausesFile()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.pausesFile(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "remove it to let all go on") {
		t.Errorf("Start = %v", err)
	}
}

func TestAWatchIsNeverSilentForLong(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	calls := 0
	enough := errors.New("enough")
	if err := b.Watch(ctx, func(Status) error {
		if calls++; calls == 3 { // nothing happens here, and yet
			return enough
		}
		return nil
	}); err != enough {
		t.Errorf("%d calls, %v", calls, err)
	}
}
