//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// newRing returns the ring of a widget without the focus.
func newRing() *canvas.Rectangle {
	r := canvas.NewRectangle(color.Transparent)
	r.StrokeWidth = 2
	r.Hide()
	return r
}

// A ringRenderer draws a ring around a widget of the toolkit.
type ringRenderer struct {
	fyne.WidgetRenderer
	ring *canvas.Rectangle
	of   fyne.Widget
}

// ringed adds a ring to what draws a widget.
func ringed(r fyne.WidgetRenderer, ring *canvas.Rectangle, of fyne.Widget) fyne.WidgetRenderer {
	with := &ringRenderer{WidgetRenderer: r, ring: ring, of: of}
	with.colour()
	return with
}

func (r *ringRenderer) colour() {
	th := fyne.CurrentApp().Settings().Theme()
	if own, ok := r.of.(interface{ Theme() fyne.Theme }); ok {
		th = own.Theme()
	}
	r.ring.StrokeColor = th.Color(theme.ColorNameForeground, fyne.CurrentApp().Settings().ThemeVariant())
	r.ring.CornerRadius = th.Size(theme.SizeNameInputRadius)
}

func (r *ringRenderer) Layout(s fyne.Size) {
	r.WidgetRenderer.Layout(s)
	r.ring.Resize(s)
}

func (r *ringRenderer) Refresh() {
	r.colour()
	r.WidgetRenderer.Refresh()
	r.ring.Refresh()
}

func (r *ringRenderer) Objects() []fyne.CanvasObject {
	return append(r.WidgetRenderer.Objects(), r.ring)
}

// Link returns words that can be followed, small, as beside a caption.
func Link(say string, follow func()) fyne.CanvasObject {
	link := widget.NewHyperlink(say, nil)
	link.SizeName = theme.SizeNameCaptionText
	link.OnTapped = follow
	return container.NewThemeOverride(link, linkTheme{})
}

// linkTheme draws the ring of a focused link so that it is seen.
type linkTheme struct{ Theme }

// Color implements fyne.Theme.
func (t linkTheme) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if n == theme.ColorNameFocus {
		n = theme.ColorNameForeground
	}
	return t.Theme.Color(n, v)
}
