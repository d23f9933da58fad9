package queue

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
)

func TestKilledAtRandomUnderLoad(t *testing.T) {
	o := sqliteOptions(t)
	path := filepath.Join(t.TempDir(), "ledger")
	accepted := map[string]bool{}
	points := []string{"begun", "delivered", "recorded", "accepted", "staged"}
	const kills = 50
	for range kills {
		task := childTask{Path: o.Path, Ledger: path, Deliver: true, Accept: 10, Fault: points[rand.IntN(len(points))], Nth: 1 + rand.Int64N(8)}
		for _, id := range killed(t, task) {
			accepted[id] = true
		}
	}
	o.Pace = func(string) Pace { return Pace{AtOnce: 3} }
	q := open(t, o)
	start(t, q, ledger(path))
	for id := range accepted {
		r := untilState(t, q, id, Delivered)
		marked := 0
		for _, a := range r.Attempts {
			if a.Resend {
				marked++
			}
		}
		if n := readLedger(t, path)[id]; n < 1 || n > 1+marked {
			t.Errorf("%s was sent %d times, with %d resends marked", id, n, marked)
		}
	}
}
