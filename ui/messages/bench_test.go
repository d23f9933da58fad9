//go:build !darwin || cgo

package messages

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"traymail/ui/desk"
	"traymail/ui/uitest"
)

// A bench has a page on it.
type bench struct {
	*uitest.Bench
	*Page
	fake *fake
}

func open(t testing.TB, k Kind, f Program, at desk.Place) *bench {
	t.Helper()
	b := &bench{Bench: uitest.New(t)}
	b.fake, _ = f.(*fake)
	b.Page = New(b.Desk, f, b.Frame, k)
	b.p.now = func() time.Time { return clock }
	b.Window.SetContent(pad(b.Content()))
	b.Page.Status(status())
	b.Show(at)
	b.settle()
	return b
}

// settle waits until nothing is under way.
func (b *bench) settle() {
	b.Until(func() bool {
		p := b.p
		return !p.loading.busy() && !p.looking.busy() && !p.fetching.busy() && !p.peeking.busy() && !p.reading.busy() && !p.changing.busy() && !p.working.busy()
	})
}

// turn runs what has come to the window's goroutine so far.
func (b *bench) turn() {
	done := false
	b.Desk.Post(func() { done = true })
	b.Until(func() bool { return done })
}

// pad puts the room around a page that the window does.
func pad(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(16, 16, 16, 16), o)
}
