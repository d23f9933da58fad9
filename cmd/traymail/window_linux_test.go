package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"traymail/internal/screentest"
)

// newDisplay starts an X server without a monitor and returns its name.
func newDisplay(t *testing.T, options ...string) string {
	t.Helper()
	return screentest.Start(t, 1280, 720, options...).Display()
}

func TestWindowEndsWithItsSignal(t *testing.T) {
	d := newDesk(t, t.TempDir())
	d.open()
	if err := d.opened.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.hasEnded()
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
