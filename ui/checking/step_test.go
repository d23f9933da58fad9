//go:build !darwin || cgo

package checking

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/smtp"
	"traymail/ui/look"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// A screen is a window with the step in it, as the wizard has it.
type screen struct {
	*uitest.Bench
	*Step
}

func openScreen(t *testing.T, f *fake) *screen {
	t.Helper()
	b := uitest.New(t)
	s := &screen{b, New(b.Desk, f, b.Frame)}
	foot := container.NewHBox(layout.NewSpacer(), b.Frame.Kit(func() {}).Button("Next", func() {}))
	b.Window.SetContent(container.New(layout.NewCustomPaddedLayout(16, 16, 16, 16),
		container.NewBorder(nil, foot, nil, nil, look.Page("Checks and test email", s.Step.Content()))))
	s.Show("main")
	s.idle()
	return s
}

func (s *screen) idle() {
	s.Until(func() bool {
		m := s.p.current.state
		return (m.Known || m.Unread != nil) && !m.Run.Active && !m.Test.Active && !m.Others.Asking && !m.Others.Granting
	})
}

// checked does the checks.
func (s *screen) checked() *screen {
	s.Press(fyne.KeyReturn)
	s.idle()
	return s
}

// focused names what has the focus.
func (s *screen) focused() string {
	switch f := s.Window.Canvas().Focused().(type) {
	case *look.Button:
		return f.Text
	case *look.Check:
		return f.Text
	case *look.Line:
		return "line"
	case *look.Entry:
		return "text"
	case nil:
		return ""
	}
	return "else"
}

func (s *screen) tab(n int) (order []string) {
	for range n {
		s.Window.Canvas().FocusNext()
		order = append(order, s.focused())
	}
	return order
}

func TestEveryCheckHasANameAndIsInAGroupOfNeighbours(t *testing.T) {
	var seen []Group
	for _, id := range checks.IDs() {
		if name := checkName(id); name == "" || strings.HasPrefix(name, "checks.") {
			t.Errorf("%s has no name", id)
		}
		if g := groupOf(id); len(seen) == 0 || seen[len(seen)-1] != g {
			seen = append(seen, g)
		}
	}
	if !slices.Equal(seen, groups) {
		t.Errorf("the groups are %v", seen)
	}
}

func TestTheChecksCanBeDoneAndReadWithTheKeyboard(t *testing.T) {
	f := newFake("main")
	f.check = failing
	s := openScreen(t, f)
	if s.focused() != "Check setup" {
		t.Errorf("at first the focus is at %q", s.focused())
	}
	s.checked()
	b := s.list.rows[checks.SMTPAuth]
	if s.Window.Canvas().Focused() != fyne.Focusable(b.line) || !b.body.Visible() {
		t.Fatalf("after a failure %q is focused", s.focused())
	}
	if s.list.banner.What.Text != "One check failed: SMTP AUTH of the mailbox" || b.reply.Text != smtpAuthOff.Reply || b.takes.Text != "It usually takes effect: minutes, sometimes an hour" {
		t.Errorf("it says %q, %q, %q", s.list.banner.What.Text, b.reply.Text, b.takes.Text)
	}
	order := s.tab(8)
	if want := []string{"Copy command", "Open portal", "Try again", "Wait for it", "Copy all", "text", "text", "text"}; !slices.Equal(order, want) {
		t.Errorf("Tab leads to %q", order)
	}
	s.Window.Canvas().Focus(b.copyCommand)
	if s.Press(fyne.KeyReturn); s.Copied != smtpAuthOff.Command {
		t.Errorf("copied %q", s.Copied)
	}
	s.Window.Canvas().Focus(b.portal)
	if s.Press(fyne.KeySpace); !slices.Equal(s.Followed, []string{smtpAuthOff.Link}) {
		t.Errorf("opened %q", s.Followed)
	}
	s.Window.Canvas().Focus(b.copyAll)
	s.Press(fyne.KeyReturn)
	for _, part := range []string{"SMTP AUTH of the mailbox: failed", words.Sentence(smtpAuthOff.Fix), smtpAuthOff.Command, smtpAuthOff.Reply, smtpAuthOff.Verify} {
		if !strings.Contains(s.Copied, part) {
			t.Errorf("what was copied lacks %q: %q", part, s.Copied)
		}
	}
	s.Window.Canvas().Focus(b.line)
	if s.Press(fyne.KeyReturn); b.body.Visible() {
		t.Error("Return does not close it")
	}
	s.Press(fyne.KeyUp)
	folded := s.list.groups[GroupSignIn].folded
	if s.Window.Canvas().Focused() != fyne.Focusable(folded) {
		t.Fatalf("up leads to %q", s.focused())
	}
	if s.Press(fyne.KeySpace); folded.Visible() || !s.list.groups[GroupSignIn].rows.Visible() {
		t.Error("the group stays folded")
	}
	if s.Window.Canvas().Focused() != fyne.Focusable(b.line) {
		t.Errorf("then %q is focused", s.focused())
	}
	f.check = nil
	s.Press(fyne.KeyReturn)
	s.Window.Canvas().Focus(b.again)
	s.checked()
	if s.list.banner.What.Text != "Everything is in order now" || s.list.banner.Then.Text != "SMTP AUTH of the mailbox passes, the last check that had failed." || !s.Ready() {
		t.Errorf("it says %q, %q", s.list.banner.What.Text, s.list.banner.Then.Text)
	}
}

