//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"

	"traymail/ui/desk"
)

// A Frame is what a page's widgets need of the window around them. Its functions
// are called on the window's goroutine and return at once.
type Frame struct {
	Window fyne.Window
	Copy   func(text string)       // to the clipboard
	Follow func(address string)    // opens it in the person's browser
	Open   func(place desk.Place)  // shows another page, or this one at another place
	Notify func(title, say string) // the desktop's notification
}

// Kit returns a kit for a page. escape is called for Escape.
func (f Frame) Kit(escape func()) *Kit { return NewKit(f.Window.Canvas(), f.Copy, escape) }
