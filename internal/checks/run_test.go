package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/account"
)

// A world is what checks of a test find: each names the time from which it
// passes, and what it says until then.
type world struct {
	t     *testing.T
	start time.Time
	steps []step
	// asked is how often each check was done.
	asked map[string]int
	seen  []string // what was reported
}

func newWorld(t *testing.T) *world {
	return &world{t: t, start: time.Now(), asked: map[string]int{}}
}

// add appends a check that gives outcome until after, and passes from then on.
func (w *world) add(id string, outcome Result, after time.Duration, needs ...string) {
	w.steps = append(w.steps, step{id, needs, func(r *run, _ context.Context) Result {
		w.asked[id]++
		if time.Since(w.start) >= after {
			return passed("%s is well", id)
		}
		return outcome
	}})
}

var (
	failure = Result{Status: Fail, Finding: "broken", Summary: "it is broken"}
	doubt   = Result{Status: Warn, Finding: "odd", Summary: "it is odd"}
)

const never = 1000 * time.Hour

func (w *world) run(ctx context.Context, wait time.Duration, change ...func(*run)) []Result {
	r := newRun(Setup{Now: time.Now}, Options{Wait: wait})
	r.steps = w.steps
	for _, c := range change {
		c(r)
	}
	return r.all(ctx, func(result Result) {
		what := fmt.Sprintf("%v %s %s", time.Since(w.start), result.ID, result.Status)
		if result.Waiting != nil {
			what += fmt.Sprintf(" try %d since %v next %v", result.Waiting.Tries, result.Waiting.Since.Sub(w.start), result.Waiting.Next.Sub(w.start))
		}
		w.seen = append(w.seen, what)
	})
}

func (w *world) want(results []Result, all ...string) {
	w.t.Helper()
	var is []string
	for _, r := range results {
		if r.Waiting != nil {
			w.t.Errorf("%s is still waited for", r.ID)
		}
		is = append(is, fmt.Sprintf("%s %s", r.ID, r.Status))
	}
	if !slices.Equal(is, all) {
		w.t.Errorf("%q, want %q", is, all)
	}
}

func TestAFailureStopsOnlyWhatDependsOnIt(t *testing.T) {
	w := newWorld(t)
	w.add("a", failure, 0)
	w.add("b", failure, never, "a")
	w.add("c", failure, 0, "b")
	w.add("d", failure, 0, "c")
	w.add("e", failure, 0, "a")
	w.add("f", doubt, never, "a")
	w.add("g", failure, 0, "f")
	results := w.run(t.Context(), 0)
	w.want(results, "a pass", "b fail", "c skip", "d skip", "e pass", "f warn", "g pass")
	for _, r := range results[2:4] {
		if r.Finding != "" || !strings.Contains(r.Summary, "depends on b") {
			t.Errorf("%s: %q %s", r.ID, r.Finding, r.Summary)
		}
	}
	if len(w.seen) != len(results) {
		t.Errorf("reported were %q", w.seen)
	}
}

func TestWaitingTriesTheFailedCheckAndThenGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("a", failure, 0)
		w.add("b", failure, time.Minute, "a")
		w.add("c", failure, 0, "b")
		w.want(w.run(t.Context(), time.Hour), "a pass", "b pass", "c pass")
		want := []string{
			"0s a pass", "0s b fail", "0s c skip",
			"0s b fail try 1 since 0s next 15s",
			"15s b fail try 2 since 0s next 45s",
			"45s b fail try 3 since 0s next 1m45s",
			"1m45s b pass", "1m45s c pass",
		}
		if !slices.Equal(w.seen, want) {
			t.Errorf("reported were\n%s\nwant\n%s", strings.Join(w.seen, "\n"), strings.Join(want, "\n"))
		}
		if w.asked["a"] != 1 {
			t.Errorf("what passed was asked %d times", w.asked["a"])
		}
	})
}

func TestWaitingEndsWithALastTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("a", failure, never)
		w.add("b", failure, time.Minute)
		w.want(w.run(t.Context(), 2*time.Minute), "a fail", "b pass")
		if took := time.Since(w.start); took != 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		// At 0, 15 s, 45 s, 1m45s and 2 minutes; and the other one as time is up.
		if w.asked["a"] != 5 || w.asked["b"] != 2 {
			t.Errorf("asked %v", w.asked)
		}
	})
}

func TestWaitingGoesOnToTheNextFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("a", failure, 10*time.Second)
		w.add("b", failure, 40*time.Second)
		w.add("c", failure, 5*time.Minute, "b")
		w.want(w.run(t.Context(), time.Hour), "a pass", "b pass", "c pass")
		if last := w.seen[len(w.seen)-1]; !strings.HasSuffix(last, "c pass") {
			t.Errorf("the last one reported is %s", last)
		}
		if !slices.ContainsFunc(w.seen, func(s string) bool { return strings.Contains(s, "b fail try 1 since 0s") }) {
			t.Errorf("since when b failed is not told: %q", w.seen)
		}
	})
}

func TestWarningsBeforeAFailureThatIsMendedAreLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("a", doubt, 10*time.Second)
		w.add("b", failure, 0, "a")
		w.add("other", doubt, 10*time.Second)
		w.add("c", failure, 10*time.Second, "b")
		w.want(w.run(t.Context(), time.Hour), "a pass", "b pass", "other warn", "c pass")
	})
}

func TestACheckKnowsThatItIsDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var again []bool
		w.steps = []step{
			{"a", nil, func(r *run, _ context.Context) Result {
				again = append(again, r.again)
				if len(again) == 3 {
					return passed("well")
				}
				return failure
			}},
			{"b", []string{"a"}, func(r *run, _ context.Context) Result {
				if r.again {
					t.Error("what is done for the first time seems done again")
				}
				return passed("well")
			}},
		}
		w.want(w.run(t.Context(), time.Hour), "a pass", "b pass")
		if !slices.Equal(again, []bool{false, true, true}) {
			t.Errorf("again was %v", again)
		}
	})
}

func TestWhatCannotChangeIsNotTriedAgain(t *testing.T) {
	password := func(r *run) { r.Account.SignIn = account.PasswordSignIn }
	refused := Result{Status: Fail, Finding: "password-refused", Summary: "refused", Reply: "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect."}
	off := Result{Status: Fail, Finding: "smtp-auth-off-mailbox", Summary: "off", Reply: "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."}
	network := Result{Status: Fail, Finding: "connection-reset", Summary: "broken off"}
	for name, c := range map[string]struct {
		id      string
		outcome Result
		change  func(*run)
		again   bool
	}{
		"settings":                   {Configuration, failure, password, false},
		"a refused password":         {SMTPAuth, refused, password, false},
		"a refused password, later":  {Accepted, refused, password, false},
		"a switch that is off":       {SMTPAuth, off, password, true},
		"a connection":               {SMTPAuth, network, password, true},
		"a refused token":            {SMTPAuth, refused, func(*run) {}, true},
		"another check's refusal":    {TestEmail, refused, password, false},
		"a refused password, a list": {Credential, network, password, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.add(c.id, c.outcome, never)
				w.add("other", failure, time.Minute)
				w.run(t.Context(), 10*time.Minute, c.change)
				if again := w.asked[c.id] > 1; again != c.again {
					t.Errorf("it was done %d times", w.asked[c.id])
				}
				if w.asked["other"] == 1 {
					t.Error("the other one was not tried again")
				}
			})
		})
	}
}

func TestTheEndOfTheContextEndsTheRun(t *testing.T) {
	t.Run("while a check is done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newWorld(t)
		w.add("a", failure, 0)
		w.steps = append(w.steps, step{"b", nil, func(*run, context.Context) Result { cancel(); return failure }})
		w.add("c", failure, 0)
		w.want(w.run(ctx, time.Hour), "a pass")
	})
	t.Run("while it waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w := newWorld(t)
			w.add("a", failure, never)
			w.want(w.run(ctx, time.Hour), "a fail")
			if took := time.Since(w.start); took != time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	})
}

func TestTheChecksNeedOnlyWhatComesBefore(t *testing.T) {
	var before []string
	for _, s := range steps {
		for _, need := range s.needs {
			if !slices.Contains(before, need) {
				t.Errorf("%s needs %s, which does not come before it", s.id, need)
			}
		}
		before = append(before, s.id)
	}
	if !slices.Equal(before, IDs()) || len(before) != 19 {
		t.Errorf("the checks are %q", before)
	}
}
