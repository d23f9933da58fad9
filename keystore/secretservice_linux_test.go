package keystore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"traymail/internal/keyringtest"
)

// session starts a private keyring which this process then uses as its own.
func session(t *testing.T) *keyringtest.Session {
	t.Helper()
	s := keyringtest.Start(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Address())
	// go-keyring shares one connection for the whole process and keeps it; the
	// next session needs one of its own.
	t.Cleanup(func() {
		if conn, err := dbus.SessionBus(); err == nil {
			conn.Close()
		}
	})
	return s
}

func stores(t *testing.T, k *KeychainStore, values map[string]string) {
	t.Helper()
	for name, value := range values {
		got, err := k.Get(t.Context(), name)
		if err != nil || got.Reveal() != value {
			t.Errorf("%s: %d bytes for %d, %v", name, len(got), len(value), err)
		}
	}
}

func unavailable(t *testing.T, k *KeychainStore, want string) {
	t.Helper()
	_, err := k.Get(t.Context(), "a")
	for _, err := range []error{err, k.Set(t.Context(), "a", "new"), k.Delete(t.Context(), "a"), k.available(t.Context())} {
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := k.available(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q first", err, want)
	}
}

func TestGNOMEKeyringKeepsSecretsOfAnyLength(t *testing.T) {
	session(t)
	if err := Available(t.Context()); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"short": "hunter2", "long": noise(9000), "longest": noise(MaxLen), "empty": ""}
	// The second store cuts as on Windows what the first keeps whole.
	for _, k := range []*KeychainStore{Keychain(), newKeychain(osKeychain{}, windowsLimit, unlockKeychain)} {
		for name, value := range values {
			if err := k.Set(t.Context(), name, Secret(value)); err != nil {
				t.Fatal(err)
			}
		}
		stores(t, k, values)
		stores(t, Keychain(), values) // any reader reads any writer
	}
	k := Keychain()
	for name := range values {
		if err := k.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
		if _, err := k.Get(t.Context(), name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s after it was deleted: %v", name, err)
		}
		if _, err := (osKeychain{}).get(partName(name, 1, 0)); !errors.Is(err, ErrNotFound) {
			t.Errorf("a part of %s after it was deleted: %v", name, err)
		}
	}
}

func TestALockedGNOMEKeyringLosesNothing(t *testing.T) {
	s := session(t)
	k := newKeychain(osKeychain{}, windowsLimit, unlockKeychain)
	values := map[string]string{"a": "hunter2", "long": noise(9000)}
	for name, value := range values {
		if err := k.Set(t.Context(), name, Secret(value)); err != nil {
			t.Fatal(err)
		}
	}
	s.Lock(t)
	unavailable(t, k, "unavailable: the keychain is locked: ")
	s.Unlock(t)
	stores(t, k, values)
}

func TestALockedGNOMEKeyringPromptsUntilTheContextEnds(t *testing.T) {
	calls := map[string]func(context.Context, *KeychainStore) error{
		"reading":  func(ctx context.Context, k *KeychainStore) error { _, err := k.Get(ctx, "a"); return err },
		"storing":  func(ctx context.Context, k *KeychainStore) error { return k.Set(ctx, "a", "new") },
		"deleting": func(ctx context.Context, k *KeychainStore) error { return k.Delete(ctx, "a") },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			s := session(t)
			k := Keychain()
			if err := k.Set(t.Context(), "a", "hunter2"); err != nil {
				t.Fatal(err)
			}
			s.Lock(t)
			prompts := s.HoldPrompts(t)
			why := errors.New("the window was closed")
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error)
			for tries, opened := 0, false; !opened; tries++ {
				go func() { done <- call(ctx, k) }()
				select {
				case <-prompts.Opened:
					opened = true
				case err := <-done: // a service on a busy machine may be given up before it prompts
					if tries == 5 {
						t.Fatalf("no prompt: %v", err)
					}
				}
			}
			cancel(why)
			if err := <-done; !errors.Is(err, ErrUnavailable) || !errors.Is(err, why) || errors.Is(err, ErrNotFound) {
				t.Errorf("got %v", err)
			}
			// The prompt is still there; nobody waits for its answer.
			prompts.Dismiss(t)
			<-prompts.Closed
			s.Unlock(t)
			stores(t, k, map[string]string{"a": "hunter2"})
		})
	}
}

