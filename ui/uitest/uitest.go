//go:build !darwin || cgo

package uitest

import (
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

var looks = flag.String("looks", "", "write pictures of the pages to this `folder`")

// A Bench is a window on the test driver, whose goroutine is the test's.
type Bench struct {
	look.Frame
	Desk *desk.Desk

	Copied   string       // last
	Followed []string     // addresses
	Opened   []desk.Place // places that were asked for
	Notified []string     // "title: text"

	t     testing.TB
	queue chan func()
}

// New opens an empty window of the size that the design names as the usual one.
// The test's end closes it.
func New(t testing.TB) *Bench {
	t.Helper()
	words.Use("en")
	app := test.NewTempApp(t)
	look.Use("light")
	app.Settings().SetTheme(look.Theme{})
	b := &Bench{t: t, queue: make(chan func(), 10_000)}
	b.Desk = desk.New(func(f func()) { b.queue <- f })
	b.Frame = look.Frame{
		Window: app.NewWindow("test"),
		Copy:   func(s string) { b.Copied = s },
		Follow: func(a string) { b.Followed = append(b.Followed, a) },
		Open:   func(p desk.Place) { b.Opened = append(b.Opened, p) },
		Notify: func(title, say string) { b.Notified = append(b.Notified, title+": "+say) },
	}
	b.Window.SetPadded(false)
	b.Window.Resize(fyne.NewSize(1064, 720)) // 1280 without the rail
	t.Cleanup(func() {
		b.Desk.Close()
		b.Window.Close()
	})
	return b
}

// Until runs what comes to the window's goroutine until it is so.
func (b *Bench) Until(so func() bool) {
	b.t.Helper()
	for !so() {
		select {
		case f := <-b.queue:
			f()
		case <-b.t.Context().Done():
			b.t.Fatal("the test ended before it was so")
		}
	}
}

// Press sends a key to what is focused, or to the window.
func (b *Bench) Press(key fyne.KeyName) {
	e := &fyne.KeyEvent{Name: key}
	if f := b.Window.Canvas().Focused(); f != nil {
		f.TypedKey(e)
	} else if typed := b.Window.Canvas().OnTypedKey(); typed != nil {
		typed(e)
	}
}

// Type types into what is focused.
func (b *Bench) Type(text string) {
	b.t.Helper()
	f := b.Window.Canvas().Focused()
	if f == nil {
		b.t.Fatal("nothing is focused")
	}
	test.Type(f, text)
}

var drawing sync.Mutex // the variant is the process's

// Look writes pictures of the window, light and dark, where -looks names a
// folder; else it does nothing.
func (b *Bench) Look(name string) {
	b.t.Helper()
	if *looks == "" {
		return
	}
	drawing.Lock()
	defer drawing.Unlock()
	for _, variant := range []string{"dark", "light"} { // which it stays
		look.Use(variant)
		fyne.CurrentApp().Settings().SetTheme(look.Theme{})
		out, err := os.Create(filepath.Join(*looks, name+"-"+variant+".png"))
		if err != nil {
			b.t.Fatal(err)
		}
		if err := png.Encode(out, b.Window.Canvas().Capture()); err != nil {
			b.t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			b.t.Fatal(err)
		}
	}
}
