//go:build !darwin || cgo

package home

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/trial"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// A screen is the page in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Page
}

func open(t *testing.T, f *fake) *screen {
	t.Helper()
	b := uitest.New(t)
	s := &screen{b, New(b.Desk, f, b.Frame)}
	s.now = func() time.Time { return noon }
	// The frame keeps pages off its edges.
	b.Window.SetContent(container.New(layout.NewCustomPaddedLayout(12, 16, 16, 16), s.Content()))
	return s
}

// show gives the page a status, and waits for what it asks for.
func (s *screen) showing(st desk.Status) *screen {
	s.Page.Status(st)
	s.Page.Show(desk.Place{Page: desk.Home})
	s.Until(func() bool { return !s.busy })
	return s
}

func (s *screen) key(names ...fyne.KeyName) {
	for _, n := range names {
		s.Press(n)
	}
}

func TestItsMainStatesAreDrawn(t *testing.T) {
	for name, st := range map[string]desk.Status{
		"flows":     running(ready("main")),
		"attention": running(ready("main"), revoked("invoices"), ending("erp")),
		"paused":    pausedUntil1430(running(ready("main"))),
		"empty":     running(),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &fake{}).showing(st)
			test.AssertRendersToMarkup(t, name+".xml", s.Window.Canvas())
		})
	}
}

func TestTheCureHasTheFocus(t *testing.T) {
	s := open(t, &fake{}).showing(running(ready("main"), revoked("invoices")))
	s.key(fyne.KeyReturn)
	if want := (desk.Place{Page: desk.Setup, Account: "invoices", Do: desk.DoSignIn}); len(s.Opened) != 1 || s.Opened[0] != want {
		t.Errorf("Enter leads to %v, want %v", s.Opened, want)
	}
}

func TestTheFocusComesWithTheFirstAnswer(t *testing.T) {
	s := open(t, &fake{})
	s.Page.Show(desk.Place{Page: desk.Home})
	if f := s.Window.Canvas().Focused(); f != nil {
		t.Fatalf("before it %T has the focus", f)
	}
	s.Page.Status(running(ready("main"), revoked("invoices")))
	s.Until(func() bool { return !s.busy })
	if f := s.Window.Canvas().Focused(); f != s.cure || !s.cure.Visible() {
		t.Errorf("with it %T has the focus", f)
	}
	s.Page.Status(running(ready("main"), ready("invoices")))
	s.Until(func() bool { return !s.busy })
	if f := s.Window.Canvas().Focused(); f != s.test || s.cure.Visible() {
		t.Errorf("once it is cured %T has the focus", f)
	}
}

func TestACardGrowsWithWhatItSays(t *testing.T) {
	s := open(t, &fake{}).showing(running(ready("main"), ending("erp")))
	a := ending("erp")
	a.Alerts[0].Fix = strings.Repeat(a.Alerts[0].Fix+" ", 3)
	a.Held, a.Unknown, a.Waiting, a.Oldest = 5, 2, 3, noon.Add(-time.Hour)
	s.Page.Status(running(ready("main"), a))
	s.Until(func() bool { return !s.busy })
	notes := s.byAccount["erp"].notes
	for _, o := range notes.Objects {
		if o.Size().Height < o.MinSize().Height {
			t.Errorf("an alert has %v of the %v it needs", o.Size().Height, o.MinSize().Height)
		}
	}
	if notes.Size().Height < notes.MinSize().Height {
		t.Errorf("its alerts have %v of the %v they need", notes.Size().Height, notes.MinSize().Height)
	}
}

