//go:build !darwin || cgo

package accounts

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/trial"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// checks is the step of the checks, as far as the page knows it.
type checks struct {
	fyne.CanvasObject
	shown  string
	begun  string
	hidden int

	outdated []string
}

func (c *checks) Content() fyne.CanvasObject { return c.CanvasObject }
func (c *checks) Show(account string)        { c.shown = account }
func (c *checks) Begin()                     { c.begun = c.shown }
func (c *checks) Hide()                      { c.hidden++ }
func (c *checks) Status(desk.Status)         {}
func (c *checks) Outdated(account string)    { c.outdated = append(c.outdated, account) }

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

func TestItsMainStatesAreDrawn(t *testing.T) {
	for name, f := range map[string]*fake{"chosen": newFake(personal("main"), app("erp")), "empty": newFake(), "unreadable": unreadable()} {
		t.Run(name, func(t *testing.T) {
			s := open(t, f)
			if s.Page.Show(desk.Place{}); name != "empty" {
				s.at(desk.Place{Account: s.rows[0].Name})
			}
			test.AssertRendersToMarkup(t, name+".xml", s.Window.Canvas())
		})
	}
}

func unreadable() *fake {
	f := newFake(personal("main"))
	f.broken["erp"] = &account.FieldError{File: "/home/ada/.config/traymail/accounts/erp.toml", Line: 7, Key: "smtp_port", Text: "incomplete number", Fix: "correct the line; docs/configuration.md shows the form of every key"}
	return f
}

func TestEverySettingHasAFieldWithAName(t *testing.T) {
	s := open(t, newFake(personal("main"), app("erp")))
	for i := range fields {
		f := &fields[i]
		in := s.form.inputs[f.key]
		name := in.row.Objects[0].(*widget.Label).Text
		if f.kind == flag {
			name = in.flag.Text
		}
		if name == "" || strings.HasPrefix(name, "accounts.") {
			t.Errorf("the field of %s is called %q", f.key, name)
		}
		if f.kind == choice && slices.ContainsFunc(in.choice.Options, func(o string) bool { return strings.HasPrefix(o, "accounts.") }) {
			t.Errorf("%s can be %q", f.key, in.choice.Options)
		}
	}
	// The file's keys are the fields, but for what cannot be changed.
	typ := reflect.TypeFor[account.Account]()
	for _, f := range append(reflect.VisibleFields(typ), reflect.VisibleFields(reflect.TypeFor[account.Limits]())...) {
		key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if key != "" && key != "-" && key != "id" && fieldOf(key) == nil {
			t.Errorf("%s has no field", key)
		}
	}
}

func TestASettingIsTypedAndAppliedByKeys(t *testing.T) {
	s := open(t, newFake(personal("main"))).at(desk.Place{})
	s.Window.Canvas().Focus(s.form.inputs["test_to"].entry)
	s.form.inputs["test_to"].entry.SetText("")
	s.Type("someone@contoso.com")
	if !s.applyBar.Visible() {
		t.Fatal("nothing offers to apply it")
	}
	s.Window.Canvas().Focus(s.apply)
	s.key(fyne.KeyReturn)
	s.Until(func() bool { return s.stage == Editing })
	if got := s.fake.accounts["main"].TestTo; got != "someone@contoso.com" || s.applyBar.Visible() {
		t.Errorf("the test email goes to %q; still to be applied: %v", got, s.applyBar.Visible())
	}
}

func TestAnotherLanguageKeepsWhatWasChangedAndNotApplied(t *testing.T) {
	s := open(t, newFake(personal("main"), personal("other"))).at(desk.Place{Account: "other"})
	s.form.inputs["test_to"].entry.SetText("someone@contoso.com")
	s.Set("sessions", "many")
	s.Hide()
	s.Page = s.Anew(s.Frame, s.checks)
	s.Window.SetContent(s.Content())
	s.Page.Status(s.fake.status())
	s.at(desk.Place{})
	if got := s.form.inputs["test_to"].entry.Text; got != "someone@contoso.com" || !s.applyBar.Visible() || s.chosen != "other" {
		t.Errorf("%q stands there for %s", got, s.chosen)
	}
	s.Set("sessions", "2")
	s.apply.Tapped(nil)
	s.Until(func() bool { return s.stage == Editing })
	if got := s.fake.accounts["other"].TestTo; got != "someone@contoso.com" {
		t.Errorf("the test email goes to %q", got)
	}
}

func TestAnotherLanguageKeepsWhatItSays(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	f := newFake(personal("main"))
	s := open(t, f).at(desk.Place{Account: "main"})
	f.failing = errors.New("the keychain is locked")
	s.Page.Pause(time.Hour)
	s.Until(func() bool { return !s.busy })
	was := *s.state.Notice
	s.Hide()
	words.Use("de")
	s.Page = s.Anew(s.Frame, s.checks)
	s.Window.SetContent(s.Content())
	s.Page.Status(s.fake.status())
	s.at(desk.Place{})
	want := words.Say("accounts.not_paused", words.Data{"Account": "main"})
	if n := s.state.Notice; n == nil || n.What != want || n.What == was.What || n.Said == was.Said || !s.notice.card.Visible() {
		t.Errorf("it says %+v", n)
	}
}

