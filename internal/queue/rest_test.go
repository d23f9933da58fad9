package queue

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"traymail/internal/postgrestest"
)

// untilAccount waits for an account's queue to be as wanted.
func untilAccount(t *testing.T, q *Queue, name, what string, ok func(Account) bool) Account {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		accounts, err := q.Accounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(accounts, func(a Account) bool { return a.Name == name })
		if i >= 0 && ok(accounts[i]) {
			return accounts[i]
		}
		if time.Now().After(limit) {
			t.Fatalf("never %s: %+v", what, accounts)
		}
	}
}

func locked(pause Pause) Deliver {
	return func(context.Context, *Delivery) Outcome { return Outcome{Pause: &pause} }
}

func TestWhatKeepsOneMachineFromSendingLeavesItsMessagesToTheOthers(t *testing.T) {
	dsn := postgrestest.Start(t)
	here := Pause{Cause: "keystore", Reason: "the keychain is locked", Here: true}
	// Alone at first, and so the one that tries.
	ill := open(t, Options{PostgreSQL: dsn})
	var tries atomic.Int64
	var well atomic.Bool
	start(t, ill, func(ctx context.Context, d *Delivery) Outcome {
		if well.Load() {
			return allAccepted(ctx, d)
		}
		tries.Add(1)
		return locked(here)(ctx, d)
	})
	first := accept(t, ill, message("acct", "a@x"), "body")
	a := untilAccount(t, ill, "acct", "resting", func(a Account) bool { return !a.Paused.IsZero() })
	if a.Cause != here.Cause || a.Reason != here.Reason || a.Elsewhere {
		t.Errorf("the machine that rests says %+v", a)
	}
	other := open(t, Options{PostgreSQL: dsn})
	start(t, other, allAccepted)
	r := untilState(t, other, first, Delivered)
	if last := r.Attempts[len(r.Attempts)-1]; r.Recipients[0].Tries != 0 || last.Machine != other.machine {
		t.Errorf("tried %d times, and the last attempt is %+v", r.Recipients[0].Tries, last)
	}
	untilAccount(t, ill, "acct", "told of the other machine", func(a Account) bool { return a.Elsewhere })
	for range 10 {
		untilState(t, ill, accept(t, ill, message("acct", "a@x"), "body"), Delivered)
	}
	if a := untilAccount(t, other, "acct", "there", func(Account) bool { return true }); !a.Paused.IsZero() {
		t.Errorf("the machine that sends says %+v", a)
	}
	if n := tries.Load(); n > int64(DefaultPace.AtOnce) {
		t.Errorf("the machine that rests tried %d times", n)
	}
	// Cured, it takes part again.
	if lifted, err := ill.ResumeIf(t.Context(), "acct", "network"); lifted || err != nil {
		t.Errorf("a rest of another cause was ended: %v, %v", lifted, err)
	}
	well.Store(true)
	if lifted, err := ill.ResumeIf(t.Context(), "acct", here.Cause); !lifted || err != nil {
		t.Errorf("the rest was not ended: %v, %v", lifted, err)
	}
	if err := other.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	untilState(t, ill, accept(t, ill, message("acct", "a@x"), "body"), Delivered)
}

func TestARestWithAnEndIsEndedByTheClock(t *testing.T) {
	var ahead atomic.Int64
	o := Options{PostgreSQL: postgrestest.Start(t), lease: time.Second, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
	q := open(t, o)
	var well atomic.Bool
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		if well.Load() {
			return allAccepted(ctx, d)
		}
		return Outcome{Pause: &Pause{Cause: "network", Reason: "busy", Until: o.Now().Add(time.Hour), Here: true}}
	})
	id := accept(t, q, message("acct", "a@x"), "body")
	untilAccount(t, q, "acct", "resting", func(a Account) bool { return !a.Paused.IsZero() })
	well.Store(true)
	ahead.Store(int64(time.Hour))
	untilState(t, q, id, Delivered)
}

// With every machine at rest nobody makes an attempt that could be the last.
func TestMessagesExpireWhenNoMachineCanSendThem(t *testing.T) {
	var ahead atomic.Int64
	dsn := postgrestest.Start(t)
	var machines []*Queue
	for range 2 {
		q := open(t, Options{PostgreSQL: dsn, lease: time.Second, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
			Bounce: func(_ context.Context, n Notice) (Message, io.Reader, bool) {
				return message("acct", "sender@x"), strings.NewReader("Subject: not delivered\r\n\r\n"), n.Kind == NoticeFailed
			}})
		machines = append(machines, q)
		start(t, q, locked(Pause{Cause: "sign-in", Reason: "sign in again", Here: true}))
	}
	id := accept(t, machines[0], message("acct", "a@x"), "body")
	for _, q := range machines {
		untilAccount(t, q, "acct", "resting", func(a Account) bool { return !a.Paused.IsZero() && !a.Elsewhere })
	}
	ahead.Store(int64(121 * time.Hour))
	r := untilState(t, machines[0], id, Failed)
	if !strings.Contains(r.Recipients[0].Reply, "not delivered within 5 days") {
		t.Errorf("it failed with %q", r.Recipients[0].Reply)
	}
	// Both may have written a notice; one of them counts.
	told, err := machines[0].List(t.Context(), Filter{State: Queued})
	if err != nil || len(told) != 1 {
		t.Errorf("%d notices: %+v, %v", len(told), told, err)
	}
}

// The others' deaths must not leave messages with a machine that cannot send them,
// nor a rest without its machine.
func TestARestEndsWithItsMachine(t *testing.T) {
	dsn := postgrestest.Start(t)
	q := open(t, Options{PostgreSQL: dsn})
	start(t, q, locked(Pause{Cause: "keystore", Reason: "locked", Here: true}))
	accept(t, q, message("acct", "a@x"), "body")
	untilAccount(t, q, "acct", "resting", func(a Account) bool { return !a.Paused.IsZero() })
	if err := q.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := open(t, Options{PostgreSQL: dsn})
	var left int
	if err := next.engine.view().row(t.Context(), `SELECT count(*) FROM mail_rest`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rests are left, %v", left, err)
	}
}