func TestWhatIsReadyLeavesTheFocusWhereThePageHasIt(t *testing.T) {
	s := openScreen(t, newFake()).checked()
	if !s.Ready() {
		t.Fatalf("it says %q", s.list.banner.What.Text)
	}
	for name, c := range map[string]struct {
		had, want fyne.Focusable
	}{
		"nothing has it":        {nil, s.list.check},
		"something else has it": {s.test.to, s.test.to},
	} {
		s.Hide()
		s.Window.Canvas().Unfocus()
		s.Window.Canvas().Focus(c.had)
		if s.Show(s.drawn.Name); s.Window.Canvas().Focused() != c.want {
			t.Errorf("%s: %q has it", name, s.focused())
		}
	}
}

func TestWhileACheckIsWaitedForItsLineSaysSo(t *testing.T) {
	f := newFake("main")
	f.check = failing
	s := openScreen(t, f)
	s.p.await()
	s.Until(func() bool { return len(s.p.current.state.Checks.In(Waiting)) > 0 })
	st := s.p.current.state
	st.Checks.Now = st.Checks.row(checks.SMTPAuth).Result.Waiting.Since.Add(65 * time.Second)
	s.render(st)
	b := s.list.rows[checks.SMTPAuth]
	if !strings.Contains(b.wait.Text, "for 1:05, after 1 try.") || !strings.HasSuffix(b.wait.Text, "\nEach try is a sign-in.") || !b.cancel.Visible() || b.again.Visible() || b.await.Visible() {
		t.Errorf("it says %q", b.wait.Text)
	}
	if s.list.banner.What.Text != "Waiting for: SMTP AUTH of the mailbox" || s.focused() != "Stop checking" {
		t.Errorf("above it says %q; the focus is at %q", s.list.banner.What.Text, s.focused())
	}
	s.Look("checks-waiting")
	s.Window.Canvas().Focus(b.cancel)
	s.Press(fyne.KeyReturn)
	s.idle()
	if !b.await.Visible() || b.cancel.Visible() || b.wait.Visible() {
		t.Error("after it was stopped it still says that it waits")
	}
	if len(s.Notified) != 0 {
		t.Errorf("notified: %q", s.Notified)
	}
}

