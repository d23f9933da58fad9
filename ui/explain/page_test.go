//go:build !darwin || cgo

package explain

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"

	"traymail/internal/mailer"
	"traymail/internal/refusals"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

type screen struct {
	*uitest.Bench
	*Page
}

func openScreen(t *testing.T, at desk.Place, accounts ...string) *screen {
	t.Helper()
	b := uitest.New(t)
	s := &screen{b, New(b.Desk, fake{}, b.Frame)}
	b.Window.SetContent(container.New(layout.NewCustomPaddedLayout(16, 16, 16, 16), s.Page.Content()))
	var status desk.Status
	status.Known = true
	for _, name := range accounts {
		status.Accounts = append(status.Accounts, mailer.AccountStatus{Name: name})
	}
	s.Page.Status(desk.Status{})
	s.Page.Status(status)
	s.Show(at)
	s.Until(func() bool { return s.p.state.For == "" || s.p.names != nil || s.p.state.Unread != nil })
	return s
}

func (s *screen) answered() *screen {
	s.Until(func() bool { return s.drawn.Of != "" && s.drawn.Of == s.drawn.Text })
	return s
}

func (s *screen) focused() string {
	switch f := s.Window.Canvas().Focused().(type) {
	case *look.Button:
		return f.Text
	case *look.Line:
		return f.Found.Text
	case *look.Select:
		return "account"
	case *look.Entry:
		return "text"
	}
	return ""
}

func TestARefusalIsExplainedWithTheKeyboard(t *testing.T) {
	s := openScreen(t, desk.Place{}, "main")
	if s.Window.Canvas().Focused() != fyne.Focusable(s.text) {
		t.Fatalf("%q is focused", s.focused())
	}
	clipboard := fyne.CurrentApp().Clipboard()
	clipboard.SetContent("javax.mail.AuthenticationFailedException:\n" + disabledForMailbox + "\n\tat com.sun.mail")
	s.text.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
	s.answered()
	if s.banner.What.Text != "Authenticated SMTP is switched off for this mailbox" || !strings.Contains(s.banner.Then.Text, "An administrator") {
		t.Errorf("it says %q, %q", s.banner.What.Text, s.banner.Then.Text)
	}
	var seen []string
	for range 7 {
		s.Window.Canvas().FocusNext()
		seen = append(seen, s.focused())
		if s.focused() == "Open portal" {
			s.Press(fyne.KeyReturn)
		}
	}
	if want := []string{"Clear text", "account", "text", "text", "Copy command", "Open portal", "Copy all"}; !slices.Equal(seen, want) {
		t.Errorf("Tab leads to %q", seen)
	}
	if len(s.Followed) != 1 || !strings.HasPrefix(s.Followed[0], "https://") {
		t.Errorf("opened %q", s.Followed)
	}
	s.Press(fyne.KeySpace)
	if !strings.Contains(s.Copied, "For an administrator: ") || !strings.Contains(s.Copied, "svc@contoso.com") {
		t.Errorf("copied %q", s.Copied)
	}
}

func TestATextOfThePlaceIsExplainedForItsAccount(t *testing.T) {
	s := openScreen(t, desk.Place{Text: disabledForMailbox, Account: "app"}, "app", "main").answered()
	if s.text.Text != disabledForMailbox || s.whose.Selected != "app" || !strings.Contains(s.drawn.Answer.Lead.FixAdmin, "app@contoso.com") {
		t.Errorf("%q, %q: %+v", s.text.Text, s.whose.Selected, s.drawn.Answer.Lead)
	}
	s.Hide()
	s.Show(desk.Place{})
	if s.text.Text != disabledForMailbox {
		t.Error("the text is gone when the page is opened again")
	}
	s.Page = s.Anew(s.Frame) // in another language
	s.Window.SetContent(s.Page.Content())
	s.Show(desk.Place{})
	if s.text.Text != disabledForMailbox || s.whose.Selected != "app" {
		t.Errorf("in another language %q stands there, for %q", s.text.Text, s.whose.Selected)
	}
	s.whose.SetSelectedIndex(0)
	s.Until(func() bool { return s.drawn.For == "" })
	if !strings.Contains(s.drawn.Answer.Lead.FixAdmin, "USERNAME") {
		t.Errorf("%+v", s.drawn.Answer.Lead)
	}
}