func TestTheFocusGoesToWhatIsWrongAndUnfoldsIt(t *testing.T) {
	s := open(t, newFake(personal("main"))).at(desk.Place{})
	s.Set("sessions", "many")
	s.Window.Canvas().Focus(s.apply)
	s.key(fyne.KeyReturn)
	if at := s.Window.Canvas().Focused(); at != s.form.inputs["sessions"].entry || !s.form.rest.Visible() {
		t.Errorf("%T has the focus", at)
	}
	s.Look("accounts-wrong")
	if len(s.fake.calls) != 0 {
		t.Errorf("it was saved: %v", s.fake.calls)
	}
}

func TestAnotherAccountIsChosenOnlyWhenTheChangesMayGo(t *testing.T) {
	s := open(t, newFake(personal("main"), app("erp"))).at(desk.Place{Account: "main"})
	s.Set("label", "changed")
	s.Page.Show(desk.Place{Page: desk.Accounts, Account: "erp"})
	s.Look("accounts-ask-discard")
	s.key(fyne.KeyEscape)
	if s.chosen != "main" || s.changes() != 1 {
		t.Fatalf("%s is chosen, with %d changes", s.chosen, s.changes())
	}
	s.Page.Show(desk.Place{Page: desk.Accounts, Account: "erp"})
	s.Window.Canvas().FocusNext()
	s.key(fyne.KeyReturn)
	s.Until(func() bool { return s.chosen == "erp" && s.stage == Editing })
}

func TestChoosingTheChosenAccountKeepsWhatWasChanged(t *testing.T) {
	s := open(t, newFake(personal("main"), app("erp"))).at(desk.Place{Account: "main"})
	s.Set("label", "changed")
	s.choices[slices.IndexFunc(s.rows, func(r Row) bool { return r.Name == "main" })].Tapped(nil)
	if s.stage != Editing || s.changes() != 1 {
		t.Errorf("the stage is %d, with %d changes", s.stage, s.changes())
	}
}

func TestAnImportAsksBeforeItLeavesWhatWasChanged(t *testing.T) {
	s := open(t, newFake(personal("main"))).at(desk.Place{Account: "main"})
	s.disk.content, _ = account.ExportTOML([]account.Account{app("branch")})
	s.Set("label", "changed")
	s.bring.OnTapped()
	s.key(fyne.KeyReturn) // goes on editing: that has the focus
	if s.chosen != "main" || s.changes() != 1 || len(s.fake.calls) != 0 {
		t.Fatalf("%s is chosen, with %d changes: %v", s.chosen, s.changes(), s.fake.calls)
	}
	s.bring.OnTapped()
	s.Window.Canvas().FocusNext()
	s.key(fyne.KeyReturn)
	s.Until(func() bool { return s.chosen == "branch" && s.stage == Editing })
}

func TestRemovingIsAskedAndAnAccountWithMessagesStays(t *testing.T) {
	s := open(t, newFake(personal("main"), app("erp"))).at(desk.Place{Account: "main"})
	s.head.remove.OnTapped()
	s.key(fyne.KeyEscape)
	if len(s.fake.calls) != 0 {
		t.Fatalf("it was removed: %v", s.fake.calls)
	}
	st := s.fake.status()
	st.Accounts[1].Waiting = 3
	s.Page.Status(st)
	s.head.remove.OnTapped()
	s.Look("accounts-ask-waiting")
	s.Window.Canvas().FocusNext()
	s.key(fyne.KeyReturn)
	if want := (desk.Place{Page: desk.Queue, Account: "main"}); len(s.Opened) != 1 || s.Opened[0] != want {
		t.Errorf("it leads to %v, want %v", s.Opened, want)
	}
	s.Page.Status(s.fake.status())
	s.head.remove.OnTapped()
	s.Window.Canvas().FocusNext()
	s.key(fyne.KeyReturn)
	s.Until(func() bool { return !s.busy })
	if want := []string{"remove main"}; !slices.Equal(s.fake.calls, want) || s.chosen != "" || s.notice.card.Visible() == false {
		t.Errorf("it did %v, and %q is chosen", s.fake.calls, s.chosen)
	}
}

func TestAPlaceBeginsWhatItSays(t *testing.T) {
	for do, begun := range map[string]func(s *screen) bool{
		desk.DoCheck:  func(s *screen) bool { return s.checks.begun == "erp" && s.checking.Visible() && !s.settings.Visible() },
		desk.DoTest:   func(s *screen) bool { return s.trial.State().Account == "erp" },
		desk.DoSecret: func(s *screen) bool { return s.Window.Canvas().Focused() == s.form.secret.entry },
		desk.DoSignIn: func(s *screen) bool {
			return len(s.Opened) == 1 && s.Opened[0] == desk.Place{Page: desk.Setup, Account: "erp", Do: desk.DoSignIn}
		},
		"": func(s *screen) bool { return s.Window.Canvas().Focused() == s.choices[0] },
	} {
		t.Run("do "+do, func(t *testing.T) {
			s := open(t, newFake(app("erp"), personal("main")))
			s.Page.Show(desk.Place{Page: desk.Accounts, Account: "erp", Do: do})
			s.Until(func() bool { return begun(s) })
			if do == desk.DoCheck {
				s.Escape()
				if s.checks.hidden != 1 || s.checking.Visible() || s.Window.Canvas().Focused() != s.head.check {
					t.Error("Escape does not lead back")
				}
			}
			if do == desk.DoTest {
				s.Until(func() bool { return s.trial.State().Stage == trial.Taken })
				s.key(fyne.KeyEscape)
				if s.trial.Card.Visible() {
					t.Error("Escape does not put the result away")
				}
			}
		})
	}
}