func TestUnlockingDuringThePromptLetsTheCallGoOn(t *testing.T) {
	s := session(t)
	k := Keychain()
	if err := k.Set(t.Context(), "a", "hunter2"); err != nil {
		t.Fatal(err)
	}
	s.Lock(t)
	prompts := s.HoldPrompts(t)
	type result struct {
		value Secret
		err   error
	}
	done := make(chan result)
	for tries, opened := 0, false; !opened; tries++ {
		go func() {
			value, err := k.Get(t.Context(), "a")
			done <- result{value, err}
		}()
		select {
		case <-prompts.Opened:
			opened = true
		case r := <-done: // a service on a busy machine may be given up before it prompts
			if tries == 5 {
				t.Fatalf("no prompt: %v", r.err)
			}
		}
	}
	s.Unlock(t)
	prompts.Dismiss(t)
	if r := <-done; r.err != nil || r.value.Reveal() != "hunter2" {
		t.Error(r.err)
	}
}

func TestTheKeyringDiesDuringThePrompt(t *testing.T) {
	for name, kill := range map[string]func(*keyringtest.Session){
		"the daemon": (*keyringtest.Session).Kill,
		"the bus":    (*keyringtest.Session).KillBus,
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t)
			s.Lock(t)
			prompts := s.HoldPrompts(t)
			done := make(chan error)
			go func() { done <- Keychain().Delete(t.Context(), "a") }()
			<-prompts.Opened
			kill(s)
			if err := <-done; !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "went away") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// go-keyring's own prompt, which a keyring may still ask it for, must not take
// the program down either.
func TestTheBusDiesDuringAPromptOfGoKeyring(t *testing.T) {
	s := session(t)
	s.Lock(t)
	prompts := s.HoldPrompts(t)
	done := make(chan error)
	go func() { done <- osKeychain{}.delete("a") }()
	<-prompts.Opened
	s.KillBus()
	if err := <-done; !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// The same prompt dismissed: go-keyring's own words mean nothing to people.
func TestAKeyringLockedAgainIsCalledLocked(t *testing.T) {
	s := session(t)
	s.Lock(t)
	err := osKeychain{}.set("a", "x")
	if !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "unavailable: the keychain is locked: ") {
		t.Errorf("got %v", err)
	}
}

func TestAKeyringDaemonThatDied(t *testing.T) {
	s := session(t)
	k := Keychain()
	if err := k.Set(t.Context(), "a", "hunter2"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	unavailable(t, k, "unavailable: no keychain service answers: ")
	s.Restart(t)
	stores(t, k, map[string]string{"a": "hunter2"})
}

func TestAKeyringDaemonThatHangs(t *testing.T) {
	cases := map[string]struct {
		build func(entered chan struct{}) *KeychainStore
		after string // what is stored once the daemon answers again
	}{
		"before the keychain is unlocked": {func(entered chan struct{}) *KeychainStore {
			return newKeychain(osKeychain{}, windowsLimit, func(ctx context.Context) error {
				entered <- struct{}{}
				return unlockKeychain(ctx)
			})
		}, "hunter2"},
		"inside go-keyring": {func(entered chan struct{}) *KeychainStore { // which finishes what it began
			return newKeychain(announced{osKeychain{}, entered}, windowsLimit, noUnlock)
		}, "new"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := session(t)
			if err := Keychain().Set(t.Context(), "a", "hunter2"); err != nil {
				t.Fatal(err)
			}
			entered := make(chan struct{}, 64)
			k := c.build(entered)
			s.Pause(t)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- k.Set(ctx, "a", "new") }()
			<-entered
			cancel()
			if err := <-done; !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			s.Resume(t)
			stores(t, k, map[string]string{"a": c.after})
		})
	}
}

// announced says when a call reaches the keychain.
type announced struct {
	entries
	entered chan struct{}
}

func (a announced) get(entry string) (string, error) {
	a.entered <- struct{}{}
	return a.entries.get(entry)
}

func TestNoSessionBus(t *testing.T) {
	for name, address := range map[string]string{
		"is set":           "",
		"listens any more": "unix:path=" + t.TempDir() + "/bus",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
			t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
			unavailable(t, Keychain(), "unavailable: no keychain service answers: there is no session bus")
		})
	}
}
