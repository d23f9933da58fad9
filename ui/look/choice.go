//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A Choice is a card that can be chosen, by a click or by Space and Enter: a
// title, a sentence, and a sign while it is the chosen one.
type Choice struct {
	widget.BaseWidget
	onEscape func()
	onFocus  func()
	chosen   func()
	// OnEnter is what Enter does on the card that is chosen already; nil for nothing.
	OnEnter func()

	sign    *widget.Icon      // nil where a bar says which is chosen
	bar     *canvas.Rectangle // nil where a sign does
	content fyne.CanvasObject

	selected, focused, hovered bool
}

func newChoice(title, text string, chosen func()) *Choice {
	c := &Choice{chosen: chosen, sign: widget.NewIcon(Icon(Pending.Shape, Pending.Colour))}
	head := widget.NewLabelWithStyle(title, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	head.Wrapping = fyne.TextWrapWord
	below := widget.NewLabel(text)
	below.Wrapping = fyne.TextWrapWord
	lines := container.New(layout.NewCustomPaddedVBoxLayout(-10), head)
	left, right := float32(10), float32(8)
	if text != "" {
		lines.Add(below)
	} else {
		left, right = 4, 0 // it is a small one, whose name must not be broken
	}
	c.content = container.New(layout.NewCustomPaddedLayout(4, 4, left, right),
		container.NewBorder(nil, nil, container.NewVBox(Space(0, 5), Sized(18, c.sign)), nil, lines))
	c.ExtendBaseWidget(c)
	return c
}

// Select shows the card as the chosen one, or not.
func (c *Choice) Select(selected bool) {
	if c.selected == selected {
		return
	}
	c.selected = selected
	at := Pending
	if selected {
		at = Level{OK.Shape, theme.ColorNamePrimary}
	}
	if c.sign != nil {
		c.sign.SetResource(Icon(at.Shape, at.Colour))
	}
	c.Refresh()
}

// Selected reports whether the card is shown as the chosen one.
func (c *Choice) Selected() bool { return c.selected }

// Tapped takes the focus too, so that Enter after a click does not choose the card
// that had it before.
func (c *Choice) Tapped(*fyne.PointEvent) {
	if m, ok := c.canvas(); ok {
		m.Focus(c)
	}
	c.chosen()
}

func (c *Choice) MouseIn(*desktop.MouseEvent)    { c.hovered = true; c.Refresh() }
func (c *Choice) MouseMoved(*desktop.MouseEvent) {}
func (c *Choice) MouseOut()                      { c.hovered = false; c.Refresh() }
func (c *Choice) FocusGained()                   { c.focused = true; c.onFocus(); c.Refresh() }
func (c *Choice) FocusLost()                     { c.focused = false; c.Refresh() }
func (c *Choice) TypedRune(rune)                 {}

func (c *Choice) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		if c.selected && c.OnEnter != nil {
			c.OnEnter()
			return
		}
		c.chosen()
	case fyne.KeySpace:
		c.chosen()
	case fyne.KeyEscape:
		c.onEscape()
	case fyne.KeyUp, fyne.KeyLeft:
		if m, ok := c.canvas(); ok {
			m.FocusPrevious()
		}
	case fyne.KeyDown, fyne.KeyRight:
		if m, ok := c.canvas(); ok {
			m.FocusNext()
		}
	}
}

func (c *Choice) canvas() (fyne.Canvas, bool) {
	at := fyne.CurrentApp().Driver().CanvasForObject(c)
	return at, at != nil
}

func (c *Choice) CreateRenderer() fyne.WidgetRenderer {
	r := &choiceRenderer{choice: c, back: canvas.NewRectangle(color.Transparent), ring: canvas.NewRectangle(nil)}
	r.back.CornerRadius, r.ring.CornerRadius, r.ring.StrokeWidth = 8, 11, 2
	r.Refresh()
	return r
}

type choiceRenderer struct {
	choice     *Choice
	back, ring *canvas.Rectangle
}

func (r *choiceRenderer) Layout(s fyne.Size) {
	r.back.Resize(s)
	r.ring.Move(fyne.NewPos(-3, -3))
	r.ring.Resize(s.AddWidthHeight(6, 6))
	r.choice.content.Resize(s)
	if r.choice.bar != nil {
		r.choice.bar.Move(fyne.NewPos(0, 8))
		r.choice.bar.Resize(fyne.NewSize(5, max(s.Height-16, 0)))
	}
}

func (r *choiceRenderer) MinSize() fyne.Size { return r.choice.content.MinSize() }

func (r *choiceRenderer) Refresh() {
	th, v := r.choice.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor, r.back.StrokeWidth, r.back.StrokeColor = th.Color(theme.ColorNameOverlayBackground, v), 1, th.Color(ColorLine, v)
	if r.choice.hovered {
		r.back.FillColor = th.Color(theme.ColorNameHover, v)
	}
	if r.choice.selected {
		r.back.StrokeWidth, r.back.StrokeColor = 2, th.Color(theme.ColorNamePrimary, v)
	}
	r.ring.StrokeColor, r.ring.FillColor = th.Color(theme.ColorNameForeground, v), color.Transparent
	r.ring.Hidden = !r.choice.focused
	if bar := r.choice.bar; bar != nil {
		bar.FillColor, bar.Hidden = th.Color(theme.ColorNamePrimary, v), !r.choice.selected
		bar.Refresh()
	}
	r.back.Refresh()
	r.ring.Refresh()
	r.choice.content.Refresh()
}

func (r *choiceRenderer) Objects() []fyne.CanvasObject {
	all := []fyne.CanvasObject{r.back, r.choice.content, r.ring}
	if r.choice.bar != nil {
		all = append(all, r.choice.bar)
	}
	return all
}

func (r *choiceRenderer) Destroy() {}
