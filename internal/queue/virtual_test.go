package queue

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// virtual returns options for a queue in a synctest bubble, where River looks
// around only twice a minute, so that a day passes in seconds.
func virtual(t *testing.T) Options {
	o := sqliteOptions(t)
	o.poll = 30 * time.Second
	return o
}

func TestDayOfRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := virtual(t)
		o.Expire = 20 * time.Hour
		told := map[NoticeKind]time.Time{}
		o.Bounce = func(_ context.Context, n Notice) (Message, io.Reader, bool) {
			told[n.Kind] = time.Now()
			if len(n.Recipients) != 1 || !strings.Contains(n.Recipients[0].Reply, "451 4.7.0 busy") {
				t.Errorf("the notice says %+v", n.Recipients)
			}
			return Message{}, nil, false
		}
		q := open(t, o)
		begin := time.Now()
		var at []time.Duration
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			at = append(at, time.Since(begin))
			time.Sleep(time.Duration(len(at)) * time.Second)
			r := Result{Reply: "451 4.7.0 busy"}
			if len(at) == 8 {
				r.After = 3 * time.Hour
			}
			return answer(d, r)
		})
		id := accept(t, q, message("acct", "a@x"), "body")
		time.Sleep(24 * time.Hour)
		r := get(t, q, id)
		if r.State != Failed || r.Recipients[0].Reply != "not delivered within 20 hours; last: 451 4.7.0 busy" {
			t.Errorf("after a day the message is %s: %s", r.State, r.Recipients[0].Reply)
		}
		for i, a := range r.Attempts {
			if took := time.Duration(i+1) * time.Second; a.Elapsed != took || a.Finished.Sub(a.Started) != took {
				t.Errorf("attempt %d took %v, and from %v to %v", i+1, a.Elapsed, a.Started, a.Finished)
			}
		}
		want := []time.Duration{0, 1, 2, 5, 15, 30, 60, 60, 180, 60}
		for i, wait := range want {
			wait *= time.Minute
			got := at[i]
			if i > 0 {
				got -= at[i-1]
			}
			early, late := wait-wait/10, wait+wait/10+90*time.Second
			if i == 8 {
				early = wait // the server's wish is no suggestion
			}
			if got < early || got > late {
				t.Errorf("attempt %d came after %v, want %v", i+1, got, wait)
			}
		}
		if last := at[len(at)-1]; last < 18*time.Hour || last > 21*time.Hour+6*time.Minute {
			t.Errorf("the last attempt was at %v", last)
		}
		for what, when := range map[NoticeKind]time.Duration{NoticeDelayed: 4 * time.Hour, NoticeFailed: 20 * time.Hour} {
			if got := told[what].Sub(begin); got < when || got > when+70*time.Minute {
				t.Errorf("the %s notice came at %v", what, got)
			}
		}
	})
}

func TestDayOfPacing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := virtual(t)
		o.Pace = func(string) Pace {
			return Pace{PerMinute: 30, AtOnce: 3, RecipientsPerDay: 600, RecipientsPerMessage: 4}
		}
		q := open(t, o)
		type sent struct {
			at         time.Time
			recipients int
		}
		var mu sync.Mutex
		var log []sent
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, sent{time.Now(), len(d.Recipients)})
			return allAccepted(ctx, d)
		})
		begin := time.Now()
		var ids []string
		ids = append(ids, accept(t, q, message("acct", "1@x", "2@x", "3@x", "4@x", "5@x", "6@x", "7@x", "8@x", "9@x", "10@x"), "body"))
		for range 790 {
			ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
		}
		time.Sleep(23 * time.Hour)
		if n := len(log); n < 590 {
			t.Errorf("%d attempts on the first day", n)
		}
		accounts, err := q.Accounts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if a := accounts[0]; a.Cause != PauseQuota || a.Reason != "600 recipients in 24 hours are reached" || a.Until.Sub(begin) < 24*time.Hour {
			t.Errorf("the account is %+v", a)
		}
		time.Sleep(3 * time.Hour)
		for _, id := range ids {
			r := get(t, q, id)
			if r.State != Delivered || r.Recipients[0].Tries != 0 {
				t.Fatalf("%s is %s after %d tries", id, r.State, r.Recipients[0].Tries)
			}
		}
		for i := range log {
			if log[i].recipients > 4 {
				t.Errorf("%d recipients at once", log[i].recipients)
			}
			if i >= 30 && log[i].at.Sub(log[i-30].at) < time.Minute {
				t.Fatalf("31 messages within %v", log[i].at.Sub(log[i-30].at))
			}
			day := 0
			for _, s := range slices.Backward(log[:i+1]) {
				if log[i].at.Sub(s.at) < 24*time.Hour {
					day += s.recipients
				}
			}
			if day > 600 {
				t.Fatalf("%d recipients in a day", day)
			}
		}
	})
}
