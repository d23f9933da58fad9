//go:build !darwin || cgo

package home

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
	"traymail/ui/words"
)

// A plot draws bars: what was accepted as a frame, what was delivered as a
// filled bar in it, and what was refused below the axis, so that colour is never
// the only sign. One bar is chosen by the pointer, or by Left and Right, and is
// told in words.
type plot struct {
	widget.BaseWidget
	bars   []Bar
	chosen int // -1: none
	tell   func(says string)
	follow func() // scrolls it into sight
	escape func()

	focused bool
	drawn   *plotRenderer
}

func newPlot(tell func(string), escape func()) *plot {
	p := &plot{chosen: -1, tell: tell, escape: escape}
	p.ExtendBaseWidget(p)
	return p
}

// Set draws other bars. The chosen one stays chosen.
func (p *plot) Set(bars []Bar) {
	if !slices.Equal(bars, p.bars) {
		p.bars = bars
		defer p.Refresh()
	}
	if p.chosen >= len(bars) {
		p.chosen = -1
	}
	p.say()
}

func (p *plot) choose(i int) {
	if i = min(max(i, -1), len(p.bars)-1); i == p.chosen {
		return
	}
	p.chosen = i
	p.Refresh()
	p.say()
}

func (p *plot) say() {
	if p.chosen < 0 || p.chosen >= len(p.bars) {
		p.tell("")
		return
	}
	p.tell(p.bars[p.chosen].Says)
}

func (p *plot) TypedRune(rune) {}
func (p *plot) FocusGained() {
	p.focused = true
	p.follow()
	p.Refresh()
}

func (p *plot) FocusLost() {
	p.focused = false
	p.choose(-1)
	p.Refresh()
}

func (p *plot) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyLeft:
		if p.chosen < 0 {
			p.chosen = len(p.bars) // the newest is the first that is told
		}
		p.choose(max(p.chosen-1, 0))
	case fyne.KeyRight:
		p.choose(p.chosen + 1)
	case fyne.KeyHome:
		p.choose(0)
	case fyne.KeyEnd:
		p.choose(len(p.bars) - 1)
	case fyne.KeyEscape:
		p.escape()
	}
}

func (p *plot) MouseIn(e *desktop.MouseEvent)    { p.MouseMoved(e) }
func (p *plot) MouseMoved(e *desktop.MouseEvent) { p.choose(p.drawn.barAt(e.Position.X)) }
func (p *plot) MouseOut()                        { p.choose(-1) }
func (p *plot) Tapped(e *fyne.PointEvent)        { p.choose(p.drawn.barAt(e.Position.X)) }

func (p *plot) CreateRenderer() fyne.WidgetRenderer {
	r := &plotRenderer{plot: p, back: canvas.NewRectangle(color.Transparent), ring: canvas.NewRectangle(color.Transparent), axis: canvas.NewLine(nil)}
	for i := range r.grid {
		r.grid[i], r.scale[i] = canvas.NewLine(nil), canvas.NewText("", nil)
		r.scale[i].Alignment = fyne.TextAlignTrailing
	}
	r.back.CornerRadius, r.ring.CornerRadius, r.ring.StrokeWidth = 3, 4, 2
	p.drawn = r
	r.Refresh()
	return r
}

// A column is how one bar is drawn.
type column struct {
	accepted, delivered, refused *canvas.Rectangle
	tick                         *canvas.Text
}

type plotRenderer struct {
	plot    *plot
	size    fyne.Size
	back    *canvas.Rectangle // behind the chosen bar
	ring    *canvas.Rectangle // of the focus
	axis    *canvas.Line
	grid    [2]*canvas.Line
	scale   [2]*canvas.Text
	columns []column
}

// The room around the bars: numbers at the left, times below.
const (
	plotLeft   = 44
	plotBottom = 20
	plotTop    = 8
	plotHeight = 168
)

func (r *plotRenderer) MinSize() fyne.Size { return fyne.NewSize(320, plotHeight) }

func (r *plotRenderer) Destroy() {}

func (r *plotRenderer) width() float32 {
	return (r.size.Width - plotLeft) / float32(max(len(r.plot.bars), 1))
}

// barAt is the bar at a place, -1 where there is none.
func (r *plotRenderer) barAt(x float32) int {
	if x < plotLeft || len(r.plot.bars) == 0 {
		return -1
	}
	return min(int((x-plotLeft)/r.width()), len(r.plot.bars)-1)
}

func (r *plotRenderer) Objects() []fyne.CanvasObject {
	all := []fyne.CanvasObject{r.back}
	for i := range r.grid {
		all = append(all, r.grid[i], r.scale[i])
	}
	for _, c := range r.columns {
		all = append(all, c.accepted, c.delivered, c.refused, c.tick)
	}
	return append(all, r.axis, r.ring)
}

