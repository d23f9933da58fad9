//go:build !darwin || cgo

package ui

import (
	"strconv"

	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A rail is the list of pages at the window's left: a sign and a word each, or
// in a narrow window the sign alone, with the word when the pointer is on it.
type rail struct {
	object *fyne.Container
	items  map[desk.Page]*railItem
	tips   *look.Tips
	folded bool
	name   fyne.CanvasObject
	foot   *widget.Label // where the program runs
}

const (
	railWidth   = 216
	foldedWidth = 56
	foldBelow   = 1100 // the window's width
)

// newRail makes the rail. open is called with the page that was chosen, and escape
// for that key.
func newRail(open func(desk.Page), escape func()) *rail {
	r := &rail{items: map[desk.Page]*railItem{}}
	word := widget.NewLabelWithStyle("traymail", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	word.SizeName = theme.SizeNameSubHeadingText
	r.name = word
	head := container.New(layout.NewCustomPaddedLayout(8, 12, 4, 0), container.NewHBox(
		container.NewCenter(look.Sized(28, widget.NewIcon(look.Icon("mark", theme.ColorNamePrimary)))), word))
	list := look.Rows(2)
	for i, page := range desk.Pages {
		item := newRailItem(page, i+1, func() { open(page) })
		item.onHover = func(in bool) {
			tip := look.Shortcut(strconv.Itoa(i + 1))
			switch {
			case in && r.folded:
				r.tips.Show(words.Say("common.page_"+string(page))+"  "+tip, item)
			case in:
				r.tips.Show(tip, item)
			default:
				r.tips.Hide()
			}
		}
		item.onMove = func(by int) { r.move(page, by) }
		item.onEscape = escape
		r.items[page] = item
		if page == desk.Explain {
			list.Add(container.New(layout.NewCustomPaddedLayout(6, 6, 10, 10), widget.NewSeparator()))
		}
		list.Add(item)
	}
	r.foot = look.Small("")
	r.object = container.New(layout.NewCustomPaddedLayout(12, 8, 8, 8), container.New(layout.NewBorderLayout(head, r.foot, nil, nil), head, list, r.foot))
	return r
}

// move puts the focus on the next item.
func (r *rail) move(from desk.Page, by int) {
	for i, page := range desk.Pages {
		if at := i + by; page == from && at >= 0 && at < len(desk.Pages) {
			item := r.items[desk.Pages[at]]
			fyne.CurrentApp().Driver().CanvasForObject(item).Focus(item)
		}
	}
}

// choose shows which page is open.
func (r *rail) choose(page desk.Page) {
	for at, item := range r.items {
		item.choose(at == page)
	}
}

// badge marks a page whose content needs a person.
func (r *rail) badge(page desk.Page, on bool) { r.items[page].mark(on) }

// fold shows the signs alone, or the words too.
func (r *rail) fold(folded bool) {
	if r.folded == folded {
		return
	}
	r.folded = folded
	if r.tips != nil {
		r.tips.Hide() // it stood beside what has moved
	}
	look.Show(r.name, !folded)
	look.Show(r.foot, !folded)
	for _, item := range r.items {
		item.folded = folded
		look.Show(item.word, !folded)
	}
}

// beside lays the rail out at the left of the page, and folds it in a narrow
// window.
type beside struct{ rail *rail }

// Layout implements fyne.Layout.
func (l beside) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	l.rail.fold(s.Width < foldBelow)
	width := float32(railWidth)
	if l.rail.folded {
		width = foldedWidth
	}
	objects[0].Move(fyne.NewPos(0, 0))
	objects[0].Resize(fyne.NewSize(width, s.Height))
	objects[1].Move(fyne.NewPos(width, 0))
	objects[1].Resize(fyne.NewSize(s.Width-width, s.Height))
}

// MinSize implements fyne.Layout. It does not depend on the pages: a text that
// was never laid out claims to be as high as the screen, and a window that has
// grown for it stays so. Pages scroll where they need more.
func (l beside) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(foldedWidth+824, 460) }

// A railItem leads to a page.
type railItem struct {
	widget.BaseWidget
	page     desk.Page
	open     func()
	onHover  func(in bool)
	onMove   func(by int)
	onEscape func()

	sign    *widget.Icon
	word    *widget.Label
	dot     *widget.Icon // something there needs a person
	content fyne.CanvasObject

	chosen, focused, hovered, folded bool
}

