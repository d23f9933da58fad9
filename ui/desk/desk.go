// Package desk is what the presenters of the window's pages stand on: the
// goroutine of the window, to which all their state belongs, and the goroutines
// of what blocks.
//
// A presenter's methods run on the window's goroutine and return at once. What
// blocks is begun with Start, and what follows from it comes back to the
// window's goroutine through the dispatcher that the desk is given.
package desk

import (
	"context"
	"sync"
	"time"
)

// A Desk belongs to one window. Its methods are safe for concurrent use.
type Desk struct {
	do     func(func())
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	ending sync.Mutex // nothing is dispatched once End has returned
}

// New returns a desk. do runs a function on the window's goroutine, later, and
// does not block; it is called from any goroutine.
func New(do func(func())) *Desk {
	d := &Desk{do: do}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Start runs work on a goroutine of its own, and then what it returns, unless
// that is nil, on the window's goroutine. The context ends with cancel, which
// gives the work up without waiting for it, and with the desk. When the work
// has been given up, then still runs, so that the page can say so; once the
// desk has ended it does not.
func (d *Desk) Start(work func(ctx context.Context) (then func())) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(d.ctx)
	d.ending.Lock()
	defer d.ending.Unlock()
	if d.ctx.Err() != nil {
		return cancel
	}
	d.work.Go(func() {
		defer cancel()
		if then := work(ctx); then != nil {
			d.Post(then)
		}
	})
	return cancel
}

// Every runs f on the window's goroutine once each period, first after one,
// until stop is called or the desk ends.
func (d *Desk) Every(period time.Duration, f func()) (stop context.CancelFunc) {
	return d.Start(func(ctx context.Context) func() {
		t := time.NewTicker(period)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-t.C:
				d.Post(func() {
					if ctx.Err() == nil {
						f()
					}
				})
			}
		}
	})
}

// Post runs f on the window's goroutine, later, unless the desk has ended by
// then.
func (d *Desk) Post(f func()) {
	d.ending.Lock()
	defer d.ending.Unlock()
	if d.ctx.Err() != nil {
		return
	}
	d.do(func() {
		if d.ctx.Err() == nil {
			f()
		}
	})
}

// End gives up what is under way, without waiting for it. Once it has returned
// nothing is dispatched: the window's loop may stop.
func (d *Desk) End() {
	d.ending.Lock()
	defer d.ending.Unlock()
	d.cancel()
}

// Close ends the desk and waits for what was under way.
func (d *Desk) Close() {
	d.End()
	d.work.Wait()
}
