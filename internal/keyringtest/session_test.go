//go:build linux

package keyringtest_test

import (
	"os/exec"
	"strings"
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
