package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
)

// A run is the checks of one account under way, with what they found out for
// one another. Each field has the name of the check that sets it.
type run struct {
	Setup
	options Options

	steps []step
	// pause waits, and returns false when ctx ends first.
	pause func(ctx context.Context, d time.Duration) bool
	done  map[string]Result
	// since is when each check failed first, and tried when it was done last.
	since, tried map[string]time.Time
	// retries is how often each check that failed was done again.
	retries map[string]int
	end     time.Time // of the waiting
	// again is true while a check is done once more, because it failed: what
	// was fetched for it before, such as a token, is not good enough.
	again bool

	given account.Account // as Setup has it; the run's own may say more

	outside         // what the checks of name resolution, ports, TLS and authority found
	inside          // what the checks of tokens, identity and permissions found
	tenantID string // authority: the Directory (tenant) ID, "" is not known
}

func newRun(s Setup, o Options) *run {
	r := &run{Setup: s, given: s.Account, options: o, steps: steps, pause: sleep, done: map[string]Result{}, since: map[string]time.Time{}, tried: map[string]time.Time{}, retries: map[string]int{}}
	if s.Pause != nil {
		r.pause = s.Pause
	}
	return r
}

// Run does all checks in order and returns their results. report, unless it is
// nil, is called with each as it comes, and again with each that is tried once
// more. Run ends early, with what it has, when ctx ends; a check that ctx's end
// broke off has no result.
func Run(ctx context.Context, s Setup, o Options, report func(Result)) []Result {
	return newRun(s, o).all(ctx, report)
}

// all is Run.
func (r *run) all(ctx context.Context, report func(Result)) []Result {
	if report == nil {
		report = func(Result) {}
	}
	end := r.Now().Add(r.options.Wait)
	r.end = end
	for {
		r.pass(ctx, end, report)
		failed := r.firstToAwait()
		if failed == "" || ctx.Err() != nil || !r.Now().Before(end) {
			return r.results()
		}
		if r.await(ctx, failed, end, report) {
			r.doubt(failed)
		}
	}
}

// pass does every check that has not succeeded and may be done (again), but not
// what failed after end already.
func (r *run) pass(ctx context.Context, end time.Time, report func(Result)) {
	for _, s := range r.steps {
		before, was := r.done[s.id]
		if was && (!before.stops() || before.Status == Fail && !(r.mayTryAgain(before) && r.tried[s.id].Before(end) && r.mayNow(s.id))) {
			continue
		}
		result, ok := r.check(ctx, s)
		if !ok {
			return
		}
		if !was || result != before || result.Status == Fail {
			report(result)
		}
	}
}

// check does one check, unless it depends on another one that failed, and keeps
// its result. ok is false when ctx ended meanwhile.
func (r *run) check(ctx context.Context, s step) (result Result, ok bool) {
	if failed := s.stoppedBy(r.done); failed != "" {
		result = Result{Status: Skip, Summary: fmt.Sprintf("not looked at, because it depends on %s", failed), stoppedBy: failed}
	} else {
		r.again = r.done[s.id].Status == Fail
		if r.again {
			r.retries[s.id]++
		}
		r.with("", 0)
		result = s.do(r, ctx)
	}
	if ctx.Err() != nil {
		return result, false
	}
	result.ID = s.id
	r.done[s.id], r.tried[s.id] = result, r.Now()
	switch _, failing := r.since[s.id]; {
	case result.Status != Fail:
		delete(r.since, s.id)
		delete(r.retries, s.id)
	case !failing:
		r.since[s.id] = r.Now()
	}
	return result, true
}

// firstToAwait returns the first check that failed and may pass when it is
// tried again, "" if there is none.
func (r *run) firstToAwait() string {
	for _, s := range r.steps {
		if result, was := r.done[s.id]; was && result.Status == Fail && r.mayTryAgain(result) {
			return s.id
		}
	}
	return ""
}

// reload takes the account as it is now. When its settings are others, what was
// found before is of another account, and is looked at again: reload returns
// true.
func (r *run) reload(ctx context.Context) bool {
	if r.Again == nil {
		return false
	}
	s := r.Again(ctx)
	same := s.Account.Equal(r.given)
	r.Setup, r.given = s, s.Account
	r.knowsApp, r.session = false, sessionTry{}
	if same {
		r.takeObjectID(r.smtpClaims)
		return false
	}
	clear(r.done)
	r.delivery, r.renewed = delivery{}, false
	return true
}

// mayTryAgain reports whether a failed check may be done once more. Settings
// are only looked at again where somebody may change them. A refused password is
// never sent again, because each try counts against a lockout. Test emails are
// only repeated where time alone may help, and as seldom as that takes.
func (r *run) mayTryAgain(failed Result) bool {
	switch {
	case sends(failed.ID):
		return (failed.temporary || slices.Contains(spreading, failed.Finding)) && !r.nextTry(failed.ID).After(r.end)
	case failed.ID == Configuration:
		return r.Again != nil
	case r.Account.SignIn != account.PasswordSignIn || failed.Reply == "":
		return true
	case failed.ID == SMTPAuth || failed.ID == Accepted:
		// Here the server says that a switch is off, not that the password is wrong.
		return strings.HasPrefix(failed.Finding, "smtp-auth-off-")
	}
	return true
}

// doubt forgets the warnings of the checks that lead to one which has passed
// only now: what mended it may have ended them. They are looked at again.
func (r *run) doubt(passed string) {
	for _, id := range r.leadingTo(passed) {
		if r.done[id].Status == Warn {
			delete(r.done, id)
		}
	}
}

// stepOf returns a check by its name.
func (r *run) stepOf(id string) step {
	return r.steps[slices.IndexFunc(r.steps, func(s step) bool { return s.id == id })]
}

// leadingTo lists the checks that id depends on, however many are in between.
func (r *run) leadingTo(id string) []string {
	var all []string
	for _, need := range r.stepOf(id).needs {
		all = append(append(all, need), r.leadingTo(need)...)
	}
	return all
}

// results are those there are, in order.
func (r *run) results() []Result {
	var all []Result
	for _, s := range r.steps {
		if result, is := r.done[s.id]; is {
			all = append(all, result)
		}
	}
	return all
}
