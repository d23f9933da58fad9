//go:build !darwin || cgo

package setup

import (
	"context"
	"errors"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/uitest"
)

// A given is a step that is given to the page.
type given struct {
	content fyne.CanvasObject
	shown   []string
	hidden  int
	ready   bool
}

func newGiven(text string) *given { return &given{content: look.Surface(look.Text(text))} }

func (g *given) Content() fyne.CanvasObject { return g.content }
func (g *given) Show(account string)        { g.shown = append(g.shown, account) }
func (g *given) Hide()                      { g.hidden++ }
func (g *given) Status(desk.Status)         {}
func (g *given) Ready() bool                { return g.ready }

// A screen is the page in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Page
	f            *fake
	checks, done *given
}

func openScreen(t *testing.T, f *fake, at desk.Place) *screen {
	t.Helper()
	s := &screen{Bench: uitest.New(t), f: f, checks: newGiven("the checks"), done: newGiven("the hand-over")}
	s.Page = New(s.Desk, f, s.Frame, s.checks, s.done)
	s.Window.SetContent(container.New(layout.NewCustomPaddedLayout(12, 16, 8, 16), s.Page.Content()))
	s.Page.Show(at)
	s.idle()
	return s
}

func (s *screen) state() State { return s.p.state }

func (s *screen) idle() { s.Until(func() bool { return s.state().Activity == Idle && !s.p.busy }) }

// next presses Enter on the primary button and waits for what follows.
func (s *screen) next() {
	s.Window.Canvas().Focus(s.primary)
	s.Press(fyne.KeyReturn)
	s.idle()
}

func (s *screen) fill(f Field, text string) {
	s.Window.Canvas().Focus(s.rows[f].entry)
	s.rows[f].entry.SetText("")
	s.Type(text)
}

func (s *screen) paste(f Field, text string) { s.rows[f].entry.SetText(text) }

var _ = errors.New
var _ = context.Canceled
var _ = mailer.Fix
var _ = account.New
var _ = setup.StepDone
