package queue

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"
)

func TestNoticeThatCannotBeWrittenDoesNotKeepTheRecordFromBeing(t *testing.T) {
	for name, body := range map[string]func() io.Reader{
		"a panic":                func() io.Reader { panic("broken") },
		"a panic of the body":    func() io.Reader { return panicking{} },
		"a body that is lost":    func() io.Reader { return failing{ErrBodyGone} },
		"a body that ends early": func() io.Reader { return io.MultiReader(endless(partSize), failing{errors.New("broken")}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			o := sqliteOptions(t)
			o.Now = func() time.Time { return now }
			o.Log = slog.New(slog.DiscardHandler) // has the stack
			o.Bounce = func(context.Context, Notice) (Message, io.Reader, bool) {
				return message("acct", "sender@x"), body(), true
			}
			q := open(t, o)
			id := accept(t, q, message("acct", "a@x"), "body")
			now = now.Add(5 * time.Hour)
			if err := q.tellLate(t.Context()); err != nil {
				t.Error(err)
			}
			if s := try(t, q, id, Outcome{Results: []Result{{Verdict: Refused}}}); s != Failed {
				t.Errorf("it is %s", s)
			}
			if rows := stored(t, q); rows["mail_message"] != 1 || rows["mail_chunk"] != 0 || rows["mail_upload"] != 0 {
				t.Errorf("the tables have %v", rows)
			}
			if left := q.quota.reserved; left != (amount{}) {
				t.Errorf("%d octets of %d messages stay reserved", left.bytes, left.messages)
			}
		})
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("broken") }

// longBounces returns options whose bounces are staged in parts.
func longBounces(t *testing.T) Options {
	o := sqliteOptions(t)
	o.Bounce = func(_ context.Context, n Notice) (Message, io.Reader, bool) {
		m := message("acct", n.Delivery.From)
		m.From, m.Subject = "", "Undelivered"
		return m, endless(partSize + 1), true
	}
	return o
}

func theBounce(t *testing.T, q *Queue) {
	t.Helper()
	list, err := q.List(t.Context(), Filter{Subject: "Undelivered"})
	if err != nil || len(list) != 1 || list[0].Size != partSize+1 {
		t.Errorf("the bounces are %+v, %v", list, err)
	}
}

func TestLongBounceWaitsForSpaceOnTheDisk(t *testing.T) {
	o := longBounces(t)
	full := make(chan bool, 1)
	var once sync.Once
	o.Log = slog.New(watchLog{slog.DiscardHandler, func(r slog.Record) {
		if r.Level >= slog.LevelError {
			once.Do(func() { full <- true })
		}
	}})
	q := open(t, o)
	id := accept(t, q, message("acct", "a@x"), "body")
	d, _, err := q.begin(t.Context(), ownJob(t, q, id), id)
	if d == nil {
		t.Fatal(err)
	}
	free := fillDisk(t, q, 20) // enough for the record
	var recording sync.WaitGroup
	recording.Go(func() { q.record(d, Outcome{Results: []Result{{Verdict: Refused}}}, true) })
	<-full
	free()
	recording.Wait()
	if r := get(t, q, id); r.State != Failed {
		t.Errorf("it is %s", r.State)
	}
	theBounce(t, q)
}

func TestBounceThatWasSweptIsWrittenAnew(t *testing.T) {
	o := longBounces(t)
	var q *Queue
	var once sync.Once
	o.Log = slog.New(slog.DiscardHandler)
	o.Fault = func(point string) {
		if point != "part" {
			return
		}
		once.Do(func() { // as an heir does, that thinks this machine dead
			err := q.engine.update(t.Context(), func(ctx context.Context, t tx) error {
				_, err := t.exec(ctx, `DELETE FROM mail_upload`)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	q = open(t, o)
	id := accept(t, q, message("acct", "a@x"), "body")
	if s := try(t, q, id, Outcome{Results: []Result{{Verdict: Refused}}}); s != Failed {
		t.Errorf("it is %s", s)
	}
	theBounce(t, q)
}
