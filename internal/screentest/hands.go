//go:build linux

package screentest

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tool is xdotool.
func (s *Screen) tool(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "xdotool", args...)
	c.Env = append(os.Environ(), s.Env()...)
	out, err := c.CombinedOutput()
	if err != nil {
		s.keep(t)
		t.Fatalf("xdotool %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Window waits for a window with that title, a regular expression, and returns
// its ID.
func (s *Screen) Window(t testing.TB, title string) string {
	t.Helper()
	var found []string
	s.Until(t, "a window called "+title, func() bool {
		found = s.windows(title)
		return len(found) > 0
	})
	return found[0]
}

// Shows reports whether a window with that title is to be seen.
func (s *Screen) Shows(title string) bool { return len(s.windows(title)) > 0 }

// windows are those with that title that are to be seen now.
func (s *Screen) windows(title string) []string {
	c := exec.Command("xdotool", "search", "--onlyvisible", "--name", title)
	c.Env = append(os.Environ(), s.Env()...)
	out, _ := c.Output() // fails where there is none, and where one goes meanwhile
	return strings.Fields(string(out))
}

// Focus gives a window the keyboard, as a click on its title does.
func (s *Screen) Focus(t testing.TB, window string) {
	t.Helper()
	s.tool(t, "windowactivate", "--sync", window)
}

// Place is where a window is on the screen.
func (s *Screen) Place(t testing.TB, window string) image.Rectangle {
	t.Helper()
	var id, x, y, w, h, screen int
	out := s.tool(t, "getwindowgeometry", "--shell", window)
	if _, err := fmt.Sscanf(out, "WINDOW=%d\nX=%d\nY=%d\nWIDTH=%d\nHEIGHT=%d\nSCREEN=%d", &id, &x, &y, &w, &h, &screen); err != nil {
		t.Fatalf("the window is at %q: %v", out, err)
	}
	return image.Rect(x, y, x+w, y+h)
}

// Key presses keys, such as "Return" and "ctrl+2".
func (s *Screen) Key(t testing.TB, keys ...string) {
	t.Helper()
	s.tool(t, append([]string{"key", "--clearmodifiers"}, keys...)...)
}

// Type fills in the field that has the focus, as it comes: what a field proposes is
// for the program to give way.
func (s *Screen) Type(t testing.TB, text string) {
	t.Helper()
	s.Fields++
	s.TypeOn(t, text)
}

// TypeOn types where the keyboard is.
func (s *Screen) TypeOn(t testing.TB, text string) {
	t.Helper()
	s.tool(t, "type", "--clearmodifiers", "--delay", "2", text)
}

// Paste fills in the field that has the focus, with what somebody copied.
func (s *Screen) Paste(t testing.TB, text string) {
	t.Helper()
	s.Copy(t, text)
	s.Fields++
	s.Key(t, "ctrl+v")
}

// Click waits until the screen says one of the texts, and clicks there.
func (s *Screen) Click(t testing.TB, texts ...string) {
	t.Helper()
	at := s.Find(t, texts...)
	s.ClickAt(t, at.Min.Add(at.Size().Div(2)))
}

// ClickAt clicks on a place.
func (s *Screen) ClickAt(t testing.TB, at image.Point) {
	t.Helper()
	s.Clicks++
	s.tool(t, append(s.moved(at), "click", "1")...)
}

// moved moves the pointer to a place. Where it is there already, xdotool would
// wait for 15 seconds for it to move.
func (s *Screen) moved(to image.Point) []string {
	args := []string{"mousemove", "--sync", fmt.Sprint(to.X), fmt.Sprint(to.Y)}
	if to == s.pointer {
		args = slices.Delete(args, 1, 2)
	}
	s.pointer = to
	return args
}

// Rest takes the pointer away from everything that answers to it.
func (s *Screen) Rest(t testing.TB) {
	t.Helper()
	s.tool(t, s.moved(image.Pt(0, s.height-1))...)
}

// Scroll turns the wheel by so many notches, those of a moment's pause.
func (s *Screen) Scroll(t testing.TB, at image.Point, notches int, pause time.Duration) {
	t.Helper()
	s.tool(t, append(s.moved(at), "click", "--repeat", fmt.Sprint(notches), "--delay", fmt.Sprint(pause.Milliseconds()), "5")...)
}

// Copy puts a text on the clipboard.
func (s *Screen) Copy(t testing.TB, text string) {
	t.Helper()
	c := exec.Command("xclip", "-selection", "clipboard", "-quiet", "-loops", "0")
	c.Env = append(os.Environ(), s.Env()...)
	c.Stdin = strings.NewReader(text)
	run(t, c)
	s.Until(t, "the clipboard to have it", func() bool { return s.Copied() == text })
}

// Copied is the text on the clipboard, "" for none.
func (s *Screen) Copied() string {
	c := exec.Command("xclip", "-selection", "clipboard", "-o")
	c.Env = append(os.Environ(), s.Env()...)
	out, _ := c.Output() // fails where there is none
	return string(out)
}

// Until waits for something that somebody else brings about.
func (s *Screen) Until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.keep(t)
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// keep keeps the picture of what went wrong.
func (s *Screen) keep(t testing.TB) {
	f, err := os.CreateTemp("", "screen-*.png")
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if err := png.Encode(f, s.Picture(image.Rect(0, 0, s.width, s.height))); err != nil {
		t.Error(err)
		return
	}
	t.Logf("the screen then: %s", filepath.ToSlash(f.Name()))
}
