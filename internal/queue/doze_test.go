package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// dozing tells whether River rests.
func dozing(q *Queue) bool {
	e, err := q.engine.(*warden).current()
	return err == nil && !e.dozer.awake.Load()
}

func TestRiverRestsOnSQLiteWhileThereIsNoJobAndIsAwakeAgainInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := sqliteOptions(t)
		q := open(t, o)
		begun := make(chan time.Time, 1)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			begun <- time.Now()
			if d.Attempt == 1 {
				return answer(d, Result{Reply: "451 4.7.0 busy"})
			}
			return allAccepted(ctx, d)
		})
		for round := range 3 {
			time.Sleep(5 * time.Minute)
			if !dozing(q) {
				t.Fatalf("round %d: River is awake after five minutes without a job", round+1)
			}
			// The first attempt comes from the journal, the second from a job.
			id := accept(t, q, message("acct", "a@x"), "body")
			<-begun
			r := until(t, q, id, "a retry", func(r *Record) bool { return r.State == Queued && r.LastAttempt == 1 })
			if late := (<-begun).Sub(r.Next); late < 0 || late > 2*time.Second {
				t.Errorf("round %d: the retry was %v late", round+1, late)
			}
			if dozing(q) {
				t.Errorf("round %d: River rests while it has a job", round+1)
			}
			until(t, q, id, "the end", func(r *Record) bool { return r.State == Delivered })
		}
	})
}

func TestAPauseThatIsSetAndLiftedWhileRiverRestsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, sqliteOptions(t))
		begun := make(chan string, 10)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			begun <- d.Account
			return allAccepted(ctx, d)
		})
		ctx := context.Background()
		// River knows the queue of the account, and rests then.
		if err := q.Pause(ctx, "acct", Pause{Cause: "sign-in", Reason: "sign in again"}); err != nil {
			t.Fatal(err)
		}
		accept(t, q, message("acct", "a@x"), "body")
		time.Sleep(time.Minute)
		if err := q.Resume(ctx, "acct"); err != nil {
			t.Fatal(err)
		}
		<-begun
		time.Sleep(5 * time.Minute)
		if !dozing(q) {
			t.Fatal("River is awake after five minutes without a job")
		}
		if err := q.Pause(ctx, "acct", Pause{Cause: "sign-in", Reason: "sign in again"}); err != nil {
			t.Fatal(err)
		}
		accept(t, q, message("acct", "b@x"), "body")
		accept(t, q, message("other", "c@x"), "body")
		if got := <-begun; got != "other" {
			t.Fatalf("%s went first", got)
		}
		time.Sleep(10 * time.Minute)
		if len(begun) > 0 {
			t.Error("a message of the paused account was taken up")
		}
		resumed := time.Now()
		if err := q.Resume(ctx, "acct"); err != nil {
			t.Fatal(err)
		}
		if <-begun; time.Since(resumed) > 2*time.Second {
			t.Errorf("it went on after %v", time.Since(resumed))
		}
	})
}

func TestAJobThatComesAsRiverLiesDownIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, sqliteOptions(t))
		ctx := context.Background()
		// A message that is held has no job until it is released. The first wakes River.
		var held []string
		for range 2 {
			id := accept(t, q, message("acct", "a@x"), "body")
			if err := q.Hold(ctx, id); err != nil {
				t.Fatal(err)
			}
			held = append(held, id)
		}
		e, err := q.engine.(*warden).current()
		if err != nil {
			t.Fatal(err)
		}
		look := e.dozer.hasJobs
		var released time.Time
		e.dozer.hasJobs = func(ctx context.Context) (bool, error) {
			some, err := look(ctx)
			if err == nil && !some && e.dozer.awake.Load() && released.IsZero() {
				released = time.Now()
				err = q.Release(ctx, held[1]) // there was none; now there is
				// And the news of it is lost.
				for len(e.dozer.news) == 0 {
					time.Sleep(time.Millisecond)
				}
				<-e.dozer.news
			}
			return some, err
		}
		begun := make(chan time.Time, 1)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			begun <- time.Now()
			return allAccepted(ctx, d)
		})
		if err := q.Release(ctx, held[0]); err != nil {
			t.Fatal(err)
		}
		<-begun
		if wait := (<-begun).Sub(released); wait > 2*time.Second {
			t.Errorf("it waited %v", wait)
		}
	})
}

func TestAnAccountThatComesWhileRiverWaitsForAJobHoldsUpNobody(t *testing.T) {
	q := open(t, sqliteOptions(t))
	ctx := context.Background()
	id := accept(t, q, message("acct", "a@x"), "body")
	if err := q.Hold(ctx, id); err != nil {
		t.Fatal(err)
	}
	begun, end := make(chan bool), make(chan bool)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		begun <- true
		<-end
		return allAccepted(ctx, d)
	})
	if err := q.Release(ctx, id); err != nil {
		t.Fatal(err)
	}
	<-begun
	e, err := q.engine.(*warden).current()
	if err != nil {
		t.Fatal(err)
	}
	// River is stopped as it is when it took up a job at the moment it lies down.
	stopped := make(chan error)
	go func() { stopped <- e.dozer.river.client.Stop(ctx) }()
	time.Sleep(50 * time.Millisecond) // it waits for the job by now, or soon
	worked := make(chan error)
	go func() { worked <- q.workAccount("other") }()
	time.Sleep(50 * time.Millisecond) // it waits for River by now, or soon
	close(end)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-worked; err != nil {
		t.Error(err)
	}
	e.dozer.awake.Store(false)
	e.dozer.look()
}
