package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

const hidden = "hunter2-do-not-show"

// visible fails the test if any form of the secret is in text.
func visible(t *testing.T, what, text string) {
	t.Helper()
	forms := []string{hidden, fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden), fmt.Sprint([]byte(hidden))}
	for _, form := range forms {
		if strings.Contains(text, strings.Trim(form, "[]")) {
			t.Errorf("%s shows the secret", what)
		}
	}
}

func TestASecretIsNotPrinted(t *testing.T) {
	secret := Secret(hidden)
	file := openFile(t, passphrase(hidden))
	memory := Memory()
	for _, s := range []Store{file, memory} {
		if err := s.Set(t.Context(), "a", secret); err != nil {
			t.Fatal(err)
		}
	}
	values := map[string]any{
		"a secret":            secret,
		"a pointer to one":    &secret,
		"a struct with one":   struct{ Token Secret }{secret},
		"a slice of them":     []Secret{secret},
		"a map of them":       map[string]Secret{"a": secret},
		"the file it is in":   file,
		"the memory it is in": memory,
		"a key made of one":   passphrase(secret),
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%t", "%10.3s", "% x", "%T %v"} {
			args := []any{v, v}[:strings.Count(verb, "%")]
			visible(t, name+" as "+verb, fmt.Sprintf(verb, args...))
		}
		visible(t, name+" printed", fmt.Sprint(v))
		if text, err := json.Marshal(v); err == nil {
			visible(t, name+" in JSON", string(text))
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("stored", "value", v, slog.Group("in", "value", v))
		}
		visible(t, name+" in a log", log.String())
	}
	if got := fmt.Sprintf("%v|%#v|%x", file, file, file); got != strings.Repeat("|"+file.String(), 3)[1:] {
		t.Errorf("the file, in which there is a key, reads %q", got)
	}
	if got := fmt.Sprintf("%s %#v %x", secret, secret, secret); got != "[secret] [secret] [secret]" {
		t.Errorf("it reads %q", got)
	}
	if got := slog.AnyValue(secret).Resolve(); got.Kind() != slog.KindString || got.String() != "[secret]" {
		t.Errorf("a slog handler of another make gets %v", got.Kind())
	}
	if secret.Reveal() != hidden {
		t.Error("Reveal does not return it")
	}
}

func TestNoErrorContainsASecret(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	broken := newFakeEntries()
	broken.before = func(string, string) error { return fmt.Errorf("%w: broken", ErrUnavailable) }
	lying := newFakeEntries()
	lying.before = func(operation, entry string) error {
		lying.texts[entry] = "something else"
		return nil
	}
	inFile := filepath.Join(stored(t, passphrase("other")).path, "secrets")
	stores := map[string]Store{
		"memory":          Memory(),
		"broken keychain": newKeychain(broken, windowsLimit, noUnlock),
		"lying keychain":  newKeychain(lying, windowsLimit, noUnlock),
		"locked keychain": newKeychain(newFakeEntries(), windowsLimit, func(context.Context) error { return errors.New("locked") }),
		"unwritable file": openAt(t, inFile, passphrase(hidden)),
		"file of another": openAt(t, stored(t, passphrase("other")).path, passphrase(hidden)),
	}
	for name, s := range stores {
		for _, ctx := range []context.Context{t.Context(), ended} {
			for _, secret := range []string{hidden, strings.Repeat(hidden, 500), strings.Repeat(hidden, 5000)} {
				for _, key := range []string{"a", "not a name"} {
					err := s.Set(ctx, key, Secret(secret))
					if err == nil && s != stores["memory"] {
						t.Errorf("%s stored it", name)
					}
					if err != nil {
						visible(t, "the error of a "+name, fmt.Sprintf("%+v %#v", err, err))
					}
				}
			}
		}
	}
}
