package queue

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTrafficCountsEachStep(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		begin := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
		now := make(chan time.Time, 1)
		now <- begin
		o.Now = func() time.Time { n := <-now; now <- n; return n }
		at := func(d time.Duration) { <-now; now <- begin.Add(d) }
		q := open(t, o)
		var delivered, refused, removed []string
		for i, d := range []time.Duration{0, 1, 59_999, 60_000, 180_000} {
			at(d * time.Millisecond)
			delivered = append(delivered, accept(t, q, message("well", "a@x"), "body"))
			if i < 2 {
				refused = append(refused, accept(t, q, message("refused", "b@x"), "body"))
			}
		}
		removed = append(removed, accept(t, q, message("held", "c@x"), "body"))
		at(4 * time.Minute)
		if err := q.Remove(t.Context(), removed[0]); err != nil {
			t.Fatal(err)
		}
		at(5*time.Minute - time.Millisecond)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			if d.Account == "refused" {
				return answer(d, Result{Verdict: Refused, Reply: "550 5.1.1 no such user"})
			}
			return allAccepted(ctx, d)
		})
		for _, id := range delivered {
			untilState(t, q, id, Delivered)
		}
		for _, id := range refused {
			untilState(t, q, id, Failed)
		}
		volumes := func(since, step time.Duration) (list []Volume) {
			t.Helper()
			list, err := q.Traffic(t.Context(), begin.Add(since), step)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		is := func(what string, got []Volume, want ...Volume) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +counted)\n%s", what, diff)
			}
		}
		minute := func(n, accepted, delivered, refused int) Volume {
			return Volume{begin.Add(time.Duration(n) * time.Minute), accepted, delivered, refused}
		}
		is("each minute, the last not over", volumes(0, time.Minute),
			minute(0, 5, 0, 0), minute(1, 1, 0, 0), minute(2, 0, 0, 0), minute(3, 2, 0, 0), minute(4, 0, 5, 2))
		is("a part", volumes(time.Minute, 3*time.Minute), minute(1, 3, 0, 0), minute(4, 0, 5, 2))
		is("one step", volumes(0, time.Hour), minute(0, 8, 5, 2))
		is("this millisecond alone", volumes(5*time.Minute-time.Millisecond, time.Hour), Volume{begin.Add(5*time.Minute - time.Millisecond), 0, 5, 2})
		at(5 * time.Minute)
		accept(t, q, message("held", "d@x"), "body")
		// Whether it is delivered by then is not this test's.
		if last := volumes(4*time.Minute, time.Minute); len(last) != 1 || last[0].Accepted != 1 {
			t.Errorf("a step that ends now, in which one was accepted now, is %v", last)
		}
		at(30 * 24 * time.Hour)
		if days := volumes(0, 24*time.Hour); len(days) != 30 || days[0].Accepted != 9 || !days[29].Start.Equal(begin.AddDate(0, 0, 29)) {
			t.Errorf("the days are %v", days)
		}
		at(1000 * time.Minute)
		if list := volumes(0, time.Minute); len(list) != 1000 {
			t.Errorf("1,000 steps are %d", len(list))
		}
		for name, c := range map[string]struct {
			since, step time.Duration
			says        string
		}{
			"too many":  {-1, time.Minute, "1001 steps"},
			"no length": {0, 0, "too short"},
			"too short": {0, time.Microsecond, "too short"},
			"backwards": {0, -time.Minute, "too short"},
			"to come":   {1000*time.Minute + time.Millisecond, time.Minute, "not come yet"},
		} {
			if _, err := q.Traffic(t.Context(), begin.Add(c.since), c.step); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
