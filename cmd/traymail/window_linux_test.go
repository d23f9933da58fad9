package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"traymail/internal/sandbox"
)

var screenshots = flag.String("screenshots", "", "write screenshots of the window to this `folder`")

// A desk is a display with the real window on it, and a keyboard.
type desk struct {
	*bench
	env    []string
	window string // its ID on the display
	closed chan error
	opened *exec.Cmd
}

// newDesk opens the built window on the account of a sandbox. Whoever is asked
// to open the browser visits the address as the account's person.
func newDesk(t *testing.T, env ...string) *desk {
	d := &desk{bench: newBench(t, ""), closed: make(chan error, 1)}
	d.must(nil, "account", "edit", "demo", "--test-to", "ops@contoso.com")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	if err := os.Symlink(self, filepath.Join(tools, "xdg-open")); err != nil {
		t.Fatal(err)
	}
	user := d.ready.Users[0]
	d.env = append(os.Environ(), append([]string{"DISPLAY=" + newDisplay(t), "PATH=" + tools + ":" + os.Getenv("PATH"), "LANG=en_US.UTF-8", "XDG_CONFIG_HOME=" + t.TempDir(),
		"CA=" + filepath.Join(d.home, "ca.pem"), "PERSON=" + user.Username, "PASSWORD=" + user.Password, "WAYLAND_DISPLAY="}, env...)...)

	d.opened = exec.Command(windowProgram(t), "--home", d.home)
	d.opened.Env, d.opened.Stderr = d.env, os.Stderr
	if err := d.opened.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.closed <- d.opened.Wait() }()
	t.Cleanup(func() { d.opened.Process.Kill() })
	d.window = strings.Fields(d.xdotool("search", "--sync", "--onlyvisible", "--name", "traymail"))[0]
	d.xdotool("windowfocus", "--sync", d.window)
	return d
}

// windowProgram is the program with the window, built beforehand because its
// toolkit takes minutes to compile.
func windowProgram(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", "..", "bin", "traymail"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is not there: run make build", program)
	}
	return program
}

// newDisplay starts an X server without a screen and returns its name.
func newDisplay(t *testing.T, options ...string) string {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	server := exec.Command("Xvfb", append([]string{"-displayfd", "3", "-screen", "0", "1280x720x24", "-nolisten", "tcp"}, options...)...)
	server.ExtraFiles = []*os.File{w}
	if err := server.Start(); err != nil {
		t.Fatalf("%v: run make setup", err)
	}
	w.Close()
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("the X server did not start: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

func (d *desk) xdotool(args ...string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "xdotool", args...)
	c.Env = d.env
	out, err := c.Output()
	if err != nil {
		d.t.Fatalf("xdotool %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// until waits for something that the window brings about.
func (d *desk) until(what string, done func() bool) {
	d.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-d.closed:
			d.t.Fatalf("the window closed before %s: %v", what, err)
		default:
		}
		if time.Now().After(end) {
			d.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// shoot writes a picture of the window where screenshots are wanted.
func (d *desk) shoot(name string) {
	d.t.Helper()
	if *screenshots == "" {
		return
	}
	time.Sleep(time.Second) // the picture has no event to wait for
	c := exec.Command("import", "-window", d.window, filepath.Join(*screenshots, name+".png"))
	c.Env = d.env
	if out, err := c.CombinedOutput(); err != nil {
		d.t.Fatalf("import: %v: %s", err, out)
	}
}

// rest lets the checks end before a picture is taken: nothing outside the window
// tells that they have.
func (d *desk) rest() {
	if *screenshots != "" {
		time.Sleep(5 * time.Second)
	}
}

// mainJob signs in and sends the test email, by keyboard alone.
func (d *desk) mainJob() {
	d.t.Helper()
	d.until("the account to be shown", func() bool { return d.pressed("Return", d.signedIn) })
	d.until("the test email to arrive", func() bool {
		return d.pressed("Return", func() bool { return len(d.sandbox.Tenant().Inbox()) > 0 })
	})
}

// pressed presses a key and reports whether it did what it should within a
// while; a window that was not ready yet has not noticed it.
func (d *desk) pressed(key string, done func() bool) bool {
	if done() {
		return true
	}
	d.xdotool("key", key)
	for range 60 {
		if done() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

func (d *desk) signedIn() bool {
	return strings.Contains(d.must(nil, "account", "show", "demo", "--json"), `"signed_in": true`)
}

func TestWindowDoesTheMainJobByKeyboardAndEndsWithItsSignal(t *testing.T) {
	d := newDesk(t)
	d.mainJob()
	if m := d.sandbox.Tenant().Inbox()[0]; m.User != "svc@contoso.com" || strings.Join(m.To, "") != "ops@contoso.com" {
		t.Errorf("arrived: %+v", m)
	}
	if err := d.opened.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-d.closed:
		if err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the window stays after SIGTERM")
	}
}

// checkSetup does the setup checks by keyboard, whose test email goes to an
// address of its own.
func (d *desk) checkSetup() {
	d.t.Helper()
	d.must(nil, "account", "edit", "demo", "--test-to", "checks@contoso.com")
	d.xdotool("key", "ctrl+2")
	d.until("the setup to be checked", func() bool {
		return d.pressed("Return", func() bool {
			return slices.ContainsFunc(d.sandbox.Tenant().Inbox(), func(m sandbox.Message) bool { return slices.Equal(m.To, []string{"checks@contoso.com"}) })
		})
	})
}

func TestWindowChecksTheSetupByKeyboard(t *testing.T) {
	d := newDesk(t)
	d.mainJob()
	d.checkSetup()
}

func TestWindowWithoutADisplaySaysSo(t *testing.T) {
	b := newBench(t, "")
	for display, want := range map[string]string{"": "there is no display here", ":99999": "the window cannot be opened"} {
		c := exec.Command(windowProgram(t), "--home", b.home)
		c.Env = append(os.Environ(), "DISPLAY="+display, "LANG=C", "LC_ALL=")
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(string(out), want) || strings.Contains(string(out), "goroutine") {
			t.Errorf("DISPLAY=%q: %v: %s", display, err, out)
		}
	}
}

func TestWindowBuildIsSilentWhereTheLocaleNamesNoLanguage(t *testing.T) {
	for _, locale := range []string{"C", "C.UTF-8", "POSIX", ""} {
		c := exec.Command(windowProgram(t), "version")
		c.Env = append(os.Environ(), "LANG="+locale, "LC_ALL=")
		var said strings.Builder
		c.Stderr = &said
		if err := c.Run(); err != nil || said.Len() > 0 {
			t.Errorf("LANG=%q: %v, on standard error: %s", locale, err, said.String())
		}
	}
}

// TestWindowLooks takes the pictures of README and docs; make screenshots runs
// it. In an ordinary run it shows that each variant comes up.
func TestWindowLooks(t *testing.T) {
	for name, env := range map[string][]string{
		"light":  {"FYNE_THEME=light"},
		"dark":   {"FYNE_THEME=dark"},
		"german": {"FYNE_THEME=light", "LANG=de_DE.UTF-8", "LANGUAGE=de", "LC_ALL=de_DE.UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, env...)
			d.mainJob()
			d.shoot("window-" + name)
			d.checkSetup()
			d.rest()
			d.shoot("checks-" + name)
			off := true
			d.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.Mailboxes[0].SMTPAuthDisabled = &off })
			d.xdotool("key", "Return")
			d.rest()
			d.shoot("checks-failed-" + name)
			d.xdotool("key", "ctrl+e")
			d.xdotool("type", "--delay", "1", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.")
			d.shoot("explain-" + name)
		})
	}
}