func TestAPlaceThatWasLeftBeginsNothing(t *testing.T) {
	s := open(t, newFake(app("erp"), personal("main")))
	s.Page.Show(desk.Place{Page: desk.Accounts, Account: "erp", Do: desk.DoCheck})
	s.Page.Hide()
	s.Until(func() bool { return s.stage != Loading })
	if s.checks.begun != "" || s.checking.Visible() {
		t.Error("the checks are begun where nobody sees them")
	}
}

func TestTheChecksTakeTheFocusFromWhatTheyHide(t *testing.T) {
	s := open(t, newFake(app("erp"))).at(desk.Place{Account: "erp"})
	s.Window.Canvas().Focus(s.head.check)
	s.key(fyne.KeyReturn)
	if f := s.Window.Canvas().Focused(); !s.checking.Visible() || f != nil {
		t.Errorf("beside the checks, %T has the focus", f)
	}
}

func TestThePauseOfAnAccountIsChosenFromAMenu(t *testing.T) {
	s := open(t, newFake(personal("main"))).at(desk.Place{})
	s.Window.Canvas().Focus(s.head.pause)
	s.key(fyne.KeyReturn, fyne.KeyUp, fyne.KeyReturn)
	s.Until(func() bool { return !s.busy })
	st := s.fake.status()
	st.Accounts[0].State, st.Accounts[0].Cause = mailer.Paused, mailer.CauseUser
	s.Page.Status(st)
	s.Window.Canvas().Focus(s.head.resume)
	s.key(fyne.KeyReturn)
	s.Until(func() bool { return !s.busy })
	if want := []string{"pause main false", "resume main"}; !slices.Equal(s.fake.calls, want) {
		t.Errorf("it did %v, want %v", s.fake.calls, want)
	}
}

func TestTheBarDoesNotCoverWhatIsTyped(t *testing.T) {
	s := open(t, newFake(app("erp")))
	place := fyne.CurrentApp().Driver().AbsolutePositionForObject
	for i := range fields {
		in := s.form.inputs[fields[i].key]
		if in.entry == nil || fields[i].group == Servers {
			continue
		}
		s.Choose("erp")
		s.Until(func() bool { return s.stage == Editing })
		s.form.fold(true)
		s.detail.Arrange()
		if !in.row.Visible() {
			continue
		}
		s.Window.Canvas().Focus(in.entry)
		s.Type("7")
		bottom, end := place(in.entry).Y+in.entry.Size().Height, place(s.detail.Scroll).Y+s.detail.Size().Height
		if !s.applyBar.Visible() || bottom > end {
			t.Errorf("%s ends at %g, and what can be seen at %g", fields[i].key, bottom, end)
		}
	}
}

func TestWhatIsTypedForASecretIsNotShown(t *testing.T) {
	s := open(t, newFake(app("erp"))).at(desk.Place{Account: "erp", Do: desk.DoSecret})
	s.Window.Canvas().Focus(s.form.secret.entry)
	s.Type("Abc8Q~value")
	s.Look("accounts-secret")
	var markup strings.Builder
	markup.WriteString(test.RenderToMarkup(s.Window.Canvas()))
	if strings.Contains(markup.String(), "Abc8Q~value") {
		t.Error("the window shows it")
	}
	s.Apply()
	s.Until(func() bool { return s.stage == Editing })
	if !slices.Equal(s.checks.outdated, []string{"erp"}) {
		t.Errorf("what was found with the former one counts still: %q", s.checks.outdated)
	}
	if len(s.fake.saved) != 1 || s.fake.saved[0].Reveal() != "Abc8Q~value" || s.form.secret.entry.Text != "" {
		t.Errorf("%d secrets were saved, and %d letters stand in the field", len(s.fake.saved), len(s.form.secret.entry.Text))
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
	for name, c := range map[string]struct {
		f  *fake
		do func(s *screen)
	}{
		"person": {newFake(personal("main"), app("erp")), func(s *screen) { s.at(desk.Place{Account: "main"}) }},
		"app":    {newFake(personal("main"), app("erp")), func(s *screen) { s.at(desk.Place{Account: "erp"}) }},
		"many":   {many, func(s *screen) { s.at(desk.Place{Account: "branch-03.with-a-rather-long-name-of-an-account"}) }},
		"empty":  {newFake(), func(s *screen) { s.Page.Show(desk.Place{}) }},
		"broken": {unreadable(), func(s *screen) { s.at(desk.Place{Account: "erp"}) }},
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
