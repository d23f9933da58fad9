package apponly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/authcode"
)

func TestManyCallersCauseOneRequestForEachResource(t *testing.T) {
	p := newIssuer(t)
	p.secret = "s"
	c := p.config()
	c.ClientSecret = "s"
	s := newSource(t, c)
	var callers sync.WaitGroup
	for range 50 {
		for _, resource := range []string{"smtp", "graph"} {
			callers.Go(func() {
				if _, err := s.Token(t.Context(), resource); err != nil {
					t.Error(err)
				}
			})
		}
	}
	callers.Wait()
	if n := len(p.asked()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	if _, err := s.Token(t.Context(), "imap"); err == nil {
		t.Error("there is a token for a resource that nobody has named")
	}
}

func TestATokenThatTheServerRefusedIsReplaced(t *testing.T) {
	p := newIssuer(t)
	certificate := fixture(t, "aes256.pfx", "fixture")
	p.uploaded = certificate
	c := p.config()
	c.Certificate = certificate
	s := newSource(t, c)
	first := gets(t, s, "smtp", "access-1")
	s.Refused("smtp", first)
	gets(t, s, "smtp", "access-2")
	s.Refused("smtp", first)
	gets(t, s, "smtp", "access-2")
}

func TestACertificateThatWasNotUploadedIsRefused(t *testing.T) {
	p := newIssuer(t)
	other, err := MakeCertificate("another", p.now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	uploaded := fixture(t, "chain.pem", "")
	p.uploaded = uploaded
	for name, wrong := range map[string]*Certificate{"another certificate": other, "another key": {leaf: uploaded.leaf, key: other.key}} {
		c := p.config()
		c.Certificate = wrong
		_, err := newSource(t, c).Token(t.Context(), "smtp")
		var e *authcode.Error
		if !errors.As(err, &e) || e.AADSTS != 700027 || e.Code != "invalid_client" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARefusalNamesTheAccountAndNeitherSecretNorAssertion(t *testing.T) {
	p := newIssuer(t)
	certificate := fixture(t, "chain.pem", "")
	jwt := jwtOf(t, map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
	file := t.TempDir() + "/token"
	write(t, file, jwt)
	echo := func(w http.ResponseWriter, r *http.Request) {
		refuse(http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided: "+
			r.PostForm.Get("client_secret")+r.PostForm.Get("client_assertion")+"\r\nTrace ID: 0a")(w, r)
	}
	for name, set := range map[string]func(*Config){
		"a secret":          func(c *Config) { c.ClientSecret = "s3cret" },
		"a certificate":     func(c *Config) { c.Certificate = certificate },
		"a federated token": func(c *Config) { c.AssertionFile = file },
	} {
		c := p.config()
		set(&c)
		p.next(echo)
		_, err := newSource(t, c).Token(t.Context(), "smtp")
		var e *authcode.Error
		if !errors.As(err, &e) || e.Stage != authcode.StageApplication || e.SignInAgain() || e.Temporary() || e.AADSTS != 7000215 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := "getting an application token for alerts@contoso.com: invalid_client: AADSTS7000215: Invalid client secret provided: [secret] Trace ID: 0a"; e.Error() != want {
			t.Errorf("%s: %s", name, e)
		}
		for _, secret := range []string{"s3cret", jwt, "eyJ"} {
			if strings.Contains(fmt.Sprintf("%v %+v %#v %s", err, err, err, e.Description), secret) {
				t.Errorf("%s: the error holds it", name)
			}
		}
	}
}

func TestAServerThatIsDownIsTriedAgainLater(t *testing.T) {
	p := newIssuer(t)
	p.secret = "s"
	c := p.config()
	c.ClientSecret = "s"
	s := newSource(t, c)
	for range 4 {
		p.next(refuse(http.StatusServiceUnavailable, "temporarily_unavailable", ""))
	}
	_, err := s.Token(t.Context(), "smtp")
	var e *authcode.Error
	if !errors.As(err, &e) || !e.Temporary() || e.SignInAgain() {
		t.Fatalf("got %v", err)
	}
	gets(t, s, "smtp", "access-1")
}

func TestACallerThatGivesUpAndAClosedSourceGetNoToken(t *testing.T) {
	p := newIssuer(t)
	c := p.config()
	c.ClientSecret = "s"
	s := newSource(t, c)
	asked, gaveUp := make(chan struct{}), errors.New("gave up")
	p.next(func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done() })
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-asked; cancel(gaveUp) }()
	if _, err := s.Token(ctx, "smtp"); err != gaveUp {
		t.Errorf("got %v", err)
	}
	s.Close()
	if _, err := s.Token(t.Context(), "smtp"); err == nil {
		t.Error("a closed source gave a token")
	}
}

func TestSettingsThatNoRequestCouldSucceedWithAreRefused(t *testing.T) {
	certificate := fixture(t, "chain.pem", "")
	good := Config{TokenURL: "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token", ClientID: testClient, ClientSecret: "s",
		Resources: []authcode.Resource{{Name: "smtp", Scopes: []string{exchangeScope}}}}
	tokenURL := func(u string) func(*Config) { return func(c *Config) { c.TokenURL = u } }
	scopes := func(s ...string) func(*Config) {
		return func(c *Config) { c.Resources = []authcode.Resource{{Name: "smtp", Scopes: s}} }
	}
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no credential":                {func(c *Config) { c.ClientSecret = "" }, "Certificates & secrets"},
		"two credentials":              {func(c *Config) { c.Certificate = certificate }, "a client secret and a certificate are given"},
		"no client ID":                 {func(c *Config) { c.ClientID = "" }, "client ID is missing"},
		"no resource":                  {func(c *Config) { c.Resources = nil }, "no resource"},
		"a token URL in the clear":     {tokenURL("http://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"), "not an https address"},
		"common":                       {tokenURL("https://login.microsoftonline.com/common/oauth2/v2.0/token"), "AADSTS50059"},
		"organizations":                {tokenURL("https://login.microsoftonline.us/Organizations/oauth2/v2.0/token"), "AADSTS9001023"},
		"consumers":                    {tokenURL("https://login.microsoftonline.com/consumers/oauth2/v2.0/token"), "personal accounts"},
		"the personal accounts' GUID":  {tokenURL("https://login.microsoftonline.com/" + personalTenant + "/oauth2/v2.0/token"), "personal accounts"},
		"no tenant":                    {tokenURL("https://login.microsoftonline.com//oauth2/v2.0/token"), "names no tenant"},
		"a placeholder for the tenant": {tokenURL("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"), "names no tenant"},
		"no scope":                     {scopes(), "exactly one"},
		"two scopes":                   {scopes(exchangeScope, graphScope), "exactly one"},
		"two scopes in one":            {scopes(exchangeScope + " offline_access"), "exactly one"},
		"a single permission":          {scopes("https://outlook.office.com/SMTP.Send"), "only when a person signs in"},
		"a scope without a resource":   {scopes(".default"), "names no resource"},
		"a resource without an end":    {scopes("https:///.default"), "must be"},
	} {
		c := good
		tc.change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Config){
		"a domain":              func(*Config) {},
		"a tenant's GUID":       tokenURL("https://login.microsoftonline.com/" + testTenant + "/oauth2/v2.0/token"),
		"another provider":      tokenURL("https://idp.example/common/token"),
		"a resource by its ID":  scopes("00000002-0000-0ff1-ce00-000000000000/.default"),
		"a resource by its URI": scopes("api://" + testClient + "/.default"),
	} {
		c := good
		change(&c)
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	certificate := fixture(t, "chain.pem", "")
	kept, err := certificate.PEM()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{ClientID: testClient, TokenURL: "https://login.example/t/oauth2/token", ClientSecret: "hunter2", Resources: []authcode.Resource{{Name: "smtp", Scopes: []string{exchangeScope}}}}
	source := newSource(t, c)
	c.Certificate = certificate
	private := []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprint([]byte("hunter2")), "PRIVATE KEY",
		certificate.key.D.String(), fmt.Sprintf("%x", certificate.key.D), certificate.key.Primes[0].String()}
	var out strings.Builder
	for _, x := range []any{c, &c, source, certificate, *certificate, kept, []any{c, certificate}, struct{ C *Certificate }{certificate}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "x", x)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "x", x)
		if b, err := json.Marshal(x); err == nil {
			out.Write(b)
		}
	}
	for _, p := range private {
		if strings.Contains(out.String(), p) {
			t.Errorf("%.20q… was printed", p)
		}
	}
}
