//go:build !darwin || cgo

package messages

import "fyne.io/fyne/v2"

// A besideLayout gives the second object, as long as it is visible, a share of
// the width, and at least what its texts need to be read; the first has the rest.
type besideLayout struct{ gap float32 }

const paneWidth = 420

func (l besideLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	right := float32(0)
	if o[1].Visible() {
		right = max(paneWidth, s.Width*0.4)
		o[1].Resize(fyne.NewSize(right, s.Height))
		o[1].Move(fyne.NewPos(s.Width-right, 0))
		right += l.gap
	}
	o[0].Move(fyne.NewPos(0, 0))
	o[0].Resize(fyne.NewSize(s.Width-right, s.Height))
}

func (l besideLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	// The pane scrolls.
	return fyne.NewSize(o[0].MinSize().Width+l.gap+paneWidth, o[0].MinSize().Height)
}

// A filterLayout puts fields in a row: the first takes what the others leave, up
// to its most, and the last stands at the right.
type filterLayout struct{ gap float32 }

const mostSearch = 420

func (l filterLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	rest := s.Width
	for _, x := range o[1:] {
		if x.Visible() {
			rest -= x.MinSize().Width + l.gap
		}
	}
	x := float32(0)
	for i, f := range o {
		if !f.Visible() {
			continue
		}
		width := f.MinSize().Width
		switch i {
		case 0:
			width = max(120, min(rest, mostSearch))
		case len(o) - 1:
			x, width = min(x, s.Width-width), max(width, s.Width-x)
		}
		height := f.MinSize().Height
		f.Move(fyne.NewPos(x, (s.Height-height)/2))
		f.Resize(fyne.NewSize(width, height))
		x += width + l.gap
	}
}

func (l filterLayout) MinSize(o []fyne.CanvasObject) (size fyne.Size) {
	for i, f := range o {
		least := f.MinSize()
		if i == 0 {
			least.Width = 120
		}
		size.Height = max(size.Height, least.Height)
		if f.Visible() {
			size.Width += least.Width + l.gap
		}
	}
	return size
}
