//go:build !darwin || cgo

package ui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
)

// A screen is the window on the test driver, whose goroutine is the test's.
type screen struct {
	t *testing.T
	fyne.Window
	p     *presenter
	v     *page
	app   fyne.App
	queue chan func()
}

func openScreen(t *testing.T, f *fake, account, notice string) *screen {
	t.Helper()
	s := &screen{t: t, app: test.NewTempApp(t), queue: make(chan func(), 10_000)}
	w, err := open(s.app, Options{Service: f, Account: account, OpenBrowser: f.browse, Notice: notice}, func(f func()) { s.queue <- f })
	if err != nil {
		t.Fatal(err)
	}
	s.Window, s.p, s.v = w, w.presenter, w.page
	t.Cleanup(func() {
		s.p.close()
		w.Close()
	})
	s.idle()
	return s
}

// until runs what comes to the window's goroutine until the state is as asked.
func (s *screen) until(is func(State) bool) {
	s.t.Helper()
	for !is(s.p.state) {
		(<-s.queue)()
	}
}

func (s *screen) idle() { s.until(func(st State) bool { return st.Activity == Idle }) }

// press sends a key to what is focused, or to the window.
func (s *screen) press(key fyne.KeyName) {
	e := &fyne.KeyEvent{Name: key}
	if f := s.Canvas().Focused(); f != nil {
		f.TypedKey(e)
	} else {
		s.Canvas().OnTypedKey()(e)
	}
}

// write types into what is focused, over what is there.
func (s *screen) write(text string) {
	s.t.Helper()
	e, ok := s.Canvas().Focused().(*entry)
	if !ok {
		s.t.Fatalf("%T is focused, not a field", s.Canvas().Focused())
	}
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	test.Type(e, text)
}

// focused names what has the focus.
func (s *screen) focused() string {
	switch f := s.Canvas().Focused().(type) {
	case *button:
		return f.Text
	case *entry:
		for field, r := range s.v.rows {
			if r.value == f {
				return string(field)
			}
		}
		return "result"
	case *widget.Hyperlink:
		return f.Text
	case fyne.CanvasObject:
		return "registration"
	}
	return ""
}

func TestTabFollowsWhatTheEyeReads(t *testing.T) {
	s := openScreen(t, newFake("main"), "main", "Sandbox: what is sent arrives at http://127.0.0.1:1/inbox")
	s.p.set(FieldRegistration, "web")
	s.Canvas().Unfocus()
	var order []string
	for range 19 {
		s.Canvas().FocusNext()
		if f, ok := s.Canvas().Focused().(fyne.Tabbable); ok && f.AcceptsTab() {
			t.Errorf("%s keeps Tab for itself", s.focused())
		}
		if n := len(order); n == 0 || order[n-1] != s.focused() {
			order = append(order, s.focused())
		}
	}
	want := []string{"Account", "Checks", "Explain a refusal", "http://127.0.0.1:1/inbox", "username", "sender", "test_to", "tenant", "client_id", "registration", "client secret",
		"redirect_url", "Copy", "Save account", "Sign in", "Check setup", "Account"}
	if !slices.Equal(order[:min(len(order), len(want))], want) {
		t.Errorf("got  %q\nwant %q", order, want)
	}
}

func TestTheWholeJobCanBeDoneWithTheKeyboard(t *testing.T) {
	f := newFake()
	s := openScreen(t, f, "", "")
	if s.focused() != "username" {
		t.Errorf("it begins at %q", s.focused())
	}
	s.write("svc@contoso.com")
	for range 4 {
		s.Canvas().FocusNext()
	}
	s.write(clientID)
	s.press(fyne.KeyReturn)
	s.idle()
	if f.accounts["main"].ClientID != clientID {
		t.Fatalf("saved %+v", f.accounts["main"])
	}
	if s.focused() != "Sign in" {
		t.Errorf("after saving the focus is at %q", s.focused())
	}
	s.press(fyne.KeyReturn)
	s.idle()
	if s.focused() != "Send test email" {
		t.Errorf("after the sign-in the focus is at %q", s.focused())
	}
	s.press(fyne.KeySpace)
	s.idle()
	if s.v.what.Text != "Mail flows" || s.v.detail.Text != "250 2.0.0 OK <1@contoso.com>" {
		t.Errorf("it says %q, %q", s.v.what.Text, s.v.detail.Text)
	}
}

