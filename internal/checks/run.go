package checks

import (
	"context"
	"fmt"
	"time"
)

// A run is the checks of one account under way, with what they found out for
// one another. Each field has the name of the check that sets it.
type run struct {
	Setup
	options Options

	done map[string]Result
	// again is true while a check is done once more, because it failed: what
	// was fetched for it before, such as a token, is not good enough.
	again bool

	tenantID string // authority: the Directory (tenant) ID, "" is not known
}

// Run does all checks in order and returns their results. report, unless it is
// nil, is called with each as it comes, and again with each that is tried once
// more. Run ends early, with what it has, when ctx ends.
func Run(ctx context.Context, s Setup, o Options, report func(Result)) []Result {
	if report == nil {
		report = func(Result) {}
	}
	r := &run{Setup: s, options: o, done: map[string]Result{}}
	start := s.Now()
	for {
		failed := r.pass(ctx, report)
		if failed == "" || o.Wait == 0 || !r.await(ctx, failed, start.Add(o.Wait), report) {
			return r.results()
		}
	}
}

// pass does every check that has not succeeded, and returns the first one that
// failed, or "".
func (r *run) pass(ctx context.Context, report func(Result)) (failed string) {
	for _, s := range steps {
		if before, was := r.done[s.id]; was && !before.stops() {
			continue
		}
		if ctx.Err() != nil {
			return ""
		}
		result := r.check(ctx, s)
		r.done[s.id] = result
		report(result)
		if result.Status == Fail && failed == "" {
			failed = s.id
		}
	}
	return failed
}

// check does one check, unless it depends on another one that failed.
func (r *run) check(ctx context.Context, s step) Result {
	if failed := s.stoppedBy(r.done); failed != "" {
		return Result{ID: s.id, Status: Skip, Finding: blocked, Summary: fmt.Sprintf("not looked at, because it depends on %s", failed)}
	}
	result := s.do(r, ctx)
	result.ID = s.id
	return result
}

// between is the wait between two tries of a check that failed: short at first,
// then as long as what spreads through the provider's servers takes to be seen.
// A refused password is never tried again, because each try counts against a
// lockout.
func between(tries int) time.Duration {
	return min(15*time.Second<<min(tries, 3), time.Minute)
}

// results are those there are, in order.
func (r *run) results() []Result {
	var all []Result
	for _, s := range steps {
		if result, is := r.done[s.id]; is {
			all = append(all, result)
		}
	}
	return all
}
