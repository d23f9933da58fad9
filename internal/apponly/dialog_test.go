package apponly

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var updateDialogs = flag.Bool("update-dialogs", false, "write testdata/*.txt as the dialogs are now")

// A recorder keeps what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	body   strings.Builder
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// note writes a request and its answer down, with the secrets masked.
func (p *issuer) note(r *http.Request, answered *recorder) {
	host := strings.TrimPrefix(p.URL, "https://")
	fmt.Fprintf(&p.dialog, "> %s %s\n", r.Method, r.URL)
	headers := maps.Clone(r.Header)
	headers.Set("Host", r.Host)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if name != "User-Agent" && name != "Content-Length" { // Go's, and as long as the secrets are
			fmt.Fprintf(&p.dialog, "> %s: %s\n", name, strings.ReplaceAll(headers.Get(name), host, "{host}"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		value := r.PostForm.Get(name)
		if name == "client_secret" || name == "client_assertion" {
			value = "{masked}"
		}
		fmt.Fprintf(&p.dialog, ">   %s=%s\n", name, value)
	}
	fmt.Fprintf(&p.dialog, "< %d %s\n< %s\n", answered.status, http.StatusText(answered.status), answered.body.String())
}

// agrees compares the dialog with the one that is kept.
func (p *issuer) agrees(name string) {
	p.t.Helper()
	file := filepath.Join("testdata", name+".txt")
	p.mu.Lock()
	got := p.dialog.String()
	p.mu.Unlock()
	if *updateDialogs {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		p.t.Errorf("the dialog has changed (-kept +now):\n%s", diff)
	}
}

func TestTheDialogIsAsKept(t *testing.T) {
	certificate := fixture(t, "chain.pem", "")
	jwt := jwtOf(t, map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()})
	for name, set := range map[string]func(*issuer, *Config){
		"dialog-secret":      func(p *issuer, c *Config) { p.secret, c.ClientSecret = "s3cret/+&=", "s3cret/+&=" },
		"dialog-certificate": func(p *issuer, c *Config) { p.uploaded, c.Certificate = certificate, certificate },
		"dialog-federated": func(p *issuer, c *Config) {
			p.federated, c.AssertionFile = []string{jwt}, filepath.Join(t.TempDir(), "token")
			write(t, c.AssertionFile, jwt+"\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIssuer(t)
			c := p.config()
			set(p, &c)
			s := newSource(t, c)
			p.next(refuse(http.StatusServiceUnavailable, "temporarily_unavailable", "AADSTS90033: A transient error has occurred. Please try again."))
			gets(t, s, "smtp", "access-1")
			gets(t, s, "graph", "access-2")
			p.pass(55 * time.Minute)
			gets(t, s, "smtp", "access-3")
			p.next(refuse(http.StatusUnauthorized, "invalid_client", "AADSTS7000222: The provided client secret keys for app are expired."))
			p.pass(2 * time.Hour)
			if _, err := s.Token(t.Context(), "smtp"); err == nil {
				t.Error("a refusal gave a token")
			}
			p.agrees(name)
		})
	}
}
