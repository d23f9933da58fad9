package mailer

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"traymail/internal/postgrestest"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// machines are programs with homes of their own on one PostgreSQL, and with the same
// account; the first is signed in.
func machines(t *testing.T, n int) []*bench {
	t.Helper()
	b := newBench(t, "")
	settings := "[queue]\npostgresql = \"" + postgrestest.Start(t) + "\"\n"
	list := []*bench{b}
	for range n - 1 {
		other := &bench{t: t, sandbox: b.sandbox, person: b.person, account: b.account}
		other.Mailer = &Mailer{Home: t.TempDir(), Secrets: keystore.Memory()}
		t.Cleanup(func() { other.Close() })
		if err := os.CopyFS(other.Home, os.DirFS(b.Home)); err != nil {
			t.Fatal(err)
		}
		list = append(list, other)
	}
	b.signIn()
	for _, b := range list {
		b.settings(settings)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// round has a machine look at what the others have done.
func (b *bench) round() {
	b.t.Helper()
	e := b.running()
	accounts, err := e.queue.Accounts(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	e.followPauses(b.t.Context(), accounts)
}

func TestAPersonsPauseIsOfAllMachinesAndEndsOnAnyOfThem(t *testing.T) {
	t.Parallel()
	list := machines(t, 2)
	one, other := list[0], list[1]
	if _, err := other.SignIn(t.Context(), "main", SignIn{Open: other.open}); err != nil {
		t.Fatal(err)
	}
	state := func(b *bench, want AccountState, cause Cause) {
		t.Helper()
		b.round()
		if a := b.accountStatus("main"); a.State != want || a.Cause != cause {
			t.Errorf("the account is %s %s: %s", a.State, a.Cause, a.Reason)
		}
	}
	for _, name := range []string{"main", ""} {
		one.pause(name, time.Time{})
		state(other, Paused, CauseUser)
		q := other.enqueue("", "ops@contoso.com")
		other.untouched(q.ID)
		other.resume(name)
		for range 2 {
			state(one, Ready, "")
			state(other, Ready, "")
		}
		if r := one.ended(q.ID); r.State != queue.Delivered {
			t.Errorf("it is %s", r.State)
		}
	}
	// It outlives all of them.
	other.pause("main", time.Now().Add(time.Hour))
	for _, b := range list {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	state(one, Paused, CauseUser)
}

func TestAPauseFromBeforeAQueueWasSharedIsTakenAlong(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.signIn()
	b.pause("main", time.Time{})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.settings("[queue]\npostgresql = \"" + postgrestest.Start(t) + "\"\n")
	for range 2 {
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := b.accountStatus("main"); a.State != Paused || a.Cause != CauseUser {
			t.Errorf("the account is %s %s", a.State, a.Cause)
		}
		if _, err := os.Stat(filepath.Join(b.Home, "state", "pauses.json")); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPauseOfAMachineThatKeptItInAFileOfItsOwnIsNotEndedByAnother(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	b := newBench(t, "")
	b.signIn()
	b.settings("[queue]\npostgresql = \"" + database + "\"\n")
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pause("main", time.Time{})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	// Before there was a note, the queue knew of the pause, and the file that said
	// whose it was lay on the other machine.
	db, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(t.Context(), `DELETE FROM mail_note`)
	if err := errors.Join(err, db.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := b.accountStatus("main"); a.State != Paused || a.Cause != CauseUser {
		t.Errorf("the account is %s %s", a.State, a.Cause)
	}
	if err := b.Resume(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if a := b.accountStatus("main"); a.State != Ready {
		t.Errorf("resumed, the account is %s %s", a.State, a.Cause)
	}
}

func TestAMachineWithoutASignInLeavesItsMessagesToOneThatHasIt(t *testing.T) {
	t.Parallel()
	list := machines(t, 2)
	signedIn, without := list[0], list[1]
	var sent []string
	for range 5 {
		sent = append(sent, without.enqueue("", "ops@contoso.com").ID)
	}
	for _, id := range sent {
		r := without.ended(id)
		if r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
			t.Errorf("it is %s after %d tries", r.State, r.Recipients[0].Tries)
		}
	}
	if a := signedIn.accountStatus("main"); a.State != Ready || a.Elsewhere {
		t.Errorf("the machine that sends says %+v", a)
	}
	// It may have had no message yet to find out with.
	a := without.until("in need of a sign-in", func(s Status) bool { return s.Accounts[0].State == Attention }).Accounts[0]
	if a.Cause != CauseSignIn {
		t.Errorf("the machine without a sign-in says %+v", a)
	}
	if _, err := without.SignIn(t.Context(), "main", SignIn{Open: without.open}); err != nil {
		t.Fatal(err)
	}
	without.until("cured", func(s Status) bool { return s.Accounts[0].State == Ready })
	if err := signedIn.Close(); err != nil {
		t.Fatal(err)
	}
	q := without.enqueue("", "ops@contoso.com")
	if r := without.ended(q.ID); r.State != queue.Delivered {
		t.Errorf("it is %s", r.State)
	}
	inbox := signedIn.sandbox.Tenant().Inbox()
	if len(inbox) != 6 || !slices.ContainsFunc(inbox, func(m sandbox.Message) bool { return m.MessageID == q.MessageID }) {
		t.Errorf("%d arrived", len(inbox))
	}
}
