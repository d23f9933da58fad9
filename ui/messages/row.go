//go:build !darwin || cgo

package messages

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/look"
)

const (
	rowHeight = 34
	rowInset  = 8  // left and right of the columns
	signSize  = 16 // of the state's shape
	signRoom  = 24
)

// levels are the shapes and colours of the states, by the key of their word.
var levels = map[string]look.Level{
	"queued": look.Pending, "waiting": look.Waiting, "sending": look.Working, "held": look.Paused, "unknown": look.Attention,
	"delivered": look.OK, "failed": look.Error, "removed": look.Skipped,
}

func levelOf(s mailer.State, unknown bool, attempts int) look.Level {
	return levels[stateKey(s, unknown, attempts)]
}

// A rowView shows one row of a list, and another one when the list has moved on.
type rowView struct {
	widget.BaseWidget
	list  *list
	index int // -1 none

	back, mark *canvas.Rectangle
	signs      map[look.Level]*widget.Icon // those that were needed: making one reads its drawing
	texts      [columnCount]*canvas.Text
	bars       [columnCount]*canvas.Rectangle
	level      look.Level

	row   *Row      // that is told
	whole bool      // as it was then
	told  time.Time // when

	cells   [columnCount]string // whole
	cut     [columnCount]bool
	missing [columnCount]bool
	spans   [columnCount]span // that it is laid out for
	hovered bool
	open    bool
	cursor  bool
	objects []fyne.CanvasObject
}

func newRowView(l *list) *rowView {
	v := &rowView{list: l, index: -1, back: canvas.NewRectangle(color.Transparent), mark: canvas.NewRectangle(nil), signs: map[look.Level]*widget.Icon{}}
	v.back.CornerRadius, v.mark.CornerRadius = 4, 1.5
	v.objects = []fyne.CanvasObject{v.back, v.mark}
	for i := range v.texts {
		v.texts[i] = canvas.NewText("", nil)
		if columns[i].right {
			v.texts[i].Alignment = fyne.TextAlignTrailing
		}
		v.bars[i] = canvas.NewRectangle(color.Transparent)
		v.bars[i].CornerRadius = 3
		v.bars[i].Hide()
		v.objects = append(v.objects, v.texts[i], v.bars[i])
	}
	v.ExtendBaseWidget(v)
	return v
}

// put shows a row; nil is one that is not there yet.
func (v *rowView) put(index int, r *Row, open, cursor bool) {
	moved := v.index != index
	v.index = index
	if now := v.list.now(); r == nil || r != v.row || r.Whole != v.whole || v.spans != v.list.spans || now.Sub(v.told) > agingFor {
		v.row, v.whole, v.told = r, r != nil && r.Whole, now
		v.tellAll(r)
	}
	if moved && v.hovered {
		v.hovered = false
		v.list.untip()
	}
	if moved || open != v.open || cursor != v.cursor {
		v.open, v.cursor = open, cursor
		v.paintBack()
	}
}

// agingFor is how long what a row says of its age may stand.
const agingFor = 20 * time.Second

// tellAll shows what a row says.
func (v *rowView) tellAll(r *Row) {
	var told [columnCount]string
	var missing [columnCount]bool
	level := look.Level{}
	if r != nil {
		told = cells(r, v.list.now())
		missing[columnTo], missing[columnReply] = !r.Whole, !r.Whole && r.LastAttempt > 0
		level = levelOf(r.State, r.Unknown, r.LastAttempt)
	} else {
		for i := range missing {
			missing[i] = true
		}
	}
	fits := v.spans == v.list.spans
	v.spans = v.list.spans
	for i := range told {
		if fits && told[i] == v.cells[i] && missing[i] == v.missing[i] {
			continue
		}
		v.cells[i], v.missing[i] = told[i], missing[i]
		v.tell(i)
	}
	if level != v.level {
		if sign := v.signs[v.level]; sign != nil {
			sign.Hide()
		}
		v.level = level
		v.sign()
		v.paintText(columnState)
	}
}

// sign shows the level's.
func (v *rowView) sign() {
	if v.level.Shape == "" {
		return
	}
	if s := v.signs[v.level]; s != nil {
		s.Show()
		return
	}
	s := widget.NewIcon(look.Icon(v.level.Shape, v.level.Colour))
	s.Move(fyne.NewPos(rowInset, (rowHeight-signSize)/2))
	s.Resize(fyne.NewSquareSize(signSize))
	v.signs[v.level] = s
	v.objects = append(v.objects, s)
	v.Refresh()
}

