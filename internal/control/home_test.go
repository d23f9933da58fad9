package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"traymail/internal/mailer"
)

const (
	serveVariable  = "CONTROL_TEST_SERVE"
	windowVariable = "CONTROL_TEST_WINDOW"
)

// TestMain is also a program that serves a home, or a window of it, until it is
// killed.
func TestMain(m *testing.M) {
	home, windowOf := os.Getenv(serveVariable), os.Getenv(windowVariable)
	if home == "" && windowOf == "" {
		goleak.VerifyTestMain(m)
		return
	}
	var err error
	if home != "" {
		_, err = Serve(home, &program{}, discard)
	} else {
		_, err = ServeWindow(windowOf, func() {})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

// another serves the home in another process, which kill ends without warning.
func another(t *testing.T, home string) (pid int, kill func()) {
	t.Helper()
	return anotherAt(t, home, serveVariable)
}

func anotherAt(t *testing.T, home, variable string) (pid int, kill func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), variable+"="+home)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return c.Process.Pid, kill
}

// longHome is a home in which a socket's path would be too long.
func longHome(t *testing.T) string {
	return filepath.Join(t.TempDir(), strings.Repeat("long", 30))
}

func TestAHomeWithoutAProgramSaysSo(t *testing.T) {
	served := t.TempDir()
	shutdown(t, serve(t, served, &program{}, os.Stderr))
	empty := t.TempDir()
	for name, home := range map[string]string{"no home": filepath.Join(empty, "none"), "an empty home": empty, "a home that was served": served} {
		if c, err := Dial(t.Context(), home); !errors.Is(err, ErrNotRunning) || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func TestASecondProgramForAHomeIsRefusedAndTheFirstLivesOn(t *testing.T) {
	for name, home := range map[string]string{"short": t.TempDir(), "long": longHome(t)} {
		t.Run(name, func(t *testing.T) {
			pid, kill := another(t, home)
			var running *RunningError
			for range 3 {
				_, err := Serve(home, &program{}, discard)
				if !errors.As(err, &running) || running.PID != pid || err.Error() != fmt.Sprintf("traymail already runs for this home (PID %d)", pid) {
					t.Fatalf("%v, want PID %d", err, pid)
				}
			}
			c := dialed(t, home)
			if _, err := c.Status(t.Context()); err == nil || err.Error() != errPanicked.Error() {
				t.Errorf("the first answered %v", err)
			}
			kill()
			if _, err := Dial(t.Context(), home); !errors.Is(err, ErrNotRunning) {
				t.Errorf("after its death Dial returned %v", err)
			}
			if _, err := c.Status(t.Context()); !errors.Is(err, ErrNotRunning) {
				t.Errorf("after its death Status returned %v", err)
			}
			next := &program{status: func(context.Context) (mailer.Status, error) { return mailer.Status{PID: 1}, nil }}
			serve(t, home, next, os.Stderr)
			if s, err := c.Status(t.Context()); err != nil || s.PID != 1 {
				t.Errorf("the next one answered %+v, %v", s, err)
			}
		})
	}
}

func TestAProgramThatDiesAtWorkLeavesTheOutcomeOpen(t *testing.T) {
	r := newRig(t)
	r.program.reload = func(context.Context) error { return r.server.http.Close() }
	if err := r.Reload(t.Context()); !errors.Is(err, ErrLost) || errors.Is(err, ErrNotRunning) {
		t.Errorf("the caller got %v", err)
	}
}

func TestEverySpellingOfAHomeIsTheSame(t *testing.T) {
	for name, home := range map[string]string{"short": filepath.Join(t.TempDir(), "home"), "long": longHome(t)} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(filepath.Dir(home))
			relative := filepath.Base(home)
			serve(t, relative, &program{}, os.Stderr)
			spellings := []string{relative, home, "./" + relative + "/../" + relative + "/"}
			if runtime.GOOS != "windows" { // there, making links takes a privilege
				link := filepath.Join(t.TempDir(), "link")
				if err := os.Symlink(home, link); err != nil {
					t.Fatal(err)
				}
				spellings = append(spellings, link)
			}
			for _, spelling := range spellings {
				dialed(t, spelling)
				var running *RunningError
				if _, err := Serve(spelling, &program{}, discard); !errors.As(err, &running) || running.PID != os.Getpid() {
					t.Errorf("%s: %v", spelling, err)
				}
			}
		})
	}
}

func TestAProgramOfAnotherVersionIsToBeRestarted(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		status int
		want   string
	}{
		"newer": {http.Header{apiHeader: {"99"}, versionHeader: {"v9.9"}}, 400,
			"the running traymail is version v9.9 (interface 99), this command is " + version() + " (interface " + api + "): restart it"},
		"of the same interface that does not know the call": {http.Header{apiHeader: {api}}, 404,
			"the running traymail answered 404 Not Found to /hello, in a way that is not understood: restart it"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			l, release, err := listen(home, commands)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() {
				served <- http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for k, v := range c.header {
						w.Header()[k] = v
					}
					w.WriteHeader(c.status)
					fmt.Fprintln(w, "page not found")
				}))
			}()
			if _, err := Dial(t.Context(), home); err == nil || err.Error() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			l.Close()
			if err := <-served; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAProgramThatHangsIsGivenUpWhenTheCallerDoes(t *testing.T) {
	home := t.TempDir()
	l, release, err := listen(home, commands)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := l.Accept(); err == nil { // and no answer
			cancel()
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	if _, err := Dial(ctx, home); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(l.Close(), release()); err != nil {
		t.Error(err)
	}
}