func TestEscapeCancelsASignInWhateverIsFocused(t *testing.T) {
	for name, focus := range map[string]func(*screen){
		"the button":      func(*screen) {},
		"a text":          func(s *screen) { s.Canvas().Focus(s.v.rows[FieldRedirectURL].value) },
		"nothing":         func(s *screen) { s.Canvas().Unfocus() },
		"the copy button": func(s *screen) { s.Canvas().Focus(s.v.copyLink) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake("main")
			f.signIn = waiting
			s := openScreen(t, f, "main", "")
			test.Tap(s.v.signIn)
			s.until(func(st State) bool { return st.Link != "" })
			if s.focused() != "Cancel sign-in" {
				t.Errorf("the focus is at %q", s.focused())
			}
			focus(s)
			s.press(fyne.KeyEscape)
			if !s.p.state.Cancelling {
				t.Fatal("it goes on")
			}
			s.idle()
			if s.v.what.Text != "The sign-in was cancelled" {
				t.Errorf("it says %q", s.v.what.Text)
			}
		})
	}
}

func TestControlSSavesFromAFieldAndFromAButton(t *testing.T) {
	ctrlS := &desktop.CustomShortcut{KeyName: fyne.KeyS, Modifier: fyne.KeyModifierShortcutDefault}
	f := newFake("main")
	s := openScreen(t, f, "main", "")
	s.Canvas().Focus(s.v.rows[FieldTestTo].value)
	s.write("one@contoso.com")
	s.v.rows[FieldTestTo].value.TypedShortcut(ctrlS)
	s.idle()
	s.p.set(FieldTestTo, "two@contoso.com")
	s.Canvas().(fyne.Shortcutable).TypedShortcut(ctrlS)
	s.idle()
	if len(f.saved) != 2 || f.accounts["main"].TestTo != "two@contoso.com" {
		t.Errorf("%d saves; test address %q", len(f.saved), f.accounts["main"].TestTo)
	}
}

func TestWhatIsCopied(t *testing.T) {
	f := newFake("main")
	f.signIn = waiting
	f.sendTest = func(context.Context) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
	f.signedIn()
	s := openScreen(t, f, "main", "")
	copied := func(b *button, want string) {
		t.Helper()
		label := b.Text
		s.Canvas().Focus(b)
		test.Tap(b)
		if got := s.app.Clipboard().Content(); got != want {
			t.Errorf("copied %q, want %q", got, want)
		}
		if b.Text != "Copied" {
			t.Errorf("the button says %q", b.Text)
		}
		s.Canvas().Unfocus()
		if b.Text != label {
			t.Errorf("later it says %q", b.Text)
		}
	}
	copied(s.v.copyRedirect, "http://localhost")
	test.Tap(s.v.send)
	s.idle()
	copied(s.v.copyFix, s.v.fix.Text)
	test.Tap(s.v.signIn)
	s.until(func(st State) bool { return st.Link != "" })
	copied(s.v.copyLink, "https://login.example/")
}

func TestAReadOnlyTextCanBeCopiedButNotChanged(t *testing.T) {
	s := openScreen(t, newFake("main"), "main", "")
	e := s.v.rows[FieldRedirectURL].value
	s.app.Clipboard().SetContent("pasted")
	s.Canvas().Focus(e)
	test.Type(e, "typed")
	for _, key := range []fyne.KeyName{fyne.KeyBackspace, fyne.KeyDelete, fyne.KeyReturn} {
		e.TypedShortcut(&fyne.ShortcutSelectAll{})
		s.press(key)
	}
	e.TypedShortcut(&fyne.ShortcutPaste{Clipboard: s.app.Clipboard()})
	e.TypedShortcut(&fyne.ShortcutCut{Clipboard: s.app.Clipboard()})
	test.TapSecondary(e)
	if e.Text != "http://localhost" || s.Canvas().Overlays().Top() != nil {
		t.Errorf("it is %q now", e.Text)
	}
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	e.TypedShortcut(&fyne.ShortcutCopy{Clipboard: s.app.Clipboard()})
	if got := s.app.Clipboard().Content(); got != "http://localhost" {
		t.Errorf("copied %q", got)
	}
}