func TestTheCheckThatWasWaitedForIsNotifiedAlsoWhereItIsNotSeen(t *testing.T) {
	f := newFake("main")
	pass := make(chan struct{})
	f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		all := checkAll(withoutSMTPAuth(), report)
		r := smtpAuthOff
		r.ID, r.Waiting = checks.SMTPAuth, &checks.Waiting{Since: time.Now(), Tries: 1, Next: time.Now()}
		report(r)
		<-pass
		report(checks.Result{ID: checks.SMTPAuth, Status: checks.Pass})
		return all, nil
	}
	s := openScreen(t, f)
	s.p.await()
	s.Until(func() bool { return len(s.p.current.state.Checks.In(Waiting)) > 0 })
	s.Hide()
	drawn := s.drawn
	close(pass)
	s.idle()
	if want := []string{"SMTP AUTH of the mailbox: passed: The setup check of main (svc@contoso.com) that was waited for passes now."}; !slices.Equal(s.Notified, want) {
		t.Errorf("notified %q", s.Notified)
	}
	if s.drawn.Run != drawn.Run {
		t.Error("it was drawn while it was hidden")
	}
	s.Show("main")
	if s.drawn.Run.Active {
		t.Error("when it is shown again it is not as it is")
	}
}

func TestTheTestEmailsOutcomeStaysReadable(t *testing.T) {
	f := newFake("main")
	s := openScreen(t, f)
	s.Window.Canvas().Focus(s.test.to)
	s.test.to.TypedShortcut(&fyne.ShortcutSelectAll{})
	s.Type("other@fabrikam.com")
	s.Press(fyne.KeyReturn)
	s.idle()
	p := s.test
	if p.note.What.Text != "Mail flows" || p.reply.Text != "250 2.0.0 OK <1@contoso.com>" || p.id.Text != "<1@contoso.com>" || !strings.HasPrefix(p.facts.Text, "TLS 1.3 · ") || !strings.HasSuffix(p.facts.Text, " ms · 7 round trips") {
		t.Errorf("it says %q, %q, %q, %q", p.note.What.Text, p.reply.Text, p.id.Text, p.facts.Text)
	}
	if s.focused() != "text" && s.focused() != "Send test email" {
		t.Errorf("the focus is at %q", s.focused())
	}
	s.Window.Canvas().Focus(p.copyAll)
	if s.Press(fyne.KeyReturn); !strings.Contains(s.Copied, "The server said\n250 2.0.0 OK") {
		t.Errorf("copied %q", s.Copied)
	}
	f.sendTest = func(_ context.Context, to string) (mailer.Delivery, error) {
		return mailer.Delivery{Reply: "250 OK", MessageID: "<2@contoso.com>", Accepted: []string{"a@contoso.com"}, Refused: []mailer.Refusal{{Recipient: to, Reply: "550 5.1.1 no such user"}}}, nil
	}
	s.Step.Test()
	s.idle()
	if p.note.What.Text != "The server refused some recipients" || p.each.Text != "other@fabrikam.com: 550 5.1.1 no such user" {
		t.Errorf("it says %q, %q", p.note.What.Text, p.each.Text)
	}
	f.sendTest = func(context.Context, string) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
	s.Step.Test()
	s.idle()
	if p.note.What.Text != "The test email was not sent" || p.reply.Text != refusal().Error() || p.fix.Text == "" || p.id.Visible() {
		t.Errorf("it says %q, %q, %q", p.note.What.Text, p.reply.Text, p.fix.Text)
	}
	f.sendTest = func(context.Context, string) (mailer.Delivery, error) {
		return mailer.Delivery{}, &smtp.Error{Op: smtp.OpDATA, Server: "smtp.office365.com:587", Unknown: true, Err: io.ErrUnexpectedEOF}
	}
	s.Step.Test()
	s.idle()
	if p.note.What.Text != "Whether it was sent is not known" || s.Ready() {
		t.Errorf("it says %q of %q", p.note.What.Text, p.reply.Text)
	}
}

