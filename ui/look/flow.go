//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// Flow puts objects beside one another, 8 apart, and those that find no room
// there on further rows: buttons have other widths in each language.
func Flow(o ...fyne.CanvasObject) *fyne.Container { return container.New(&flowLayout{}, o...) }

type flowLayout struct{ width float32 } // that it was laid out for last

const flowGap = 8

// Layout implements fyne.Layout.
func (l *flowLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	l.width = s.Width
	l.place(objects, func(o fyne.CanvasObject, at fyne.Position, size fyne.Size) {
		o.Move(at)
		o.Resize(size)
	})
}

// MinSize implements fyne.Layout. How high the rows are follows from the width
// that there was, as with a wrapped text.
func (l *flowLayout) MinSize(objects []fyne.CanvasObject) (least fyne.Size) {
	least.Height = l.place(objects, func(_ fyne.CanvasObject, _ fyne.Position, size fyne.Size) { least.Width = max(least.Width, size.Width) })
	return least
}

func (l *flowLayout) place(objects []fyne.CanvasObject, put func(fyne.CanvasObject, fyne.Position, fyne.Size)) (height float32) {
	x, y := float32(0), float32(0)
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		size := o.MinSize()
		if x > 0 && l.width > 0 && x+size.Width > l.width {
			x, y = 0, height+flowGap
		}
		put(o, fyne.NewPos(x, y), size)
		x, height = x+size.Width+flowGap, max(height, y+size.Height)
	}
	return height
}

// Column gives its object a width, whatever it needs: a column of a list.
type Column struct{ Width float32 }

// Layout implements fyne.Layout.
func (l Column) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	columnLayout{l.Width}.Layout(objects, s)
}

// MinSize implements fyne.Layout.
func (l Column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return columnLayout{l.Width}.MinSize(objects)
}
