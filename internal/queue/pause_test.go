package queue

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPauseOfTheSameCauseKeepsItsBeginning(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q, _, pass := ageing(t, o)
		begin := q.options.Now()
		for _, step := range []struct {
			pause Pause
			since time.Duration
		}{
			{Pause{Cause: "network", Reason: "no connection"}, 0},
			{Pause{Cause: "network", Reason: "no name server"}, 0},
			{Pause{Cause: "sign-in", Reason: "sign in again"}, 2 * time.Hour},
		} {
			if err := q.Pause(t.Context(), "acct", step.pause); err != nil {
				t.Fatal(err)
			}
			accounts, err := q.Accounts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			a := accounts[0]
			if a.Reason != step.pause.Reason || a.Paused.UnixMilli() != begin.Add(step.since).UnixMilli() {
				t.Errorf("after %+v: paused %v after the begin, %+v", step.pause, a.Paused.Sub(begin), a)
			}
			pass(time.Hour)
		}
	})
}

func TestResumeIfLiftsNoOtherPause(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		accept(t, q, message("free", "a@x"), "body")
		for _, account := range []string{"signed out", "stopped"} {
			if err := q.Pause(t.Context(), account, Pause{Cause: "sign-in"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Pause(t.Context(), "stopped", Pause{Cause: "person"}); err != nil {
			t.Fatal(err)
		}
		for account, want := range map[string]bool{"signed out": true, "stopped": false, "free": false, "nobody": false} {
			if lifted, err := q.ResumeIf(t.Context(), account, "sign-in"); lifted != want || err != nil {
				t.Errorf("%s: %v, %v", account, lifted, err)
			}
		}
		accounts, err := q.Accounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range accounts {
			if paused := !a.Paused.IsZero(); paused != (a.Name == "stopped") {
				t.Errorf("%s is paused: %v", a.Name, paused)
			}
		}
	})
}

// The queue looks around every five seconds, which is a long time for a rest of two.
func TestAPauseEndsWhenItsTimeIsOverAndNotAtTheNextRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := sqliteOptions(t)
		o.poll = time.Minute
		q := open(t, o)
		start(t, q, allAccepted)
		if err := q.Pause(t.Context(), "acct", Pause{Cause: "throttled", Until: time.Now().Add(2 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1900 * time.Millisecond)
		for _, paused := range []bool{true, false} {
			accounts, err := q.Accounts(t.Context())
			if err != nil || accounts[0].Paused.IsZero() == paused {
				t.Errorf("the account is %+v, %v", accounts, err)
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
}
