//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// An entry is a text field that leaves to the page what concerns the page:
// Escape and the shortcuts it has no use for. A read-only one can be focused,
// selected from and copied from, but not changed.
type entry struct {
	widget.Entry
	readOnly   bool
	measure    *widget.Label // of a read-only one, as high as its text
	onEscape   func()
	onFocus    func()
	onShortcut func(fyne.Shortcut)
}

func newEntry() *entry {
	e := &entry{}
	e.ExtendBaseWidget(e)
	return e
}

// newReadOnly returns an entry of as many lines as its text needs.
func newReadOnly() *entry {
	e := newEntry()
	e.readOnly = true
	e.MultiLine = true
	e.Wrapping = fyne.TextWrapWord
	e.SetMinRowsVisible(1)
	e.measure = widget.NewLabel("")
	e.measure.Wrapping = fyne.TextWrapWord
	return e
}

// MinSize makes room for the whole text of a read-only entry, where the
// toolkit's own would scroll.
func (e *entry) MinSize() fyne.Size {
	size := e.Entry.MinSize()
	if e.readOnly && e.Size().Width > 0 {
		e.measure.SetText(e.Text)
		e.measure.Resize(fyne.NewSize(e.Size().Width, 0))
		size.Height = max(size.Height, e.measure.MinSize().Height)
	}
	return size
}

func (e *entry) FocusGained() {
	e.onFocus()
	e.Entry.FocusGained()
}

func (e *entry) TypedRune(r rune) {
	if !e.readOnly {
		e.Entry.TypedRune(r)
	}
}

func (e *entry) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyEscape:
		e.onEscape()
		return
	case fyne.KeyBackspace, fyne.KeyDelete, fyne.KeyReturn, fyne.KeyEnter:
		if e.readOnly {
			return
		}
	}
	e.Entry.TypedKey(k)
}

func (e *entry) TypedShortcut(s fyne.Shortcut) {
	switch s.(type) {
	case *desktop.CustomShortcut:
		e.onShortcut(s)
	case *fyne.ShortcutCut, *fyne.ShortcutPaste, *fyne.ShortcutUndo, *fyne.ShortcutRedo:
		if e.readOnly {
			return
		}
	}
	e.Entry.TypedShortcut(s)
}

// AcceptsTab reports false: Tab goes on to the next widget.
func (e *entry) AcceptsTab() bool { return false }

// TappedSecondary opens the menu, but not the one of a read-only entry, which
// offers to paste.
func (e *entry) TappedSecondary(at *fyne.PointEvent) {
	if !e.readOnly {
		e.Entry.TappedSecondary(at)
	}
}

// A button also takes Enter, passes Escape on and has a ring while it is
// focused: the toolkit's own shade is not visible on the accent.
type button struct {
	widget.Button
	onEscape func()
	onFocus  func()
	onBlur   func() // when the focus leaves, nil for nothing
	plain    bool   // without a line around it
	ring     *canvas.Rectangle
}

func newButton(text string, tapped func()) *button {
	b := &button{ring: canvas.NewRectangle(nil)}
	b.ring.StrokeWidth = 2
	b.ring.Hide()
	b.Text, b.OnTapped = text, tapped
	b.ExtendBaseWidget(b)
	return b
}

func (b *button) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		b.Tapped(nil)
	case fyne.KeyEscape:
		b.onEscape()
	default:
		b.Button.TypedKey(k)
	}
}

func (b *button) FocusGained() {
	b.ring.Show()
	b.onFocus()
	b.Button.FocusGained()
}

func (b *button) FocusLost() {
	b.ring.Hide()
	b.Button.FocusLost()
	if b.onBlur != nil {
		b.onBlur()
	}
}

func (b *button) CreateRenderer() fyne.WidgetRenderer {
	r := &buttonRenderer{WidgetRenderer: b.Button.CreateRenderer(), frame: canvas.NewRectangle(nil), button: b}
	r.frame.StrokeWidth = 1
	r.colour()
	return r
}

// A buttonRenderer adds the button's one-pixel line and its ring.
type buttonRenderer struct {
	fyne.WidgetRenderer
	frame  *canvas.Rectangle
	button *button
}

func (r *buttonRenderer) colour() {
	th, v := r.button.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.frame.StrokeColor = th.Color(colorLine, v)
	r.frame.Hidden = r.button.plain || r.button.Importance == widget.HighImportance && !r.button.Disabled()
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

// A card is a surface with a one-pixel line around its content.
type card struct {
	widget.BaseWidget
	fill    fyne.ThemeColorName
	content fyne.CanvasObject
}

func newCard(title string, content fyne.CanvasObject) *card {
	head := widget.NewLabelWithStyle(title, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	head.SizeName = theme.SizeNameSubHeadingText
	return newSurface(container.NewBorder(head, nil, nil, nil, content))
}

// newSurface returns a card without a title.
func newSurface(content fyne.CanvasObject) *card {
	c := &card{fill: theme.ColorNameOverlayBackground, content: content}
	c.ExtendBaseWidget(c)
	return c
}

func (c *card) CreateRenderer() fyne.WidgetRenderer {
	r := &cardRenderer{card: c, surface: canvas.NewRectangle(nil)}
	r.surface.StrokeWidth = 1
	r.surface.CornerRadius = 8
	// Labels bring 8 of the 16 pixels themselves.
	r.inside = container.New(layout.NewCustomPaddedLayout(8, 16, 8, 16), c.content)
	r.Refresh()
	return r
}

type cardRenderer struct {
	card    *card
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
	r.surface.FillColor, r.surface.StrokeColor = th.Color(r.card.fill, v), th.Color(colorLine, v)
	r.surface.Refresh()
	r.inside.Refresh()
}

func (r *cardRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.surface, r.inside}
}

func (r *cardRenderer) Destroy() {}

// caption returns a small wrapped line.
func caption(i widget.Importance) *widget.Label {
	l := widget.NewLabel("")
	l.SizeName = theme.SizeNameCaptionText
	l.Importance = i
	l.Wrapping = fyne.TextWrapWord
	return l
}
