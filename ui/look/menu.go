//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// An Item is one line of a menu.
type Item struct {
	Text string
	Do   func()
}

// Menu opens a menu below an object. Up, Down and Enter choose, Escape closes
// it; the focus stays where it was.
func Menu(c fyne.Canvas, below fyne.CanvasObject, items []Item) {
	m := fyne.NewMenu("")
	for _, i := range items {
		m.Items = append(m.Items, fyne.NewMenuItem(i.Text, i.Do))
	}
	widget.ShowPopUpMenuAtRelativePosition(m, c, fyne.NewPos(0, below.Size().Height+4), below)
}
