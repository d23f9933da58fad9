//go:build linux

package screentest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a program may take for what it does by itself, on a busy
// machine.
const patience = time.Minute

// jwmConfig has no panel and no decorations, so that a window's place is its
// content's, and closes a window as desktops do.
const jwmConfig = `<?xml version="1.0"?>
<JWM>
<Group><Option>noborder</Option><Option>notitle</Option></Group>
<FocusModel>click</FocusModel>
<Key mask="A" key="F4">close</Key>
<Key mask="A" key="Tab">nextstacked</Key>
</JWM>
`

// A Screen is an X server without a monitor. Its methods are for the test's
// goroutine.
type Screen struct {
	// Clicks and Fields count what the hands did: clicks of the mouse, and texts
	// that were typed or pasted into a field.
	Clicks, Fields int

	pointer image.Point // where it was moved last
	display string
	picture []byte // XWD, of which the server writes the pixels
	width   int
	height  int
	stride  int
	first   int // pixel's place
}

// Start starts a screen of that many pixels, which ends with the test. It shows
// no cursor, which would cover what it points at. options are the server's.
func Start(t testing.TB, width, height int, options ...string) *Screen {
	t.Helper()
	dir := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	server := exec.Command("Xvfb", append([]string{"-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-fbdir", dir, "-nolisten", "tcp", "-noreset", "-nocursor"}, options...)...)
	server.ExtraFiles = []*os.File{w}
	run(t, server)
	w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("the X server did not start: %v", err)
	}
	s := &Screen{display: ":" + strings.TrimSpace(number)}
	s.open(t, filepath.Join(dir, "Xvfb_screen0"))
	config := filepath.Join(dir, "jwmrc")
	if err := os.WriteFile(config, []byte(jwmConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, exec.Command("jwm", "-display", s.display, "-f", config))
	s.tool(t, "mousemove", "--sync", "1", "1")
	return s
}

// run starts a program that ends with the test.
func run(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatalf("%v; run make setup, which installs it", err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // an X server takes its socket away
		_ = c.Wait()
	})
}

// open maps the picture that the server draws.
func (s *Screen) open(t testing.TB, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if s.picture, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(s.picture); err != nil {
			t.Error(err)
		}
	})
	field := func(n int) int { return int(binary.BigEndian.Uint32(s.picture[4*n:])) } // X11/XWDFile.h
	s.width, s.height, s.stride = field(4), field(5), field(12)
	s.first = field(0) + 12*field(19)
	if field(7) != 0 || field(11) != 32 || len(s.picture) < s.first+s.stride*s.height {
		t.Fatalf("the X server's picture has %d bits a pixel in order %d", field(11), field(7))
	}
}

// Display is the value of DISPLAY.
func (s *Screen) Display() string { return s.display }

// Env are the variables with which a program opens its windows here, in the
// size of the screen's pixels.
func (s *Screen) Env() []string {
	return []string{"DISPLAY=" + s.display, "WAYLAND_DISPLAY=", "FYNE_SCALE=1", "XDG_SESSION_TYPE=x11"}
}

// A frame is the screen at one moment: 0xRRGGBB.
type frame struct {
	pixel         []uint32
	width, height int
}

func (s *Screen) frame() frame {
	f := frame{make([]uint32, s.width*s.height), s.width, s.height}
	for y := range s.height {
		line := s.picture[s.first+y*s.stride:]
		row := f.pixel[y*s.width : (y+1)*s.width]
		for x := range row {
			row[x] = binary.LittleEndian.Uint32(line[4*x:]) & 0xffffff
		}
	}
	return f
}

// Strip is the pixels of one line from x to x+width, as they are now; they
// change under the reader's eyes.
func (s *Screen) Strip(x, y, width int) []byte {
	at := s.first + y*s.stride + 4*x
	return s.picture[at : at+4*width]
}

// Picture is what is to be seen in a part of the screen.
func (s *Screen) Picture(part image.Rectangle) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	for y := range part.Dy() {
		line := s.Strip(part.Min.X, part.Min.Y+y, part.Dx())
		for x := range part.Dx() {
			d := img.Pix[img.PixOffset(x, y):]
			d[0], d[1], d[2], d[3] = line[4*x+2], line[4*x+1], line[4*x], 0xff
		}
	}
	return img
}

// Strips are some lines of the whole screen, which tell when it changes.
func (s *Screen) Strips() (all []byte) {
	for y := 0; y < s.height; y += 4 {
		all = append(all, s.Strip(0, y, s.width)...)
	}
	return all
}
