package keystore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age/armor"
)

func newKeyFile(t *testing.T) Key {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys", "traymail.key")
	if err := CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return KeyFile(path)
}

// quick makes scrypt cheap for tests that are not about its cost.
func quick(k Key) Key {
	k.workFactor = 4
	return k
}

func passphrase(words Secret) Key {
	return quick(Passphrase(func(context.Context, bool) (Secret, error) { return words, nil }))
}

func openFile(t *testing.T, key Key) *File {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "state", "secrets.age"), key)
}

func openAt(t *testing.T, path string, key Key) *File {
	t.Helper()
	f, err := OpenFile(path, key)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// stored returns a file that contains the secret "hunter2" by the name "a".
func stored(t *testing.T, key Key) *File {
	t.Helper()
	f := openFile(t, key)
	if err := f.Set(t.Context(), "a", "hunter2"); err != nil {
		t.Fatal(err)
	}
	return f
}

func content(t *testing.T, f *File) []byte {
	t.Helper()
	data, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAnotherProcessOpensTheFileWithTheSameKey(t *testing.T) {
	for name, key := range map[string]Key{"key file": newKeyFile(t), "passphrase": passphrase("tr0ub4dor")} {
		t.Run(name, func(t *testing.T) {
			f := stored(t, key)
			got, err := openAt(t, f.path, key).Get(t.Context(), "a")
			if err != nil || got.Reveal() != "hunter2" {
				t.Error(err)
			}
			if bytes.Contains(content(t, f), []byte("hunter2")) {
				t.Error("the file is readable without its key")
			}
		})
	}
}

func TestTheFileAndItsFolderAreTheOwnersOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // the folder's access list decides there
	}
	f := stored(t, newKeyFile(t))
	if err := os.Chmod(f.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.Set(t.Context(), "b", "x"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{f.path: 0o600, f.path + ".lock": 0o600, filepath.Dir(f.path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
}

func TestAKeyThatDoesNotOpenTheFile(t *testing.T) {
	refused := errors.New("nobody is at the terminal")
	keyFile, phrase := newKeyFile(t), passphrase("tr0ub4dor")
	cases := map[string]struct {
		made, used Key
		want       string
	}{
		"another passphrase":               {phrase, passphrase("wrong"), "not the one"},
		"another key file":                 {keyFile, newKeyFile(t), "not the one"},
		"a key file for a passphrase":      {phrase, keyFile, "encrypted with a passphrase"},
		"a passphrase for a key file":      {keyFile, phrase, "encrypted to a key file"},
		"an empty passphrase":              {phrase, passphrase(""), "passphrase is empty"},
		"a key file that is gone":          {keyFile, KeyFile("gone.key"), "gone.key"},
		"a credential nobody passed":       {keyFile, Credential("key"), "LoadCredential=key:PATH"},
		"a credential outside its folder":  {keyFile, Credential("../key"), "not the name"},
		"a prompt that cannot be answered": {phrase, Passphrase(func(context.Context, bool) (Secret, error) { return "", refused }), "nobody is at"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			made := stored(t, c.made)
			before := content(t, made)
			f := openAt(t, made.path, c.used)
			_, err := f.Get(t.Context(), "a")
			for _, err := range []error{err, f.Set(t.Context(), "b", "x"), f.Delete(t.Context(), "a")} {
				if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v", err)
				}
				if strings.HasPrefix(name, "a prompt") && !errors.Is(err, refused) {
					t.Errorf("the prompt's own error is lost: %v", err)
				}
			}
			if !bytes.Equal(content(t, made), before) {
				t.Error("the file has changed")
			}
		})
	}
}

func TestADamagedFileIsNamedAndLeftAlone(t *testing.T) {
	damage := map[string]func([]byte) []byte{
		"empty":                   func([]byte) []byte { return nil },
		"cut in half":             func(b []byte) []byte { return b[:len(b)/2] },
		"cut at the last line":    func(b []byte) []byte { return b[:len(b)-1] },
		"with a letter altered":   func(b []byte) []byte { return alter(b, len(b)-80) },
		"with the header altered": func(b []byte) []byte { return alter(b, 60) },
		"with something after":    func(b []byte) []byte { return append(b, "hello\n"...) },
		"written twice":           func(b []byte) []byte { return bytes.Repeat(b, 3) },
		"something else":          func([]byte) []byte { return []byte("[account]\nname = 1\n") },
	}
	for kind, key := range map[string]Key{"key file": newKeyFile(t), "passphrase": passphrase("tr0ub4dor")} {
		for name, do := range damage {
			t.Run(kind+" "+name, func(t *testing.T) {
				f := stored(t, key)
				before := do(content(t, f))
				if err := os.WriteFile(f.path, before, 0o600); err != nil {
					t.Fatal(err)
				}
				f = openAt(t, f.path, key)
				_, err := f.Get(t.Context(), "a")
				for _, err := range []error{err, f.Set(t.Context(), "b", "x"), f.Delete(t.Context(), "a")} {
					if !errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotFound) {
						t.Errorf("got %v", err)
					}
				}
				if !bytes.Equal(content(t, f), before) {
					t.Error("the file has changed")
				}
			})
		}
	}
}

// alter exchanges one base64 letter.
func alter(b []byte, at int) []byte {
	if b[at] == '\n' {
		at++
	}
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return b
}

func TestAPersonIsAskedOnceAndAgainAfterAMistake(t *testing.T) {
	answers := []Secret{"tr0ub4dor", "mistyped", "tr0ub4dor"}
	asked := 0
	var created []bool
	key := quick(Passphrase(func(_ context.Context, create bool) (Secret, error) {
		asked++
		created = append(created, create)
		return answers[asked-1], nil
	}))
	f := openFile(t, key)
	for _, name := range []string{"a", "b", "c"} {
		if err := f.Set(t.Context(), name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 || !created[0] {
		t.Fatalf("three secrets in a new file took %d questions, new file %v", asked, created)
	}
	f = openAt(t, f.path, key)
	if _, err := f.Get(t.Context(), "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the mistyped one: %v", err)
	}
	if _, err := f.Get(t.Context(), "a"); err != nil {
		t.Errorf("the right one: %v", err)
	}
	if err := f.Set(t.Context(), "d", "x"); err != nil || asked != 3 || created[1] || created[2] {
		t.Errorf("%d questions, new file %v, %v", asked, created, err)
	}
}

func TestAWrongKeyFileCanBeCorrectedWhileTheProgramRuns(t *testing.T) {
	dir := t.TempDir()
	right, wrong, used := filepath.Join(dir, "right"), filepath.Join(dir, "wrong"), filepath.Join(dir, "used")
	for _, err := range []error{CreateKeyFile(right), CreateKeyFile(wrong), os.Link(wrong, used)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f := openAt(t, stored(t, KeyFile(right)).path, KeyFile(used))
	if _, err := f.Get(t.Context(), "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("with the wrong one: %v", err)
	}
	if err := os.Rename(right, used); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), "a"); err != nil {
		t.Errorf("with the right one: %v", err)
	}
}

func TestTheWorkFactorIsWrittenIntoTheFile(t *testing.T) {
	key := passphrase("tr0ub4dor")
	key.workFactor = 5
	file, err := parseSealed(content(t, stored(t, key)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(armor.NewReader(bytes.NewReader(file.identity)))
	if err != nil || !regexp.MustCompile(`\n-> scrypt \S+ 5\n`).Match(plain) {
		t.Errorf("got %q, %v", plain, err)
	}
	// What that costs is scrypt's; a test with the real one takes too long.
	if got := Passphrase(nil).workFactor; got != 18 {
		t.Errorf("a person's passphrase gets a work factor of %d", got)
	}
	altered := bytes.Replace(plain, []byte(" 5\n"), []byte(" 21\n"), 1)
	var block bytes.Buffer
	w := armor.NewWriter(&block)
	_, _ = w.Write(altered)
	_ = w.Close()
	if _, err := (sealed{identity: block.Bytes()}).openIdentity("tr0ub4dor"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file that demands 2 GiB: %v", err)
	}
}

func TestAPathThatIsNoFileIsRefused(t *testing.T) {
	if _, err := OpenFile(t.TempDir(), newKeyFile(t)); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("got %v", err)
	}
}
