package authcode

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testTenant = "11111111-2222-3333-4444-555555555555"
	smtpScope  = "https://outlook.office.com/SMTP.Send"
	graphScope = "https://graph.microsoft.com/User.Read"
)

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// provider is a scripted authorization server: answers holds what the token
// endpoint says to the next requests, and after them it says yes.
type provider struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []url.Values // to the token and device endpoints
	answers  []http.HandlerFunc
	keys     http.HandlerFunc
	issued   int
	claims   map[string]any // on top of the usual ones; nil removes one
	nonce    string
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t, claims: map[string]any{}}
	p.keys = func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, p.jwks(map[string]any{})) }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /device", p.token)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) { p.keys(w, r) })
	p.Server = httptest.NewUnstartedServer(mux)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// client is a public client whose retries take no time.
func (p *provider) client() *Client {
	return &Client{
		Endpoints: Endpoints{
			AuthURL: p.URL + "/authorize", TokenURL: p.URL + "/token", DeviceURL: p.URL + "/device", JWKSURL: p.URL + "/keys",
			Issuer: "https://login.example/{tenantid}/v2.0",
		},
		ClientID:    "app-1",
		RedirectURL: "http://localhost",
		Resources:   []Resource{{Name: "smtp", Scopes: []string{smtpScope}}, {Name: "graph", Scopes: []string{graphScope}}},
		Username:    "svc@contoso.com",
		HTTPClient:  p.Client(),
		Sleep:       func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func (p *provider) next(answers ...http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, answers...)
}

func (p *provider) asked() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.requests...)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	p.requests = append(p.requests, r.PostForm)
	handle := p.yes
	if len(p.answers) > 0 {
		handle, p.answers = p.answers[0], p.answers[1:]
	}
	p.mu.Unlock()
	handle(w, r)
}

// yes issues tokens that count up.
func (p *provider) yes(w http.ResponseWriter, r *http.Request) { reply(w, 200, p.grant(r)) }

func (p *provider) grant(r *http.Request) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.issued++
	body := map[string]any{
		"token_type": "Bearer", "expires_in": 3600, "scope": r.PostForm.Get("scope"),
		"access_token": fmt.Sprintf("access-%d", p.issued), "refresh_token": fmt.Sprintf("refresh-%d", p.issued),
	}
	if r.PostForm.Get("grant_type") != "refresh_token" {
		body["id_token"] = p.idToken(jose.RS256, signingKey(), p.claims)
	}
	return body
}

func (p *provider) idToken(alg jose.SignatureAlgorithm, key any, over map[string]any) string {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": "https://login.example/" + testTenant + "/v2.0", "aud": "app-1", "sub": "sub-1", "tid": testTenant, "oid": "oid-1",
		"preferred_username": "Svc@contoso.com", "name": "Service <b>", "nonce": p.nonce, "iat": now, "nbf": now, "exp": now + 3600,
	}
	maps.Copy(claims, over)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	payload, _ := json.Marshal(claims)
	jws, err := signer.Sign(payload)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	s, _ := jws.CompactSerialize()
	return s
}

// jwks is the key set, its one key with further members.
func (p *provider) jwks(extra map[string]any) any {
	raw, err := json.Marshal(jose.JSONWebKey{Key: signingKey().Public(), KeyID: "k1", Use: "sig"})
	if err != nil {
		p.t.Error(err)
	}
	var key map[string]any
	_ = json.Unmarshal(raw, &key)
	maps.Copy(key, extra)
	return map[string]any{"keys": []any{map[string]any{"kty": "unheard-of"}, key}}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(status int, code string, more ...string) http.HandlerFunc {
	body := map[string]any{"error": code}
	for i := 0; i < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }
}

// browser is the user's: it opens no page of the provider, but comes back from
// it as told.
type browser struct {
	t *testing.T
	s *SignIn
	q url.Values // of the authorization URL
}

// begin starts a sign-in, and ends it with the test.
func begin(t *testing.T, p *provider, c *Client, opts Options) *browser {
	t.Helper()
	s, err := c.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.nonce = u.Query().Get("nonce")
	p.mu.Unlock()
	return &browser{t: t, s: s, q: u.Query()}
}

func (b *browser) base() string { return strings.TrimSuffix(b.q.Get("redirect_uri"), "/") }

// send makes one request on a connection of its own.
func (b *browser) send(method, address, contentType string, body io.Reader) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(text)
}

// code is the answer of a provider that is content.
func (b *browser) code() url.Values {
	return url.Values{"code": {"code-1"}, "state": {b.q.Get("state")}, "session_state": {"x"}}
}

func (b *browser) post(params url.Values) (*http.Response, string) {
	b.t.Helper()
	return b.send("POST", b.base()+"/", "application/x-www-form-urlencoded", strings.NewReader(params.Encode()))
}

func (b *browser) get(params url.Values) (*http.Response, string) {
	b.t.Helper()
	return b.send("GET", b.base()+"/?"+params.Encode(), "", nil)
}

// succeeds proves that the sign-in still waits, by finishing it.
func (b *browser) succeeds() *Grant {
	b.t.Helper()
	if resp, text := b.post(b.code()); resp.StatusCode != 200 {
		b.t.Fatalf("the right answer got %s\n%s", resp.Status, text)
	}
	g, err := b.s.Wait(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}
