package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestWindowWithoutOpenGLSaysWhatToDoInstead(t *testing.T) {
	b := newBench(t, "")
	c := exec.CommandContext(t.Context(), windowProgram(t), "--home", b.home)
	c.Env = append(os.Environ(), "DISPLAY="+newDisplay(t, "-extension", "GLX"), "LANG=en_US.UTF-8", "WAYLAND_DISPLAY=")
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"there is no OpenGL here", "GLX", "traymail setup", "LIBGL_ALWAYS_SOFTWARE=1"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in: %s", want, out)
		}
	}
	if strings.Contains(string(out), "goroutine") || strings.Contains(string(out), "Fyne error") {
		t.Errorf("the toolkit was asked too: %s", out)
	}
}
