package control

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func serveWindow(t *testing.T, home string, raise func()) io.Closer {
	t.Helper()
	b, err := ServeWindow(home, raise)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestASecondStartRaisesTheFirstWindow(t *testing.T) {
	for name, home := range map[string]string{"short": t.TempDir(), "long": longHome(t)} {
		t.Run(name, func(t *testing.T) {
			if err := RaiseWindow(t.Context(), home); !errors.Is(err, ErrNotRunning) {
				t.Errorf("without a window: %v", err)
			}
			serve(t, home, &program{}, os.Stderr) // a service, which has no window
			if err := RaiseWindow(t.Context(), home); !errors.Is(err, ErrNotRunning) {
				t.Errorf("with a service alone: %v", err)
			}
			raised := 0
			first := serveWindow(t, home, func() { raised++ }) // one call at a time
			for i := range 3 {
				_, err := ServeWindow(home, func() { t.Error("the second one was raised") })
				var running *RunningError
				if !errors.As(err, &running) || running.PID != os.Getpid() {
					t.Errorf("a second window: %v", err)
				}
				if err := RaiseWindow(t.Context(), home); err != nil || raised != i+1 {
					t.Errorf("raised %d times, %v", raised, err)
				}
			}
			if err := first.Close(); err != nil {
				t.Error(err)
			}
			if err := RaiseWindow(t.Context(), home); !errors.Is(err, ErrNotRunning) {
				t.Errorf("after its end: %v", err)
			}
			dialed(t, home) // the service goes on
		})
	}
}

func TestManyStartsAtOnceRaiseOneWindow(t *testing.T) {
	home := t.TempDir()
	raised := make(chan bool, 20)
	serveWindow(t, home, func() { raised <- true })
	var starts sync.WaitGroup
	for range cap(raised) {
		starts.Go(func() {
			if err := RaiseWindow(t.Context(), home); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	if len(raised) != cap(raised) {
		t.Errorf("raised %d times", len(raised))
	}
}

func TestAWindowThatWasKilledIsNotInTheWay(t *testing.T) {
	for name, home := range map[string]string{"short": t.TempDir(), "long": longHome(t)} {
		t.Run(name, func(t *testing.T) {
			_, kill := anotherAt(t, home, windowVariable)
			if err := RaiseWindow(t.Context(), home); err != nil {
				t.Errorf("while it lives: %v", err)
			}
			if _, err := ServeWindow(home, func() {}); err == nil {
				t.Error("a second window is the first")
			}
			kill()
			if err := RaiseWindow(t.Context(), home); !errors.Is(err, ErrNotRunning) {
				t.Errorf("after its death: %v", err)
			}
			serveWindow(t, home, func() {})
			if err := RaiseWindow(t.Context(), home); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

func TestWhoSaysSomethingElseAtTheWindowRaisesNothing(t *testing.T) {
	home := t.TempDir()
	b := serveWindow(t, home, func() { t.Error("it was raised") })
	for _, said := range []string{"POST / HTTP/1.1\r\n", "raise me please\n", "\n"} {
		c, err := dial(t.Context(), home, window)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, said); err != nil {
			t.Error(err)
		}
		if answer, _ := io.ReadAll(c); len(answer) > 0 {
			t.Errorf("%q was answered with %q", said, answer)
		}
		c.Close()
	}
	silent, err := dial(t.Context(), home, window)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := b.Close(); err != nil { // and who says nothing keeps it from nothing
		t.Error(err)
	}
}

func TestAWindowThatHangsIsGivenUpWhenTheCallerDoes(t *testing.T) {
	home := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	hangs := make(chan struct{})
	serveWindow(t, home, func() {
		cancel()
		<-hangs
	})
	if err := RaiseWindow(ctx, home); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(hangs)
}

func TestAWindowMakesItsHome(t *testing.T) {
	home := filepath.Join(t.TempDir(), "new", "home")
	serveWindow(t, home, func() {})
	if err := RaiseWindow(t.Context(), home); err != nil {
		t.Error(err)
	}
}
