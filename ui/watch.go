package ui

import (
	"context"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

const (
	// silence is how long the program may say nothing before the window takes it
	// for frozen: it tells its status every ten seconds at the latest.
	silence = 25 * time.Second
	// again is how long the window waits before it asks a program once more that
	// has gone.
	again = 2 * time.Second
)

// A watcher keeps the window's status: what the program tells, and since when it
// tells nothing. It lives on the window's goroutine.
type watcher struct {
	desk   *desk.Desk
	status desk.Status
	show   func(desk.Status)
	now    func() time.Time
}

// watch begins to watch; show gets every new status on the window's goroutine.
func watch(d *desk.Desk, program mailer.Running, first desk.Status, show func(desk.Status)) *watcher {
	w := &watcher{desk: d, status: first, show: show, now: time.Now}
	w.status.At = w.now()
	d.Start(func(ctx context.Context) func() {
		for {
			err := program.Watch(ctx, func(s mailer.Status) error {
				d.Post(func() { w.told(s) })
				return ctx.Err()
			})
			if ctx.Err() != nil {
				return nil
			}
			d.Post(func() { w.lost(err) })
			pause := time.NewTimer(again)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return nil
			}
		}
	})
	d.Every(silence/5, w.listen)
	return w
}

func (w *watcher) told(s mailer.Status) {
	w.status.Status, w.status.Known, w.status.At = s, true, w.now()
	w.status.Silent, w.status.Trouble = time.Time{}, nil
	w.show(w.status)
}

// lost notes that the program has gone, with what it said, if it did.
func (w *watcher) lost(err error) {
	if w.status.Silent.IsZero() {
		w.status.Silent = w.now()
	}
	w.status.Trouble = err
	w.show(w.status)
}

// listen notices a program that is there and says nothing.
func (w *watcher) listen() {
	if w.status.Silent.IsZero() && w.now().Sub(w.status.At) >= silence {
		w.status.Silent = w.status.At
		w.show(w.status)
	}
}
