package sandbox

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that only a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// A bench is a running sandbox with a client of it: what most tests need.
type bench struct {
	*testing.T
	*Sandbox
	Ready
	clock *clock
}

func newBench(t *testing.T, scenario string) *bench {
	t.Helper()
	c := newClock()
	s, err := Start(Options{Scenario: scenario, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t, s, s.Ready(), c}
}

// browser returns a client with its own cookies that stops at the redirect
// address instead of going there, and keeps no connection when the test ends.
func (b *bench) browser() *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.CertPool()}}
	b.Cleanup(transport.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	return &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxPages {
			return errors.New("the pages lead in a circle")
		}
		if r.URL.Host != strings.TrimPrefix(b.Authority, "https://") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

const (
	testVerifier = "a-verifier-of-forty-three-characters-or-more"
	bothScopes   = "openid profile offline_access https://outlook.office.com/SMTP.Send https://graph.microsoft.com/User.Read"
	smtpScope    = "https://outlook.office.com/SMTP.Send"
)

// authorizeURL is a good request of the desktop app; pairs of name and value
// change it, "" removes a parameter.
func (b *bench) authorizeURL(change ...string) string {
	sum := sha256.Sum256([]byte(testVerifier))
	q := url.Values{
		"client_id": {desktopAppID}, "response_type": {"code"}, "redirect_uri": {"http://localhost:1"},
		"scope": {bothScopes}, "state": {"state-1"}, "nonce": {"nonce-1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	set(q, change)
	return b.AuthorizeURL + "?" + q.Encode()
}

func set(q url.Values, change []string) {
	for i := 0; i < len(change); i += 2 {
		if q.Set(change[i], change[i+1]); change[i+1] == "" {
			q.Del(change[i])
		}
	}
}

// A view is a response, read.
type view struct {
	status int
	header http.Header
	screen screen
	body   string
	// back is what the redirect to the client carries, nil for a page.
	back url.Values
}

func (b *bench) do(c *http.Client, r *http.Request) view {
	b.Helper()
	reply, err := c.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		b.Fatal(err)
	}
	v := view{status: reply.StatusCode, header: reply.Header, body: string(body)}
	v.screen, err = readScreen(reply.Request.URL, strings.NewReader(v.body))
	if err != nil {
		b.Fatal(err)
	}
	if location := reply.Header.Get("Location"); location != "" {
		u, err := url.Parse(location)
		if err != nil {
			b.Fatal(err)
		}
		v.back = u.Query()
		if u.Fragment != "" {
			v.back, _ = url.ParseQuery(u.Fragment)
		}
	}
	return v
}

func (b *bench) get(c *http.Client, address string) view {
	b.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(c, r)
}

// submit sends a page's form with what somebody typed; a box that the page does
// not have stays empty, but the ticked one for everybody.
func (b *bench) submit(c *http.Client, v view, typed ...string) view {
	b.Helper()
	if v.screen.form == nil {
		b.Fatalf("the page has no form: %s", v.screen.text)
	}
	values := url.Values{}
	for name, value := range v.screen.form.fields {
		values.Set(name, value)
	}
	for i := 0; i < len(typed); i += 2 {
		if _, asked := v.screen.form.fields[typed[i]]; asked || typed[i] == "for_all" {
			values.Set(typed[i], typed[i+1])
		}
	}
	target, err := v.screen.at.Parse(v.screen.form.action)
	if err != nil {
		b.Fatal(err)
	}
	return b.post(c, target.String(), values, nil)
}

// cancel presses a page's Cancel.
func (b *bench) cancel(c *http.Client, v view) view {
	b.Helper()
	v.screen.form.action = "/signin/cancel"
	return b.submit(c, v)
}

func (b *bench) post(c *http.Client, address string, values url.Values, header http.Header) view {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	return b.do(c, r)
}

// signIn walks the pages as svc and returns the code.
func (b *bench) signIn(change ...string) string {
	b.Helper()
	return b.walk(b.browser(), b.authorizeURL(change...))
}

// walk goes from an authorize URL to the code, with svc's password where asked.
func (b *bench) walk(c *http.Client, address string) string {
	b.Helper()
	v := b.get(c, address)
	for range 5 {
		if code := v.back.Get("code"); code != "" {
			return code
		}
		v = b.submit(c, v, "login", "svc@contoso.com", "passwd", "svc-password-1", "otc", "135790")
	}
	b.Fatalf("no code after: %s %v", v.screen.text, v.back)
	return ""
}

// A tokenAnswer is either kind of answer of the token endpoint.
type tokenAnswer struct {
	tokenReply
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
	Suberror    string `json:"suberror"`
	Claims      string `json:"claims"`

	status int
	header http.Header
}

// code is the AADSTS number, 0 for success.
func (a tokenAnswer) code() int {
	if len(a.Codes) == 0 {
		return 0
	}
	return a.Codes[0]
}

func (b *bench) token(form url.Values, header http.Header) tokenAnswer {
	b.Helper()
	return b.readToken(b.post(b.browser(), b.TokenURL, form, header))
}

// tokenWith is token through a client that the test watches.
func (b *bench) tokenWith(c *http.Client, form url.Values) tokenAnswer {
	b.Helper()
	return b.readToken(b.post(c, b.TokenURL, form, nil))
}

func (b *bench) readToken(v view) (a tokenAnswer) {
	b.Helper()
	if err := json.Unmarshal([]byte(v.body), &a); err != nil {
		b.Fatalf("token endpoint: %v: %s", err, v.body)
	}
	a.status, a.header = v.status, v.header
	return a
}

// redeem exchanges a code of the desktop app; pairs change the form.
func (b *bench) redeem(code string, change ...string) tokenAnswer {
	b.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {desktopAppID}, "code": {code},
		"redirect_uri": {"http://localhost:1"}, "code_verifier": {testVerifier},
		"scope": {"openid profile offline_access " + smtpScope},
	}
	set(form, change)
	return b.token(form, nil)
}

// refresh uses a refresh token of the desktop app.
func (b *bench) refresh(token string, change ...string) tokenAnswer {
	b.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {desktopAppID}, "refresh_token": {token}, "scope": {smtpScope}}
	set(form, change)
	return b.token(form, nil)
}

