//go:build !darwin || cgo

package ui

import (
	"testing"
	"testing/synctest"
	"time"

	"traymail/ui/desk"
)

// TestTheLoopOfAHiddenWindowIsHeldUntilTheWindowIsShown counts how often a loop
// turns that, as the toolkit's, has nothing to do but what comes to it and sixty
// looks at the screen a second.
func TestTheLoopOfAHiddenWindowIsHeldUntilTheWindowIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := make(chan func(), 100)
		f := &frame{desk: desk.New(func(f func()) { queue <- f }), window: &window{pages: map[desk.Page]page{"": &sheet{}}}}
		turns := func() (n int) {
			tick := time.NewTicker(time.Second / 60)
			defer tick.Stop()
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); n++ {
				select {
				case g := <-queue:
					g()
				case <-tick.C:
				}
			}
			return n
		}
		if n := turns(); n < 590 {
			t.Fatalf("it turns %d times while the window is seen", n)
		}
		f.rest()
		f.rest() // once more is not twice
		if n := turns(); n > 150 {
			t.Errorf("hidden it turns %d times in ten seconds", n)
		}
		done := false
		at := time.Now()
		f.desk.Post(func() { done = true })
		for !done {
			(<-queue)()
		}
		if late := time.Since(at); late > 2*hold {
			t.Errorf("what is asked for waits %v", late)
		}
		f.wake()
		turns()
		if n := turns(); n < 590 {
			t.Errorf("it turns %d times after the window was shown again", n)
		}
		f.rest()
		f.desk.Close() // does not wait for the loop, which has ended
	})
}

func TestAHiddenStartWaitsForAPanelThatStartsLater(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(*frame)
		shown     bool
	}{
		"one that comes":            {meanwhile: func(f *frame) { f.closing.tray = true }},
		"none":                      {meanwhile: func(*frame) {}, shown: true},
		"a person who wants to see": {meanwhile: func(f *frame) { f.wake() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				queue := make(chan func(), 100)
				f := &frame{desk: desk.New(func(f func()) { queue <- f }), window: &window{pages: map[desk.Page]page{"": &sheet{}}}, closing: &closing{}}
				defer f.desk.Close()
				shown := false
				f.awaitTray(func() { shown = true; f.wake() })
				late := time.After(2 * panelPatience)
				time.AfterFunc(panelPatience/2, func() { f.desk.Post(func() { c.meanwhile(f) }) })
				for over := false; !over; {
					select {
					case g := <-queue:
						g()
						if shown && !c.shown {
							t.Fatal("the window came up")
						}
					case <-late:
						over = true
					}
				}
				if shown != c.shown {
					t.Errorf("the window came up: %v", shown)
				}
			})
		})
	}
}
