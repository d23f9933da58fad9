package checks

import (
	"context"
	"time"
)

// await tries one failed check again and again, and reports whether it passed
// before end, or the account has other settings now, so that all checks are to be
// done. Each try is reported, with how long the check has been failing; the last
// one without.
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
		if sends(id) {
			pause = max(r.nextTry(id).Sub(now), 0)
			w.Note = "each try sends a test email: the first after a minute, then one in 5 minutes"
		}
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

// Between two test emails there is more: they are real messages to somebody,
// and count against the limits that a refusal may come from.
const (
	firstMessage = time.Minute
	nextMessages = 5 * time.Minute
)

// sends reports whether a check sends the test email.
func sends(id string) bool { return id == SendAs || id == TestEmail }

// spreading are the findings of a test email that pass by themselves once what
// mends them has reached all of the provider's servers.
var spreading = []string{
	"send-as-denied", "send-as-missing", "send-on-behalf-missing",
	"graph-access-policy", "graph-permission-missing", "graph-app-permission-missing",
	"app-not-admitted", "identity-refused", "smtp-auth-off-tenant", "smtp-auth-off-mailbox", "mailbox-not-in-cloud", "no-licence",
}

// nextTry is when a check that sends and failed may be done again.
func (r *run) nextTry(id string) time.Time {
	if r.retries[id] == 0 {
		return r.tried[id].Add(firstMessage)
	}
	return r.tried[id].Add(nextMessages)
}

// mayNow reports whether a failed check need not rest now.
func (r *run) mayNow(id string) bool { return !sends(id) || !r.Now().Before(r.nextTry(id)) }

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
