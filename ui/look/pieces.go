//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Sized makes an object a square.
func Sized(side float32, o fyne.CanvasObject) fyne.CanvasObject {
	return container.NewGridWrap(fyne.NewSquareSize(side), o)
}

// Space is room of a size.
func Space(width, height float32) fyne.CanvasObject {
	r := canvas.NewRectangle(color.Transparent)
	r.SetMinSize(fyne.NewSize(width, height))
	return r
}

// Indented puts what has no padding of its own in line with the labels.
func Indented(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(0, 0, 8, 0), o)
}

// Rows puts objects below one another with a gap, which may be negative: labels
// bring room of their own.
func Rows(gap float32, o ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(gap), o...)
}

// Row puts objects beside one another, 8 apart.
func Row(o ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedHBoxLayout(8), o...)
}

// Text returns a wrapped text.
func Text(s string) *widget.Label {
	l := widget.NewLabel(s)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// Strong returns a wrapped text of a card's title.
func Strong(s string) *widget.Label {
	l := widget.NewLabelWithStyle(s, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	l.SizeName = theme.SizeNameSubHeadingText
	l.Wrapping = fyne.TextWrapWord
	return l
}

// Small returns a muted caption.
func Small(s string) *widget.Label {
	l := Caption(widget.LowImportance)
	l.Text = s
	return l
}

// Page puts a title, with actions at its right, above a page's content.
func Page(title string, content fyne.CanvasObject, actions ...fyne.CanvasObject) fyne.CanvasObject {
	name := widget.NewLabelWithStyle(title, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	name.SizeName = theme.SizeNameHeadingText
	name.Truncation = fyne.TextTruncateEllipsis
	head := container.NewBorder(nil, nil, nil, container.NewVBox(layout.NewSpacer(), Row(actions...), layout.NewSpacer()), name)
	// Not NewBorder, which would put the head last in the order of Tab.
	return container.New(layout.NewBorderLayout(head, nil, nil, nil), head, content)
}

// A Banner is a headline with its sign. Its Container is what is put on a page.
type Banner struct {
	Container  *fyne.Container
	shape      *widget.Icon
	What, Then *widget.Label
}

// NewBanner returns a banner that says nothing yet.
func NewBanner() *Banner {
	b := &Banner{shape: widget.NewIcon(nil), What: Strong(""), Then: Text("")}
	b.Container = container.NewBorder(nil, nil, container.NewVBox(Space(0, 2), Sized(28, b.shape)), nil, Rows(-8, b.What, b.Then))
	return b
}

// Tell sets what the banner says.
func (b *Banner) Tell(h Headline) {
	SetSign(b.shape, b.What, h.Level)
	SetText(b.What, h.What)
	SetText(b.Then, h.Then)
}

// Empty says why there is nothing to see, and what to do about it.
func Empty(what, then string, actions ...fyne.CanvasObject) fyne.CanvasObject {
	head, below := Strong(what), Text(then)
	head.Alignment, below.Alignment = fyne.TextAlignCenter, fyne.TextAlignCenter
	mark := Sized(48, widget.NewIcon(Icon("mark", theme.ColorNamePlaceHolder)))
	return container.New(columnLayout{}, container.NewVBox(layout.NewSpacer(), container.NewCenter(mark),
		Rows(-8, head, below), container.NewCenter(Row(actions...)), layout.NewSpacer()))
}

// Columns puts one object beside the other. The first has a share of the width
// where there is room for both.
type Columns struct{ Gap, Share float32 }

// Layout implements fyne.Layout.
func (l Columns) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	first, second := objects[0].MinSize().Width, objects[1].MinSize().Width
	left := min(max((s.Width-l.Gap)*l.Share, first), s.Width-l.Gap-second)
	objects[0].Move(fyne.NewPos(0, 0))
	objects[0].Resize(fyne.NewSize(left, s.Height))
	objects[1].Move(fyne.NewPos(left+l.Gap, 0))
	objects[1].Resize(fyne.NewSize(s.Width-l.Gap-left, s.Height))
}

// MinSize implements fyne.Layout.
func (l Columns) MinSize(objects []fyne.CanvasObject) fyne.Size {
	a, b := objects[0].MinSize(), objects[1].MinSize()
	return fyne.NewSize(a.Width+l.Gap+b.Width, max(a.Height, b.Height))
}

// Show shows or hides an object, and does nothing when it is so already.
func Show(o fyne.CanvasObject, visible bool) {
	switch {
	case visible && !o.Visible():
		o.Show()
	case !visible && o.Visible():
		o.Hide()
	}
}

// Enable enables or disables an object, and does nothing when it is so already.
func Enable(o fyne.Disableable, enabled bool) {
	switch {
	case enabled && o.Disabled():
		o.Enable()
	case !enabled && !o.Disabled():
		o.Disable()
	}
}

// SetSign gives an icon and a label the sign and the colour of a level.
func SetSign(shape *widget.Icon, what *widget.Label, at Level) {
	if r := Icon(at.Shape, at.Colour); shape.Resource == nil || shape.Resource.Name() != r.Name() {
		shape.SetResource(r)
	}
	if i := at.Importance(); what.Importance != i {
		what.Importance = i
		what.Refresh()
	}
}

// SetLabel sets a label's text. The toolkit draws it anew even when it is the same.
func SetLabel(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

// SetText is SetLabel, and hides a label without a text.
func SetText(l *widget.Label, text string) {
	SetLabel(l, text)
	Show(l, text != "")
}

// SetEntry sets the text of an entry, if it is another one.
func SetEntry(e *Entry, text string) {
	if e.Text != text {
		e.SetText(text)
	}
}

// SetCode sets the text of a read-only entry, and hides one without a text.
func SetCode(e *Entry, text string) {
	SetEntry(e, text)
	Show(e, text != "")
}
