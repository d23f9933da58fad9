package queue

import (
	"slices"
	"testing"
	"time"
)

func TestFollowerOfTheLogMissesNoAttempt(t *testing.T) {
	for name, step := range map[string]time.Duration{"of the same millisecond": 0, "after the clock was set back": -time.Minute} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			o := sqliteOptions(t)
			o.Now = func() time.Time { return now }
			o.Pace = func(string) Pace { return Pace{AtOnce: 100} }
			q := open(t, o)
			var ids []string
			for range 5 {
				ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
			}
			slices.Sort(ids)
			var flying []*Delivery
			for _, id := range ids {
				d, _, err := q.begin(t.Context(), ownJob(t, q, id), id)
				if d == nil {
					t.Fatal(err)
				}
				flying = append(flying, d)
			}
			var place Attempt
			for _, d := range slices.Backward(flying) {
				q.record(d, Outcome{Results: []Result{{Verdict: Accepted}}}, true)
				list, err := q.Log(t.Context(), place, 0)
				if err != nil || len(list) != 1 || list[0].ID != d.ID {
					t.Fatalf("behind the last place are %d attempts, %v", len(list), err)
				}
				place = list[0]
				now = now.Add(step)
			}
		})
	}
}
