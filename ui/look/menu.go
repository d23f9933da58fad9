//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

// An Item is one line of a menu.
type Item struct {
	Text string
	Do   func()
}

// A menuItem is a button that also takes Up and Down.
type menuItem struct {
	Button
	move func(by int)
}

func (m *menuItem) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyUp:
		m.move(-1)
	case fyne.KeyDown:
		m.move(1)
	default:
		m.Button.TypedKey(k)
	}
}

// Menu opens a menu below an object, with the focus on its first line. Up, Down
// and Enter choose; Escape and a click elsewhere close it. The focus then returns
// where it was.
func Menu(c fyne.Canvas, below fyne.CanvasObject, items []Item) {
	was := c.Focused()
	var over *widget.PopUp
	end := func() {
		over.Hide()
		c.Focus(was)
	}
	lines := Rows(2)
	var all []*menuItem
	for i, item := range items {
		m := &menuItem{}
		m.ring = newRing()
		m.Text, m.Plain, m.Alignment, m.Importance = item.Text, true, widget.ButtonAlignLeading, widget.LowImportance
		m.OnTapped = func() {
			end()
			item.Do()
		}
		m.onEscape, m.onFocus = end, func() {}
		m.move = func(by int) { c.Focus(all[(i+by+len(all))%len(all)]) }
		m.ExtendBaseWidget(m)
		all = append(all, m)
		lines.Add(m)
	}
	// A card brings 16 below and at the right, for labels that bring 8.
	over = widget.NewPopUp(Surface(container.New(layout.NewCustomPaddedLayout(0, -8, 0, -8), lines)), c)
	c.Unfocus()
	over.ShowAtRelativePosition(fyne.NewPos(0, below.Size().Height+4), below)
	c.Focus(all[0])
}
