package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// In virtual time only waiting takes time, so what is measured here is what the
// queue waits for, on any machine.

func TestFirstAttemptWaitsForNoPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := sqliteOptions(t)
		o.Pace = func(string) Pace { return Pace{AtOnce: 100} }
		q := open(t, o)
		begun := make(chan time.Time, 100)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			begun <- time.Now()
			return allAccepted(ctx, d)
		})
		time.Sleep(time.Minute)
		for i := range 100 {
			accept(t, q, message(fmt.Sprint("account ", i%7), "a@x"), "body")
			accepted := time.Now()
			if wait := (<-begun).Sub(accepted); wait > 50*time.Millisecond {
				t.Errorf("message %d waited %v", i, wait)
			}
			// Now and then one follows so closely that River would not tell of it.
			time.Sleep(time.Duration(i%7) * time.Millisecond)
		}
	})
}

func TestRetryBeginsWithinTwoSecondsOfItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, sqliteOptions(t))
		begun := make(chan time.Time, 1)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			if d.Account == "other" {
				return allAccepted(ctx, d)
			}
			begun <- time.Now()
			return answer(d, Result{Reply: "451 4.7.0 busy"})
		})
		// By then River has a leader, which lets jobs go on.
		time.Sleep(time.Minute)
		id := accept(t, q, message("acct", "a@x"), "body")
		<-begun
		// All the while another account has a message every half second.
		busy := make(chan bool)
		var other sync.WaitGroup
		other.Go(func() {
			for {
				select {
				case <-busy:
					return
				case <-time.After(500 * time.Millisecond):
					accept(t, q, message("other", "b@x"), "body")
				}
			}
		})
		defer other.Wait()
		defer close(busy)
		for n := range 3 {
			r := until(t, q, id, "the next wait", func(r *Record) bool { return r.State == Queued && r.LastAttempt == n+1 })
			if late := (<-begun).Sub(r.Next); late < 0 || late > 2*time.Second {
				t.Errorf("retry %d was %v late", n+1, late)
			}
		}
	})
}

func TestPausedAccountGoesOnWhenResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, sqliteOptions(t))
		begun := make(chan time.Time, 1)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			begun <- time.Now()
			return allAccepted(ctx, d)
		})
		ctx := context.Background()
		if err := q.Pause(ctx, "acct", Pause{Cause: "sign-in", Reason: "sign in again"}); err != nil {
			t.Fatal(err)
		}
		accept(t, q, message("acct", "a@x"), "body")
		time.Sleep(10 * time.Minute)
		if len(begun) > 0 {
			t.Error("a paused account's message was taken up")
		}
		resumed := time.Now()
		if err := q.Resume(ctx, "acct"); err != nil {
			t.Fatal(err)
		}
		if wait := (<-begun).Sub(resumed); wait > 2*time.Second {
			t.Errorf("it went on after %v", wait)
		}
	})
}

func TestListenerOfADamagedFileThatWasClosedEnds(t *testing.T) {
	db, err := openPlain(filepath.Join(t.TempDir(), "queue.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := newLiteListener(db)
	if err := l.Connect(ctx); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a closed database: %v", err)
	}
	cancel()
	if err := l.Connect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("River would go on for ever after %v", err)
	}
}
