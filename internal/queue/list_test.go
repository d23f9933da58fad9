package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func TestListFinds(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		ctx := context.Background()
		var ids []string
		for i := range 25 {
			m := message([]string{"red", "blue"}[i%2], fmt.Sprintf("User%d@Example.net", i))
			m.From = fmt.Sprintf("sender%d@example.com", i%5)
			m.Subject = fmt.Sprintf(`Report 100%% of_part\%d`, i)
			m.MessageID = fmt.Sprintf("<%d@example.com>", i)
			ids = append(ids, accept(t, q, m, "body"))
		}
		if err := q.Hold(ctx, ids[3]); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			filter Filter
			want   int
		}{
			{"everything", Filter{}, 25},
			{"an account", Filter{Account: "red"}, 13},
			{"a state", Filter{State: Held}, 1},
			{"a recipient in other case", Filter{Address: "user7@example.NET"}, 1},
			{"a sender", Filter{Address: "sender2@example.com"}, 5},
			{"no part of an address", Filter{Address: "user"}, 0},
			{"a part of the subject in other case", Filter{Subject: "report 100% OF"}, 25},
			{"wildcards only as themselves", Filter{Subject: `of_part\24`}, 1},
			{"no wildcard", Filter{Subject: "Rep%"}, 0},
			{"a Message-ID", Filter{ID: "<9@example.com>"}, 1},
			{"the queue's ID", Filter{ID: ids[0]}, 1},
			{"all conditions together", Filter{Account: "blue", State: Held, ID: ids[3]}, 1},
			{"nothing by a broken text", Filter{Address: "\xff\x00"}, 0},
		} {
			got, err := q.List(ctx, c.filter)
			if err != nil || len(got) != c.want {
				t.Errorf("%s: %d found, want %d (%v)", c.name, len(got), c.want, err)
			}
		}
		seen, before := map[string]bool{}, ""
		for pages := 0; ; pages++ {
			page, err := q.List(ctx, Filter{Before: before, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				if pages != 3 || len(seen) != 25 {
					t.Errorf("%d pages showed %d messages", pages, len(seen))
				}
				break
			}
			for _, s := range page {
				seen[s.ID] = true
			}
			before = page[len(page)-1].ID
		}
	})
}

func TestChangesByHand(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		ctx := context.Background()
		release := make(chan struct{})
		answers := make(chan Result)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			<-release
			return answer(d, <-answers)
		})
		busy := Result{Reply: "451 4.7.0 busy"}
		id := accept(t, q, message("acct", "a@x"), "body")
		untilState(t, q, id, Sending)
		for name, change := range map[string]func(context.Context, string) error{"retry": q.Retry, "hold": q.Hold, "release": q.Release, "remove": q.Remove} {
			if err := change(ctx, id); !errors.Is(err, ErrState) {
				t.Errorf("%s while it is being sent: %v", name, err)
			}
			if err := change(ctx, "nosuch"); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s of no message: %v", name, err)
			}
		}
		close(release)
		answers <- busy
		untilState(t, q, id, Queued)
		if err := q.Hold(ctx, id); err != nil {
			t.Fatal(err)
		}
		if n, err := q.Flush(ctx, ""); n != 0 || err != nil {
			t.Errorf("flush took %d held messages, %v", n, err)
		}
		if err := q.Release(ctx, id); err != nil {
			t.Fatal(err)
		}
		answers <- busy
		until(t, q, id, "the second failure", func(r *Record) bool { return r.State == Queued && r.Recipients[0].Tries == 2 })
		if n, err := q.Flush(ctx, "acct"); n != 1 || err != nil {
			t.Errorf("flush took %d messages, %v", n, err)
		}
		answers <- busy
		until(t, q, id, "the third failure", func(r *Record) bool { return r.State == Queued && r.Recipients[0].Tries == 3 })
		if err := q.Remove(ctx, id); err != nil {
			t.Fatal(err)
		}
		r := untilState(t, q, id, Removed)
		if len(r.Attempts) != 3 || r.Finished.IsZero() {
			t.Errorf("the record of the removed message is %+v", r)
		}
		if _, err := q.Body(ctx, id); !errors.Is(err, ErrBodyGone) {
			t.Errorf("its body: %v", err)
		}
		if err := q.Release(ctx, id); !errors.Is(err, ErrState) {
			t.Errorf("release of a removed message: %v", err)
		}
		log, err := q.Log(ctx, Attempt{}, 2)
		if err != nil || len(log) != 2 || log[1].N != 2 {
			t.Fatalf("the log's first page: %+v, %v", log, err)
		}
		log, err = q.Log(ctx, log[1], 2)
		if err != nil || len(log) != 1 || log[0].N != 3 || log[0].Reply != busy.Reply {
			t.Errorf("the log's second page: %+v, %v", log, err)
		}
	})
}

func TestOldRecordsAndBodiesAreCleared(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		now := time.Now()
		shift := make(chan time.Duration, 1)
		shift <- 0
		o.Now = func() time.Time { s := <-shift; shift <- s; return now.Add(s) }
		o.KeepBodies = 24 * time.Hour
		q := open(t, o)
		ctx := context.Background()
		start(t, q, allAccepted)
		id := accept(t, q, message("acct", "a@x"), "body")
		untilState(t, q, id, Delivered)
		step := func(s time.Duration) {
			<-shift
			shift <- s
			if err := q.clear(ctx); err != nil {
				t.Fatal(err)
			}
		}
		step(23 * time.Hour)
		if b, err := q.Body(ctx, id); err != nil {
			t.Errorf("after 23 hours: %v", err)
		} else {
			b.Close()
		}
		step(25 * time.Hour)
		if _, err := q.Body(ctx, id); !errors.Is(err, ErrBodyGone) {
			t.Errorf("after 25 hours: %v", err)
		}
		step(29 * 24 * time.Hour)
		get(t, q, id)
		step(31 * 24 * time.Hour)
		if _, err := q.Get(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("after 31 days: %v", err)
		}
		var left int
		err := q.engine.view().row(ctx, `SELECT (SELECT count(*) FROM mail_address) + (SELECT count(*) FROM mail_attempt)
			+ (SELECT count(*) FROM mail_recipient) + (SELECT count(*) FROM mail_chunk)`).Scan(&left)
		if err != nil || left != 0 {
			t.Errorf("%d rows are left of it, %v", left, err)
		}
	})
}

func FuzzSubjectIsFoundByItsParts(f *testing.F) {
	f.Add("Invoice 100%", 2, 8)
	f.Add("a_b\\c'\"\x00\xff", 0, 5)
	f.Add("Ärger", 0, 1)
	f.Add("Die ÄNDERUNG", 4, 12)
	q, err := Open(context.Background(), Options{Path: filepath.Join(f.TempDir(), "queue.db"), poll: time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { q.Shutdown(context.Background()) })
	f.Fuzz(func(t *testing.T, subject string, from, to int) {
		m := message("acct", "a@x")
		m.Subject = subject
		id := accept(t, q, m, "body")
		stored := get(t, q, id).Subject
		if stored != clean(subject) || clean(stored) != stored {
			t.Fatalf("%q is stored as %q", subject, stored)
		}
		runes := []rune(stored)
		if from < 0 || to > len(runes) || from >= to {
			return
		}
		part := string(runes[from:to])
		for _, f := range []Filter{{Subject: part, ID: id}, {Text: part, ID: id}} {
			list, err := q.List(context.Background(), f)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != 1 {
				t.Errorf("%q is not found by %+v", stored, f)
			}
		}
	})
}
