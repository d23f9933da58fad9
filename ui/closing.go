//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A closing decides what the window's own close button does: where a tray shows
// the program, the window goes there; where none does, closing ends the program,
// and asks first if mail would stop.
type closing struct {
	canvas fyne.Canvas
	hide   func()
	quit   func()
	notify func(title, say string)
	// first reports whether the window goes to the tray for the first time.
	first func() bool

	ends   bool // it always ends the program: nothing of it is to go on
	tray   bool // a tray shows the program now
	asking bool
}

// asked is what the close button does.
func (c *closing) asked(s desk.Status) {
	switch {
	case c.ends:
		c.quit()
	case c.tray:
		c.hide()
		if c.first() {
			c.notify(words.Say("common.in_tray"), words.Say("common.in_tray_then"))
		}
	case s.Service || !s.Running:
		c.quit()
	case !c.asking:
		c.asking = true
		waiting := 0
		for _, a := range s.Accounts {
			waiting += a.Waiting + a.Sending
		}
		look.Ask(c.canvas, look.Question{
			What: words.Say("common.stop_sending"), Then: words.Count("common.stop_sending_then", waiting),
			Do: words.Say("common.stop_and_close"), Keep: words.Say("common.keep_open"), Kept: func() { c.asking = false },
		}, func() {
			c.asking = false
			c.quit()
		})
	}
}