// tell sets the text of a column, as far as there is room for it.
func (v *rowView) tell(i int) {
	s, t, b := v.spans[i], v.texts[i], v.bars[i]
	x, width := rowInset+s.x, s.width
	if i == columnState {
		x, width = x+signRoom, width-signRoom
	}
	text := ""
	v.cut[i] = false
	if s.width > 0 && !v.missing[i] {
		text, v.cut[i] = shorten(v.cells[i], width, columns[i].middle, v.list.advance(columns[i].small))
	}
	t.TextSize = v.list.textSize(columns[i].small)
	height := v.list.lineHeight(columns[i].small)
	t.Move(fyne.NewPos(x, (rowHeight-height)/2))
	t.Resize(fyne.NewSize(width, height))
	if t.Text != text {
		t.Text = text
		t.Refresh()
	}
	b.Move(fyne.NewPos(x, (rowHeight-8)/2))
	b.Resize(fyne.NewSize(max(0, width)*0.6, 8))
	look.Show(b, s.width > 0 && v.missing[i])
}

func (v *rowView) colour(n fyne.ThemeColorName) color.Color {
	return v.Theme().Color(n, fyne.CurrentApp().Settings().ThemeVariant())
}

func (v *rowView) paintText(i int) {
	c := theme.ColorNameForeground
	switch {
	case i == columnState:
		c = v.level.Colour
	case columns[i].small:
		c = theme.ColorNamePlaceHolder
	}
	if c == "" {
		c = theme.ColorNamePlaceHolder
	}
	if paint := v.colour(c); v.texts[i].Color != paint {
		v.texts[i].Color = paint
		v.texts[i].Refresh()
	}
}

func (v *rowView) paintBack() {
	v.back.FillColor, v.back.StrokeWidth = color.Transparent, 0
	if v.hovered || v.open {
		v.back.FillColor = v.colour(theme.ColorNameHover)
	}
	if v.cursor {
		v.back.StrokeWidth, v.back.StrokeColor = 2, v.colour(theme.ColorNameForeground)
	}
	v.back.Refresh()
	v.mark.FillColor = v.colour(theme.ColorNamePrimary)
	look.Show(v.mark, v.open)
}

func (v *rowView) Tapped(*fyne.PointEvent) { v.list.tapped(v.index) }

func (v *rowView) MouseIn(e *desktop.MouseEvent) {
	v.hovered = true
	v.paintBack()
	v.MouseMoved(e)
}

// MouseMoved shows the whole of what is shortened under the pointer.
func (v *rowView) MouseMoved(e *desktop.MouseEvent) {
	for i, s := range v.spans {
		if x := e.Position.X - rowInset - s.x; s.width > 0 && x >= 0 && x < s.width {
			if v.cut[i] {
				v.list.tip(v, i)
				return
			}
		}
	}
	v.list.untip()
}

func (v *rowView) MouseOut() {
	v.hovered = false
	v.paintBack()
	v.list.untip()
}

func (v *rowView) CreateRenderer() fyne.WidgetRenderer {
	r := &rowRenderer{v}
	r.Refresh()
	return r
}

type rowRenderer struct{ v *rowView }

func (r *rowRenderer) Layout(s fyne.Size) {
	v := r.v
	v.back.Resize(s)
	v.mark.Move(fyne.NewPos(1, 6))
	v.mark.Resize(fyne.NewSize(3, rowHeight-12))
}

func (r *rowRenderer) MinSize() fyne.Size { return fyne.NewSize(0, rowHeight) }

// Refresh paints everything anew, in the colours of now.
func (r *rowRenderer) Refresh() {
	v := r.v
	for i := range v.texts {
		v.paintText(i)
		v.bars[i].FillColor = v.colour(theme.ColorNameHover)
		v.bars[i].Refresh()
	}
	v.paintBack()
	for _, s := range v.signs {
		s.Refresh()
	}
}

func (r *rowRenderer) Objects() []fyne.CanvasObject { return r.v.objects }

func (r *rowRenderer) Destroy() {}
