package main

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"syscall"
	"testing"

	"traymail/internal/traytest"
	"traymail/ui/tray/icons"
	"traymail/ui/words"
)

// newTrayDesk is a desk for a home with an account that is signed in.
func newTrayDesk(t *testing.T) (*bench, *desk) {
	t.Helper()
	b := newBench(t, "")
	b.must(nil, "account", "edit", "demo", "--test-to", "ops@contoso.com")
	b.signIn()
	d := newDesk(t, b.home)
	desktop(t, d.session.Address())
	return b, d
}

// shows waits until the icon has the picture of a state, and its line begins
// with words.
func (d *desk) shows(icon *traytest.Item, state, line string) {
	d.t.Helper()
	want, err := png.Decode(bytes.NewReader(icons.PNG(state, icons.Outlined)))
	if err != nil {
		d.t.Fatal(err)
	}
	d.panel.Until(d.t, "the icon of "+state+": "+line, func() bool {
		return strings.HasPrefix(icon.Tooltip(d.t), line) && sameInk(icon.Icon(d.t), want)
	})
}

// sameInk reports whether two pictures are the same where anything is to be seen.
func sameInk(got *image.NRGBA, want image.Image) bool {
	if got.Bounds().Size() != want.Bounds().Size() {
		return false
	}
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			r, g, b, a := got.At(x, y).RGBA()
			wr, wg, wb, wa := want.At(want.Bounds().Min.X+x, want.Bounds().Min.Y+y).RGBA()
			for _, d := range []int{int(r) - int(wr), int(g) - int(wg), int(b) - int(wb), int(a) - int(wa)} {
				if d > 0x500 || d < -0x500 { // colours are rounded where they are multiplied
					return false
				}
			}
		}
	}
	return true
}

func TestTheTrayShowsHowThingsStandAndItsMenuActs(t *testing.T) {
	t.Parallel()
	b, d := newTrayDesk(t)
	d.hang()
	d.start("--hidden")
	icon := d.panel.Item(t)
	d.shows(icon, "idle", words.Say("tray.flows"))
	if d.Shows(windowTitle) {
		t.Error("--hidden shows the window, although a panel is there")
	}

	icon.Click(t, words.Say("tray.pause"), words.Say("tray.pause_15_minutes"))
	d.shows(icon, "paused", "Paused until")
	icon.Click(t, words.Say("tray.resume"))
	d.shows(icon, "idle", words.Say("tray.flows"))

	icon.Click(t, words.Say("tray.send_test"))
	d.until("the test email", func() bool { return len(b.sandbox.Tenant().Inbox()) == 1 })
	window := d.Window(t, windowTitle)

	// It closes into the tray, and a second start brings it back.
	d.Focus(t, window)
	d.Key(t, "alt+F4")
	d.until("the window to go to the tray", func() bool { return !d.Shows(windowTitle) })
	first, closed, said := d.opened, d.closed, d.said
	d.start()
	<-d.closed
	if !d.opened.ProcessState.Success() || !strings.Contains(d.said.String(), "its window is in front now") {
		t.Errorf("the second start: %v: %s", d.opened.ProcessState, d.said)
	}
	d.opened, d.closed, d.said = first, closed, said
	window = d.Window(t, windowTitle)
	d.Focus(t, window)
	d.Key(t, "alt+F4")
	d.until("the window to go to the tray again", func() bool { return !d.Shows(windowTitle) })
	icon.Activate(t)
	d.Window(t, windowTitle)

	icon.Click(t, words.Say("tray.quit"))
	d.hasEnded()
}

func TestWithoutATrayTheWindowStaysAndClosingAsks(t *testing.T) {
	t.Parallel()
	_, d := newTrayDesk(t)
	window := d.open("--hidden")
	d.Key(t, "alt+F4")
	d.Click(t, words.Say("common.keep_open"))
	d.until("the question to go", func() bool { return !d.Sees(words.Say("common.stop_sending")) })
	// A panel comes later, and closing hides from then on; it goes, and the window
	// comes back.
	d.hang()
	icon := d.panel.Item(t)
	d.panel.Until(t, "the icon's line", func() bool { return icon.Tooltip(t) != "" })
	d.Focus(t, window)
	d.Key(t, "alt+F4")
	d.until("the window to go to the tray", func() bool { return !d.Shows(windowTitle) })
	d.panel.Leave()
	window = d.Window(t, windowTitle)
	d.Focus(t, window)
	d.Key(t, "alt+F4")
	d.Click(t, words.Say("common.stop_and_close"))
	d.hasEnded()
}

func TestAFrozenServiceShowsAsSuch(t *testing.T) {
	t.Parallel()
	b, d := newTrayDesk(t)
	d.hang()
	s := b.serve("")
	d.open()
	icon := d.panel.Item(t)
	d.shows(icon, "idle", words.Say("tray.flows"))
	d.Find(t, "Attached to the…") // which the rail wraps
	s.signal(syscall.SIGSTOP)
	d.shows(icon, "error", "No answer since")
	silent := strings.TrimSpace(words.Say("common.frozen", words.Data{"Clock": ""})) + "…"
	d.Key(t, "ctrl+3") // the window itself goes on
	d.Find(t, silent)
	d.Find(t, words.Say("common.page_history"))
	s.signal(syscall.SIGCONT)
	d.shows(icon, "idle", words.Say("tray.flows"))
	d.until("the window to take that back", func() bool { return !d.Sees(silent) })
}

// signal has something done to the process.
func (s *served) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}
