//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// A scroll is a part of the page that follows the focus.
type scroll struct{ *container.Scroll }

// scrolled makes such a part; what build makes is in it.
func (v *page) scrolled(build func() fyne.CanvasObject) *scroll {
	s := &scroll{container.NewVScroll(nil)}
	v.within(s, func() { s.Content = build() })
	return s
}

// within runs what makes widgets of a part of the page; nil is none.
func (v *page) within(s *scroll, build func()) {
	outer := v.inside
	v.inside = s
	build()
	v.inside = outer
}

// follower returns what keeps an object that is being made in sight while it
// has the focus.
func (v *page) follower(o fyne.CanvasObject) func() {
	s := v.inside
	return func() {
		if s != nil {
			s.keepInSight(o, 0)
		}
	}
}

// keepInSight scrolls as little as needed for an object, and what follows below
// it, to be seen, or where there is no room for all, for its beginning.
func (s *scroll) keepInSight(o fyne.CanvasObject, below float32) {
	s.arrange()
	place := fyne.CurrentApp().Driver().AbsolutePositionForObject
	const margin = 4 // of the ring
	top := place(o).Y - place(s.Content).Y
	bottom := top + o.Size().Height + below + margin
	y := max(s.Offset.Y, bottom-s.Size().Height)
	s.ScrollToOffset(fyne.NewPos(0, max(0, min(y, top-margin))))
}

// arrange puts everything in its place now, where the toolkit would with the
// next frame: what was shown or hidden has moved the rest. How high a text is
// follows from its width, which takes a turn for each box that it is in.
func (s *scroll) arrange() {
	for range 3 {
		s.Content.Resize(s.Size().Max(fyne.NewSize(0, s.Content.MinSize().Height)))
		arrange(s.Content)
	}
	s.ScrollToOffset(s.Offset) // no further down than there is something
}

func arrange(o fyne.CanvasObject) {
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
