package queue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
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
		for _, broken := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
			for _, n := range []int64{0, 1, partSize, 2*partSize - 1, 2 * partSize, 2*partSize + 1} {
				body := io.MultiReader(endless(n), failing{broken})
				if _, err := q.Accept(ctx, message("acct", "a@x"), body); !errors.Is(err, broken) {
					t.Errorf("a body broken after %d octets: %v", n, err)
				}
			}
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

// heapPeak samples the heap until stop, which returns by how much it ever grew.
// Garbage is collected early meanwhile: what counts is what is held, and not how
// much garbage the collector allows itself on a busy machine.
func heapPeak() (stop func() int64) {
	usual := debug.SetGCPercent(20)
	read := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before, end, peak := read(), make(chan struct{}), make(chan int64)
	go func() {
		most := before
		for {
			most = max(most, read())
			select {
			case <-end:
				peak <- max(most, read())
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(end)
		debug.SetGCPercent(usual)
		return <-peak - before
	}
}

func TestLargeBodyGrowsNoMemory(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		const size = 150 << 20
		want := sha256.New()
		stop := heapPeak()
		id, err := q.Accept(context.Background(), message("acct", "a@x"), io.TeeReader(endless(size), want))
		if err != nil {
			t.Fatal(err)
		}
		got := sha256.New()
		var octets int64
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			r, err := d.Open(ctx)
			if err == nil {
				octets, err = io.Copy(got, r)
			}
			if err != nil {
				return Outcome{Reply: err.Error()}
			}
			return allAccepted(ctx, d)
		})
		r := until(t, q, id, "the attempt", func(r *Record) bool { return r.LastAttempt == 1 && r.State != Sending })
		if grown := stop(); grown > 16<<20 {
			t.Errorf("the heap grew by %d MiB", grown>>20)
		} else {
			t.Logf("the heap grew by %d KiB", grown>>10)
		}
		if r.State != Delivered || r.Size != size || octets != size || !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
			t.Errorf("%s, %d of %d octets came: %s", r.State, octets, r.Size, r.Attempts[0].Reply)
		}
	})
}

func TestBodyOfAnyLengthIsStoredWhole(t *testing.T) {
	q := open(t, sqliteOptions(t))
	for _, n := range []int64{0, 1, chunkSize, partSize - 1, partSize, partSize + 1, 2 * partSize, 3*partSize - 1} {
		want, err := io.ReadAll(endless(n))
		if err != nil {
			t.Fatal(err)
		}
		// A network gives it in pieces.
		id, err := q.Accept(t.Context(), message("acct", "a@x"), iotest.HalfReader(bytes.NewReader(want)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := q.Body(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d octets %d came back, %v", n, len(got), err)
		}
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

func TestAnAttemptWhoseAnswerWasLostCountsForTheDay(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		o.Pace = func(string) Pace { return Pace{AtOnce: 1, RecipientsPerDay: 4} }
		o.Schedule = []time.Duration{10 * time.Millisecond}
		q := open(t, o)
		var taken, refused atomic.Int32
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			if d.Subject == "Refused" {
				refused.Add(1)
				return answer(d, Result{Verdict: Refused, Reply: "550 5.1.1 no"})
			}
			if taken.Add(1) == 1 { // the server has it, and its answer did not come
				return Outcome{Reply: "no answer came", Unknown: true}
			}
			return allAccepted(ctx, d)
		})
		twice := accept(t, q, message("acct", "a@x"), "body")
		untilState(t, q, twice, Delivered)
		no := message("acct", "b@x")
		no.From, no.Subject = "", "Refused" // nobody is told
		untilState(t, q, accept(t, q, no, "body"), Failed)
		for range 2 {
			untilState(t, q, accept(t, q, message("acct", "c@x"), "body"), Delivered)
		}
		over := accept(t, q, message("acct", "d@x"), "body")
		untilAccount(t, q, "acct", "the day's limit is reached", func(a Account) bool { return a.Cause == PauseQuota })
		if r := get(t, q, over); r.State != Queued || taken.Load() != 4 || refused.Load() != 1 {
			t.Errorf("the message over the limit is %s, the server took %d, and refused %d", r.State, taken.Load(), refused.Load())
		}
	})
}
