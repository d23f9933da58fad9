//go:build !darwin || cgo

package look

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// A wheel lies over an entry and hands the mouse's wheel on to the part of the
// page that the entry is in. The toolkit's own scrolls inside of the entry, where
// there is nothing to scroll, and the page would stand still under the pointer.
type wheel struct {
	widget.BaseWidget
	page *Scroll
}

func newWheel(page *Scroll) *wheel {
	w := &wheel{page: page}
	w.ExtendBaseWidget(w)
	return w
}

// Scrolled implements fyne.Scrollable.
func (w *wheel) Scrolled(e *fyne.ScrollEvent) { w.page.Scrolled(e) }

func (w *wheel) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewWithoutLayout())
}

// wheeled draws an entry with a wheel over it, where it has one. That is not known
// when it is made: what is set on an entry draws it before a page takes it.
type wheeled struct {
	fyne.WidgetRenderer
	entry *Entry
}

func (r *wheeled) Layout(s fyne.Size) {
	r.WidgetRenderer.Layout(s)
	if r.entry.wheel != nil {
		r.entry.wheel.Resize(s)
	}
}

func (r *wheeled) Objects() []fyne.CanvasObject {
	all := r.WidgetRenderer.Objects()
	if r.entry.wheel == nil {
		return all
	}
	return append(slices.Clip(all), r.entry.wheel)
}
