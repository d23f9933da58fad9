//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A Button also takes Enter, passes Escape on and has a ring while it is
// focused: the toolkit's own shade is not visible on the accent.
type Button struct {
	widget.Button
	onEscape func()
	onFocus  func()
	OnBlur   func() // when the focus leaves, nil for nothing
	Plain    bool   // without a line around it
	ring     *canvas.Rectangle
}

func newButton(text string, tapped func()) *Button {
	b := &Button{ring: newRing()}
	b.Text, b.OnTapped = text, tapped
	b.ExtendBaseWidget(b)
	return b
}

func (b *Button) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		b.Tapped(nil)
	case fyne.KeyEscape:
		b.onEscape()
	default:
		b.Button.TypedKey(k)
	}
}

func (b *Button) FocusGained() {
	b.ring.Show()
	b.onFocus()
	b.Button.FocusGained()
}

func (b *Button) FocusLost() {
	b.ring.Hide()
	b.Button.FocusLost()
	if b.OnBlur != nil {
		b.OnBlur()
	}
}

func (b *Button) CreateRenderer() fyne.WidgetRenderer {
	r := &buttonRenderer{WidgetRenderer: b.Button.CreateRenderer(), frame: canvas.NewRectangle(color.Transparent), button: b}
	r.frame.StrokeWidth = 1
	r.colour()
	return r
}

// A buttonRenderer adds the button's one-pixel line and its ring.
type buttonRenderer struct {
	fyne.WidgetRenderer
	frame  *canvas.Rectangle
	button *Button
}

func (r *buttonRenderer) colour() {
	th, v := r.button.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.frame.StrokeColor = th.Color(ColorLine, v)
	r.frame.Hidden = r.button.Plain || r.button.Importance == widget.HighImportance && !r.button.Disabled()
	r.button.ring.StrokeColor = th.Color(theme.ColorNameForeground, v)
	r.frame.CornerRadius = th.Size(theme.SizeNameInputRadius)
	r.button.ring.CornerRadius = r.frame.CornerRadius + 3
}

func (r *buttonRenderer) Layout(s fyne.Size) {
	r.WidgetRenderer.Layout(s)
	r.frame.Resize(s)
	r.button.ring.Move(fyne.NewPos(-3, -3))
	r.button.ring.Resize(s.AddWidthHeight(6, 6))
}

func (r *buttonRenderer) Refresh() {
	r.colour()
	r.WidgetRenderer.Refresh()
	r.frame.Refresh()
	r.button.ring.Refresh()
}

func (r *buttonRenderer) Objects() []fyne.CanvasObject {
	return append(r.WidgetRenderer.Objects(), r.frame, r.button.ring)
}

// A Card is a surface with a one-pixel line around its content.
type Card struct {
	widget.BaseWidget
	fill    fyne.ThemeColorName
	content fyne.CanvasObject
}

// NewCard returns a card with a title.
func NewCard(title string, content fyne.CanvasObject) *Card {
	head := widget.NewLabelWithStyle(title, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	head.SizeName = theme.SizeNameSubHeadingText
	return Surface(container.NewBorder(head, nil, nil, nil, content))
}

// Surface returns a card without a title.
func Surface(content fyne.CanvasObject) *Card {
	c := &Card{fill: theme.ColorNameOverlayBackground, content: content}
	c.ExtendBaseWidget(c)
	return c
}

func (c *Card) CreateRenderer() fyne.WidgetRenderer {
	r := &cardRenderer{card: c, surface: canvas.NewRectangle(color.Transparent)}
	r.surface.StrokeWidth = 1
	r.surface.CornerRadius = 8
	// Labels bring 8 of the 16 pixels themselves.
	r.inside = container.New(layout.NewCustomPaddedLayout(8, 16, 8, 16), c.content)
	r.Refresh()
	return r
}

type cardRenderer struct {
	card    *Card
	surface *canvas.Rectangle
	inside  *fyne.Container
}

func (r *cardRenderer) Layout(s fyne.Size) {
	r.surface.Resize(s)
	r.inside.Resize(s)
}

func (r *cardRenderer) MinSize() fyne.Size { return r.inside.MinSize() }

func (r *cardRenderer) Refresh() {
	th, v := r.card.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.surface.FillColor, r.surface.StrokeColor = th.Color(r.card.fill, v), th.Color(ColorLine, v)
	r.surface.Refresh()
	r.inside.Refresh()
}

func (r *cardRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.surface, r.inside}
}

func (r *cardRenderer) Destroy() {}

// Caption returns a small wrapped line.
func Caption(i widget.Importance) *widget.Label {
	l := widget.NewLabel("")
	l.SizeName = theme.SizeNameCaptionText
	l.Importance = i
	l.Wrapping = fyne.TextWrapWord
	return l
}
