package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A setClock is a clock that somebody sets. Like a computer's it has no reading
// beside its time.
type setClock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *setClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Round(0).Add(c.off)
}

func (c *setClock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += by
}

// A book is when messages were sent, in true time.
type book struct {
	mu   sync.Mutex
	sent map[string][]time.Time
}

func (b *book) note(id string) (times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent == nil {
		b.sent = map[string][]time.Time{}
	}
	b.sent[id] = append(b.sent[id], time.Now())
	return len(b.sent[id])
}

func (b *book) of() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, times := range b.sent {
		n += len(times)
	}
	return n
}

// most is how many were sent in any minute.
func (b *book) most() (most int) {
	var all []time.Time
	for _, times := range b.sent {
		all = append(all, times...)
	}
	slices.SortFunc(all, time.Time.Compare)
	for i, first := range all {
		n := 0
		for _, at := range all[i:] {
			if at.Sub(first) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestAClockThatIsSetHoldsUpNothingAndLetsNothingLoose sets it while messages wait
// for the pace, for the next attempt and for the end of a pause.
func TestAClockThatIsSetHoldsUpNothingAndLetsNothingLoose(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"back by a day":       -25 * time.Hour,
		"forward by an hour":  time.Hour,
		"forward by six days": 6 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const perMinute, messages = 20, 50
				var clock setClock
				var b book
				o := virtual(t)
				o.Now = clock.now
				o.Pace = func(string) Pace {
					return Pace{PerMinute: perMinute, AtOnce: 3, RecipientsPerDay: messages + 2, RecipientsPerMessage: 10}
				}
				q := open(t, o)
				retried := ""
				start(t, q, func(ctx context.Context, d *Delivery) Outcome {
					if b.note(d.ID) == 1 && d.ID == retried {
						return answer(d, Result{Reply: "451 4.7.0 busy"})
					}
					return allAccepted(ctx, d)
				})
				if err := q.Pause(t.Context(), "resting", Pause{Cause: "throttled", Reason: "a rest", Until: clock.now().Add(10 * time.Minute)}); err != nil {
					t.Fatal(err)
				}
				resting := accept(t, q, message("resting", "a@x"), "body")
				var ids []string
				for range messages {
					ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
				}
				retried = ids[0]
				time.Sleep(95 * time.Second)
				if n := b.of(); n < perMinute || n >= messages {
					t.Fatalf("%d were sent before", n)
				}
				clock.set(by)
				time.Sleep(5 * time.Second)
				after := accept(t, q, message("other", "a@x"), "body")
				time.Sleep(10 * time.Second)
				if len(b.sent[after]) != 1 {
					t.Error("a message that came after it was not sent at once")
				}
				time.Sleep(6 * time.Minute)
				for n, id := range ids {
					if r := get(t, q, id); r.State != Delivered || len(b.sent[id]) > 2 {
						t.Fatalf("message %d is %s, sent %d times; next %v", n, r.State, len(b.sent[id]), r.Next)
					}
				}
				// The minute of the former clock and the one of the new one.
				if n := b.most(); n > 2*perMinute+2 {
					t.Errorf("%d messages were sent in a minute", n)
				}
				time.Sleep(6 * time.Minute)
				if r := get(t, q, resting); r.State != Delivered {
					t.Errorf("the message of the account that was paused for 10 minutes is %s", r.State)
				}
				// The day's recipients are used up, by either clock.
				for range 5 {
					accept(t, q, message("acct", "a@x"), "body")
				}
				time.Sleep(2 * time.Minute)
				// Two more recipients of acct, beside the two other accounts' messages.
				if n := b.of(); by < 24*time.Hour && n > messages+2+2 {
					t.Errorf("%d were sent in a day", n)
				}
			})
		})
	}
}

// TestAClockThatWasAheadBeforeTheStartHoldsUpNothing is a machine whose battery was
// empty: the program before had another time, and died.
func TestAClockThatWasAheadBeforeTheStartHoldsUpNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock setClock
		clock.set(1000 * time.Hour)
		o := virtual(t)
		o.Now = clock.now
		q := open(t, o)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome { return answer(d, Result{Reply: "451 4.7.0 busy"}) })
		id := accept(t, q, message("acct", "a@x"), "body")
		time.Sleep(10 * time.Second)
		err := q.engine.update(t.Context(), func(ctx context.Context, t tx) error {
			_, err := t.exec(ctx, `UPDATE river_leader SET leader_id = 'one that is dead'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.set(-1000 * time.Hour)
		q = open(t, o)
		tries := 0
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			if tries++; tries == 1 { // so that River has to plan
				return answer(d, Result{Reply: "451 4.7.0 busy"})
			}
			return allAccepted(ctx, d)
		})
		time.Sleep(10 * time.Minute)
		if r := get(t, q, id); r.State != Delivered {
			t.Errorf("after 10 minutes the message is %s, next %v", r.State, r.Next)
		}
	})
}
