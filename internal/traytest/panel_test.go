//go:build linux

package traytest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
)

// TestMain is also the program that has an icon: the library that the window
// uses, with nothing around it.
func TestMain(m *testing.M) {
	if os.Getenv("SHOW_AN_ICON") != "" {
		show()
		return
	}
	goleak.VerifyTestMain(m)
}

func show() {
	systray.SetOnTapped(func() { fmt.Println("activated") })
	// Beforehand, because the library loses what is set while it starts.
	systray.SetTitle("tiny")
	systray.SetTooltip("all is well")
	systray.SetIcon(picture(color.NRGBA{0, 0, 0, 128}))
	systray.Run(func() {
		send := systray.AddMenuItem("Send", "")
		pause := systray.AddMenuItem("Pause", "")
		hour := pause.AddSubMenuItem("1 hour", "")
		systray.AddSeparator()
		off := systray.AddMenuItem("Off", "")
		off.Disable()
		quit := systray.AddMenuItem("Quit", "")
		go func() {
			for {
				select {
				case <-send.ClickedCh:
					fmt.Println("sent")
					systray.SetTooltip("sending")
					systray.SetIcon(picture(color.NRGBA{255, 0, 0, 255}))
				case <-hour.ClickedCh:
					fmt.Println("paused")
				case <-quit.ClickedCh:
					systray.Quit()
				}
			}
		}()
		fmt.Println("ready")
	}, func() {})
}

func picture(c color.NRGBA) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for i := range 16 {
		img.SetNRGBA(i%4, i/4, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// A shower is the program that has an icon.
type shower struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
}

func start(t *testing.T, address string) *shower {
	s := &shower{t: t, cmd: exec.Command(os.Args[0]), lines: make(chan string, 16)}
	s.cmd.Env = append(os.Environ(), "SHOW_AN_ICON=1", "DBUS_SESSION_BUS_ADDRESS="+address)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			var line string
			if _, err := fmt.Fscanln(out, &line); err == io.EOF {
				return
			}
			s.lines <- line
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-read
		_ = s.cmd.Wait()
	})
	s.says("ready")
	return s
}

func (s *shower) says(want string) {
	s.t.Helper()
	if got := <-s.lines; got != want {
		s.t.Fatalf("the program said %q, want %q", got, want)
	}
}

func TestThePanelShowsWhatAProgramPutsThere(t *testing.T) {
	address := Bus(t)
	p := Start(t, address)
	s := start(t, address)
	i := p.Item(t)
	p.Until(t, "the tooltip", func() bool { return i.Tooltip(t) == "all is well" })
	if got := i.Status(t); got != "Active" {
		t.Errorf("status %q", got)
	}
	if i.Title(t) != "tiny" || i.IsMenu(t) {
		t.Errorf("title %q, is a menu: %t", i.Title(t), i.IsMenu(t))
	}
	if c := i.Icon(t).NRGBAAt(1, 1); c != (color.NRGBA{0, 0, 0, 128}) {
		t.Errorf("the icon is %v", c)
	}
	var labels []string
	for _, e := range i.Menu(t) {
		labels = append(labels, fmt.Sprintf("%s %t %t %d", e.Label, e.Separator, e.Disabled, len(e.Entries)))
	}
	if want := []string{"Send false false 0", "Pause false false 1", " true false 0", "Off false true 0", "Quit false false 0"}; !slices.Equal(labels, want) {
		t.Errorf("the menu is %s", strings.Join(labels, ", "))
	}
	i.Click(t, "Send")
	s.says("sent")
	p.Until(t, "the other icon", func() bool { return i.Icon(t).NRGBAAt(1, 1) == color.NRGBA{255, 0, 0, 255} })
	p.Until(t, "the other tooltip", func() bool { return i.Tooltip(t) == "sending" })
	i.Click(t, "Pause", "1 hour")
	s.says("paused")
	i.Activate(t)
	s.says("activated")
	i.Click(t, "Quit")
	p.Until(t, "the item to go", func() bool { return len(p.Items()) == 0 })
}

func TestAPanelThatComesLaterIsFoundByTheProgram(t *testing.T) {
	address := Bus(t)
	start(t, address)
	listens(t, address)
	first := Start(t, address)
	first.Item(t)
	first.Leave()
	Start(t, address).Item(t)
}

// listens waits until somebody follows the panels' coming and going: who comes
// between the program's first question and that is not noticed.
func listens(t *testing.T, address string) {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var rules map[string][]string
		if err := conn.BusObject().Call("org.freedesktop.DBus.Debug.Stats.GetAllMatchRules", 0).Store(&rules); err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			if strings.Contains(strings.Join(r, " "), watcherName) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("the program does not listen")
		}
	}
}