func TestARefusedFieldIsFocusedAndSaysWhatIsWrong(t *testing.T) {
	s := openScreen(t, newFake(), "", "")
	s.write("svc@contoso.com")
	s.press(fyne.KeyReturn)
	s.idle()
	r := s.v.rows[FieldClientID]
	if s.focused() != "client_id" || !r.alarm.Visible() || r.wrong.Text != "Is missing" || !strings.HasPrefix(r.fix.Text, "Copy the Application (client) ID") {
		t.Errorf("focus at %q; it says %q, %q", s.focused(), r.wrong.Text, r.fix.Text)
	}
	s.write("1")
	if r.alarm.Visible() {
		t.Error("it still says so after a change")
	}
}

func TestTheSecretIsAskedForOnlyWithAWebRegistration(t *testing.T) {
	s := openScreen(t, newFake("main"), "main", "")
	secret := s.v.rows[FieldSecret]
	if secret.cell.Visible() || secret.name.Visible() {
		t.Error("a public registration is asked for a secret")
	}
	s.v.kind.SetSelected("Web")
	if !secret.cell.Visible() || s.p.state.Account.Registration != account.Web || s.v.rows[FieldRedirectURL].value.Text != account.WebRedirectURL {
		t.Errorf("after choosing Web: %+v", s.p.state.Account)
	}
	s.Canvas().Focus(secret.value)
	s.write("s3cr3t~Value")
	if strings.Contains(test.RenderToMarkup(s.Canvas()), "s3cr3t") {
		t.Error("the secret can be read on the page")
	}
	test.Tap(s.v.save)
	s.idle()
	if secret.value.Text != "" || secret.value.PlaceHolder != "stored; type to replace it" {
		t.Errorf("after saving the field has %q, %q", secret.value.Text, secret.value.PlaceHolder)
	}
}

func TestAnAccountThatSignsInByItselfIsAskedForNoSignInAndSavedAsItIs(t *testing.T) {
	f := newFake("main")
	was := f.accounts["main"]
	a := was
	a.SignIn, a.Sender, a.Tenant = account.AppOnly, "ops@contoso.com", "contoso.com"
	a.Follow(was)
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	f.accounts["main"], f.secrets["main"] = a, mailer.Secrets{ClientSecret: true}
	s := openScreen(t, f, "main", "")
	for _, hidden := range []Field{FieldRegistration, FieldRedirectURL} {
		if s.v.rows[hidden].cell.Visible() {
			t.Errorf("%s is shown", hidden)
		}
	}
	if s.v.signIn.Visible() || s.v.send.Disabled() || s.v.what.Text != "Ready to send" || !s.v.rows[FieldSecret].cell.Visible() {
		t.Errorf("sign in %v, send %v, %q", s.v.signIn.Visible(), !s.v.send.Disabled(), s.v.what.Text)
	}
	s.Canvas().Focus(s.v.rows[FieldTestTo].value)
	s.write("ops@contoso.com")
	test.Tap(s.v.save)
	s.idle()
	if got := f.accounts["main"]; got.SignIn != account.AppOnly || got.Registration != "" || got.TestTo == "" {
		t.Errorf("saved %+v", got)
	}
}

