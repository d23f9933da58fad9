//go:build !darwin || cgo

package handover

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A Step is the hand-over as a part of a page. It belongs to the window's
// goroutine.
type Step struct {
	p       *presenter
	o       Options
	frame   look.Frame
	kit     *look.Kit
	content fyne.CanvasObject

	values *valuesPanel
	tools  *toolsPanel
	runs   *runsPanel
	left   *look.Scroll
	right  *look.Scroll

	drawn   State
	visible bool
}

// New returns the step, of no account yet.
func New(d *desk.Desk, p Program, f look.Frame, o Options) *Step {
	return stepOf(newPresenter(d, p, o), f, o)
}

// Anew makes the step in the language in use now, with what was typed and a
// password that was told; s is not used any more.
func (s *Step) Anew(f look.Frame, o Options) *Step {
	s.p.o = o
	return stepOf(s.p, f, o)
}

func stepOf(p *presenter, f look.Frame, o Options) *Step {
	s := &Step{p: p, o: o, frame: f}
	s.p.show = s.render
	s.kit = f.Kit(s.Escape)
	inside := func(o fyne.CanvasObject) fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedLayout(0, 4, 0, 14), o)
	}
	s.left = s.kit.Scrolled(func() fyne.CanvasObject { return inside(s.valuesView()) })
	s.right = s.kit.Scrolled(func() fyne.CanvasObject {
		return inside(look.Rows(8, s.toolsView(), look.Indented(widget.NewSeparator()), s.runsView()))
	})
	s.content = container.New(look.Columns{Gap: 12, Share: 0.47}, look.Surface(s.left.Scroll), look.Surface(s.right.Scroll))
	return s
}

// Content is what the step consists of. It needs some 900×400 pixels.
func (s *Step) Content() fyne.CanvasObject { return s.content }

// Show shows what is handed over.
func (s *Step) Show(w What) {
	s.visible = true
	s.p.open(w)
	s.kit.Canvas.Focus(s.values.name)
}

// Ready reports whether the tool has its user.
func (s *Step) Ready() bool {
	_, is := s.p.state.Client()
	return is
}

// Forget forgets the password that was told: whoever opens the window later is
// somebody else.
func (s *Step) Forget() { s.p.forget() }

// Hide says that the step is not to be seen.
func (s *Step) Hide() { s.visible = false }

// Status takes the program's state.
func (s *Step) Status(is desk.Status) { s.p.told(is) }

// Escape does nothing: nothing that can be given up is under way here.
func (s *Step) Escape() {}

// render draws a state, unless nobody sees it.
func (s *Step) render(is State) {
	if !s.visible {
		return
	}
	told := is.Password != "" && is.Password != s.drawn.Password
	s.drawn = is
	s.renderValues(is)
	s.renderTools(is)
	s.renderRuns(is)
	s.left.Arrange()
	s.right.Arrange()
	if told {
		s.left.KeepInSight(s.values.rows["password"].content, 0)
	}
}

// relay is what the tool is told, as it is drawn.
func (s *Step) relay() setup.Relay { return s.drawn.relay(s.o, s.p.status.Home) }

// A row is a value with its name, and a button that copies it.
type row struct {
	content *fyne.Container
	value   *look.Entry
	copy    *look.Button
	text    string // what is copied
}

// row makes one. name is the width of the names' column.
func (s *Step) row(title string, name float32) *row {
	r := &row{value: s.kit.Code("")}
	label := widget.NewLabel(title)
	label.Wrapping = fyne.TextWrapWord
	r.copy = s.kit.CopyButton(words.Say("common.copy"), func() string { return r.text })
	end := container.New(layout.NewCustomPaddedLayout(0, 0, 8, 0), container.NewVBox(r.copy))
	head := container.New(look.Column{Width: name}, label)
	// Not NewBorder, which would put the value last in the order of Tab.
	r.content = container.New(layout.NewBorderLayout(nil, nil, head, end), head, r.value, end)
	return r
}

// tell sets the value. A word stands in the place of a value that is not there,
// or that is said otherwise than it is typed.
func (r *row) tell(value, word string) {
	shown := value
	if word != "" {
		shown = word
	}
	r.text = value
	if said := word != ""; r.value.TextStyle.Monospace == said {
		r.value.TextStyle.Monospace = !said
		r.value.Refresh()
	}
	look.SetEntry(r.value, shown)
	look.Enable(r.copy, value != "")
}

// widestName is the width of the widest of some names.
func widestName(names ...string) float32 {
	width := float32(0)
	for _, n := range names {
		width = max(width, look.Widest(n))
	}
	return min(width+12, 150)
}

// word is what stands in the place of a field's value, "" for the value itself.
func word(is State, f setup.Field) string {
	_, exists := is.Client()
	_, reached := is.Listener()
	switch {
	case !reached && (f.ID == "server" || f.ID == "port" || f.ID == "encryption"):
		return words.Say("handover.no_listener")
	case f.ID == "encryption" && f.Coded && f.Value != "":
		return words.Say("handover.tls_" + f.Value)
	case f.Value != "":
		return ""
	case (f.ID == "user" || f.ID == "password") && is.withoutPassword():
		return words.Say("handover.none_needed")
	case f.ID == "password" && exists:
		return words.Say("handover.password_kept")
	case f.ID == "password":
		return words.Say("handover.password_later")
	}
	return words.Say("handover.not_known")
}

// nameOf is a field's name, as the tool or the window calls it.
func nameOf(f setup.Field) string {
	if f.Name != "" {
		return f.Name
	}
	return words.Say("handover.field_" + f.ID)
}

func names(fields []setup.Field) []string {
	var all []string
	for f := range slices.Values(fields) {
		all = append(all, nameOf(f))
	}
	return all
}
