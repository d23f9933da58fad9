package checks

import (
	"context"
	"time"
)

// await tries one failed check again and again, and reports whether it passed
// before end. Each try is reported, with how long it has been failing.
func (r *run) await(ctx context.Context, id string, end time.Time, report func(Result)) bool {
	var again step
	for _, s := range steps {
		if s.id == id {
			again = s
		}
	}
	w := Waiting{Since: r.Now()}
	for {
		w.Tries++
		pause := between(w.Tries)
		w.Next = r.Now().Add(pause)
		if w.Next.After(end) {
			return false
		}
		result := r.done[id]
		waiting := w
		result.Waiting = &waiting
		report(result)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		result = r.check(ctx, again)
		r.done[id] = result
		if !result.stops() {
			report(result)
			return true
		}
	}
}
