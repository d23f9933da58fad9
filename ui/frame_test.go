//go:build !darwin || cgo

package ui

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

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

func TestAWindowThatRestsHasNoPageAtWorkAndComesBackWhereItWas(t *testing.T) {
	f, _ := framed(t, Options{})
	f.window.open(desk.Place{Page: desk.Relay})
	f.rest()
	if !f.resting {
		t.Fatal("it does not rest")
	}
	f.raise()
	if f.resting || f.window.place.Page != desk.Relay {
		t.Errorf("after it the window shows %+v, resting: %v", f.window.place, f.resting)
	}
}
