//go:build !darwin || cgo

package checking

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A Step is the checks of one account at a time, as a part of a page. It belongs
// to the window's goroutine.
type Step struct {
	// Changed is called whenever what is shown has changed; nil for nothing.
	Changed func()

	p     *presenter
	frame look.Frame
	kit   *look.Kit

	content fyne.CanvasObject
	list    *list
	test    *testPanel
	others  *othersPanel
	beside  *look.Scroll

	drawn   State // what is to be seen
	visible bool
}

// New returns the checks, of no account yet.
func New(d *desk.Desk, p Program, f look.Frame) *Step {
	return stepOf(newPresenter(d, p), f)
}

// Anew makes the checks in the language in use now. What was found is there, and
// what is under way goes on; s is not used any more.
func (s *Step) Anew(f look.Frame) *Step { return stepOf(s.p, f) }

func stepOf(p *presenter, f look.Frame) *Step {
	s := &Step{p: p, frame: f}
	s.p.show = s.render
	s.p.passed = func(r checks.Result, a account.Account) { f.Notify(passedTitle(r), passedText(a)) }
	s.kit = f.Kit(s.Escape)
	left := s.listView()
	s.beside = s.kit.Scrolled(func() fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedLayout(0, 4, 0, 14), look.Rows(8, s.testView(), s.othersView()))
	})
	s.content = container.New(look.Columns{Gap: 12, Share: 0.7}, left, look.Surface(s.beside.Scroll))
	return s
}

// Content is what the step consists of. It needs some 900×400 pixels.
func (s *Step) Content() fyne.CanvasObject { return s.content }

// Show shows an account as it is stored now. What was found of it before is
// there, unless its settings are others now; what is under way goes on.
func (s *Step) Show(name string) {
	s.visible = true
	s.p.open(name, func() {
		if s.visible {
			s.focusFirst()
		}
	})
	s.focusFirst()
}

// Begin does the checks of the account that is shown, unless they were done or
// are under way.
func (s *Step) Begin() {
	s.p.begin()
	s.focusFirst()
}

// Resume does the checks as Begin does, but sends no test email: the server took one
// before.
func (s *Step) Resume() {
	s.p.resume()
	s.focusFirst()
}

// Accepted reports whether the server took a test email of the account that is
// shown.
func (s *Step) Accepted() bool { return s.p.current != nil && s.p.current.state.accepted() }

// Outdated forgets what was found of an account: it has another secret now.
func (s *Step) Outdated(account string) { s.p.outdated(account) }

// Hide says that the step is not to be seen. What is under way goes on.
func (s *Step) Hide() { s.visible = false }

// GiveUp ends what is under way for the account that is shown.
func (s *Step) GiveUp() {
	if m := s.p.current; m != nil {
		s.p.giveUp(m)
	}
}

// Status takes the program's state.
func (s *Step) Status(is desk.Status) { s.p.told(is) }

// Ready reports whether the setup of the account that is shown is proved: no
// check failed, and the server took a test email.
func (s *Step) Ready() bool { return s.p.current != nil && s.p.current.state.Ready() }

// Escape stops what is under way: the checks before the test email.
func (s *Step) Escape() {
	switch m := s.p.current; {
	case m == nil:
	case m.state.Run.Active:
		s.p.stop()
	case m.state.Test.Active:
		s.p.stopTest()
	}
}

// Test sends the test email to the address that stands in its field, once the
// account is known.
func (s *Step) Test() { s.p.testSoon() }

// render draws a state, unless nobody sees it.
func (s *Step) render(is State) {
	if s.visible {
		was := s.drawn
		s.drawn = is
		s.renderList(was, is)
		s.renderTest(is)
		s.renderOthers(is)
		s.beside.Arrange()
		s.moveFocus(was, is)
	}
	if s.Changed != nil {
		s.Changed()
	}
}

// focusFirst puts the focus where the next key belongs.
func (s *Step) focusFirst() {
	switch is := s.drawn; {
	case is.Run.Active:
		s.kit.Canvas.Focus(s.list.stop)
	case is.Ready():
		// What is next is the page's, where something of it has the focus.
		if gone(s.kit.Canvas.Focused()) {
			s.kit.Canvas.Focus(s.list.check)
		}
	default:
		s.kit.Canvas.Focus(s.list.check)
	}
}

// moveFocus puts the focus where the next key belongs when what had it is gone,
// and nowhere else: somebody may be typing.
func (s *Step) moveFocus(was, is State) {
	c := s.kit.Canvas
	at := c.Focused()
	switch {
	case was.Name != is.Name:
	case !was.Run.Active && is.Run.Active:
		if gone(at) {
			c.Focus(s.list.stop)
		}
	case was.Run.Active && !is.Run.Active:
		failed := is.Checks.Failed()
		if gone(at) || at == fyne.Focusable(s.list.stop) {
			c.Focus(s.list.check)
			if len(failed) > 0 {
				c.Focus(s.list.rows[failed[0].ID].line)
			}
		}
		s.list.scroll.ScrollToTop()
		if len(failed) > 0 {
			s.reveal(failed[0].ID)
		}
	case !was.Test.Active && is.Test.Active && gone(at):
		c.Focus(s.test.stop)
	case was.Test.Active && !is.Test.Active && gone(at):
		c.Focus(s.test.send)
	}
	if len(was.Checks.In(Waiting)) == 0 {
		for _, r := range is.Checks.In(Waiting) {
			s.reveal(r.ID)
		}
	}
}

// gone reports whether what has the focus cannot be seen, or does nothing.
func gone(at fyne.Focusable) bool {
	if at == nil {
		return true
	}
	if d, is := at.(fyne.Disableable); is && d.Disabled() {
		return true
	}
	o, is := at.(fyne.CanvasObject)
	return is && !o.Visible()
}

// reveal scrolls so that as much as possible of an open check is in sight.
func (s *Step) reveal(id string) {
	b, below := s.list.rows[id], float32(0)
	s.list.scroll.Arrange()
	if b.body.Visible() {
		below = b.body.Size().Height
	}
	s.list.scroll.KeepInSight(b.line, below)
}

// caption is a muted line above what it names.
func caption(key string) fyne.CanvasObject { return look.Small(words.Say(key)) }
