package queue

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/postgrestest"
)

func TestAttemptThatFoundNoSpaceForItsRecordIsRepeatedAfterACleanShutdown(t *testing.T) {
	o := sqliteOptions(t)
	lost := make(chan bool, 100)
	o.Log = slog.New(watchLog{slog.DiscardHandler, func(r slog.Record) {
		if r.Message == "an attempt is not recorded" {
			lost <- true
		}
	}})
	q := open(t, o)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		fillDisk(t, q, 0)
		return answer(d, Result{Verdict: Accepted, Reply: "250 " + strings.Repeat("long ", partSize)})
	})
	id := accept(t, q, message("acct", "a@x"), "body")
	<-lost
	q.Shutdown(context.Background()) // may well say that the disk is full
	q = open(t, o)
	start(t, q, allAccepted)
	if r := untilState(t, q, id, Delivered); len(r.Attempts) != 2 || !r.Attempts[1].Resend || r.Attempts[0].Outcome != "unknown" {
		t.Errorf("the attempts are %+v", r.Attempts)
	}
}

// runElsewhere has River count a message's job as taken by a machine.
func runElsewhere(t *testing.T, q *Queue, id, machine string) (job int64) {
	t.Helper()
	ctx := context.Background()
	job = ownJob(t, q, id)
	by := `jsonb('["' || $2 || '"]')`
	if q.options.PostgreSQL != "" {
		by = `ARRAY[$2]`
	}
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE river_job SET state = 'running', attempted_by = `+by+` WHERE id = $1`, job, machine)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func ownJob(t *testing.T, q *Queue, id string) (job int64) {
	t.Helper()
	if err := q.engine.view().row(context.Background(), `SELECT job FROM mail_message WHERE id = $1`, id).Scan(&job); err != nil {
		t.Fatal(err)
	}
	return job
}

func TestWhatAnEarlierProgramLeftWithoutSigningOffIsTakenOver(t *testing.T) {
	o := sqliteOptions(t)
	q := open(t, o)
	ctx := context.Background()
	id := accept(t, q, message("acct", "a@x"), "body")
	runElsewhere(t, q, id, "earlier")
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
		s := &staged{queue: &Queue{machine: "earlier"}, id: "part of a message"}
		return s.write(ctx, t, []byte("part"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	q = open(t, o)
	if rows := stored(t, q); rows["mail_upload"] != 0 || rows["mail_chunk"] != 1 {
		t.Errorf("the tables have %v", rows)
	}
	start(t, q, allAccepted)
	untilState(t, q, id, Delivered)
}

func TestMessageWhoseAlarmClockIsLostGetsANewOne(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		ctx := context.Background()
		lost := accept(t, q, message("acct", "a@x"), "body")
		runElsewhere(t, q, lost, q.machine)
		keep := map[string]int64{}
		hand := accept(t, q, message("acct", "a@x"), "body")
		keep[hand] = runElsewhere(t, q, hand, q.machine)
		q.hand[keep[hand]] = true
		orphan := accept(t, q, message("acct", "a@x"), "body")
		runElsewhere(t, q, orphan, "one that is no more")
		if !q.alone() {
			err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
				_, err := t.exec(ctx, `INSERT INTO mail_machine (id, beat) VALUES ('another', 1)`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			other := accept(t, q, message("acct", "a@x"), "body")
			keep[other] = runElsewhere(t, q, other, "another")
		}
		waiting := accept(t, q, message("acct", "a@x"), "body")
		keep[waiting] = ownJob(t, q, waiting)
		astray := map[string]string{ // what a disk has altered in the row of the job
			`UPDATE river_job SET kind = 'traymail-delivar' WHERE id = $1`:                                              "",
			`UPDATE river_job SET queue = 'account-0' WHERE id = $1`:                                                    "",
			`UPDATE river_job SET state = 'retryable', attempt = 1, scheduled_at = '2999-01-01 00:00:00' WHERE id = $1`: "",
		}
		for s := range astray {
			astray[s] = accept(t, q, message("acct", "a@x"), "body")
			job := ownJob(t, q, astray[s])
			err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
				_, err := t.exec(ctx, s, job)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		// The last, or SQLite would give its job's number to another.
		gone := accept(t, q, message("acct", "a@x"), "body")
		job := ownJob(t, q, gone)
		err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return t.deleteJob(ctx, job) })
		if err != nil {
			t.Fatal(err)
		}
		if err := q.rewakeLost(ctx, new(lookout)); err != nil {
			t.Fatal(err)
		}
		for id, job := range keep {
			if now := ownJob(t, q, id); now != job {
				t.Errorf("a message that had a job got another")
			}
		}
		start(t, q, allAccepted)
		for _, id := range slices.AppendSeq([]string{lost, orphan, gone, waiting}, maps.Values(astray)) {
			untilState(t, q, id, Delivered)
		}
	})
}

func TestMachineSignsOffWhenNothingIsLeftForAnHeir(t *testing.T) {
	dsn := postgrestest.Start(t)
	heir := open(t, Options{PostgreSQL: dsn})
	ctx := context.Background()
	for i, leave := range []func(t *testing.T, q *Queue){
		func(*testing.T, *Queue) {},
		func(t *testing.T, q *Queue) {
			id := accept(t, q, message("acct", "a@x"), "body")
			if d, _, err := q.begin(ctx, ownJob(t, q, id), id); d == nil || err != nil {
				t.Fatal(d, err)
			}
		},
		func(t *testing.T, q *Queue) {
			runElsewhere(t, q, accept(t, q, message("acct", "a@x"), "body"), q.machine)
		},
		func(t *testing.T, q *Queue) {
			err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
				return (&staged{queue: q, id: "part"}).write(ctx, t, []byte("part"))
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			q := open(t, Options{PostgreSQL: dsn})
			leave(t, q)
			if err := q.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			machines, err := column(ctx, heir.engine.view(), `SELECT id FROM mail_machine`)
			if err != nil {
				t.Fatal(err)
			}
			if left := slices.Contains(machines, q.machine); left != (i > 0) {
				t.Errorf("the machine's name is left: %v", left)
			}
		})
	}
}

// An heir and a machine that was only thought dead meet at an attempt.
func TestHeirAndALateRecordDoNotLockEachOtherOut(t *testing.T) {
	dsn := postgrestest.Start(t)
	slow, heir := open(t, Options{PostgreSQL: dsn}), open(t, Options{PostgreSQL: dsn})
	ctx := context.Background()
	id := accept(t, slow, message("acct", "a@x"), "body")
	d, _, err := slow.begin(ctx, ownJob(t, slow, id), id)
	if d == nil || err != nil {
		t.Fatal(d, err)
	}
	inherited := make(chan error, 1)
	err = slow.engine.update(ctx, func(ctx context.Context, t tx) error {
		// As conclude begins.
		if _, err := column(ctx, t, `SELECT id FROM mail_message WHERE id = $1 FOR UPDATE`, id); err != nil {
			return err
		}
		go func() {
			inherited <- heir.takeOver(context.Background(), func(machine string) bool { return machine == slow.machine })
		}()
		if err := untilOneWaits(ctx, heir); err != nil {
			return err
		}
		out := allAccepted(ctx, d)
		if err := d.noteEffect(ctx, t, &out, 0, slow.options.Now()); err != nil {
			return err
		}
		return d.noteEnd(ctx, t, &out, slow.options.settle(d, out, true, slow.options.Now()), slow.options.Now())
	})
	if err := <-inherited; err != nil {
		t.Errorf("the heir: %v", err)
	}
	if err != nil {
		t.Errorf("the record: %v", err)
	}
	if r := get(t, heir, id); r.Attempts[0].Outcome != "delivered" {
		t.Errorf("the attempt is recorded as %q", r.Attempts[0].Outcome)
	}
}

// untilOneWaits returns when a transaction waits for another's lock.
func untilOneWaits(ctx context.Context, q *Queue) error {
	for waits := 0; waits == 0; {
		err := q.engine.view().row(ctx, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`).Scan(&waits)
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAMachineThatIsCutOffAmidAWriteHoldsUpTheOthersForSecondsAlone(t *testing.T) {
	t.Parallel()
	o := Options{PostgreSQL: postgrestest.Start(t), lease: time.Minute}
	frozen, other := open(t, o), open(t, o)
	has, thaw := make(chan bool), make(chan bool)
	wrote := make(chan error, 1)
	go func() {
		wrote <- frozen.engine.update(t.Context(), func(ctx context.Context, t tx) error {
			if err := t.takeTurn(ctx); err != nil {
				return err
			}
			close(has)
			<-thaw
			return nil
		})
	}()
	<-has
	start(t, other, allAccepted)
	id := accept(t, other, message("acct", "a@x"), "body")
	until(t, other, id, "its end", func(r *Record) bool { return r.State == Delivered })
	close(thaw)
	if err := <-wrote; err == nil {
		t.Error("what it wrote counts, though the others went on")
	}
}