func TestStartRefusesAnAddressThatOthersCanReach(t *testing.T) {
	for _, o := range []Options{{HTTPAddr: "0.0.0.0:0"}, {SMTPAddr: "0.0.0.0:0"}} {
		if s, err := Start(o); err == nil {
			s.Close()
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestStartNamesAnUnknownScenario(t *testing.T) {
	if _, err := Start(Options{Scenario: "no-such"}); err == nil || !strings.Contains(err.Error(), `"no-such"`) {
		t.Errorf("error %v", err)
	}
}

func TestCloseFreesBothPorts(t *testing.T) {
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	addresses := []string{strings.Replace(strings.TrimPrefix(s.Ready().Authority, "https://"), "localhost", "127.0.0.1", 1),
		fmt.Sprintf("127.0.0.1:%d", s.Ready().SMTPPort)}
	// A connection that says nothing must not hold Close up.
	silent, err := net.Dial("tcp", addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s is still taken: %v", address, err)
			continue
		}
		l.Close()
	}
}

func TestAPersonEndsAtTheClientsAddressInEveryResponseMode(t *testing.T) {
	for _, mode := range []string{"query", "fragment", "form_post"} {
		t.Run(mode, func(t *testing.T) {
			b := newBench(t, "default")
			redirect, got := b.callback("localhost")
			p := Person{Username: "svc@contoso.com", Password: "svc-password-1",
				Client: &http.Client{Transport: b.browser().Transport}}
			address := b.authorizeURL("redirect_uri", redirect, "response_mode", mode)
			said, err := p.Visit(context.Background(), address)
			if err != nil || said != "You signed in." {
				t.Fatalf("said %q, error %v", said, err)
			}
			form := <-got
			// A fragment never reaches a server.
			if mode != "fragment" && (form.Get("state") != "state-1" || form.Get("code") == "") {
				t.Errorf("the client got %d parameters, state %q", len(form), form.Get("state"))
			}
		})
	}
}

func TestAPersonIsToldWhatThePageComplainsOf(t *testing.T) {
	b := newBench(t, "default")
	p := Person{Username: "svc@contoso.com", Password: "wrong", Client: b.browser()}
	_, err := p.Visit(context.Background(), b.authorizeURL())
	if err == nil || !strings.Contains(err.Error(), "Your account or password is incorrect") || !strings.Contains(err.Error(), "AADSTS50126") {
		t.Errorf("error %v", err)
	}
	p.Username = "mfa@contoso.com"
	p.Password = "mfa-password-1"
	if _, err = p.Visit(context.Background(), b.authorizeURL()); err == nil || !strings.Contains(err.Error(), "asks for otc") {
		t.Errorf("error %v", err)
	}
}