func (r *plotRenderer) Refresh() {
	th, v := r.plot.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor = th.Color(theme.ColorNameHover, v)
	r.ring.StrokeColor = th.Color(theme.ColorNameForeground, v)
	look.Show(r.ring, r.plot.focused)
	muted := th.Color(theme.ColorNamePlaceHolder, v)
	r.axis.StrokeColor, r.axis.StrokeWidth = muted, 1
	for i := range r.grid {
		r.grid[i].StrokeColor, r.grid[i].StrokeWidth = th.Color(theme.ColorNameHover, v), 1
		r.scale[i].Color, r.scale[i].TextSize = muted, th.Size(theme.SizeNameCaptionText)
	}
	for len(r.columns) < len(r.plot.bars) {
		r.columns = append(r.columns, column{canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent), canvas.NewText("", nil)})
	}
	r.columns = r.columns[:len(r.plot.bars)]
	for i, c := range r.columns {
		c.accepted.StrokeColor, c.accepted.StrokeWidth = th.Color(theme.ColorNameForeground, v), 1
		c.delivered.FillColor, c.refused.FillColor = th.Color(theme.ColorNameSuccess, v), th.Color(theme.ColorNameError, v)
		c.tick.Text, c.tick.Color, c.tick.TextSize = r.plot.bars[i].Tick, muted, th.Size(theme.SizeNameCaptionText)
	}
	r.Layout(r.plot.Size())
	canvas.Refresh(r.plot)
}

// Layout implements fyne.WidgetRenderer.
func (r *plotRenderer) Layout(s fyne.Size) {
	if r.size = s; s.Width <= plotLeft {
		return // it has no place yet
	}
	up, down := 0, 0
	for _, b := range r.plot.bars {
		up, down = max(up, b.Accepted, b.Delivered), max(down, b.Refused)
	}
	up = round(up)
	room := s.Height - plotTop - plotBottom
	unit := room / float32(up+down)
	below := float32(0)
	if down > 0 { // what is refused can be seen, however little it is
		below = max(float32(down)*unit, 6)
		unit = (room - below) / float32(up)
	}
	zero := plotTop + room - below
	line(r.axis, plotLeft, s.Width, zero)
	for i, n := range []int{up, up / 2} {
		y := zero - float32(n)*unit
		line(r.grid[i], plotLeft, s.Width, y)
		r.scale[i].Text = words.Number(n)
		half := r.scale[i].MinSize().Height / 2
		r.scale[i].Resize(fyne.NewSize(plotLeft-8, half*2))
		r.scale[i].Move(fyne.NewPos(0, y-half))
		shown := len(r.plot.bars) > 0 && n > 0 && (i == 0 || up%2 == 0)
		look.Show(r.scale[i], shown)
		look.Show(r.grid[i], shown)
	}
	w := r.width()
	gap := min(max(w*0.18, 1), 4)
	for i, c := range r.columns {
		b, x := r.plot.bars[i], plotLeft+w*float32(i)
		tall := func(n int, least float32) float32 {
			if n == 0 {
				return 0
			}
			return max(float32(n)*unit, least)
		}
		place(c.accepted, x+gap, zero-tall(b.Accepted, 3), w-2*gap, max(tall(b.Accepted, 3)-1, 0)) // its line is centred
		inset := min(gap+2, w/3)
		place(c.delivered, x+inset, zero-tall(b.Delivered, 2), w-2*inset, tall(b.Delivered, 2))
		place(c.refused, x+inset, zero+1, w-2*inset, min(tall(b.Refused, 4), max(below-1, 4)))
		look.Show(c.accepted, b.Accepted > 0)
		look.Show(c.delivered, b.Delivered > 0)
		look.Show(c.refused, b.Refused > 0)
		size := c.tick.MinSize()
		c.tick.Move(fyne.NewPos(min(x, s.Width-size.Width), s.Height-plotBottom+4))
		c.tick.Resize(size)
	}
	look.Show(r.back, r.plot.chosen >= 0)
	if r.plot.chosen >= 0 {
		place(r.back, plotLeft+w*float32(r.plot.chosen), plotTop-4, w, room+8)
	}
	place(r.ring, -3, -3, s.Width+6, s.Height+6)
}

func line(l *canvas.Line, from, to, y float32) {
	l.Position1, l.Position2 = fyne.NewPos(from, y), fyne.NewPos(to, y)
}

func place(o fyne.CanvasObject, x, y, width, height float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(width, height))
}

// round is the next number from n on that reads well at an axis.
func round(n int) int {
	for power := 1; ; power *= 10 {
		for _, step := range []int{1, 2, 4, 6, 8, 10} {
			if step*power >= n {
				return step * power
			}
		}
	}
}
