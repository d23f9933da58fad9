package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// fillDisk lets the queue's file grow no more than by some pages, for which
// SQLite has the error of a full disk, until the function returned is called.
func fillDisk(t *testing.T, q *Queue, pages int) (free func()) {
	t.Helper()
	db := lite(q).writer
	var have int
	if err := db.QueryRow(`PRAGMA page_count`).Scan(&have); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		if _, err := db.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(have + pages)
	return func() { limit(1_000_000) }
}

// stored counts the rows of all that a message has.
func stored(t *testing.T, q *Queue) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, table := range []string{"mail_message", "mail_recipient", "mail_address", "mail_chunk", "mail_upload", "mail_account", "mail_tally", "river_job"} {
		rows[table] = q.rowsOf(t, table)
	}
	return rows
}

func TestFullDiskIsAFullQueue(t *testing.T) {
	const part = partSize / 4096
	for name, c := range map[string]struct {
		pages int // that are left
		size  int64
	}{
		"for a short message":                {0, partSize - 1},
		"at the first part of a long body":   {part / 2, 4*partSize - 1},
		"at the second part":                 {part + part/2, 4*partSize - 1},
		"in the transaction that accepts it": {3*part + part/2, 4*partSize - 1},
	} {
		t.Run(name, func(t *testing.T) {
			q := open(t, sqliteOptions(t))
			ctx := context.Background()
			first := accept(t, q, message("acct", "a@x"), "body")
			before := stored(t, q)
			free := fillDisk(t, q, c.pages)
			if _, err := q.Accept(ctx, message("other", "b@x"), endless(c.size)); !errors.Is(err, ErrFull) {
				t.Errorf("%v", err)
			}
			if after := stored(t, q); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("there is %v, and was %v", after, before)
			}
			if b, err := readBody(ctx, &Delivery{ID: first, queue: q}); b != "body" || err != nil {
				t.Errorf("the message from before is %q, %v", b, err)
			}
			free()
			if _, err := q.Accept(ctx, message("other", "b@x"), endless(c.size)); err != nil {
				t.Errorf("with space again: %v", err)
			}
		})
	}
}

func TestRecordOfADeliveryWaitsForSpaceOnTheDisk(t *testing.T) {
	o := sqliteOptions(t)
	lost := make(chan bool, 100)
	o.Log = slog.New(watchLog{slog.DiscardHandler, func(r slog.Record) {
		if r.Message == "an attempt is not recorded" {
			lost <- true
		}
	}})
	q := open(t, o)
	full := make(chan func(), 1)
	sent := 0
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		sent++
		full <- fillDisk(t, q, 0)
		return answer(d, Result{Verdict: Accepted, Reply: "250 " + strings.Repeat("long ", partSize)})
	})
	id := accept(t, q, message("acct", "a@x"), "body")
	free := <-full
	<-lost
	free()
	r := untilState(t, q, id, Delivered)
	if sent != 1 || len(r.Attempts) != 1 || r.Attempts[0].Resend {
		t.Errorf("it was sent %d times in %d attempts", sent, len(r.Attempts))
	}
}

// watchLog is a log that somebody reads.
type watchLog struct {
	slog.Handler
	read func(slog.Record)
}

func (w watchLog) Enabled(context.Context, slog.Level) bool { return true }
func (w watchLog) Handle(_ context.Context, r slog.Record) error {
	w.read(r)
	return nil
}
