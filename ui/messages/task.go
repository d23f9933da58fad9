package messages

import (
	"context"
	"time"

	"traymail/ui/desk"
)

// A task is work of which there is one at a time: beginning it anew, or
// stopping it, gives up what is under way, and nothing follows from that any
// more. It belongs to the window's goroutine.
type task struct {
	n      int
	cancel context.CancelFunc
}

func (t *task) busy() bool { return t.cancel != nil }

func (t *task) stop() {
	if t.cancel != nil {
		t.cancel()
	}
	t.n++
	t.cancel = nil
}

// start runs work, and then what it returns, which may be nil, on the window's
// goroutine.
func (t *task) start(d *desk.Desk, work func(ctx context.Context) (then func())) {
	t.stop()
	n := t.n
	t.cancel = d.Start(func(ctx context.Context) func() {
		then := work(ctx)
		return func() {
			if t.n != n {
				return
			}
			t.cancel = nil
			if then != nil {
				then()
			}
		}
	})
}

// wait waits and reports whether the time passed before the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
