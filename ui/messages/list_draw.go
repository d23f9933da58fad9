//go:build !darwin || cgo

package messages

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"traymail/ui/look"
	"traymail/ui/words"
)

const headHeight = 28

func (l *list) CreateRenderer() fyne.WidgetRenderer {
	r := &listRenderer{l: l, under: canvas.NewRectangle(color.Transparent), ring: canvas.NewRectangle(nil), tipBack: canvas.NewRectangle(nil), tip: canvas.NewText("", nil)}
	r.ring.StrokeWidth, r.ring.CornerRadius = 2, 6
	r.tipBack.CornerRadius, r.tipBack.StrokeWidth = 4, 1
	for i := range r.head {
		r.head[i] = canvas.NewText(words.Say("messages.column_"+columns[i].key), nil)
		if columns[i].right {
			r.head[i].Alignment = fyne.TextAlignTrailing
		}
		r.objects = append(r.objects, r.head[i])
	}
	r.objects = append(r.objects, r.under, l.scroll, r.ring, r.tipBack, r.tip)
	r.hideTip()
	l.drawn = r
	r.paint()
	return r
}

// A listRenderer draws the names of the columns above the rows, a ring around
// the list while it is focused, and what is shortened under the pointer.
type listRenderer struct {
	l       *list
	head    [columnCount]*canvas.Text
	under   *canvas.Rectangle
	ring    *canvas.Rectangle
	tipBack *canvas.Rectangle
	tip     *canvas.Text
	objects []fyne.CanvasObject
}

func (r *listRenderer) Layout(s fyne.Size) {
	r.under.Move(fyne.NewPos(0, headHeight))
	r.under.Resize(fyne.NewSize(s.Width, 1))
	r.ring.Move(fyne.NewPos(-3, headHeight))
	r.ring.Resize(fyne.NewSize(s.Width+6, s.Height-headHeight+3))
	r.l.spans = r.l.fit(s.Width)
	r.layoutHead()
	r.l.scroll.Move(fyne.NewPos(0, headHeight+3))
	r.l.scroll.Resize(fyne.NewSize(s.Width, s.Height-headHeight-3))
	r.l.place()
}

func (r *listRenderer) layoutHead() {
	for i, t := range r.head {
		s := r.l.spans[i]
		look.Show(t, s.width > 0)
		t.TextSize = theme.CaptionTextSize()
		height := r.l.lineHeight(true)
		t.Move(fyne.NewPos(rowInset+s.x, (headHeight-height)/2))
		t.Resize(fyne.NewSize(s.width, height))
	}
}

func (r *listRenderer) MinSize() fyne.Size { return fyne.NewSize(300, headHeight+4*rowHeight) }

func (r *listRenderer) Refresh() {
	r.paint()
	for _, v := range r.l.views {
		v.Refresh()
	}
	r.l.place()
}

func (r *listRenderer) paint() {
	th, v := r.l.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	for _, t := range r.head {
		t.Color = th.Color(theme.ColorNamePlaceHolder, v)
		t.Refresh()
	}
	r.under.FillColor = th.Color(theme.ColorNamePressed, v)
	r.ring.StrokeColor, r.ring.Hidden = th.Color(theme.ColorNameForeground, v), !r.l.focused
	r.tipBack.FillColor, r.tipBack.StrokeColor = th.Color(theme.ColorNameOverlayBackground, v), th.Color(look.ColorLine, v)
	r.tip.Color = th.Color(theme.ColorNameForeground, v)
	for _, o := range []fyne.CanvasObject{r.under, r.ring, r.tipBack, r.tip} {
		o.Refresh()
	}
}

func (r *listRenderer) Objects() []fyne.CanvasObject { return r.objects }

func (r *listRenderer) Destroy() {}

func (r *listRenderer) hideTip() {
	look.Show(r.tip, false)
	look.Show(r.tipBack, false)
}

// tip shows the whole of a column of a row over it, as far as the list is wide.
func (l *list) tip(v *rowView, column int) {
	r := l.drawn
	size := l.textSize(columns[column].small)
	room := l.Size().Width - 2*rowInset
	text, _ := shorten(v.cells[column], room, columns[column].middle, l.advance(columns[column].small))
	if r.tip.Visible() && r.tip.Text == text {
		return
	}
	r.tip.Text, r.tip.TextSize = text, size
	need := fyne.MeasureText(text, size, fyne.TextStyle{})
	at := v.spans[column].x + rowInset
	at = max(rowInset, min(at, l.Size().Width-need.Width-rowInset))
	y := l.scroll.Position().Y + v.Position().Y - l.scroll.Offset.Y + (rowHeight-need.Height)/2
	r.tipBack.Move(fyne.NewPos(at-8, y-4))
	r.tipBack.Resize(need.AddWidthHeight(16, 8))
	r.tip.Move(fyne.NewPos(at, y))
	r.tip.Resize(need)
	look.Show(r.tipBack, true)
	look.Show(r.tip, true)
	r.tip.Refresh()
	r.tipBack.Refresh()
}

func (l *list) untip() {
	if l.drawn != nil && l.drawn.tip.Visible() {
		l.drawn.hideTip()
	}
}
