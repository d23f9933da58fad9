//go:build !darwin || cgo

package ui

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/tray"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// idle is an autostart that was never switched on.
type idle struct{}

func (idle) Enabled() (bool, error) { return false, nil }
func (idle) Set(bool) error         { return errors.New("not on this machine") }

// framed is the whole window, on a program of its own whose home is empty.
func framed(t *testing.T, o Options) (*frame, func(so func() bool)) {
	t.Helper()
	m := &mailer.Mailer{Home: filepath.Join(t.TempDir(), "home"), Secrets: keystore.Memory()}
	t.Cleanup(func() { m.Close() })
	if o.Program == nil {
		o.Program = m
	}
	o.OpenBrowser = func(string) error { return nil }
	o.Machine.Autostart = idle{}
	queue := make(chan func(), 10_000)
	f, err := newFrame(t.Context(), test.NewTempApp(t), o, func(f func()) { queue <- f })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.close()
		f.window.Close()
	})
	return f, func(so func() bool) {
		t.Helper()
		for !so() {
			select {
			case g := <-queue:
				g()
			case <-time.After(time.Minute):
				t.Fatal("waited in vain")
			}
		}
	}
}

// The smallest window is 1024×700; there the rail is folded. On a screen of
// 1920×1080 at 200% it is as small as the last of them.
func TestEveryPageFitsTheSmallestWindowInEveryLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	m := &mailer.Mailer{Home: filepath.Join(t.TempDir(), "home"), Secrets: keystore.Memory()}
	t.Cleanup(func() { m.Close() })
	a := account.New("invoices-of-the-subsidiary")
	a.Username, a.ClientID, a.Tenant = "a-service-for-invoices@subsidiary.contoso.com", "11111111-2222-4333-8444-555555555555", "contoso.com"
	if err := m.Accounts().Save(a); err != nil {
		t.Fatal(err)
	}
	f, until := framed(t, Options{Program: m})
	s := desk.Status{Known: true, At: time.Now(), Status: mailer.Status{Running: true}}
	for _, name := range []string{a.Name, "another"} {
		s.Accounts = append(s.Accounts, mailer.AccountStatus{Name: name, Username: a.Username, Sender: a.Username, State: mailer.Ready})
	}
	f.window.told(s)
	f.window.open(desk.Place{Page: desk.Accounts, Account: a.Name})
	until(func() bool { return stands(f.window.pages[desk.Accounts], a.ClientID) })
	f.window.open(desk.Place{Page: desk.Explain, Text: "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."})
	for _, language := range words.Languages {
		words.Use(language)
		f.window.rebuild()
		for _, size := range []fyne.Size{fyne.NewSize(1024, 700), fyne.NewSize(944, 472)} {
			f.window.Resize(size)
			room := f.window.stack.Size()
			for i, p := range desk.Pages {
				f.window.open(desk.Place{Page: p})
				content := f.window.stack.Objects[i]
				for _, text := range uitest.Cut(content, room) {
					t.Errorf("%s in %s at %v cuts %q", p, language, size, text)
				}
				if least := content.MinSize(); least.Width > room.Width || least.Height > room.Height {
					t.Errorf("%s in %s needs %v and has %v", p, language, least, room)
				}
			}
		}
	}
}

// stands reports whether a text stands at the beginning of a field of a page.
func stands(p page, text string) bool {
	return slices.ContainsFunc(test.LaidOutObjects(p.Content()), func(o fyne.CanvasObject) bool {
		e, is := o.(*look.Entry)
		return is && strings.HasPrefix(e.Text, text)
	})
}

func TestAnotherLanguageMakesEveryPageAnewWithWhatItHas(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	f, until := framed(t, Options{})
	f.window.open(desk.Place{Page: desk.Explain, Text: "535 5.7.139 Authentication unsuccessful"})
	before := f.window.pages
	f.prefs.SetLanguage("de")
	until(func() bool { return f.window.pages[desk.Home] != before[desk.Home] })
	for _, p := range desk.Pages {
		if f.window.pages[p] == before[p] {
			t.Errorf("%s is the former page", p)
		}
	}
	stands := stands(f.window.pages[desk.Explain], "535 5.7.139")
	ran := false
	f.window.pagesDesk.Start(func(context.Context) func() { ran = true; return nil })
	f.window.pagesDesk.Close()
	if !stands || !ran || f.window.place.Page != desk.Explain {
		t.Errorf("the text stands there: %v, and what the pages begin is done: %v", stands, ran)
	}
}

