//go:build !darwin || cgo

package ui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"traymail/internal/checks"
	"traymail/internal/refusals"
)

func (s *screen) shortcut(key fyne.KeyName) {
	k := &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
	if f, ok := s.Canvas().Focused().(fyne.Shortcutable); ok {
		f.TypedShortcut(k)
		return
	}
	s.Canvas().(fyne.Shortcutable).TypedShortcut(k)
}

// checked opens the window and does the checks, which end as f has them.
func checkedScreen(t *testing.T, f *fake) *screen {
	s := openScreen(t, f, "main", "")
	s.shortcut(fyne.Key2)
	s.press(fyne.KeyReturn)
	s.idle()
	return s
}

func TestEveryCheckHasANameAndIsInAGroupOfNeighbours(t *testing.T) {
	openScreen(t, newFake(), "", "") // loads the texts
	var groups []Group
	for _, id := range checks.IDs() {
		if checkName(id) == "" {
			t.Errorf("%s has no name", id)
		}
		if g := groupOf(id); len(groups) == 0 || groups[len(groups)-1] != g {
			groups = append(groups, g)
		}
	}
	if want := []Group{GroupNetwork, GroupRegistration, GroupSignIn, GroupMailbox, GroupDelivery}; !slices.Equal(groups, want) {
		t.Errorf("the groups are %v", groups)
	}
}

func TestTheChecksCanBeDoneAndReadWithTheKeyboard(t *testing.T) {
	f := newFake("main").signedIn()
	f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		return checkAll(withoutSMTPAuth(), report), nil
	}
	s := checkedScreen(t, f)
	b := s.v.checks.rows[checks.SMTPAuth]
	if s.Canvas().Focused() != fyne.Focusable(b.line) || !b.body.Visible() {
		t.Fatalf("after a failure %T is focused", s.Canvas().Focused())
	}
	if s.v.checks.what.Text != "One check failed: SMTP AUTH of the mailbox" || b.line.word.Text != "failed" || b.reply.Text != smtpAuthOff.Reply || b.takes.Text != "It usually takes effect: minutes, sometimes an hour" {
		t.Errorf("it says %q, %q, %q", s.v.checks.what.Text, b.line.word.Text, b.takes.Text)
	}
	var order []string
	for range 8 {
		s.Canvas().FocusNext()
		order = append(order, s.focused())
	}
	if want := []string{"result", "Copy command", "Open portal", "Copy all", "Try again", "Wait for it", "result", "result"}; !slices.Equal(order, want) {
		t.Errorf("Tab leads to %q", order)
	}
	s.Canvas().Focus(b.copyCommand)
	s.press(fyne.KeyReturn)
	if got := s.app.Clipboard().Content(); got != smtpAuthOff.Command {
		t.Errorf("copied %q", got)
	}
	s.Canvas().Focus(b.copyAll)
	s.press(fyne.KeyReturn)
	for _, part := range []string{"SMTP AUTH of the mailbox: failed", smtpAuthOff.Fix, smtpAuthOff.Command, smtpAuthOff.Reply, smtpAuthOff.Verify} {
		if got := s.app.Clipboard().Content(); !strings.Contains(got, part) {
			t.Errorf("what was copied lacks %q: %q", part, got)
		}
	}
	s.Canvas().Focus(b.line)
	s.press(fyne.KeyReturn)
	if b.body.Visible() {
		t.Error("Return does not close it")
	}
	s.press(fyne.KeyUp)
	folded := s.v.checks.groups[GroupSignIn].folded
	if s.Canvas().Focused() != fyne.Focusable(folded) {
		t.Fatalf("up leads to %T", s.Canvas().Focused())
	}
	s.press(fyne.KeySpace)
	if folded.Visible() || !s.v.checks.groups[GroupSignIn].rows.Visible() {
		t.Error("the group stays folded")
	}
	if s.Canvas().Focused() != fyne.Focusable(b.line) {
		t.Errorf("then %T is focused", s.Canvas().Focused())
	}
	f.check = nil
	s.press(fyne.KeyReturn)
	s.Canvas().Focus(b.again)
	s.press(fyne.KeyReturn)
	s.idle()
	if s.v.checks.what.Text != "Everything is in order now" || s.v.checks.then.Text != "SMTP AUTH of the mailbox passes, the last check that had failed." {
		t.Errorf("it says %q, %q", s.v.checks.what.Text, s.v.checks.then.Text)
	}
	s.p.follow(smtpAuthOff.Link)
	s.shortcut(fyne.Key1)
	if s.v.what.Text != "Everything is in order now" {
		t.Errorf("the account's page says %q", s.v.what.Text)
	}
}

func TestWhileACheckIsWaitedForItsLineSaysSo(t *testing.T) {
	f := newFake("main").signedIn()
	f.check = failing
	s := openScreen(t, f, "main", "")
	s.p.await()
	s.until(func(st State) bool { return len(st.Checks.In(Waiting)) > 0 })
	st := s.p.state
	st.Checks.Now = st.row(checks.SMTPAuth).Result.Waiting.Since.Add(65 * time.Second)
	s.v.render(st)
	b := s.v.checks.rows[checks.SMTPAuth]
	if b.line.word.Text != "waiting" || !strings.Contains(b.wait.Text, "for 1:05. Tries so far: 1.") || !b.cancel.Visible() || b.again.Visible() || b.await.Visible() {
		t.Errorf("it says %q, %q", b.line.word.Text, b.wait.Text)
	}
	if s.v.checks.what.Text != "Waiting for: SMTP AUTH of the mailbox" || s.focused() != "Stop checking" {
		t.Errorf("above it says %q; the focus is at %q", s.v.checks.what.Text, s.focused())
	}
	s.Canvas().Focus(b.cancel)
	s.press(fyne.KeyReturn)
	s.idle()
	if !b.await.Visible() || b.cancel.Visible() || b.wait.Visible() {
		t.Error("after it was stopped it still says that it waits")
	}
}

