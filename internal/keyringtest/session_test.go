//go:build linux

package keyringtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"traymail/internal/keyringtest"
)

func TestASessionHasAKeyringOfItsOwn(t *testing.T) {
	s := keyringtest.Start(t)
	store := exec.Command("secret-tool", "store", "--label=x", "name", "value")
	store.Env = s.Env()
	store.Stdin = strings.NewReader("hidden")
	if out, err := store.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lookup := func() (string, error) {
		cmd := exec.Command("secret-tool", "lookup", "name", "value")
		cmd.Env = s.Env()
		out, err := cmd.Output()
		return string(out), err
	}
	s.Lock(t)
	if got, err := lookup(); err == nil {
		t.Errorf("a locked keyring returned %q", got)
	}
	s.Unlock(t)
	if got, err := lookup(); err != nil || got != "hidden" {
		t.Errorf("an unlocked keyring returned %q, %v", got, err)
	}
	other := keyringtest.Start(t)
	s.Kill()
	s = other
	if got, err := lookup(); err == nil {
		t.Errorf("another session's keyring returned %q", got)
	}
}

func TestTheKeyringOutlivesTheThreadThatAskedForIt(t *testing.T) {
	var s *keyringtest.Session
	thread := onThreadThatEnds(func() { s = keyringtest.Start(t) })
	for {
		if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread)); err != nil {
			break
		}
		runtime.Gosched()
	}
	s.Lock(t)
	s.Unlock(t)
}

// onThreadThatEnds runs f on a thread which ends some time after f, and returns
// its number. The first thread of a process never ends: whoever gets that one
// keeps it from the next.
func onThreadThatEnds(f func()) (thread int) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock it
		if thread = syscall.Gettid(); thread == syscall.Getpid() {
			defer runtime.UnlockOSThread()
			thread = onThreadThatEnds(f)
			return
		}
		f()
	}()
	<-done
	return thread
}