func TestNobodyIsCalledToASignInThatTheOpenSetupLeadsTo(t *testing.T) {
	m := &mailer.Mailer{Home: filepath.Join(t.TempDir(), "home"), Secrets: keystore.Memory()}
	a := account.New("svc")
	a.Username, a.ClientID, a.Tenant = "svc@contoso.com", "11111111-2222-4333-8444-555555555555", "contoso.com"
	for name := range map[string]bool{"svc": true, "other": false} {
		b := *a
		b.Name = name
		if name != a.Name {
			b.ID = account.New(name).ID
		}
		if err := m.Accounts().Save(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.SaveDraft(t.Context(), setup.Draft{Step: setup.StepSignIn, Method: setup.M365Browser, Account: *a}, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() }) // after the window, which asks it
	f, until := framed(t, Options{Program: m})
	unsigned := func(names ...string) desk.Status {
		s := desk.Status{Known: true, At: time.Now(), Status: mailer.Status{Running: true}}
		for _, name := range names {
			s.Accounts = append(s.Accounts, mailer.AccountStatus{Name: name, State: mailer.Attention, Cause: mailer.CauseSignIn, Reason: "nobody is signed in",
				Alerts: []mailer.Alert{{ID: string(mailer.CauseSignIn), Severity: mailer.AlertUrgent}}})
		}
		return s
	}
	f.window.open(desk.Place{Page: desk.Setup})
	until(func() bool { return f.inside.end.wizard.FirstSignIn() == "svc" })
	alarmed := func(s desk.Status) (bool, bool) {
		f.window.told(s)
		return f.window.rail.items[desk.Home].dot.Visible(), tray.Of(f.status, time.Now()).State == tray.Attention
	}
	if badge, icon := alarmed(unsigned("svc")); badge || icon {
		t.Errorf("before the sign-in of the setup: on the rail %v, in the tray %v", badge, icon)
	}
	if badge, icon := alarmed(unsigned("svc", "other")); !badge || !icon {
		t.Errorf("beside another account: on the rail %v, in the tray %v", badge, icon)
	}
	f.window.open(desk.Place{Page: desk.Queue})
	if badge, icon := alarmed(unsigned("svc")); !badge || !icon {
		t.Errorf("when the setup was left: on the rail %v, in the tray %v", badge, icon)
	}
}

// An ending is an app that notes when it was ended.
type ending struct {
	fyne.App
	quit func()
}

func (e *ending) Quit() { e.quit() }

func TestWhatWasTypedIsKeptBeforeTheLoopEndsAndNothingComesToItAfterwards(t *testing.T) {
	for name, end := range map[string]func(*frame){
		"by the person":                  (*frame).quit,
		"by the toolkit, with a signal":  (*frame).close,
		"by the toolkit and the context": func(f *frame) { f.close(); f.quit() },
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := framed(t, Options{})
			home := &sheet{content: widget.NewLabel("home")}
			f.window.pages[desk.Home] = home
			ran := 0
			f.app = &ending{App: f.app, quit: func() {
				f.desk.Start(func(context.Context) func() { ran++; return nil })
				f.window.pagesDesk.Post(func() { ran++ })
			}}
			end(f)
			if !slices.Equal(home.noted, []string{"hide"}) {
				t.Errorf("the open page was told %v, want that it is left, once", home.noted)
			}
			f.close()
			if ran != 0 {
				t.Error("something was begun while the loop ended")
			}
		})
	}
}

// A door is where a second start knocks.
type door struct{ closed bool }

func (d *door) Close() error { d.closed = true; return nil }

func TestASecondStartBringsAHiddenWindowUpAndFindsNoneThatIsEnding(t *testing.T) {
	at := &door{}
	var knock func()
	f, until := framed(t, Options{Raised: func(raise func()) (io.Closer, error) { knock = raise; return at, nil }})
	f.options.Hidden, f.closing.tray = true, true
	shown := 0
	f.window.Window = &showing{Window: f.window.Window, shown: &shown}
	if f.show(); shown != 0 {
		t.Fatal("it is shown though it was to stay hidden")
	}
	knock()
	until(func() bool { return shown == 1 })
	f.quit()
	knock() // between the end of the loop and that of the door
	if f.close(); !at.closed || shown != 1 {
		t.Errorf("the door is closed: %v, the window came up %d times, want once", at.closed, shown)
	}
}

// A showing is a window that counts how often it is shown.
type showing struct {
	fyne.Window
	shown *int
}

func (s *showing) Show() { *s.shown++; s.Window.Show() }

func TestAWindowThatIsThereAlreadyEndsTheSecondOneWithAllItBegan(t *testing.T) {
	there := errors.New("there is one")
	m := &mailer.Mailer{Home: filepath.Join(t.TempDir(), "home"), Secrets: keystore.Memory()}
	t.Cleanup(func() { m.Close() })
	_, err := newFrame(t.Context(), test.NewTempApp(t), Options{Program: m, OpenBrowser: func(string) error { return nil }, Machine: Machine{Autostart: idle{}},
		Raised: func(func()) (io.Closer, error) { return nil, there }}, func(func()) {})
	if !errors.Is(err, there) {
		t.Errorf("the error is %v", err)
	}
}

func TestTheFirstStartOpensTheSetup(t *testing.T) {
	f, until := framed(t, Options{})
	f.show()
	until(func() bool { return f.window.place.Page == desk.Setup })
}

func TestASignInThatTheStartAsksForBegins(t *testing.T) {
	f, _ := framed(t, Options{Account: "demo"})
	f.show()
	if at := f.window.place; at.Page != desk.Setup || at.Account != "demo" {
		t.Errorf("it shows %+v", at)
	}
}

func TestTheWindowIsNoLargerThanTheScreenHasRoomFor(t *testing.T) {
	for name, c := range map[string]struct{ screen, want fyne.Size }{
		"a large one":      {fyne.NewSize(1920, 1080), fyne.NewSize(1280, 720)},
		"a small one":      {fyne.NewSize(1280, 720), fyne.NewSize(1264, 672)},
		"one at 200%":      {fyne.NewSize(960, 520), fyne.NewSize(944, 472)},
		"one not known of": {fyne.Size{}, fyne.NewSize(1280, 720)},
	} {
		f, _ := framed(t, Options{})
		f.screen = c.screen
		f.show()
		if got := f.window.Canvas().Size(); got != c.want {
			t.Errorf("on %s it has %v, want %v", name, got, c.want)
		}
		f.window.Resize(fyne.NewSize(900, 600))
		f.hide()
		f.raise()
		if got := f.window.Canvas().Size(); c.screen.Width > 0 && got != fyne.NewSize(900, 600) {
			t.Errorf("on %s it is %v after it was hidden, and the person chose 900×600", name, got)
		}
	}
}