func TestAnotherLanguageKeepsWhatItSaysAndTheSpanOfThePlot(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	f := &fake{failing: errRefused}
	s := open(t, f).showing(running(ready("main"), ready("other")))
	s.ChooseSpan(Hour)
	s.Page.Pause(time.Hour)
	s.Until(func() bool { return !s.busy && !s.state.Asking })
	s.send("main")
	s.Until(func() bool { return s.trial.State().Stage == trial.Taken })
	s.Page.Hide() // the language is chosen on another page
	words.Use("de")
	s.Page = s.Anew(s.Frame)
	s.Window.SetContent(s.Content())
	s.Page.Show(desk.Place{Page: desk.Home})
	s.Until(func() bool { return !s.busy })
	if !s.trouble.Visible() || s.troubleWhat.Text != "Das Senden wurde nicht pausiert" || s.troubleSaid.Text != words.Sentence(errRefused.Error()) {
		t.Errorf("of what failed it says %q, %q", s.troubleWhat.Text, s.troubleSaid.Text)
	}
	if what := s.trial.State().What; !s.trial.Card.Visible() || what != words.Say("trial.taken") {
		t.Errorf("of the test email it says %q", what)
	}
	if s.state.Plot.Span != Hour || len(s.state.Cards) != 2 {
		t.Errorf("the plot's span is %v, and there are %d cards", s.state.Plot.Span, len(s.state.Cards))
	}
	f.failing = nil
	s.Page.Resume("main")
	if s.Until(func() bool { return !s.state.Asking }); s.trouble.Visible() {
		t.Error("it still tells of the failure when the next thing is done")
	}
}

func TestWithoutAnAccountEnterLeadsToSetup(t *testing.T) {
	s := open(t, &fake{}).showing(running())
	s.key(fyne.KeyReturn)
	if want := (desk.Place{Page: desk.Setup, Do: desk.DoNew}); len(s.Opened) != 1 || s.Opened[0] != want {
		t.Errorf("Enter leads to %v, want %v", s.Opened, want)
	}
}

func TestTheTestEmailIsSentByEnterAndItsResultPutAwayByEscape(t *testing.T) {
	f := &fake{}
	s := open(t, f).showing(running(ready("main")))
	s.key(fyne.KeyReturn)
	if st := s.trial.State(); st.Stage != trial.Busy || s.Window.Canvas().Focused() != s.trial.Focus() {
		t.Fatalf("it is at %d, and %T has the focus", st.Stage, s.Window.Canvas().Focused())
	}
	s.Until(func() bool { return s.trial.State().Stage == trial.Taken })
	if s.Look("home-sent"); !s.trial.Card.Visible() {
		t.Error("the result is not shown")
	}
	if s.key(fyne.KeyEscape); s.trial.Card.Visible() || s.Window.Canvas().Focused() != s.test {
		t.Error("Escape does not put it away")
	}
}

func TestATestEmailThatHangsIsGivenUpByEscape(t *testing.T) {
	f := &fake{sendTest: func(ctx context.Context) (mailer.Delivery, error) {
		<-ctx.Done()
		return mailer.Delivery{}, ctx.Err()
	}}
	s := open(t, f).showing(running(ready("main")))
	s.key(fyne.KeyReturn)
	s.Look("home-sending")
	s.key(fyne.KeyEscape)
	s.Until(func() bool { return s.trial.State().Stage == trial.Failed })
	if st := s.trial.State(); st.What != "The test email of main was given up" {
		t.Errorf("it says %q", st.What)
	}
}

func TestOfSeveralAccountsAMenuAsksWhichSendsTheTestEmail(t *testing.T) {
	f := &fake{}
	s := open(t, f).showing(running(ready("main"), ready("second")))
	s.key(fyne.KeyReturn, fyne.KeyDown, fyne.KeyReturn)
	s.Until(func() bool { return s.trial.State().Stage == trial.Taken })
	if want := []string{"test second"}; !slices.Equal(f.calls, want) {
		t.Errorf("it did %q, want %q", f.calls, want)
	}
}

func TestThePauseIsChosenFromAMenuByKeys(t *testing.T) {
	f := &fake{}
	s := open(t, f).showing(running(ready("main")))
	s.Window.Canvas().Focus(s.pause)
	s.key(fyne.KeyReturn)
	s.Look("home-pause-menu")
	s.key(fyne.KeyUp, fyne.KeyDown, fyne.KeyReturn)
	s.Until(func() bool { return !s.asking })
	s.Page.Status(pausedUntil1430(running(ready("main"))))
	if s.pause.Visible() || !s.resume.Visible() {
		t.Error("while it is paused, it does not offer to resume")
	}
	s.Window.Canvas().Focus(s.resume)
	s.key(fyne.KeySpace)
	s.Until(func() bool { return !s.asking })
	if want := []string{`pause "" until 12:25`, `resume ""`}; !slices.Equal(f.calls, want) {
		t.Errorf("it did %q, want %q", f.calls, want)
	}
}

