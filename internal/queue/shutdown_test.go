package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestImpatientShutdownCountsNoAttempt(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q, err := Open(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		begun := make(chan struct{})
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			close(begun)
			<-ctx.Done()
			return Outcome{Reply: "cut short"}
		})
		id := accept(t, q, message("acct", "a@x"), "body")
		events, _ := q.Subscribe()
		<-begun
		now, cancel := context.WithCancel(context.Background())
		cancel()
		if err := q.Shutdown(now); err != nil {
			t.Error(err)
		}
		for range events { // closed by Shutdown
		}
		if err := q.Shutdown(context.Background()); err != nil {
			t.Errorf("a second shutdown: %v", err)
		}
		if _, err := q.Accept(context.Background(), message("acct", "a@x"), strings.NewReader("late")); err == nil {
			t.Error("a closed queue accepted a message")
		}
		q = open(t, o)
		r := get(t, q, id)
		if r.State != Queued || r.Recipients[0].Tries != 0 || r.Attempts[0].Reply != "cut short" {
			t.Errorf("after the shutdown: %+v", r)
		}
		start(t, q, allAccepted)
		if r := untilState(t, q, id, Delivered); r.Attempts[1].Resend {
			t.Error("an attempt that told its end is marked as a resend")
		}
	})
}

func TestFaultInDeliveryIsARetry(t *testing.T) {
	o := sqliteOptions(t)
	o.Log = slog.New(slog.DiscardHandler) // has the stack
	q := open(t, o)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome { panic("broken") })
	id := accept(t, q, message("acct", "a@x"), "body")
	r := until(t, q, id, "the retry", func(r *Record) bool { return r.State == Queued && r.LastAttempt == 1 })
	if r.Recipients[0].Tries != 1 || r.Attempts[0].Outcome != "retry" {
		t.Errorf("%+v", r)
	}
}

func TestPausedAccountsMailIsLateAndExpires(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		ctx := context.Background()
		now := time.Now()
		o.Now = func() time.Time { return now }
		var told []string
		o.Bounce = func(_ context.Context, n Notice) (Message, io.Reader, bool) {
			if n.Delivery.From == "" {
				return Message{}, nil, false
			}
			body, err := readBody(ctx, &n.Delivery)
			told = append(told, fmt.Sprintf("%s %s %s %v", n.Recipients[0].Address, n.Kind, body, err))
			m := message("other", n.Delivery.From)
			m.From = ""
			return m, strings.NewReader("notice"), true
		}
		q := open(t, o) // not started: nothing but the clock acts
		id := accept(t, q, message("sick", "a@x"), "body")
		held := accept(t, q, message("sick", "b@x"), "kept")
		if err := errors.Join(q.Pause(ctx, "sick", Pause{Reason: "sign in again"}), q.Hold(ctx, held)); err != nil {
			t.Fatal(err)
		}
		for _, step := range []time.Duration{3 * time.Hour, 90 * time.Minute, 4 * 24 * time.Hour, 24 * time.Hour} {
			now = now.Add(step)
			if err := errors.Join(q.tellLate(ctx), q.expire(ctx)); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"a@x delayed body <nil>", "a@x failed body <nil>"}
		if strings.Join(told, "\n") != strings.Join(want, "\n") {
			t.Errorf("the sender was told %q, want %q", told, want)
		}
		r := get(t, q, id)
		if r.State != Failed || r.Recipients[0].Reply != "not delivered within 5 days" {
			t.Errorf("%s: %+v", r.State, r.Recipients)
		}
		if r := get(t, q, held); r.State != Held {
			t.Errorf("the held message is %s", r.State)
		}
	})
}