func TestTheChecksGoOnInAnotherLanguage(t *testing.T) {
	f := newFake("main")
	f.check = until
	s := openScreen(t, f)
	s.Begin()
	s.Until(func() bool { return s.p.current.state.Checks.Count(checks.Pass) > 0 })
	s.Hide()
	s.Step = s.Anew(s.Frame)
	s.Window.SetContent(s.Step.Content())
	s.Show("main")
	if !s.list.stop.Visible() || s.drawn.Checks.Count(checks.Pass) == 0 {
		t.Error("they ended with the former page")
	}
	s.Press(fyne.KeyEscape)
	s.idle()
}

func TestEscapeStopsTheChecksAndThenTheTestEmail(t *testing.T) {
	f := newFake("main")
	f.check = until
	f.sendTest = func(ctx context.Context, _ string) (mailer.Delivery, error) {
		<-ctx.Done()
		return mailer.Delivery{}, ctx.Err()
	}
	s := openScreen(t, f)
	s.Begin()
	s.Step.Test()
	s.Until(func() bool { return s.p.current.state.Test.Active && s.p.current.state.Run.Active })
	s.Press(fyne.KeyEscape)
	if m := s.p.current.state; !m.Run.Cancelling || m.Test.Cancelling {
		t.Errorf("%+v, %+v", m.Run, m.Test)
	}
	s.Until(func() bool { return !s.p.current.state.Run.Active })
	s.Press(fyne.KeyEscape)
	s.idle()
	if s.list.banner.What.Text != "Checking was stopped" || s.test.note.What.Text != "Sending was stopped" {
		t.Errorf("it says %q, %q", s.list.banner.What.Text, s.test.note.What.Text)
	}
	s.Press(fyne.KeyEscape) // nothing is under way
	s.p.check()
	s.GiveUp()
	s.idle()
}

func TestTheEndOfARunLeavesTheFocusToWhoTypes(t *testing.T) {
	f := newFake("main")
	f.check = failing
	s := openScreen(t, f)
	s.p.check()
	s.Window.Canvas().Focus(s.test.to)
	s.idle()
	if s.Window.Canvas().Focused() != fyne.Focusable(s.test.to) {
		t.Errorf("the focus went to %q", s.focused())
	}
}

// long has names and replies as long as they get.
func long(f *fake) *fake {
	for name, a := range f.accounts {
		a.Username = strings.Repeat("local-part", 6) + "@" + strings.Repeat("long", 15) + ".example.com"
		a.Sender = "another." + a.Username
		a.TestTo = a.Username
		f.accounts[name] = a
	}
	f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		a := f.accounts["main"]
		bad := smtpAuthOff
		bad.Summary, bad.Fix, bad.Command, bad.Reply = bad.Summary+a.Username, bad.Fix+" "+a.Username, bad.Command+a.Username, bad.Reply+strings.Repeat(" [AM0PR08CA0001.eurprd08.prod.outlook.com]", 8)
		return checkAll(map[string]checks.Result{checks.SMTPAuth: bad, checks.Port: {Status: checks.Pass, Summary: a.Username}}, report), nil
	}
	f.sendTest = func(context.Context, string) (mailer.Delivery, error) {
		return mailer.Delivery{}, errors.New(strings.Repeat("554 5.2.252 SendAsDenied; "+f.accounts["main"].Sender+" ", 4))
	}
	f.behalf = notAllowed
	return f
}

