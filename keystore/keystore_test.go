package keystore

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if runAsWriter() {
		return
	}
	// A home for the keychain's lock, which the helpers inherit.
	home, err := os.MkdirTemp("", "keystore")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		if err := os.Setenv(name, home); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(home)
		os.Exit(code)
	}))
}

// each runs a test on every kind of store, empty.
func each(t *testing.T, test func(t *testing.T, s Store)) {
	t.Helper()
	stores := map[string]func(t *testing.T) Store{
		"memory":   func(*testing.T) Store { return Memory() },
		"keychain": func(*testing.T) Store { return newKeychain(newFakeEntries(), windowsLimit, noUnlock) },
		"file with a key file": func(t *testing.T) Store {
			return openFile(t, newKeyFile(t))
		},
		"file with a passphrase": func(t *testing.T) Store {
			return openFile(t, quick(Passphrase(func(context.Context, bool) (Secret, error) { return "tr0ub4dor", nil })))
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func TestAStoreReturnsWhatWasStored(t *testing.T) {
	values := map[string]string{
		"an empty secret":                         "",
		"a short one":                             "hunter2",
		"one with line ends and a NUL":            " a\r\nb\n\x00 ",
		"one that is not UTF-8":                   "\xff\xfe\x80",
		"one as long as an entry":                 strings.Repeat("x", 2560),
		"one a byte longer than an entry":         strings.Repeat("x", 2561),
		"one that looks like a header":            headerMark + "1 1 1 1",
		"one of 64 KiB":                           noise(MaxLen),
		"one cut in the middle of its characters": strings.Repeat("€", 3000),
	}
	each(t, func(t *testing.T, s Store) {
		for name, value := range values {
			t.Run(name, func(t *testing.T) {
				if err := s.Set(t.Context(), "3f9c2e/refresh-token", Secret(value)); err != nil {
					t.Fatal(err)
				}
				got, err := s.Get(t.Context(), "3f9c2e/refresh-token")
				if err != nil {
					t.Fatal(err)
				}
				if got.Reveal() != value {
					t.Errorf("got %d bytes, not the %d that were stored", len(got), len(value))
				}
			})
		}
	})
}

func TestNamesAreIndependent(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		ctx := t.Context()
		for _, name := range []string{"a/token", "a/token2", "b/token"} {
			if err := s.Set(ctx, name, Secret("of "+name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Delete(ctx, "a/token"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, "a/token"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a deleted secret: %v", err)
		}
		for _, name := range []string{"a/token2", "b/token"} {
			if got, err := s.Get(ctx, name); err != nil || got.Reveal() != "of "+name {
				t.Errorf("%s after another was deleted: %v", name, err)
			}
		}
	})
}

func TestWhatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		if _, err := s.Get(t.Context(), "a/b"); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnavailable) {
			t.Errorf("reading it: %v", err)
		}
		if err := s.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("deleting it: %v", err)
		}
	})
}

func TestASecretBeyondTheLimitIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		if err := s.Set(t.Context(), "a", "old"); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(t.Context(), "a", Secret(noise(MaxLen+1))); !errors.Is(err, ErrTooLarge) {
			t.Errorf("storing it: %v", err)
		}
		if got, err := s.Get(t.Context(), "a"); err != nil || got.Reveal() != "old" {
			t.Errorf("the old one afterwards: %v", err)
		}
	})
}

func TestNamesThatNoStoreTakes(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		for _, name := range []string{"", "A", "a b", "a+b000", "ä", "a\n", strings.Repeat("a", 256)} {
			_, err := s.Get(t.Context(), name)
			for _, err := range []error{err, s.Set(t.Context(), name, "x"), s.Delete(t.Context(), name)} {
				if err == nil || errors.Is(err, ErrNotFound) {
					t.Errorf("%q: %v", name, err)
				}
			}
		}
	})
}

func TestAnEndedContextMeansUnavailableAndItsCause(t *testing.T) {
	why := errors.New("the user pressed Cancel")
	each(t, func(t *testing.T, s Store) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		_, err := s.Get(ctx, "a")
		for _, err := range []error{err, s.Set(ctx, "a", "x"), s.Delete(ctx, "a")} {
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, why) {
				t.Errorf("got %v", err)
			}
		}
		if _, err := s.Get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
			t.Errorf("the secret was stored all the same: %v", err)
		}
	})
}
