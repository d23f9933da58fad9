package queue

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// endless is a body of n octets that nobody holds in memory.
func endless(n int64) io.Reader { return io.LimitReader(letters{}, n) }

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte(i%26)
	}
	return len(p), nil
}

func TestFullQueueRefusesAndKeepsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		o.MaxBytes, o.MaxMessages = 3*partSize, 2
		q := open(t, o)
		ctx := context.Background()
		if _, err := q.Accept(ctx, message("acct", "a@x"), endless(3*partSize+1)); !errors.Is(err, ErrFull) {
			t.Errorf("a message over the limit: %v", err)
		}
		broken := errors.New("connection reset")
		body := io.MultiReader(endless(2*partSize), failing{broken})
		if _, err := q.Accept(ctx, message("acct", "a@x"), body); !errors.Is(err, broken) {
			t.Errorf("a broken body: %v", err)
		}
		var left int
		err := q.engine.view().row(ctx, `SELECT (SELECT count(*) FROM mail_chunk) + (SELECT count(*) FROM mail_upload) + (SELECT count(*) FROM mail_message)`).Scan(&left)
		if err != nil || left != 0 {
			t.Errorf("%d rows are left of refused messages, %v", left, err)
		}
		accept(t, q, message("acct", "a@x"), "one")
		id := accept(t, q, message("acct", "a@x"), "two")
		if _, err := q.Accept(ctx, message("acct", "a@x"), strings.NewReader("three")); !errors.Is(err, ErrFull) {
			t.Errorf("a third message: %v", err)
		}
		if err := q.Remove(ctx, id); err != nil {
			t.Fatal(err)
		}
		if err := q.quota.refresh(ctx, q.engine.view()); err != nil {
			t.Fatal(err)
		}
		accept(t, q, message("acct", "a@x"), "three")
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLargeBodyGrowsNoMemory(t *testing.T) {
	q := open(t, sqliteOptions(t))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const size = 24 << 20
	id, err := q.Accept(context.Background(), message("acct", "a@x"), endless(size))
	if err != nil {
		t.Fatal(err)
	}
	r, err := q.Body(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != size {
		t.Errorf("%d octets came back, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestSecondOwnerIsToldWhoHasTheQueue(t *testing.T) {
	o := sqliteOptions(t)
	q := open(t, o)
	_, err := Open(context.Background(), o)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "is in use by process ") {
		t.Errorf("%v", err)
	}
	accept(t, q, message("acct", "a@x"), "body")
}

func TestLaterSchemaIsRefused(t *testing.T) {
	o := sqliteOptions(t)
	q, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	err = q.engine.update(context.Background(), func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO mail_schema (version) VALUES (99)`)
		return err
	})
	if err := errors.Join(err, q.Shutdown(context.Background())); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), "update traymail") {
		t.Errorf("%v", err)
	}
}

func TestFullQueueStillTellsOfARefusal(t *testing.T) {
	o := sqliteOptions(t)
	o.MaxMessages = 1
	o.Bounce = func(_ context.Context, n Notice) (Message, io.Reader, bool) {
		m := message("acct", n.Delivery.From)
		m.From, m.Subject = "", "Undelivered"
		return m, strings.NewReader("sorry"), n.Delivery.From != ""
	}
	q := open(t, o)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		if d.From == "" {
			return allAccepted(ctx, d)
		}
		return answer(d, Result{Verdict: Refused, Reply: "550 5.1.1 no such user"})
	})
	untilState(t, q, accept(t, q, message("acct", "a@x"), "body"), Failed)
	list, err := q.List(context.Background(), Filter{Subject: "Undelivered"})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d bounces, %v", len(list), err)
	}
	untilState(t, q, list[0].ID, Delivered)
}