func TestARefusalIsExplainedWithTheKeyboard(t *testing.T) {
	f := newFake("main")
	s := openScreen(t, f, "main", "")
	s.shortcut(fyne.KeyE)
	if s.Canvas().Focused() != fyne.Focusable(s.v.explain.text) {
		t.Fatalf("%T is focused", s.Canvas().Focused())
	}
	s.app.Clipboard().SetContent("javax.mail.AuthenticationFailedException:\n" + disabledForMailbox + "\n\tat com.sun.mail")
	s.v.explain.text.TypedShortcut(&fyne.ShortcutPaste{Clipboard: s.app.Clipboard()})
	s.until(func(st State) bool { return st.Explain.Of != "" })
	if s.v.explain.what.Text != "Authenticated SMTP is switched off for this mailbox" || !strings.Contains(s.v.explain.then.Text, "An administrator") {
		t.Errorf("it says %q, %q", s.v.explain.what.Text, s.v.explain.then.Text)
	}
	var seen []string
	for range 6 {
		s.Canvas().FocusNext()
		seen = append(seen, s.focused())
		if s.focused() == "Open portal" {
			s.press(fyne.KeyReturn)
		}
	}
	if want := []string{"Clear text", "result", "result", "Copy command", "Open portal", "Copy all"}; !slices.Equal(seen, want) {
		t.Errorf("Tab leads to %q", seen)
	}
	s.press(fyne.KeyEscape)
	if s.p.state.View != ViewAccount {
		t.Error("Escape does not lead back")
	}
	s.p.close()
	if len(f.opened) != 1 || !strings.HasPrefix(f.opened[0], "https://") {
		t.Errorf("opened %q", f.opened)
	}
}

func TestCandidatesAreListedAndOpenedOneAtATime(t *testing.T) {
	s := openScreen(t, newFake("main"), "main", "")
	s.p.explain = func(string) refusals.Answer {
		return refusals.Answer{Verdict: refusals.Ambiguous, Tell: "The end of the line tells.", Candidates: []refusals.Refusal{
			{ID: "a", Cause: "the account is locked", Whose: refusals.Administrator, Temporary: true, FixAdmin: "unlock it", FixUser: "wait"},
			{ID: "b", Cause: "the password is wrong", Whose: refusals.User, FixAdmin: "reset it", FixUser: "type it"},
		}}
	}
	s.shortcut(fyne.Key3)
	s.write("535")
	s.until(func(st State) bool { return st.Explain.Of == "535" })
	x := s.v.explain
	if x.what.Text != "The text does not tell which of 2 it is" || x.then.Text != "The end of the line tells." || len(x.entries) != 2 {
		t.Fatalf("it says %q, %q", x.what.Text, x.then.Text)
	}
	s.Canvas().Focus(x.entries[0].line)
	s.press(fyne.KeyDown)
	s.press(fyne.KeyReturn)
	if x.entries[0].body.Visible() || !x.entries[1].body.Visible() || x.entries[1].line.found.Text != "The password is wrong" {
		t.Error("the second is not open")
	}
	s.press(fyne.KeyUp)
	s.press(fyne.KeyReturn)
	if !x.entries[0].body.Visible() || x.entries[1].body.Visible() {
		t.Error("the first is not open alone")
	}
	test.Tap(x.clear)
	if x.text.Text != "" || x.what.Text != "Nothing to explain yet" || len(x.entries) != 0 {
		t.Errorf("after clearing: %q, %q", x.text.Text, x.what.Text)
	}
}

func TestLongNamesAndGermanFitTheWindow(t *testing.T) {
	f := newFake("main").signedIn()
	a := f.accounts["main"]
	a.Username = strings.Repeat("local-part", 12) + "@" + strings.Repeat("long", 15) + ".example.com"
	a.TestTo = a.Username
	f.accounts["main"] = a
	f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		bad := smtpAuthOff
		bad.Summary, bad.Fix, bad.Command = bad.Summary+a.Username, bad.Fix+a.Username, bad.Command+a.Username
		return checkAll(map[string]checks.Result{checks.SMTPAuth: bad, checks.Port: {Status: checks.Pass, Summary: a.Username}}, report), nil
	}
	s := checkedScreen(t, f)
	if least := s.Content().MinSize(); least.Width > 1000 || least.Height > 680 {
		t.Errorf("the checks need %v", least)
	}
	s.p.ask(disabledForMailbox)
	s.until(func(st State) bool { return st.Explain.Of != "" })
	s.p.look(ViewExplain)
	if least := s.Content().MinSize(); least.Width > 1000 || least.Height > 680 {
		t.Errorf("the explanation needs %v", least)
	}
}
