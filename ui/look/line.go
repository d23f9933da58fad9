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

// denseTheme has less room around texts, for lines of a list.
type denseTheme struct{ Theme }

// Size implements fyne.Theme.
func (t denseTheme) Size(n fyne.ThemeSizeName) float32 {
	if n == theme.SizeNameInnerPadding {
		return 3
	}
	return t.Theme.Size(n)
}

// A Line is an entry of a list: a sign, a name, what was found and a word. What
// was found stands beside the name where it fits, and else below it over the whole
// width. A line that has more to tell can be focused and opened; it is disabled
// otherwise.
type Line struct {
	widget.BaseWidget
	OnOpen   func()
	onEscape func()
	onFocus  func()
	OnMove   func(by int) // to another line

	sign    *widget.Icon
	name    *widget.Label
	word    *widget.Label
	Found   *widget.Label // what was found; its Importance may be changed
	mark    *widget.Icon  // says that there is more
	parts   *fyne.Container
	content fyne.CanvasObject

	nameWidth, wordWidth               float32
	calm, more, open, focused, hovered bool
}

// newLine returns a line whose name and word have the widths given.
func newLine(name, word float32) *Line {
	l := &Line{sign: widget.NewIcon(nil), name: widget.NewLabel(""), word: widget.NewLabel(""), Found: widget.NewLabel(""), mark: widget.NewIcon(nil),
		nameWidth: name, wordWidth: word}
	l.Found.Wrapping = fyne.TextWrapWord
	l.name.Wrapping = fyne.TextWrapWord
	l.parts = container.New(&lineLayout{of: l}, l.sign, l.name, l.Found, l.word, l.mark)
	l.content = container.NewThemeOverride(l.parts, denseTheme{})
	l.ExtendBaseWidget(l)
	return l
}

// Tell sets what the line says. more says that there is more than that to see
// when it is open. As long as it is not, a line that is calm stays one line.
func (l *Line) Tell(at Level, name, word, found string, more, open bool) {
	l.calm = !open && (at == OK || at == Skipped)
	l.Found.Wrapping, l.Found.Truncation = fyne.TextWrapWord, fyne.TextTruncateOff
	if l.calm {
		l.Found.Wrapping, l.Found.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	}
	l.sign.SetResource(Icon(at.Shape, at.Colour))
	SetLabel(l.name, name)
	l.word.Importance = at.Importance()
	if l.word.Importance == widget.MediumImportance {
		l.word.Importance = widget.LowImportance // nothing to look at
	}
	l.word.SetText(word)
	l.Found.SetText(found)
	shape := "folded"
	if open {
		shape = "unfolded"
	}
	l.mark.SetResource(Icon(shape, theme.ColorNamePlaceHolder))
	l.more, l.open = more, open
	l.parts.Layout.Layout(l.parts.Objects, l.parts.Size()) // its height follows
	l.Refresh()
}

// Opens reports whether the line can be opened or closed: it has more to tell,
// or is too narrow for what it tells.
func (l *Line) Opens() bool { return l.more || l.open || l.short(l.parts.Size().Width) }

// Enable and Disable do nothing: a line is as enabled as it has more to tell.
func (l *Line) Enable()        {}
func (l *Line) Disable()       {}
func (l *Line) Disabled() bool { return !l.Opens() }

func (l *Line) Tapped(*fyne.PointEvent) {
	if l.Opens() {
		l.OnOpen()
	}
}

func (l *Line) MouseIn(*desktop.MouseEvent)    { l.hovered = true; l.Refresh() }
func (l *Line) MouseMoved(*desktop.MouseEvent) {}
func (l *Line) MouseOut()                      { l.hovered = false; l.Refresh() }
func (l *Line) FocusGained()                   { l.focused = true; l.onFocus(); l.Refresh() }
func (l *Line) FocusLost()                     { l.focused = false; l.Refresh() }
func (l *Line) TypedRune(rune)                 {}

func (l *Line) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		l.Tapped(nil)
	case fyne.KeyEscape:
		l.onEscape()
	case fyne.KeyUp:
		l.OnMove(-1)
	case fyne.KeyDown:
		l.OnMove(1)
	}
}

func (l *Line) CreateRenderer() fyne.WidgetRenderer {
	r := &lineRenderer{line: l, back: canvas.NewRectangle(color.Transparent)}
	r.back.CornerRadius = 4
	r.Refresh()
	return r
}

// A lineRenderer draws a ring around a focused line, and a shade under the
// pointer where there is more.
type lineRenderer struct {
	line *Line
	back *canvas.Rectangle
}

func (r *lineRenderer) Layout(s fyne.Size) {
	r.back.Resize(s)
	r.line.content.Resize(s)
}

func (r *lineRenderer) MinSize() fyne.Size { return r.line.content.MinSize() }

func (r *lineRenderer) Refresh() {
	th, v := r.line.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor, r.back.StrokeWidth = color.Transparent, 0
	if r.line.hovered && r.line.Opens() {
		r.back.FillColor = th.Color(theme.ColorNameHover, v)
	}
	if r.line.focused {
		r.back.StrokeWidth, r.back.StrokeColor = 2, th.Color(theme.ColorNameForeground, v)
	}
	r.back.Refresh()
}

func (r *lineRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.line.content}
}

func (r *lineRenderer) Destroy() {}

// columnLayout gives its object a width, whatever it needs.
type columnLayout struct{ width float32 }

func (l columnLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) { objects[0].Resize(s) }

func (l columnLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(l.width, objects[0].MinSize().Height)
}

// Widest is the width of the widest of some labels of a list.
func Widest(texts ...string) float32 {
	width := float32(0)
	for _, text := range texts {
		width = max(width, fyne.MeasureText(text, theme.TextSize(), fyne.TextStyle{}).Width)
	}
	return width + 2*denseTheme{}.Size(theme.SizeNameInnerPadding) + 1
}
