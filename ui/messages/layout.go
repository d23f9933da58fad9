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
type filterLayout struct {
	gap     float32
	account float32 // how wide the choice of an account is
}

const mostSearch = 420

// least is the least size of the object at an index.
func (l filterLayout) least(i int, o fyne.CanvasObject) fyne.Size {
	size := o.MinSize()
	switch i {
	case 0:
		size.Width = 120
	case 2: // whose own knows nothing of its text
		size.Width = max(size.Width, l.account)
	}
	return size
}

func (l filterLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	rest := s.Width
	for i, x := range o {
		if i > 0 && x.Visible() {
			rest -= l.least(i, x).Width + l.gap
		}
	}
	x := float32(0)
	for i, f := range o {
		if !f.Visible() {
			continue
		}
		width := l.least(i, f).Width
		switch i {
		case 0:
			width = max(width, min(rest, mostSearch))
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
		least := l.least(i, f)
		size.Height = max(size.Height, least.Height)
		if f.Visible() {
			size.Width += least.Width + l.gap
		}
	}
	return size
}
