//go:build !darwin || cgo

package setup

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
)

// A stepItem is one step in the list of them: a sign, its name and what is
// settled in it. One that was reached can be chosen.
type stepItem struct {
	widget.BaseWidget
	chosen func()
	escape func()
	move   func(by int)

	sign    *widget.Icon
	name    *widget.Label
	settled *widget.Label
	content fyne.CanvasObject

	here, disabled, focused, hovered bool
}

func newStepItem(name string, chosen, escape func(), move func(int)) *stepItem {
	i := &stepItem{chosen: chosen, escape: escape, move: move, sign: widget.NewIcon(nil), name: look.Text(name), settled: look.Small("")}
	i.content = container.NewBorder(nil, nil, container.NewHBox(look.Space(4, 0), container.NewVBox(look.Space(0, 5), look.Sized(18, i.sign))), nil,
		look.Rows(-12, i.name, i.settled))
	i.ExtendBaseWidget(i)
	return i
}

// tell sets what the item says. here is the step that is on the page.
func (i *stepItem) tell(at look.Level, settled string, here, reachable bool) {
	i.sign.SetResource(look.Icon(at.Shape, at.Colour))
	look.SetText(i.settled, settled)
	if i.name.TextStyle.Bold != here {
		i.name.TextStyle.Bold = here
		i.name.Refresh()
	}
	importance := widget.MediumImportance
	if !reachable && !here {
		importance = widget.LowImportance
	}
	if i.name.Importance != importance {
		i.name.Importance = importance
		i.name.Refresh()
	}
	i.here, i.disabled = here, !reachable && !here
	i.Refresh()
}

func (i *stepItem) Enable()                        {}
func (i *stepItem) Disable()                       {}
func (i *stepItem) Disabled() bool                 { return i.disabled }
func (i *stepItem) MouseIn(*desktop.MouseEvent)    { i.hovered = true; i.Refresh() }
func (i *stepItem) MouseMoved(*desktop.MouseEvent) {}
func (i *stepItem) MouseOut()                      { i.hovered = false; i.Refresh() }
func (i *stepItem) FocusGained()                   { i.focused = true; i.Refresh() }
func (i *stepItem) FocusLost()                     { i.focused = false; i.Refresh() }
func (i *stepItem) TypedRune(rune)                 {}

func (i *stepItem) Tapped(*fyne.PointEvent) {
	if !i.disabled {
		i.chosen()
	}
}

func (i *stepItem) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		i.Tapped(nil)
	case fyne.KeyEscape:
		i.escape()
	case fyne.KeyUp:
		i.move(-1)
	case fyne.KeyDown:
		i.move(1)
	}
}

func (i *stepItem) CreateRenderer() fyne.WidgetRenderer {
	r := &stepRenderer{item: i, back: canvas.NewRectangle(color.Transparent), ring: canvas.NewRectangle(color.Transparent)}
	r.back.CornerRadius, r.back.StrokeWidth = 8, 1
	r.ring.CornerRadius, r.ring.StrokeWidth = 8, 2
	r.Refresh()
	return r
}

type stepRenderer struct {
	item       *stepItem
	back, ring *canvas.Rectangle
}

func (r *stepRenderer) Layout(s fyne.Size) {
	r.back.Resize(s)
	r.ring.Resize(s)
	r.item.content.Resize(s)
}

func (r *stepRenderer) MinSize() fyne.Size { return r.item.content.MinSize() }

func (r *stepRenderer) Refresh() {
	th, v := r.item.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor, r.back.StrokeColor = color.Transparent, color.Transparent
	if r.item.here {
		r.back.FillColor, r.back.StrokeColor = th.Color(theme.ColorNameOverlayBackground, v), th.Color(look.ColorLine, v)
	} else if r.item.hovered && !r.item.disabled {
		r.back.FillColor = th.Color(theme.ColorNameHover, v)
	}
	r.ring.StrokeColor = th.Color(theme.ColorNameForeground, v)
	r.ring.Hidden = !r.item.focused
	r.back.Refresh()
	r.ring.Refresh()
	r.item.content.Refresh()
}

func (r *stepRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.item.content, r.ring}
}

func (r *stepRenderer) Destroy() {}

// grid puts objects into columns of the same width. The objects of a row have
// the same height.
type grid struct {
	columns int
	gap     float32
}

// Layout implements fyne.Layout.
func (g grid) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	width := (s.Width - g.gap*float32(g.columns-1)) / float32(g.columns)
	y := float32(0)
	for row := range chunks(objects, g.columns) {
		height := tallest(row)
		for i, o := range row {
			o.Move(fyne.NewPos(float32(i)*(width+g.gap), y))
			o.Resize(fyne.NewSize(width, height))
		}
		y += height + g.gap
	}
}

// MinSize implements fyne.Layout.
func (g grid) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var size fyne.Size
	for row := range chunks(objects, g.columns) {
		if size.Height > 0 {
			size.Height += g.gap
		}
		size.Height += tallest(row)
		for _, o := range row {
			size.Width = max(size.Width, o.MinSize().Width)
		}
	}
	size.Width = size.Width*float32(g.columns) + g.gap*float32(g.columns-1)
	return size
}

func tallest(row []fyne.CanvasObject) (height float32) {
	for _, o := range row {
		height = max(height, o.MinSize().Height)
	}
	return height
}

// chunks goes through the visible objects, some at a time.
func chunks(objects []fyne.CanvasObject, n int) func(func([]fyne.CanvasObject) bool) {
	return func(yield func([]fyne.CanvasObject) bool) {
		var row []fyne.CanvasObject
		for _, o := range objects {
			if !o.Visible() {
				continue
			}
			if row = append(row, o); len(row) == n {
				if !yield(row) {
					return
				}
				row = nil
			}
		}
		if len(row) > 0 {
			yield(row)
		}
	}
}

var _ fyne.Layout = grid{}
