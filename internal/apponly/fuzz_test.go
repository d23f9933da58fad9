package apponly

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"traymail/authcode"
)

func FuzzParseCertificate(f *testing.F) {
	for _, pattern := range []string{"*.pem", "*.pfx", "*.cer"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(files) == 0 {
			f.Fatal("there are no files to start from", err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, "fixture")
			f.Add(data, "")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		c, err := ParseCertificate(data, authcode.Secret(password))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			return
		}
		if c.key.N.BitLen() < minKeyBits || !c.key.PublicKey.Equal(c.leaf.PublicKey) {
			t.Fatalf("%v was taken", c)
		}
		kept, err := c.PEM()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseCertificate([]byte(kept.Reveal()), "")
		if err != nil || back.SHA256() != c.SHA256() || !back.key.Equal(c.key) {
			t.Fatalf("%v came back from the keystore, %v", back, err)
		}
	})
}

func FuzzFederatedToken(f *testing.F) {
	const marker = "PRIVATE"
	for _, seed := range []string{"", "\n", marker, "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.c2ln\n", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "\xff\xfee\x00y\x00"} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := readAssertion(file, now)
		if err != nil {
			if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q", err)
			}
			return
		}
		if token.Reveal() != strings.TrimSpace(string(data)) || strings.ContainsAny(token.Reveal(), " \r\n&=") {
			t.Errorf("%q was taken", token.Reveal())
		}
	})
}
