//go:build !darwin || cgo

package look

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A Check is a box to tick. It has a ring while it is focused: the toolkit's own
// shade is hardly seen.
type Check struct {
	widget.Check
	onEscape func()
	onFocus  func()
	setting  bool
	ring     *canvas.Rectangle
}

func newCheck(text string, changed func(bool)) *Check {
	c := &Check{ring: newRing()}
	c.Text = text
	c.OnChanged = func(on bool) {
		if !c.setting {
			changed(on)
		}
	}
	c.ExtendBaseWidget(c)
	return c
}

// Set ticks the box, or not, without telling that it changed.
func (c *Check) Set(on bool) {
	if c.Checked == on {
		return
	}
	c.setting = true
	c.SetChecked(on)
	c.setting = false
}

func (c *Check) FocusGained() {
	c.ring.Show()
	c.onFocus()
	c.Check.FocusGained()
}

func (c *Check) FocusLost() {
	c.ring.Hide()
	c.Check.FocusLost()
}

func (c *Check) CreateRenderer() fyne.WidgetRenderer {
	return ringed(c.Check.CreateRenderer(), c.ring, &c.Check)
}

func (c *Check) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyEscape:
		c.onEscape()
	case fyne.KeyReturn, fyne.KeyEnter:
		c.SetChecked(!c.Checked)
	default:
		c.Check.TypedKey(k)
	}
}

// A Select is a choice of one option. It has a ring while it is focused, as a
// Check has, and shows an option that is too long for one line on several.
type Select struct {
	widget.Select
	onEscape func()
	onFocus  func()
	setting  bool
	ring     *canvas.Rectangle
}

func newSelect(options []string, changed func(int)) *Select {
	s := &Select{ring: newRing()}
	s.Options = options
	s.OnChanged = func(option string) {
		if !s.setting {
			changed(slices.Index(s.Options, option))
		}
	}
	s.ExtendBaseWidget(s)
	return s
}

// Set chooses the option of the index without telling that it changed; -1
// chooses none.
func (s *Select) Set(index int) {
	if s.SelectedIndex() == index {
		return
	}
	s.setting = true
	if index < 0 {
		s.ClearSelected()
	} else {
		s.SetSelectedIndex(index)
	}
	s.setting = false
}

func (s *Select) FocusGained() {
	s.ring.Show()
	s.onFocus()
	s.Select.FocusGained()
}

func (s *Select) FocusLost() {
	s.ring.Hide()
	s.Select.FocusLost()
}

func (s *Select) TypedKey(k *fyne.KeyEvent) {
	if fyne.CurrentApp().Driver().CanvasForObject(s) == nil && k.Name != fyne.KeyEscape {
		return // not drawn yet, or not any more: there is nothing to open its list on
	}
	switch k.Name {
	case fyne.KeyEscape:
		s.onEscape()
	case fyne.KeyReturn, fyne.KeyEnter:
		s.Select.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	default:
		s.Select.TypedKey(k)
	}
}

func (s *Select) CreateRenderer() fyne.WidgetRenderer {
	r := &selectRenderer{WidgetRenderer: ringed(s.Select.CreateRenderer(), s.ring, &s.Select), frame: canvas.NewRectangle(color.Transparent), of: s}
	for _, o := range r.WidgetRenderer.Objects() {
		if text, is := o.(*widget.RichText); is {
			// The toolkit would shorten it.
			text.Truncation, text.Wrapping = fyne.TextTruncateOff, fyne.TextWrapWord
		}
	}
	r.frame.StrokeWidth = 1
	r.colour()
	return r
}

// A selectRenderer adds the one-pixel line that an entry has too.
type selectRenderer struct {
	fyne.WidgetRenderer
	frame *canvas.Rectangle
	of    *Select
}

func (r *selectRenderer) colour() {
	th, v := r.of.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.frame.StrokeColor, r.frame.CornerRadius = th.Color(theme.ColorNameInputBorder, v), th.Size(theme.SizeNameInputRadius)
}

// Layout does it twice: the toolkit puts the text in
// the middle by the height that it had at its former width.
func (r *selectRenderer) Layout(s fyne.Size) {
	for range 2 {
		r.WidgetRenderer.Layout(s)
	}
	r.frame.Resize(s)
}

func (r *selectRenderer) Refresh() {
	r.colour()
	r.WidgetRenderer.Refresh()
	r.frame.Refresh()
}

func (r *selectRenderer) Objects() []fyne.CanvasObject {
	return append(r.WidgetRenderer.Objects(), r.frame)
}
