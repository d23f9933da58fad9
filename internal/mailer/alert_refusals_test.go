package mailer

import (
	"slices"
	"testing"
	"time"

	"traymail/internal/queue"
)

// outcome has n recipients of which some were refused.
func outcome(n, refused int) queue.Outcome {
	var o queue.Outcome
	for i := range n {
		r := queue.Result{Verdict: queue.Accepted}
		if i < refused {
			r.Verdict = queue.Refused
		}
		o.Results = append(o.Results, r)
	}
	return o
}

func TestRefusalsRiseAndFallWithoutFlapping(t *testing.T) {
	// Each hour has recipients and refusals; want is the answer at its end.
	type hour struct {
		n, refused int
		want       bool
	}
	repeat := func(h hour, n int) []hour { return slices.Repeat([]hour{h}, n) }
	for name, hours := range map[string][]hour{
		"nothing happens":                             repeat(hour{}, 30),
		"a few of few are no reason":                  {{4, 4, false}},
		"many of very many are none":                  {{500, 100, false}},
		"five of ten are":                             {{10, 0, false}, {10, 5, true}},
		"and over when the next hour is quiet":        {{10, 5, true}, {10, 1, false}},
		"or when there is nothing to send":            {{10, 5, true}, {0, 0, false}},
		"or when few are left of many":                {{10, 5, true}, {100, 9, false}},
		"they stay while some are refused":            {{10, 5, true}, {10, 4, true}, {10, 2, true}, {10, 1, false}, {10, 2, false}},
		"what is so every hour does not rise":         append(append(repeat(hour{20, 3, false}, 24), hour{20, 5, false}), hour{20, 6, false}),
		"more than twice the day before does":         append(repeat(hour{20, 3, false}, 24), hour{20, 7, true}),
		"after a day on a high level it is the level": append([]hour{{20, 10, true}}, append(repeat(hour{20, 10, true}, 25), hour{0, 0, false}, hour{20, 10, false})...),
	} {
		t.Run(name, func(t *testing.T) {
			var r refusalCounts
			now := midday("2027-01-01")
			for i, h := range hours {
				for n := range h.n {
					refused := 0
					if n < h.refused {
						refused = 1
					}
					r.add("main", outcome(1, refused), now)
				}
				now = now.Add(50 * time.Minute)
				r.judge("main", now)
				if got := r.of("main", now); (got != nil) != h.want || h.want && got.refused != h.refused {
					t.Errorf("hour %d: %+v, want %v", i, got, h.want)
				}
				now = now.Add(10 * time.Minute)
			}
			if n := len(r.counts["main"]); n > int(refusalDay/refusalSlot)+1 {
				t.Errorf("%d slots are kept", n)
			}
		})
	}
}

func TestRefusalsOfOneAccountAreNotAnothers(t *testing.T) {
	var r refusalCounts
	now := midday("2027-01-01")
	r.add("main", outcome(10, 10), now)
	r.add("main", queue.Outcome{Results: []queue.Result{{Verdict: queue.Retry}}}, now)
	r.add("second", outcome(10, 0), now)
	for _, name := range []string{"main", "second", "third"} {
		r.judge(name, now)
	}
	if r.of("main", now) == nil || r.of("main", now).all != 10 || r.of("second", now) != nil || r.of("third", now) != nil {
		t.Error("the wrong ones rise")
	}
}
