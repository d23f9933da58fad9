package checks

import (
	"context"
	"time"
)

// await tries one failed check again and again, and reports whether it passed
// before end, or the account has other settings now, so that all checks are to be
// done. Each try is reported, with how long the check has
// been failing; the last one without.
func (r *run) await(ctx context.Context, id string, end time.Time, report func(Result)) bool {
	w := Waiting{Since: r.since[id]}
	for {
		result := r.done[id]
		now := r.Now()
		if !now.Before(end) || !r.mayTryAgain(result) {
			report(result)
			return false
		}
		pause := min(between(w.Tries), end.Sub(now))
		w.Tries++
		w.Next = now.Add(pause)
		waiting := w
		result.Waiting = &waiting
		report(result)
		if !r.pause(ctx, pause) {
			return false
		}
		if r.reload(ctx) {
			return true
		}
		result, ok := r.check(ctx, r.stepOf(id))
		switch {
		case !ok:
			return false
		case !result.stops():
			report(result)
			return true
		}
	}
}

// between is the wait before the next try of a check that failed: short at
// first, then as long as what spreads through the provider's servers takes to be
// seen.
func between(tries int) time.Duration {
	return min(15*time.Second<<min(tries, 2), time.Minute)
}

// sleep waits, and returns false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
