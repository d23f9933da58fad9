//go:build !darwin || cgo

package ui

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/keystore"
	"traymail/ui/desk"
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

// The smallest window is 1024×700; there the rail is folded.
func TestEveryPageFitsTheSmallestWindowInEveryLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	f, _ := framed(t, Options{})
	for _, language := range words.Languages {
		words.Use(language)
		f.window.rebuild()
		for _, p := range desk.Pages {
			f.window.open(desk.Place{Page: p})
			f.window.Resize(fyne.NewSize(1024, 700))
			if least, room := f.window.stack.MinSize(), f.window.stack.Size(); least.Width > room.Width || least.Height > room.Height {
				t.Errorf("%s in %s needs %v and has %v", p, language, least, room)
			}
		}
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
