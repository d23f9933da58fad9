package apponly

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"traymail/authcode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testTenant    = "11111111-2222-3333-4444-555555555555"
	testClient    = "66666666-7777-8888-9999-000000000000"
	exchangeScope = "https://outlook.office365.com/.default"
	graphScope    = "https://graph.microsoft.com/.default"
)

// issuer is a scripted token endpoint: answers holds what it says to the next
// requests, and after them it checks the client for real.
type issuer struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex
	now       time.Time
	requests  []url.Values
	dialog    strings.Builder
	answers   []http.HandlerFunc
	issued    int
	secret    string       // that the application has, or
	uploaded  *Certificate // whose public part was uploaded, or
	federated []string     // tokens that its trusted issuer has signed
	seen      []string     // jti
}

func newIssuer(t *testing.T) *issuer {
	p := &issuer{t: t, now: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+testTenant+"/oauth2/v2.0/token", p.token)
	p.Server = httptest.NewUnstartedServer(mux)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

func (p *issuer) tokenURL() string { return p.URL + "/" + testTenant + "/oauth2/v2.0/token" }

// config lacks a credential.
func (p *issuer) config() Config {
	return Config{
		TokenURL: p.tokenURL(),
		ClientID: testClient,
		Resources: []authcode.Resource{
			{Name: "smtp", Scopes: []string{exchangeScope}},
			{Name: "graph", Scopes: []string{graphScope}},
		},
		Account:    "alerts@contoso.com",
		HTTPClient: p.Client(),
		Now:        p.clock,
		Sleep:      func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func (p *issuer) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *issuer) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func (p *issuer) next(answers ...http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, answers...)
}

// trust has a federated token of an issuer that the application trusts.
func (p *issuer) trust(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.federated = []string{token}
}

func (p *issuer) asked() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func (p *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.PostForm)
	recorded := &recorder{ResponseWriter: w}
	if len(p.answers) > 0 {
		p.answers[0](recorded, r)
		p.answers = p.answers[1:]
	} else if why := p.authenticate(r.PostForm); why != "" {
		refuse(http.StatusUnauthorized, "invalid_client", why)(recorded, r)
	} else {
		p.issued++
		answer(recorded, http.StatusOK, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"access-%d"}`, p.issued))
	}
	p.note(r, recorded)
}

// authenticate says why the client is not who it says it is, or "".
func (p *issuer) authenticate(form url.Values) string {
	switch {
	case form.Get("grant_type") != "client_credentials" || form.Get("client_id") != testClient:
		return "AADSTS900144: wrong grant or client"
	case p.secret != "":
		if form.Get("client_secret") != p.secret || form.Has("client_assertion") {
			return "AADSTS7000215: Invalid client secret provided."
		}
		return ""
	case form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Has("client_secret"):
		return "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
	case p.uploaded != nil:
		if err := p.verify(form.Get("client_assertion")); err != nil {
			return "AADSTS700027: " + err.Error()
		}
		return ""
	case !slices.Contains(p.federated, form.Get("client_assertion")):
		return "AADSTS700211: No matching federated identity record found for presented assertion issuer."
	}
	return ""
}

// verify reads an assertion without the library that has written it.
func (p *issuer) verify(assertion string) error {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%d parts", len(parts))
	}
	read := func(part string) map[string]any {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		var m map[string]any
		if err != nil || json.Unmarshal(raw, &m) != nil {
			return nil
		}
		return m
	}
	header, claims := read(parts[0]), read(parts[1])
	thumbprint := sha256.Sum256(p.uploaded.leaf.Raw)
	if header["alg"] != "PS256" || header["typ"] != "JWT" || header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(thumbprint[:]) || len(header) != 3 {
		return fmt.Errorf("header %v", header)
	}
	jti, _ := claims["jti"].(string)
	if claims["aud"] != p.tokenURL() || claims["iss"] != testClient || claims["sub"] != testClient || len(jti) != 36 || slices.Contains(p.seen, jti) {
		return fmt.Errorf("claims %v", claims)
	}
	p.seen = append(p.seen, jti)
	now := float64(p.now.Unix())
	if claims["nbf"] != now || claims["iat"] != now || claims["exp"] != now+600 {
		return fmt.Errorf("times %v, now %v", claims, now)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPSS(&p.uploaded.key.PublicKey, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func refuse(status int, code, description string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		answer(w, status, fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description))
	}
}

// newSource is a source that ends with the test.
func newSource(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// gets fails the test unless Token gives the access token want.
func gets(t *testing.T, s *Source, resource, want string) authcode.Token {
	t.Helper()
	token, err := s.Token(t.Context(), resource)
	if err != nil || token.Access != authcode.Secret(want) {
		t.Fatalf("got %s, %v; want %s", token.Access.Reveal(), err, want)
	}
	return token
}
