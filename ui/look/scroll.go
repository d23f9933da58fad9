//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// A Scroll is a part of a page that follows the focus.
type Scroll struct{ *container.Scroll }

// Scrolled makes such a part; what build makes is in it.
func (k *Kit) Scrolled(build func() fyne.CanvasObject) *Scroll {
	s := &Scroll{container.NewVScroll(nil)}
	k.Within(s, func() { s.Content = build() })
	return s
}

// Within runs what makes widgets of a part of the page; nil is none.
func (k *Kit) Within(s *Scroll, build func()) {
	outer := k.inside
	k.inside = s
	build()
	k.inside = outer
}

// follower returns what keeps an object that is being made in sight while it
// has the focus, and notes that it had it.
func (k *Kit) follower(o fyne.CanvasObject) func() {
	s := k.inside
	return func() {
		k.at = o
		if s != nil {
			s.KeepInSight(o, 0)
		}
	}
}

// KeepInSight scrolls as little as needed for an object, and what follows below
// it, to be seen, or where there is no room for all, for its beginning.
func (s *Scroll) KeepInSight(o fyne.CanvasObject, below float32) {
	s.Arrange()
	place := fyne.CurrentApp().Driver().AbsolutePositionForObject
	const margin = 3 // of the ring, and none of what is above
	top := place(o).Y - place(s.Content).Y
	bottom := top + o.Size().Height + below + margin
	y := max(s.Offset.Y, bottom-s.Size().Height)
	s.ScrollToOffset(fyne.NewPos(0, max(0, min(y, top-margin))))
}

// Arrange puts everything in its place now, where the toolkit would with the
// next frame: what was shown or hidden has moved the rest. How high a text is
// follows from its width, which takes a turn for each box that it is in.
func (s *Scroll) Arrange() {
	for range 3 {
		s.Content.Resize(s.Size().Max(fyne.NewSize(0, s.Content.MinSize().Height)))
		arrange(s.Content)
	}
	s.ScrollToOffset(s.Offset) // no further down than there is something
}

func arrange(o fyne.CanvasObject) {
	if card, is := o.(*Card); is {
		arrange(card.content)
		return
	}
	c, is := o.(*fyne.Container)
	if !is {
		return
	}
	if c.Layout != nil {
		c.Layout.Layout(c.Objects, c.Size())
	}
	for _, child := range c.Objects {
		arrange(child)
	}
}
