package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func TestAKeyFileIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "traymail.key")
	if err := CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	if err := CreateKeyFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second time: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the key has changed")
	}
}

func TestTheFileIsAnOrdinaryAgeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traymail.key")
	if err := CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	f := stored(t, KeyFile(path))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(content(t, f))), identities...)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(r); err != nil || body.String() != `{"a":"aHVudGVyMg=="}` {
		t.Errorf("%s, %v", &body, err)
	}
}

func TestKeyFilesThatAreNot(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := identity.String()
	for name, text := range map[string]string{
		"empty":        "",
		"a public key": identity.Recipient().String(),
		"cut short":    key[:50],
		"mistyped":     key[:40] + "QQQ" + key[43:],
		"another kind": "AGE-SECRET-KEY-PQ-1QQQ",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := openFile(t, KeyFile(path)).Set(t.Context(), "a", "x")
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), key[20:40]) {
				t.Error("the error contains the key")
			}
		})
	}
}

func TestACredentialIsAnIdentityOrAPassphrase(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for name, text := range map[string]string{"identity": identity.String() + "\n", "passphrase": "tr0ub4dor\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
		f := stored(t, quick(Credential(name)))
		if got, err := openAt(t, f.path, Credential(name)).Get(t.Context(), "a"); err != nil || got.Reveal() != "hunter2" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The same words typed at a prompt open it as well: the line end is not theirs.
	f := stored(t, quick(Credential("passphrase")))
	if _, err := openAt(t, f.path, passphrase("tr0ub4dor")).Get(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

// A helper is this test binary, started as a process of its own.
func helper(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}