func newRailItem(page desk.Page, key int, open func()) *railItem {
	i := &railItem{page: page, open: open, sign: widget.NewIcon(nil), word: widget.NewLabel(words.Say("common.page_" + string(page))),
		dot: widget.NewIcon(look.Icon(look.Attention.Shape, look.Attention.Colour))}
	i.word.Truncation = fyne.TextTruncateEllipsis
	i.dot.Hide()
	i.content = container.New(inRail{i}, i.sign, i.word, i.dot)
	i.colour()
	i.ExtendBaseWidget(i)
	return i
}

func (i *railItem) colour() {
	name := theme.ColorNamePlaceHolder
	if i.chosen {
		name = theme.ColorNamePrimary
	}
	i.sign.SetResource(look.Icon(string(i.page), name))
	i.word.TextStyle.Bold = i.chosen
	i.word.Refresh()
}

func (i *railItem) choose(chosen bool) {
	if i.chosen != chosen {
		i.chosen = chosen
		i.colour()
		i.Refresh()
	}
}

func (i *railItem) mark(on bool) {
	if i.dot.Visible() != on {
		look.Show(i.dot, on)
		i.content.Refresh() // the word makes room, or takes it back
	}
}

// inRail lays out an item: the sign, the word, and at the right the mark, which is
// at the sign's corner where there is no word.
type inRail struct{ item *railItem }

const (
	signSize = 20
	signLeft = 10
	dotSize  = 16
	dotSmall = 12 // in the corner
)

// Layout implements fyne.Layout.
func (l inRail) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	sign, word, dot := objects[0], objects[1], objects[2]
	place := func(o fyne.CanvasObject, x, y, size float32) {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSquareSize(size))
	}
	place(sign, signLeft, (s.Height-signSize)/2, signSize)
	if l.item.folded {
		place(dot, s.Width-dotSmall-1, 1, dotSmall)
		return
	}
	place(dot, s.Width-2-dotSize, (s.Height-dotSize)/2, dotSize)
	left, right := float32(signLeft+signSize+4), s.Width-2
	if dot.Visible() {
		right -= dotSize + 4
	}
	height := word.MinSize().Height
	word.Move(fyne.NewPos(left, (s.Height-height)/2))
	word.Resize(fyne.NewSize(max(0, right-left), height))
}

// MinSize implements fyne.Layout.
func (l inRail) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(signLeft+signSize, 40)
}

func (i *railItem) Tapped(*fyne.PointEvent)        { i.open() }
func (i *railItem) MouseIn(*desktop.MouseEvent)    { i.hovered = true; i.onHover(true); i.Refresh() }
func (i *railItem) MouseMoved(*desktop.MouseEvent) {}
func (i *railItem) MouseOut()                      { i.hovered = false; i.onHover(false); i.Refresh() }
func (i *railItem) FocusGained()                   { i.focused = true; i.onHover(true); i.Refresh() }
func (i *railItem) FocusLost()                     { i.focused = false; i.onHover(false); i.Refresh() }
func (i *railItem) TypedRune(rune)                 {}

func (i *railItem) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		i.open()
	case fyne.KeyUp:
		i.onMove(-1)
	case fyne.KeyDown:
		i.onMove(1)
	case fyne.KeyEscape:
		i.onEscape()
	}
}

func (i *railItem) CreateRenderer() fyne.WidgetRenderer {
	r := &railItemRenderer{item: i, back: canvas.NewRectangle(color.Transparent), bar: canvas.NewRectangle(nil)}
	r.back.CornerRadius, r.bar.CornerRadius = 6, 2
	r.Refresh()
	return r
}

type railItemRenderer struct {
	item      *railItem
	back, bar *canvas.Rectangle
}

func (r *railItemRenderer) Layout(s fyne.Size) {
	r.back.Resize(s)
	r.bar.Move(fyne.NewPos(0, 8))
	r.bar.Resize(fyne.NewSize(3, s.Height-16))
	r.item.content.Resize(s)
}

func (r *railItemRenderer) MinSize() fyne.Size { return r.item.content.MinSize() }

func (r *railItemRenderer) Refresh() {
	th, v := r.item.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor, r.back.StrokeWidth = color.Transparent, 0
	if r.item.chosen || r.item.hovered {
		r.back.FillColor = th.Color(theme.ColorNameHover, v)
	}
	if r.item.focused {
		r.back.StrokeWidth, r.back.StrokeColor = 2, th.Color(theme.ColorNameForeground, v)
	}
	r.bar.FillColor = th.Color(theme.ColorNamePrimary, v)
	r.bar.Hidden = !r.item.chosen
	r.back.Refresh()
	r.bar.Refresh()
	r.item.content.Refresh()
}

func (r *railItemRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.bar, r.item.content}
}

func (r *railItemRenderer) Destroy() {}
