package keystore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
)

func TestThePartsFitIntoEverySystemsEntries(t *testing.T) {
	for _, entry := range []string{"a", "3f9c2e/refresh-token", strings.Repeat("n", maxName) + "+b000"} {
		if n := entryLimit("windows")(entry); n != 2560 {
			t.Errorf("windows: %d bytes", n)
		}
		n := entryLimit("darwin")(entry)
		line := func(n int) int {
			secret := base64.StdEncoding.EncodeToString(make([]byte, n))
			return len(fmt.Sprintf("add-generic-password -U -s traymail -a %s -w go-keyring-base64:%s\n", entry, secret))
		}
		if line(n) > 4096 || line(n+1) <= 4096 {
			t.Errorf("darwin: %d bytes make a line of %d, one more %d", n, line(n), line(n+1))
		}
		if n < len(header{generation: 1<<64 - 1, parts: maxParts, length: MaxLen}.String()) {
			t.Errorf("darwin: a header does not fit beside a name of %d", len(entry))
		}
		if n := entryLimit("linux")(entry); n < MaxLen {
			t.Errorf("linux: %d bytes", n)
		}
	}
}

func TestTheKeychainsErrorsAreTold(t *testing.T) {
	cases := map[string]struct {
		from error
		is   error
	}{
		"not found":      {keyring.ErrNotFound, ErrNotFound},
		"too large":      {keyring.ErrSetDataTooBig, ErrTooLarge},
		"no support":     {keyring.ErrUnsupportedPlatform, ErrUnavailable},
		"anything else":  {errors.New("exit status 36"), ErrUnavailable},
		"wrapped deeper": {fmt.Errorf("x: %w", keyring.ErrNotFound), ErrNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := guarded(func() error { return c.from })
			for _, kind := range []error{ErrNotFound, ErrTooLarge, ErrUnavailable, ErrDamaged} {
				if errors.Is(err, kind) != (kind == c.is) {
					t.Errorf("%v is %v: %t", err, kind, errors.Is(err, kind))
				}
			}
		})
	}
}

func TestALockedKeychainIsNotTouched(t *testing.T) {
	e := newFakeEntries()
	k := newKeychain(e, windowsLimit, func(context.Context) error { return errors.New("it is locked") })
	_, err := k.Get(t.Context(), "a")
	for _, err := range []error{err, k.Set(t.Context(), "a", "x"), k.Delete(t.Context(), "a"), k.available(t.Context())} {
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "it is locked") {
			t.Errorf("got %v", err)
		}
	}
	if e.calls != 0 {
		t.Errorf("%d calls", e.calls)
	}
	if err := k.available(t.Context()); err.Error() != "unavailable: it is locked" {
		t.Errorf("why there is none: %v", err)
	}
}

func TestAKeychainThatForgetsIsNotTrusted(t *testing.T) {
	for _, secret := range []Secret{"short", Secret(noise(9000))} {
		e := newFakeEntries()
		e.before = func(operation, entry string) error {
			if operation == "get" {
				delete(e.texts, entry)
			}
			return nil
		}
		err := newKeychain(e, windowsLimit, noUnlock).Set(t.Context(), "a", secret)
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAnUsableKeychainIsLeftAsItWas(t *testing.T) {
	e := newFakeEntries()
	if err := newKeychain(e, windowsLimit, noUnlock).available(t.Context()); err != nil {
		t.Error(err)
	}
	if len(e.texts) != 0 || e.calls == 0 {
		t.Errorf("%d entries left after %d calls", len(e.texts), e.calls)
	}
}

// A call blocks inside the keychain as it does behind a prompt.
func TestAnAbandonedCallKeepsItsPlace(t *testing.T) {
	e := newFakeEntries()
	entered, answer := make(chan struct{}), make(chan struct{})
	e.before = func(operation, _ string) error {
		if operation == "set" {
			entered <- struct{}{}
			<-answer
		}
		return nil
	}
	k := newKeychain(e, windowsLimit, noUnlock)

	why := errors.New("the window was closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan error)
	go func() { first <- k.Set(ctx, "a", "first") }()
	<-entered
	cancel(why)
	if err := <-first; !errors.Is(err, ErrUnavailable) || !errors.Is(err, why) {
		t.Errorf("the abandoned call: %v", err)
	}

	waiting, stop := context.WithCancel(t.Context())
	stop()
	if _, err := k.Get(waiting, "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a call that waits for its turn: %v", err)
	}

	second := make(chan error)
	go func() { second <- k.Set(t.Context(), "a", "second") }()
	answer <- struct{}{} // the first, in the background
	<-entered
	answer <- struct{}{}
	if err := <-second; err != nil {
		t.Errorf("the next call: %v", err)
	}
	if got, err := k.Get(t.Context(), "a"); err != nil || got.Reveal() != "second" {
		t.Errorf("the abandoned call overtook the later one: %v", err)
	}
}
