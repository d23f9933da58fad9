package apponly

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"traymail/authcode"
)

// jwtOf is a signed token as far as anybody can tell who does not have the key.
func jwtOf(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + ".c2lnbmF0dXJl"
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFederatedTokenIsReadAnewForEachRequest(t *testing.T) {
	p := newIssuer(t)
	first := jwtOf(t, map[string]any{"sub": "first", "exp": time.Now().Add(time.Hour).Unix()})
	second := jwtOf(t, map[string]any{"sub": "second", "exp": time.Now().Add(3 * time.Hour).Unix()})
	file := filepath.Join(t.TempDir(), "azure-identity-token")
	write(t, file, first)
	p.trust(first)
	c := p.config()
	c.AssertionFile = file
	s := newSource(t, c)
	gets(t, s, "smtp", "access-1")

	p.trust(second) // and the first one no longer
	rotated := file + ".new"
	write(t, rotated, second+"\r\n")
	if err := os.Rename(rotated, file); err != nil {
		t.Fatal(err)
	}
	p.pass(2 * time.Hour)
	gets(t, s, "smtp", "access-2")
	if asked := p.asked(); len(asked) != 2 || asked[1].Get("client_assertion") != second {
		t.Errorf("the second of %d requests does not bring the second token", len(asked))
	}
}

func TestAFederatedTokenThatCannotBeUsedIsNamedBeforeAsking(t *testing.T) {
	const content = "very-private-content"
	dir := t.TempDir()
	expired := jwtOf(t, map[string]any{"sub": content, "exp": time.Now().Add(-time.Hour).Unix()})
	for name, tc := range map[string]struct {
		content string
		want    string
	}{
		"empty":           {"\n", "is empty"},
		"no JWT":          {content, "does not hold a signed JSON Web Token"},
		"a secret":        {content + ".x.y", "does not hold a signed JSON Web Token"},
		"quoted":          {`"` + expired + `"`, "does not hold a signed JSON Web Token"},
		"broken by lines": {expired[:20] + "\n" + expired[20:], "does not hold a signed JSON Web Token"},
		"encrypted":       {expired + ".a.b", "does not hold a signed JSON Web Token"},
		"expired":         {expired, "holds a token that expired at"},
		"too large":       {strings.Repeat(content, maxAssertion/len(content)+1), "holds more than 65536 bytes"},
	} {
		p := newIssuer(t)
		c := p.config()
		c.AssertionFile = filepath.Join(dir, name)
		write(t, c.AssertionFile, tc.content)
		_, err := newSource(t, c).Token(t.Context(), "smtp")
		var e *authcode.Error
		if !errors.As(err, &e) || e.Temporary() || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), c.AssertionFile) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), content) || strings.Contains(err.Error(), "eyJ")) {
			t.Errorf("%s: the error holds what is in the file", name)
		}
		if n := len(p.asked()); n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
	for name, tc := range map[string]struct {
		path string
		want error
	}{
		"missing":  {filepath.Join(dir, "nowhere"), os.ErrNotExist},
		"a folder": {dir, nil},
	} {
		c := newIssuer(t).config()
		c.AssertionFile = tc.path
		_, err := newSource(t, c).Token(t.Context(), "smtp")
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATokenStaysInUseWhileItsFederatedOneIsMissing(t *testing.T) {
	p := newIssuer(t)
	jwt := jwtOf(t, map[string]any{}) // one without exp is the server's to judge
	c := p.config()
	c.AssertionFile = filepath.Join(t.TempDir(), "token")
	write(t, c.AssertionFile, jwt)
	p.trust(jwt)
	s := newSource(t, c)
	gets(t, s, "smtp", "access-1")
	if err := os.Remove(c.AssertionFile); err != nil {
		t.Fatal(err)
	}
	p.pass(55 * time.Minute)
	gets(t, s, "smtp", "access-1")
	write(t, c.AssertionFile, jwt)
	p.pass(time.Minute)
	gets(t, s, "smtp", "access-2")
}

func TestACertificateThatIsNotValidIsNamedBeforeAsking(t *testing.T) {
	p := newIssuer(t)
	made, err := MakeCertificate("traymail", p.now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p.uploaded = made
	c := p.config()
	c.Certificate = made
	s := newSource(t, c)
	gets(t, s, "smtp", "access-1")
	p.pass(25 * time.Hour)
	_, err = s.Token(t.Context(), "smtp")
	var e *authcode.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), made.SHA1()+" expired at ") || len(p.asked()) != 1 {
		t.Errorf("%v, after %d requests", err, len(p.asked()))
	}
	p.pass(-26 * time.Hour)
	s = newSource(t, c)
	if _, err = s.Token(t.Context(), "smtp"); err == nil || !strings.Contains(err.Error(), made.SHA1()+" is valid from ") {
		t.Error(err)
	}
}
