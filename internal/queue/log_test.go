package queue

import (
	"context"
	"slices"
	"testing"
	"time"

	"traymail/internal/postgrestest"
)

func TestFollowerOfTheLogMissesNoAttempt(t *testing.T) {
	for name, step := range map[string]time.Duration{"of the same millisecond": 0, "after the clock was set back": -time.Minute} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			o := sqliteOptions(t)
			o.Now = func() time.Time { return now }
			o.Pace = func(string) Pace { return Pace{AtOnce: 100} }
			q := open(t, o)
			var ids []string
			for range 5 {
				ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
			}
			slices.Sort(ids)
			var flying []*Delivery
			for _, id := range ids {
				d, _, err := q.begin(t.Context(), ownJob(t, q, id), id)
				if d == nil {
					t.Fatal(err)
				}
				flying = append(flying, d)
			}
			var place Attempt
			for _, d := range slices.Backward(flying) {
				q.record(d, Outcome{Results: []Result{{Verdict: Accepted}}}, true)
				list, err := q.Log(t.Context(), place, 0)
				if err != nil || len(list) != 1 || list[0].ID != d.ID {
					t.Fatalf("behind the last place are %d attempts, %v", len(list), err)
				}
				place = list[0]
				now = now.Add(step)
			}
		})
	}
}

// begunBy has a machine begin an attempt at a message of its own.
func begunBy(t *testing.T, q *Queue) *Delivery {
	t.Helper()
	id := accept(t, q, message("acct", "a@x"), "body")
	d, _, err := q.begin(t.Context(), ownJob(t, q, id), id)
	if d == nil {
		t.Fatal(err)
	}
	return d
}

func followed(t *testing.T, q *Queue, place *Attempt) (ids []string) {
	t.Helper()
	list, err := q.Log(t.Context(), *place, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		*place = a
		ids = append(ids, a.ID)
	}
	return ids
}

func TestFollowerOfTheLogMissesNoAttemptOfAnotherMachine(t *testing.T) {
	dsn := postgrestest.Start(t)
	taken := Outcome{Results: []Result{{Verdict: Accepted}}}
	quick := open(t, Options{PostgreSQL: dsn})
	slow := open(t, Options{PostgreSQL: dsn, Now: func() time.Time { return time.Now().Add(-time.Minute) }})
	var place Attempt
	t.Run("with a slow clock", func(t *testing.T) {
		for _, q := range []*Queue{quick, slow, quick, slow} {
			d := begunBy(t, q)
			q.record(d, taken, true)
			if ids := followed(t, quick, &place); !slices.Equal(ids, []string{d.ID}) {
				t.Errorf("behind the last place are %q and not %s", ids, d.ID)
			}
		}
	})
	t.Run("whose commit takes long", func(t *testing.T) {
		late, early := begunBy(t, quick), begunBy(t, slow)
		recorded := make(chan bool)
		err := quick.engine.update(t.Context(), func(ctx context.Context, tx tx) error {
			err := late.noteEnd(ctx, tx, &taken, quick.options.settle(late, taken, true, time.Now()), time.Now())
			if err != nil {
				return err
			}
			go func() {
				slow.record(early, taken, true)
				close(recorded)
			}()
			if err := untilOneWaits(ctx, slow); err != nil {
				return err
			}
			if ids := followed(t, quick, &place); len(ids) > 0 {
				t.Errorf("%q are there already", ids)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		<-recorded
		if ids := followed(t, quick, &place); !slices.Equal(ids, []string{late.ID, early.ID}) {
			t.Errorf("%q came, and not %s and %s", ids, late.ID, early.ID)
		}
	})
}