func TestThePlotIsReadWithTheArrowsAndThePointer(t *testing.T) {
	s := open(t, &fake{}).showing(running(ready("main")))
	p, says := s.plot.plot, s.plot.says
	if says.Text != "In the last 24 hours 1,132 accepted, 1,076 delivered, 13 refused." {
		t.Errorf("it says %q", says.Text)
	}
	s.Window.Canvas().Focus(p)
	s.key(fyne.KeyLeft)
	if want := "12:00–12:30: 43 accepted, 21 delivered, 0 refused"; says.Text != want {
		t.Errorf("the newest bar says %q, want %q", says.Text, want)
	}
	s.key(fyne.KeyLeft, fyne.KeyLeft, fyne.KeyRight)
	if want := "11:30–12:00: "; !strings.HasPrefix(says.Text, want) {
		t.Errorf("it says %q, want %q", says.Text, want)
	}
	s.Look("home-plot-chosen")
	s.key(fyne.KeyHome)
	if want := "12:30–13:00: "; !strings.HasPrefix(says.Text, want) {
		t.Errorf("the first bar says %q, want %q", says.Text, want)
	}
	p.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(p.Size().Width-2, 40)}})
	if want := "12:00–12:30: "; !strings.HasPrefix(says.Text, want) {
		t.Errorf("under the pointer it says %q, want %q", says.Text, want)
	}
	if p.MouseOut(); !strings.HasPrefix(says.Text, "In the last") {
		t.Errorf("without the pointer it says %q", says.Text)
	}
}

func TestTheFocusStaysWhileStatusesArrive(t *testing.T) {
	s := open(t, &fake{}).showing(running(ready("main"), revoked("invoices")))
	at := s.byAccount["invoices"].cures[1]
	s.Window.Canvas().Focus(at)
	for range 3 {
		s.Page.Status(running(ready("main"), revoked("invoices"), ready("third")))
	}
	if s.Window.Canvas().Focused() != at {
		t.Errorf("%T has the focus", s.Window.Canvas().Focused())
	}
}

func TestLooks(t *testing.T) {
	long := ready("a-rather-long-account-name.for-the-invoices-of-the-northern-branch")
	long.Username, long.Sender = "service-account-for-erp-and-invoices@mail.northern-branch.contoso.example", "invoices.northern.branch.no-reply@mail.contoso.example"
	long.Waiting, long.Oldest = 37, noon.Add(-26*time.Hour)
	problem := running(ready("main"))
	problem.Problem = "/etc/traymail/traymail.toml:12: relay.listeners: \"0.0.0.0:2525\" is open to other machines, and has neither TLS nor passwords"
	silent := running(ready("main"))
	silent.Silent, silent.Trouble = noon.Add(-time.Minute), context.DeadlineExceeded
	urgent := ending("main")
	urgent.Alerts = append(urgent.Alerts, mailer.Alert{ID: mailer.AlertRefusals, Severity: mailer.AlertUrgent, Summary: "more is refused than usual: 41 of 90 recipients within an hour, last: 550 5.7.60 SMTP; Client does not have permissions to send as this sender", Fix: "give the mailbox Send As"})
	service := running(ready("main"), ready("new"))
	service.Service = true
	for name, st := range map[string]desk.Status{
		"ready":     running(ready("main")),
		"attention": running(ready("main"), revoked("invoices"), throttled("scanner"), ending("erp")),
		"paused":    pausedUntil1430(running(ready("main"))),
		"empty":     running(),
		"problem":   problem,
		"silent":    silent,
		"unstarted": {Unstarted: mailer.ErrQueueFull},
		"first":     {},
		"long":      running(long, urgent),
		"service":   service,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &fake{}).showing(st)
			s.Look("home-" + name)
			s.Window.Resize(fyne.NewSize(968, 700))
			s.scroll.ScrollToBottom()
			s.Look("home-" + name + "-small")
		})
	}
}
