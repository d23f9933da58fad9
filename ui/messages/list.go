//go:build !darwin || cgo

package messages

import (
	"math"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A list shows rows of which there may be any number: it has as many widgets as
// fit into it, and tells which rows these show. It is one stop of Tab.
type list struct {
	widget.BaseWidget
	rowAt  func(i int) *Row
	see    func(first, last int)
	move   func(to int)
	enter  func()
	escape func()
	copy   func(text string)
	now    func() time.Time
	canvas fyne.Canvas

	total    int
	cursor   int
	open     string
	accounts bool
	focused  bool

	scroll *container.Scroll
	body   *fyne.Container
	views  []*rowView
	spans  [columnCount]span
	drawn  *listRenderer

	advances [2]map[rune]float32
	heights  [2]float32
}

func newList() *list {
	l := &list{cursor: -1, advances: [2]map[rune]float32{{}, {}}}
	l.body = container.New(bodyLayout{l})
	l.scroll = container.NewVScroll(l.body)
	l.scroll.OnScrolled = func(fyne.Position) { l.place() }
	l.ExtendBaseWidget(l)
	return l
}

// tell shows a list of so many rows, the keyboard at one of them, -1 for none,
// and one of them open.
func (l *list) tell(total, cursor int, open string, accounts bool) {
	grown, moved := total != l.total, cursor != l.cursor
	l.total, l.cursor, l.open = total, cursor, open
	if accounts != l.accounts {
		l.accounts = accounts
		l.arrange()
	}
	if grown {
		l.scroll.Refresh()
	}
	if moved && cursor >= 0 {
		l.keepInSight(cursor)
	}
	l.place()
}

// scrollTo puts a place of the list at its top.
func (l *list) scrollTo(y float32) {
	l.scroll.ScrollToOffset(fyne.NewPos(0, max(0, min(y, float32(l.total)*rowHeight-l.scroll.Size().Height))))
	l.place()
}

func (l *list) keepInSight(i int) {
	top, height := float32(i)*rowHeight, l.scroll.Size().Height
	y := max(l.scroll.Offset.Y, top+rowHeight-height)
	l.scrollTo(min(y, top))
}

// place has a widget for every row in sight, the same one as long as it is.
func (l *list) place() {
	size := l.scroll.Size()
	if size.Height <= 0 {
		return
	}
	first := int(l.scroll.Offset.Y / rowHeight)
	last := min(l.total, int(math.Ceil(float64((l.scroll.Offset.Y+size.Height)/rowHeight))))
	for len(l.views) < int(size.Height/rowHeight)+2 {
		v := newRowView(l)
		l.views = append(l.views, v)
		l.body.Objects = append(l.body.Objects, v)
	}
	l.see(first, last)
	for i := first; i < first+len(l.views); i++ {
		v := l.views[i%len(l.views)]
		if i >= last {
			if v.index >= 0 {
				v.index = -1
				v.Hide()
			}
			continue
		}
		r := l.rowAt(i)
		if v.index < 0 {
			v.Show()
		}
		if v.index != i {
			v.Move(fyne.NewPos(0, float32(i)*rowHeight))
		}
		v.Resize(fyne.NewSize(size.Width-scrollRoom, rowHeight))
		v.put(i, r, r != nil && r.ID == l.open, l.focused && i == l.cursor)
	}
}

// arrange gives the columns their places.
func (l *list) arrange() {
	l.spans = l.fit(l.Size().Width)
	if l.drawn != nil {
		l.drawn.layoutHead()
	}
}

// fit places the columns in a list so wide.
func (l *list) fit(width float32) [columnCount]span {
	state := float32(0)
	for _, word := range stateWords() {
		wide := float32(signRoom)
		for _, r := range word {
			wide += l.advance(false)(r)
		}
		state = max(state, wide)
	}
	return fit(width-2*rowInset-scrollRoom, l.accounts, state)
}

const scrollRoom = 8 // of the bar, at the right

func (l *list) textSize(small bool) float32 {
	if small {
		return theme.CaptionTextSize()
	}
	return theme.TextSize()
}

// advance returns how wide runes are: measuring each text as a whole would take
// most of the time of scrolling.
func (l *list) advance(small bool) func(rune) float32 {
	known, size := l.advances[0], l.textSize(small)
	if small {
		known = l.advances[1]
	}
	return func(r rune) float32 {
		w, is := known[r]
		if !is {
			w = fyne.MeasureText(string(r), size, fyne.TextStyle{}).Width
			known[r] = w
		}
		return w
	}
}

func (l *list) lineHeight(small bool) float32 {
	h := &l.heights[0]
	if small {
		h = &l.heights[1]
	}
	if *h == 0 {
		*h = fyne.MeasureText("M", l.textSize(small), fyne.TextStyle{}).Height
	}
	return *h
}

func (l *list) tapped(i int) {
	l.canvas.Focus(l)
	if i >= 0 && i < l.total {
		l.move(i)
		l.enter()
	}
}

func (l *list) FocusGained() {
	l.focused = true
	l.Refresh()
}

func (l *list) FocusLost() {
	l.focused = false
	l.Refresh()
}

func (l *list) TypedRune(rune) {}

func (l *list) TypedKey(k *fyne.KeyEvent) {
	page := max(1, int(l.scroll.Size().Height/rowHeight)-1)
	if l.cursor < 0 {
		switch k.Name {
		case fyne.KeyUp, fyne.KeyDown, fyne.KeyPageUp, fyne.KeyPageDown: // begin with what is in sight
			l.move(int(math.Ceil(float64(l.scroll.Offset.Y / rowHeight))))
			return
		}
	}
	switch k.Name {
	case fyne.KeyUp:
		l.move(l.cursor - 1)
	case fyne.KeyDown:
		l.move(l.cursor + 1)
	case fyne.KeyPageUp:
		l.move(l.cursor - page)
	case fyne.KeyPageDown:
		l.move(l.cursor + page)
	case fyne.KeyHome:
		l.move(0)
	case fyne.KeyEnd:
		l.move(l.total - 1)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		l.enter()
	case fyne.KeyEscape:
		l.escape()
	}
}

// TypedShortcut copies the cursor's row; the others are the window's.
func (l *list) TypedShortcut(s fyne.Shortcut) {
	if _, is := s.(*fyne.ShortcutCopy); is {
		if r := l.rowAt(l.cursor); r != nil {
			l.copy(line(r))
		}
		return
	}
	if c, is := l.canvas.(fyne.Shortcutable); is {
		c.TypedShortcut(s)
	}
}

// A bodyLayout is as high as all rows would be.
type bodyLayout struct{ l *list }

func (b bodyLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, float32(b.l.total)*rowHeight)
}

func (b bodyLayout) Layout([]fyne.CanvasObject, fyne.Size) { b.l.place() }