// The step has 752 pixels at 1280×720 beside the list of the accounts, and 668 at
// 1024×700.
func TestAFailedCheckIsReadOverTheWholeWidthOfANarrowList(t *testing.T) {
	for _, c := range []struct {
		language string
		width    float32
		program  *fake
	}{{"de", 668, newFake("main")}, {"en", 668, long(newFake("main"))}, {"de", 752, long(newFake("main"))}} {
		if c.program.check == nil {
			c.program.check = failing
		}
		b := uitest.New(t)
		words.Use(c.language)
		t.Cleanup(func() { words.Use("en") })
		s := &screen{b, New(b.Desk, c.program, b.Frame)}
		b.Window.SetContent(s.Step.Content())
		b.Window.Resize(fyne.NewSize(c.width, 540))
		s.Show("main")
		s.idle()
		s.checked()
		line, buttons := s.list.rows[checks.SMTPAuth].line, s.list.rows[checks.SMTPAuth].copyCommand
		room := s.list.scroll.Size().Width - 60
		if got := line.Found.Size().Width; got < room {
			t.Errorf("%s, %v: what was found has %v of %v", c.language, c.width, got, room)
		}
		place := fyne.CurrentApp().Driver().AbsolutePositionForObject
		end := place(line).Y + line.Size().Height
		if begin := place(buttons).Y; begin < end || begin > end+12 {
			t.Errorf("%s, %v: the line ends at %v, and its buttons begin at %v", c.language, c.width, end, begin)
		}
		if found := place(line.Found).Y + line.Found.MinSize().Height; found > end+1 {
			t.Errorf("%s, %v: what was found ends at %v, and the line at %v", c.language, c.width, found, end)
		}
		s.Look(fmt.Sprintf("checks-narrow-%v-%s", c.width, c.language))
	}
}

func TestLongNamesFitTheWindow(t *testing.T) {
	s := openScreen(t, long(newFake("main")))
	s.Window.Resize(fyne.NewSize(968, 700))
	s.checked()
	s.Step.Test()
	s.idle()
	if least := s.Window.Content().MinSize(); least.Width > 968 || least.Height > 700 {
		t.Errorf("it needs %v", least)
	}
	s.Look("checks-long")
}

// measures are what differs between processors by a rounding; where things
// are is looked at, not compared.
var measures = regexp.MustCompile(` (pos|size|minSize|radius|x|y|width|height)="[^"]*"`)

func TestTheStepInItsMainStates(t *testing.T) {
	for name, reach := range map[string]func(*testing.T) *screen{
		"new": func(t *testing.T) *screen { return openScreen(t, newFake("main")) },
		"failed": func(t *testing.T) *screen {
			f := newFake("main")
			f.check = failing
			return openScreen(t, f).checked()
		},
		"passed": func(t *testing.T) *screen { return openScreen(t, newFake("main")).checked() },
		"running": func(t *testing.T) *screen {
			f := newFake("main")
			f.check = until
			s := openScreen(t, f)
			s.Begin()
			s.Until(func() bool { return s.p.current.state.Checks.Count(checks.Pass) > 0 })
			return s
		},
		"refused": func(t *testing.T) *screen {
			f := newFake("main").sendingAs("news@contoso.com")
			f.sendTest = func(context.Context, string) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
			s := openScreen(t, f)
			s.Step.Test()
			s.idle()
			return s
		},
		"sent": func(t *testing.T) *screen {
			s := openScreen(t, newFake("main"))
			s.Step.Test()
			s.idle()
			s.test.facts.SetText("TLS 1.3 · 812 ms · 7 round trips")
			return s
		},
		"unreadable": func(t *testing.T) *screen {
			f := newFake()
			f.failing = &account.FieldError{File: "main.toml", Line: 3, Key: "tenant", Text: "is wrong", Fix: "correct it"}
			return openScreen(t, f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := reach(t)
			s.Look("checks-" + name)
			if !slices.Contains([]string{"failed", "passed", "refused"}, name) {
				return // only looked at
			}
			s.Window.Canvas().Unfocus()
			got := measures.ReplaceAllString(test.RenderObjectToMarkup(s.Step.Content()), "")
			golden := filepath.Join("testdata", name+".xml")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("the step is not as in %s; look at it, then set UPDATE_GOLDEN=1\n%s", golden, got)
			}
		})
	}
}