func TestALongAddressDoesNotWidenTheWindow(t *testing.T) {
	f := newFake("main")
	a := f.accounts["main"]
	a.Username = strings.Repeat("local-part", 12) + "@" + strings.Repeat("long", 15) + ".example.com"
	a.Sender, a.TestTo, a.RedirectURL = a.Username, a.Username, "http://localhost:8080/"+strings.Repeat("path", 30)
	f.accounts["main"] = a
	f.signedIn()
	f.sendTest = func(context.Context) (mailer.Delivery, error) {
		return mailer.Delivery{}, errors.New(strings.Repeat("x", 500))
	}
	s := openScreen(t, f, "main", "Sandbox: nothing leaves this machine")
	test.Tap(s.v.send)
	s.idle()
	if min := s.Content().MinSize(); min.Width > 1000 || min.Height > 680 {
		t.Errorf("the page needs %v", min)
	}
	if line := s.v.what.MinSize().Height; s.v.detail.MinSize().Height < 5*line || s.v.rows[FieldRedirectURL].value.MinSize().Height < 2*line {
		t.Errorf("long texts are cut off at %v", s.v.detail.MinSize())
	}
}

func TestTheNoticesAddressIsALink(t *testing.T) {
	f := newFake("main")
	s := openScreen(t, f, "main", "What is sent arrives at http://127.0.0.1:1/inbox")
	s.Canvas().Unfocus()
	for range 4 { // behind the pages' names
		s.Canvas().FocusNext()
	}
	s.press(fyne.KeySpace)
	s.p.close()
	if !slices.Equal(f.opened, []string{"http://127.0.0.1:1/inbox"}) {
		t.Errorf("opened %v", f.opened)
	}
}

// measures are what differs between processors by a rounding; where things
// are is looked at, not compared.
var measures = regexp.MustCompile(` (pos|size|minSize|radius|x|y|width|height)="[^"]*"`)

func TestThePageInItsMainStates(t *testing.T) {
	tests := map[string]func(*testing.T) *screen{
		"empty": func(t *testing.T) *screen {
			return openScreen(t, newFake(), "", "Sandbox: nothing leaves this machine")
		},
		"saved": func(t *testing.T) *screen { return openScreen(t, newFake("main"), "main", "") },
		"signing-in": func(t *testing.T) *screen {
			f := newFake("main")
			f.signIn = waiting
			s := openScreen(t, f, "main", "")
			test.Tap(s.v.signIn)
			s.until(func(st State) bool { return st.Link != "" })
			st := s.p.state
			st.Left = 4*time.Minute + 58*time.Second
			s.v.render(st)
			return s
		},
		"sent": func(t *testing.T) *screen {
			s := openScreen(t, newFake("main").signedIn(), "main", "")
			test.Tap(s.v.send)
			s.idle()
			return s
		},
		"checks-failed": func(t *testing.T) *screen {
			f := newFake("main").signedIn()
			f.check = failing
			return checkedScreen(t, f)
		},
		"checks-passed": func(t *testing.T) *screen { return checkedScreen(t, newFake("main").signedIn()) },
		"explained": func(t *testing.T) *screen {
			s := openScreen(t, newFake("main"), "main", "")
			s.p.explain = func(text string) refusals.Answer {
				return refusals.Answer{Verdict: refusals.Known, Findings: []refusals.Finding{{Extract: text, Refusal: refusals.Refusal{ID: "a", Cause: "SMTP AUTH is off",
					Whose: refusals.Administrator, FixAdmin: "switch it on for {username}", FixUser: "ask for it", Link: "https://admin.microsoft.com/", Command: "Set-CASMailbox {username}", Takes: "an hour"}}}}
			}
			s.p.look(ViewExplain)
			s.p.ask("535 5.7.139 disabled")
			s.until(func(st State) bool { return st.Explain.Of != "" })
			return s
		},
		"refused": func(t *testing.T) *screen {
			f := newFake("main").signedIn()
			f.sendTest = func(context.Context) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
			s := openScreen(t, f, "main", "")
			test.Tap(s.v.send)
			s.idle()
			return s
		},
	}
	for name, reach := range tests {
		t.Run(name, func(t *testing.T) {
			s := reach(t)
			s.Canvas().Unfocus()
			got := measures.ReplaceAllString(test.RenderToMarkup(s.Canvas()), "")
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
