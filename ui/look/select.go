//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// CreateRenderer adds the one-pixel line that fields have.
func (s *Select) CreateRenderer() fyne.WidgetRenderer {
	r := &selectRenderer{WidgetRenderer: s.Select.CreateRenderer(), choice: s, frame: canvas.NewRectangle(color.Transparent)}
	r.frame.StrokeWidth = 1
	r.colour()
	return r
}

type selectRenderer struct {
	fyne.WidgetRenderer
	choice *Select
	frame  *canvas.Rectangle
}

func (r *selectRenderer) colour() {
	th, v := r.choice.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.frame.StrokeColor = th.Color(ColorLine, v)
	r.frame.CornerRadius = th.Size(theme.SizeNameInputRadius)
}

func (r *selectRenderer) Layout(s fyne.Size) {
	r.WidgetRenderer.Layout(s)
	r.frame.Resize(s)
}

func (r *selectRenderer) Refresh() {
	r.colour()
	r.WidgetRenderer.Refresh()
	r.frame.Refresh()
}

func (r *selectRenderer) Objects() []fyne.CanvasObject {
	return append(r.WidgetRenderer.Objects(), r.frame)
}
