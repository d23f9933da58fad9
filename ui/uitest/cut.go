//go:build !darwin || cgo

package uitest

import (
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
)

// Cut gives an object a size and returns its texts that are then not to be read in
// full: those that go beyond what they stand in or what clips them, also where one
// could scroll sideways, and those that the toolkit shortened to end in "…". What is
// further down in a part that scrolls counts as shown. The least size of an object
// says nothing of this: that of a choice, of a field and of a shortened label leaves
// their text out of account. A line that can be opened may be short of something.
func Cut(o fyne.CanvasObject, size fyne.Size) (cut []string) {
	o.Resize(size)
	// How high a text is follows from its width, which takes a turn for each box that
	// it is in.
	for range 8 {
		arrange(o)
		cut = nil
		cutIn(o, fyne.Position{}, area{0, 0, size.Width, size.Height}, "", func(text string) { cut = append(cut, text) })
		if len(cut) == 0 {
			break
		}
	}
	return cut
}

// arrange puts what is shown in its place again, as a window does with a frame.
func arrange(o fyne.CanvasObject) {
	if !o.Visible() {
		return
	}
	var within []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		within = o.Objects
		if o.Layout != nil {
			o.Layout.Layout(within, o.Size())
		}
	case fyne.Widget:
		r := test.WidgetRenderer(o)
		r.Layout(o.Size())
		within = r.Objects()
	}
	for _, child := range within {
		arrange(child)
	}
}

// An area is where something may be seen, in the coordinates of the whole.
type area struct{ left, top, right, bottom float32 }

// across is what is left of it between the sides of an object.
func (a area) across(at fyne.Position, size fyne.Size) area {
	return area{max(a.left, at.X), a.top, min(a.right, at.X+size.Width), a.bottom}
}

// within is what is left of it within an object.
func (a area) within(at fyne.Position, size fyne.Size) area {
	a = a.across(at, size)
	a.top, a.bottom = max(a.top, at.Y), min(a.bottom, at.Y+size.Height)
	return a
}

// letsSee is how much of a text may be missing: sizes are rounded.
const letsSee = 1.5

// cutIn tells of the texts of an object at a place. whole is the text of which those
// are the lines.
func cutIn(o fyne.CanvasObject, at fyne.Position, seen area, whole string, tell func(string)) {
	if !o.Visible() {
		return
	}
	all := func(all []fyne.CanvasObject, seen area) {
		for _, child := range all {
			cutIn(child, at.Add(child.Position()), seen, whole, tell)
		}
	}
	switch o := o.(type) {
	case *canvas.Text:
		size := fyne.MeasureText(o.Text, o.TextSize, o.TextStyle)
		switch o.Alignment {
		case fyne.TextAlignCenter:
			at.X += (o.Size().Width - size.Width) / 2
		case fyne.TextAlignTrailing:
			at.X += o.Size().Width - size.Width
		}
		beyond := at.X < seen.left-letsSee || at.X+size.Width > seen.right+letsSee || at.Y < seen.top-letsSee || at.Y+size.Height > seen.bottom+letsSee
		if o.Text != "" && (beyond || strings.HasSuffix(o.Text, "…") && !strings.HasSuffix(whole, "…")) {
			tell(o.Text)
		}
	case *container.Scroll:
		seen = seen.within(at, o.Size())
		if o.Direction == container.ScrollVerticalOnly || o.Direction == container.ScrollBoth {
			seen.top, seen.bottom = float32(math.Inf(-1)), float32(math.Inf(1))
		}
		all([]fyne.CanvasObject{o.Content}, seen)
	case *fyne.Container:
		all(o.Objects, seen.across(at, o.Size())) // one may go into the other
	case fyne.Widget:
		switch of := o.(type) {
		case *widget.RichText:
			whole = of.String()
		case *look.Line:
			if of.Opens() { // and shows the rest then
				told := tell
				tell = func(text string) {
					if !strings.HasSuffix(text, "…") {
						told(text)
					}
				}
			}
		}
		all(test.WidgetRenderer(o).Objects(), seen.within(at, o.Size()))
	}
}