// candidates answers with two that the text may be.
func candidates(string) refusals.Answer {
	return refusals.Answer{Verdict: refusals.Ambiguous, Extract: "535", Tell: "The end of the line tells.", Candidates: []refusals.Refusal{
		{ID: "a", Cause: "the account is locked", Whose: refusals.Administrator, Temporary: true, FixAdmin: "unlock it", FixUser: "wait"},
		{ID: "b", Cause: "the password is wrong", Whose: refusals.User, FixAdmin: "reset it", FixUser: "type it"},
	}}
}

func TestCandidatesAreListedAndOpenedOneAtATime(t *testing.T) {
	s := openScreen(t, desk.Place{}, "main")
	s.p.explain = candidates
	s.Type("535")
	s.answered()
	if s.banner.What.Text != "The text does not tell which of 2 it is" || s.banner.Then.Text != "The end of the line tells." || len(s.entries) != 2 {
		t.Fatalf("it says %q, %q", s.banner.What.Text, s.banner.Then.Text)
	}
	s.Window.Canvas().Focus(s.entries[0].line)
	s.Press(fyne.KeyDown)
	s.Press(fyne.KeyReturn)
	if s.entries[0].body.Visible() || !s.entries[1].body.Visible() || s.focused() != "The password is wrong" {
		t.Errorf("the second is not open; %q", s.focused())
	}
	s.Press(fyne.KeyUp)
	s.Press(fyne.KeyReturn)
	if !s.entries[0].body.Visible() || s.entries[1].body.Visible() {
		t.Error("the first is not open alone")
	}
	s.Press(fyne.KeyEscape)
	if s.entries[0].body.Visible() {
		t.Error("Escape does not close it")
	}
	s.Press(fyne.KeyEscape)
	test.Tap(s.clear)
	if s.text.Text != "" || s.banner.What.Text != "Nothing to explain yet" || len(s.entries) != 0 || s.Window.Canvas().Focused() != fyne.Focusable(s.text) {
		t.Errorf("after clearing: %q, %q", s.text.Text, s.banner.What.Text)
	}
}

func TestWhoeverEndsARefusalHasWords(t *testing.T) {
	for _, w := range []refusals.Whose{refusals.Administrator, refusals.User, refusals.Setup, refusals.Network, refusals.Provider, refusals.Message} {
		if !words.Has("explain.whose_" + string(w)) {
			t.Errorf("%s has none", w)
		}
	}
}

func TestALongTextFitsTheWindow(t *testing.T) {
	s := openScreen(t, desk.Place{Text: strings.Repeat("x", 400) + " " + disabledForMailbox + strings.Repeat(" at com.example.Mail.send(Mail.java:42)\n", 40)}, "main").answered()
	s.Window.Resize(fyne.NewSize(968, 700))
	if least := s.Window.Content().MinSize(); least.Width > 968 || least.Height > 700 {
		t.Errorf("it needs %v", least)
	}
	s.Look("explain-long")
}

// measures are what differs between processors by a rounding; where things
// are is looked at, not compared.
var measures = regexp.MustCompile(` (pos|size|minSize|radius|x|y|width|height)="[^"]*"`)

func TestThePageInItsMainStates(t *testing.T) {
	for name, reach := range map[string]func(*testing.T) *screen{
		"empty": func(t *testing.T) *screen { return openScreen(t, desk.Place{}) },
		"known": func(t *testing.T) *screen {
			return openScreen(t, desk.Place{Text: disabledForMailbox}, "main").answered()
		},
		"without-account": func(t *testing.T) *screen {
			return openScreen(t, desk.Place{Text: "AADSTS7000215: Invalid client secret provided."}, "app", "main").answered()
		},
		"candidates": func(t *testing.T) *screen {
			s := openScreen(t, desk.Place{}, "main")
			s.p.explain = candidates
			s.Type("535")
			s.answered()
			s.p.toggle("b")
			return s
		},
		"unknown": func(t *testing.T) *screen {
			return openScreen(t, desk.Place{Text: "550 5.4.321 Quux is not frobnicated"}, "main").answered()
		},
		"unreadable": func(t *testing.T) *screen {
			return openScreen(t, desk.Place{Text: disabledForMailbox, Account: "broken"}, "broken", "main").answered()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := reach(t)
			s.Look("explain-" + name)
			if name == "unreadable" || name == "unknown" {
				return // only looked at
			}
			s.Window.Canvas().Unfocus()
			got := measures.ReplaceAllString(test.RenderObjectToMarkup(s.Page.Content()), "")
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
				t.Errorf("the page is not as in %s; look at it, then set UPDATE_GOLDEN=1\n%s", golden, got)
			}
		})
	}
}
