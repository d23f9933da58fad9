//go:build !darwin || cgo

package accounts

import (
	"fmt"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/uitest"
)

// checks is the step of the checks, as far as the page knows it.
type checks struct {
	fyne.CanvasObject
	shown  string
	hidden int
}

func (c *checks) Content() fyne.CanvasObject { return c.CanvasObject }
func (c *checks) Show(account string)        { c.shown = account }
func (c *checks) Hide()                      { c.hidden++ }
func (c *checks) Status(desk.Status)         {}

// A screen is the page in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Page
	fake   *fake
	disk   disk
	checks *checks
}

func open(t *testing.T, f *fake) *screen {
	t.Helper()
	s := &screen{Bench: uitest.New(t), fake: f, checks: &checks{CanvasObject: widget.NewLabel("the checks")}}
	s.Page = New(s.Desk, f, s.Frame, s.disk.files(), s.checks)
	s.now = func() time.Time { return noon }
	s.Window.SetContent(container.New(layout.NewCustomPaddedLayout(12, 16, 16, 16), s.Content()))
	s.Page.Status(f.status())
	return s
}

// at shows a place and waits until the account is read.
func (s *screen) at(p desk.Place) *screen {
	p.Page = desk.Accounts
	s.Page.Show(p)
	s.Until(func() bool { return s.stage != Loading && len(s.ways) == len(s.fake.accounts) })
	return s
}

func (s *screen) key(names ...fyne.KeyName) {
	for _, n := range names {
		s.Press(n)
	}
}

func TestLooks(t *testing.T) {
	many := newFake(personal("main"), app("erp"))
	for i := range 20 {
		a := personal(fmt.Sprintf("branch-%02d.with-a-rather-long-name-of-an-account", i))
		a.Username = "service-account-for-erp-and-invoices@mail.northern-branch.contoso.example"
		a.Sender = "invoices.northern.branch.no-reply@mail.contoso.example"
		many.accounts[a.Name] = a
	}
	broken := newFake(personal("main"))
	broken.broken["erp"] = &account.FieldError{File: "/home/ada/.config/traymail/accounts/erp.toml", Line: 7, Key: "smtp_port", Text: "incomplete number", Fix: "correct the line; docs/configuration.md shows the form of every key"}
	for name, c := range map[string]struct {
		f  *fake
		do func(s *screen)
	}{
		"person": {newFake(personal("main"), app("erp")), func(s *screen) { s.at(desk.Place{Account: "main"}) }},
		"app":    {newFake(personal("main"), app("erp")), func(s *screen) { s.at(desk.Place{Account: "erp"}) }},
		"many":   {many, func(s *screen) { s.at(desk.Place{Account: "branch-03.with-a-rather-long-name-of-an-account"}) }},
		"empty":  {newFake(), func(s *screen) { s.Page.Show(desk.Place{}) }},
		"broken": {broken, func(s *screen) { s.at(desk.Place{Account: "erp"}) }},
		"changed": {newFake(personal("main")), func(s *screen) {
			s.at(desk.Place{})
			s.Set("username", "new@contoso.com")
			s.Set("sender", "no address")
			s.blame = true
			s.Apply()
		}},
		"more": {newFake(app("erp")), func(s *screen) {
			s.at(desk.Place{})
			s.form.fold(true)
			s.Set("sessions", "many")
			s.blame = true
			s.Apply()
		}},
		"applied": {newFake(personal("main")), func(s *screen) {
			s.at(desk.Place{})
			s.Set("username", "new@contoso.com")
			s.Apply()
			s.Until(func() bool { return s.stage == Editing })
		}},
		"remove": {newFake(personal("main")), func(s *screen) { s.at(desk.Place{}); s.askRemove() }},
		"paused": {newFake(personal("main"), app("erp")), func(s *screen) {
			st := s.fake.status()
			st.Accounts[0].State, st.Accounts[0].Cause = mailer.Paused, mailer.CauseUser
			st.Accounts[1].State, st.Accounts[1].Cause, st.Accounts[1].Reason, st.Accounts[1].Fix = mailer.Attention, mailer.CauseSignIn, "invalid_grant: AADSTS50173: the provided grant has expired", "sign in: traymail login main"
			s.Page.Status(st)
			s.at(desk.Place{Account: "main"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, c.f)
			c.do(s)
			s.Look("accounts-" + name)
			s.Window.Resize(fyne.NewSize(968, 700))
			s.Look("accounts-" + name + "-small")
		})
	}
}
