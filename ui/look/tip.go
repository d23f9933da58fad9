//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Tips is a layer over a window's content for the texts that the pointer brings
// up. It takes no events.
type Tips struct {
	layer *fyne.Container
	tip   *tip
}

// NewTips returns a layer, and the content with it on top.
func NewTips(content fyne.CanvasObject) (*Tips, fyne.CanvasObject) {
	t := &Tips{tip: newTip()}
	t.layer = container.NewWithoutLayout(t.tip)
	t.tip.Hide()
	return t, container.NewStack(content, t.layer)
}

// Show shows a text beside an object of the window.
func (t *Tips) Show(text string, beside fyne.CanvasObject) {
	driver := fyne.CurrentApp().Driver()
	at := driver.AbsolutePositionForObject(beside).Subtract(driver.AbsolutePositionForObject(t.layer))
	t.tip.set(text)
	size := t.tip.MinSize()
	x := at.X + beside.Size().Width + 6
	y := at.Y + (beside.Size().Height-size.Height)/2
	if room := t.layer.Size().Width; x+size.Width > room { // below instead
		x, y = max(0, min(at.X, room-size.Width)), at.Y+beside.Size().Height+4
	}
	t.tip.Move(fyne.NewPos(x, max(0, y)))
	t.tip.Resize(size)
	t.tip.Show()
}

// Hide takes the text away.
func (t *Tips) Hide() { t.tip.Hide() }

// A tip is a small text on a surface.
type tip struct {
	widget.BaseWidget
	text string
}

func newTip() *tip {
	t := &tip{}
	t.ExtendBaseWidget(t)
	return t
}

func (t *tip) set(text string) {
	t.text = text
	t.Refresh()
}

func (t *tip) CreateRenderer() fyne.WidgetRenderer {
	r := &tipRenderer{tip: t, back: canvas.NewRectangle(color.Transparent), text: canvas.NewText("", nil)}
	r.back.CornerRadius, r.back.StrokeWidth = 4, 1
	r.Refresh()
	return r
}

type tipRenderer struct {
	tip  *tip
	back *canvas.Rectangle
	text *canvas.Text
}

func (r *tipRenderer) Layout(s fyne.Size) {
	r.back.Resize(s)
	r.text.Move(fyne.NewPos(8, 4))
	r.text.Resize(s.SubtractWidthHeight(16, 8))
}

func (r *tipRenderer) MinSize() fyne.Size { return r.text.MinSize().AddWidthHeight(16, 8) }

func (r *tipRenderer) Refresh() {
	th, v := r.tip.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor, r.back.StrokeColor = th.Color(theme.ColorNameOverlayBackground, v), th.Color(ColorLine, v)
	r.text.Text, r.text.Color, r.text.TextSize = r.tip.text, th.Color(theme.ColorNameForeground, v), th.Size(theme.SizeNameCaptionText)
	r.back.Refresh()
	r.text.Refresh()
}

func (r *tipRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.back, r.text} }
func (r *tipRenderer) Destroy()                     {}

// A Hover is an object that the pointer brings a text up for.
type Hover struct {
	widget.BaseWidget
	content  fyne.CanvasObject
	in, away func()
}

// NewHover returns o with a function for when the pointer comes, and one for
// when it leaves.
func NewHover(o fyne.CanvasObject, in, away func()) *Hover {
	h := &Hover{content: o, in: in, away: away}
	h.ExtendBaseWidget(h)
	return h
}

func (h *Hover) MouseIn(*desktop.MouseEvent)    { h.in() }
func (h *Hover) MouseMoved(*desktop.MouseEvent) {}
func (h *Hover) MouseOut()                      { h.away() }

func (h *Hover) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(h.content) }
