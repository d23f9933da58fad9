//go:build !darwin || cgo

package ui

import (
	"context"
	"time"
)

// hold is how long the loop of a hidden window is held at a time: what is chosen
// in the tray, or brings the window up, waits that long at most.
const hold = 500 * time.Millisecond

// rest slows the toolkit's loop down until wake. It turns sixty times a second
// also while there is nothing to draw, which is over one percent of a processor
// for a window that nobody sees.
func (f *frame) rest() {
	if f.resting != nil {
		return
	}
	f.window.sleep()
	f.resting = f.desk.Start(func(ctx context.Context) func() {
		for ctx.Err() == nil {
			held := make(chan struct{})
			f.desk.Post(func() {
				defer close(held)
				t := time.NewTimer(hold)
				defer t.Stop()
				select {
				case <-t.C:
				case <-ctx.Done():
				}
			})
			select {
			case <-held:
			case <-ctx.Done():
			}
		}
		return nil
	})
}

// wake ends what rest began.
func (f *frame) wake() {
	if f.resting != nil {
		f.resting()
		f.resting = nil
		f.window.awake()
	}
}

// hide takes the window off the screen. It does not end the program.
func (f *frame) hide() {
	f.window.Hide()
	f.rest()
}

// appear shows the window, where it was hidden.
func (f *frame) appear() {
	f.wake()
	f.window.Show()
	f.fit()
}
