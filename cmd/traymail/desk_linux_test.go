package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"traymail/internal/keyringtest"
	"traymail/internal/screentest"
	"traymail/internal/traytest"
)

// A desk is where a person works: a screen with mouse and keyboard, a session
// with a keychain, a panel with tray icons or none, a browser, and the program
// as it was built.
type desk struct {
	*screentest.Screen
	t     *testing.T
	home  string
	env   []string
	panel *traytest.Panel // nil: there is none

	session *keyringtest.Session
	opened  *exec.Cmd
	closed  chan struct{} // when the opened one has ended
	said    *bytes.Buffer // by it, to be read then
	script  *script       // takes down what is done; nil: nobody wants to know
	tabs    string        // a file with the processes of browsers
}

// The screen is wide enough for the window, 1280×720 in its middle, to be used
// while a browser stands at the left.
const deskWidth, deskHeight, browserWidth = 1840, 800, 560

// newDesk sets a desk up for a home folder; nothing is open on it. Its browser
// takes every certificate, unless env has TRUST=.
func newDesk(t *testing.T, home string, env ...string) *desk {
	t.Helper()
	d := &desk{Screen: screentest.Start(t, deskWidth, deskHeight), t: t, home: home, session: keyringtest.Start(t)}
	tools := t.TempDir()
	d.tabs = filepath.Join(tools, "tabs")
	profile := filepath.Join(tools, "browser", "Default")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	// No question whether to keep passwords.
	if err := os.WriteFile(filepath.Join(profile, "Preferences"), []byte(`{"credentials_enable_service":false,"profile":{"password_manager_enabled":false}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	open := fmt.Sprintf("#!/bin/sh\necho $$ >> '%s'\nexec '%s' --no-sandbox --test-type ${TRUST---ignore-certificate-errors} --user-data-dir='%s' "+
		"--no-first-run --disable-gpu --disable-quic --disable-background-networking --disable-component-update --disable-sync --password-store=basic "+
		"--disable-features=Translate,MediaRouter,OptimizationHints --window-position=0,0 --window-size=%d,%d \"$1\"\n",
		d.tabs, chromium(t), filepath.Join(tools, "browser"), browserWidth, deskHeight)
	if err := os.WriteFile(filepath.Join(tools, "xdg-open"), []byte(open), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.endBrowsers)
	d.env = append(d.session.Env(), d.Screen.Env()...)
	d.env = append(d.env, "PATH="+tools+":"+os.Getenv("PATH"), "LANG=en_US.UTF-8", "LC_ALL=", "LANGUAGE=", "FYNE_THEME=light",
		"XDG_CONFIG_HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	d.env = append(d.env, env...)
	return d
}

// hang puts a panel for tray icons on the desk.
func (d *desk) hang() { d.panel = traytest.Start(d.t, d.session.Address()) }

// windowTitle is that of the program's window.
const windowTitle = "^traymail$"

// start starts the built program and does not wait for anything.
func (d *desk) start(args ...string) *exec.Cmd {
	d.t.Helper()
	c := exec.Command(windowProgram(d.t), append([]string{"--home", d.home}, args...)...)
	c.Env = d.env
	d.said = &bytes.Buffer{}
	c.Stdout, c.Stderr = d.said, d.said
	c.WaitDelay = time.Second // a browser holds them too
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	closed := make(chan struct{})
	d.opened, d.closed = c, closed
	go func() { _ = c.Wait(); close(closed) }()
	d.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-closed
		if d.t.Failed() {
			d.t.Logf("the program said: %s", d.said)
		}
	})
	return c
}

// open starts the program, waits for its window and gives it the keyboard.
func (d *desk) open(args ...string) (window string) {
	d.t.Helper()
	d.start(args...)
	window = d.Window(d.t, windowTitle)
	d.Focus(d.t, window)
	return window
}

// hasEnded waits until the opened program has ended well.
func (d *desk) hasEnded() {
	d.t.Helper()
	select {
	case <-d.closed:
	case <-time.After(time.Minute):
		_ = d.opened.Process.Signal(syscall.SIGQUIT) // what it waits for is in what it says then
		<-d.closed
		d.t.Fatal("the program goes on")
	}
	if state := d.opened.ProcessState; !state.Success() {
		d.t.Errorf("the program ended with %v: %s", state, d.said)
	}
}

// runs reports whether the opened program has not ended.
func (d *desk) runs() bool {
	select {
	case <-d.closed:
		return false
	default:
		return true
	}
}

// until waits for something that the program brings about.
func (d *desk) until(what string, so func() bool) {
	d.t.Helper()
	d.Until(d.t, what, func() bool {
		if so() {
			return true
		}
		if !d.runs() {
			d.t.Fatalf("the program ended before %s: %v: %s", what, d.opened.ProcessState, d.said)
		}
		return false
	})
}

// endBrowsers ends what was started to open addresses.
func (d *desk) endBrowsers() {
	list, err := os.ReadFile(d.tabs)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	for _, id := range strings.Fields(string(list)) {
		var pid int
		if _, err := fmt.Sscan(id, &pid); err != nil {
			d.t.Error(err)
			continue
		}
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err != nil || !strings.Contains(string(line), filepath.Dir(d.tabs)) {
			continue // it only opened a tab, and has ended
		}
		_ = syscall.Kill(pid, syscall.SIGTERM)
		for end := time.Now().Add(20 * time.Second); syscall.Kill(pid, 0) == nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
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

// browserStep waits for a page of the sign-in in the browser, and presses Enter
// there, which is the click on its button; before that it types what the page
// asks for.
func (d *desk) browserStep(title, typed, next string) {
	d.t.Helper()
	page := d.Window(d.t, "^"+title)
	d.Focus(d.t, page)
	if typed != "" {
		d.Fields++
	}
	d.Clicks++
	for end := time.Now().Add(time.Minute); ; {
		if typed != "" { // the page may not have been ready for it before
			d.Key(d.t, "ctrl+a")
			d.TypeOn(d.t, typed)
		}
		d.Key(d.t, "Return")
		for pause := time.Now().Add(5 * time.Second); time.Now().Before(pause); time.Sleep(100 * time.Millisecond) {
			if d.Shows("^" + next) {
				return
			}
		}
		if time.Now().After(end) {
			d.t.Fatalf("the browser stays at %q", title)
		}
	}
}
