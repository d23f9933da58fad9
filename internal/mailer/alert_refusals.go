package mailer

import (
	"context"
	"sync"
	"time"

	"traymail/internal/queue"
	"traymail/internal/relay"
)

// Refusals rise when of the recipients of the last hour at least five, and more
// than a fifth, were refused, and that is more than twice the share of the day
// before. It is over when at most one was refused within an hour, or less than a
// tenth: that the end is not the beginning keeps it from coming and going. The
// counts are of this program since it started; that of its own notices is not
// asked for, so that no alert is about the mail of another.
const (
	refusedAtLeast = 5
	refusalSlot    = 5 * time.Minute
	refusalHour    = time.Hour
	refusalDay     = 25 * time.Hour // with the hour
)

// A tally counts recipients that were done with.
type tally struct{ refused, all int }

// above reports whether more than n/of were refused; of nobody, none was.
func (t tally) above(n, of int) bool { return t.refused*of > t.all*n }

// refusalCounts counts what was refused, by account and five minutes. Its zero value
// is ready, and safe for concurrent use.
type refusalCounts struct {
	mu     sync.Mutex
	counts map[string]map[int64]tally // by account and slot; of a day and an hour
	rising map[string]bool
}

func slotOf(t time.Time) int64 { return t.Unix() / int64(refusalSlot/time.Second) }

// deliverCounted is deliver, counting for the alerts.
func (e *engine) deliverCounted(ctx context.Context, d *queue.Delivery) queue.Outcome {
	o := e.deliver(ctx, d)
	if d.Client != relay.NoticeClient {
		e.alerts.refusals.add(d.Account, o, e.mailer.now())
	}
	return o
}

func (r *refusalCounts) add(account string, o queue.Outcome, now time.Time) {
	var t tally
	for _, result := range o.Results {
		switch result.Verdict {
		case queue.Refused:
			t.refused++
			t.all++
		case queue.Accepted:
			t.all++
		}
	}
	if t.all == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts, r.rising = map[string]map[int64]tally{}, map[string]bool{}
	}
	slots := r.counts[account]
	if slots == nil {
		slots = map[int64]tally{}
		r.counts[account] = slots
	}
	was, known := slots[slotOf(now)]
	slots[slotOf(now)] = tally{was.refused + t.refused, was.all + t.all}
	if known {
		return
	}
	for slot := range slots {
		if slot <= slotOf(now.Add(-refusalDay)) {
			delete(slots, slot)
		}
	}
}

// sums are the counts of the last hour, and of the day before it.
func (r *refusalCounts) sums(account string, now time.Time) (hour, day tally) {
	for slot, t := range r.counts[account] {
		switch {
		case slot <= slotOf(now.Add(-refusalDay)):
		case slot <= slotOf(now.Add(-refusalHour)):
			day.refused, day.all = day.refused+t.refused, day.all+t.all
		default:
			hour.refused, hour.all = hour.refused+t.refused, hour.all+t.all
		}
	}
	return hour, day
}

// judge decides anew whether an account's refusals rise.
func (r *refusalCounts) judge(account string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts[account] == nil {
		return
	}
	hour, day := r.sums(account, now)
	if r.rising[account] {
		r.rising[account] = hour.refused > 1 && hour.above(1, 10)
		return
	}
	// hour.refused/hour.all > 2*day.refused/day.all, where there was such a day.
	more := day.all == 0 || hour.refused*day.all > 2*day.refused*hour.all
	r.rising[account] = hour.refused >= refusedAtLeast && hour.above(1, 5) && more
}

// of returns the last hour's counts of an account whose refusals rise.
func (r *refusalCounts) of(account string, now time.Time) *tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.rising[account] {
		return nil
	}
	hour, _ := r.sums(account, now)
	return &hour
}
