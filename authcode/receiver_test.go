package authcode

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// raw sends bytes as they are and returns what comes back.
func (b *browser) raw(request string) *http.Response {
	b.t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+b.s.redirect.Port())
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func TestWhatIsNotTheAnswerKeepsTheListenerWaiting(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	big := strings.Repeat("x", maxCallback)
	for _, tc := range []struct {
		name   string
		send   func(b *browser) *http.Response
		status int
	}{
		{"a favicon", func(b *browser) *http.Response { r, _ := b.send("GET", b.base()+"/favicon.ico", "", nil); return r }, 404},
		{"the right answer on a wrong path", func(b *browser) *http.Response {
			r, _ := b.send("GET", b.base()+"/other?"+b.code().Encode(), "", nil)
			return r
		}, 404},
		{"no parameters", func(b *browser) *http.Response { r, _ := b.get(nil); return r }, 400},
		{"a missing state", func(b *browser) *http.Response { r, _ := b.get(url.Values{"code": {"c"}}); return r }, 400},
		{"a wrong state", func(b *browser) *http.Response { r, _ := b.get(url.Values{"code": {"c"}, "state": {"s"}}); return r }, 400},
		{"an error with a wrong state", func(b *browser) *http.Response {
			r, _ := b.post(url.Values{"error": {"access_denied"}, "state": {"s"}})
			return r
		}, 400},
		{"a wrong iss", func(b *browser) *http.Response {
			q := b.code()
			q.Set("iss", "https://evil.example/"+testTenant+"/v2.0")
			r, _ := b.get(q)
			return r
		}, 400},
		{"a state sent twice", func(b *browser) *http.Response {
			q := b.code()
			q.Add("state", "s")
			r, _ := b.get(q)
			return r
		}, 400},
		{"neither code nor error", func(b *browser) *http.Response {
			r, _ := b.get(url.Values{"state": {b.q.Get("state")}})
			return r
		}, 400},
		{"both code and error", func(b *browser) *http.Response {
			q := b.code()
			q.Set("error", "access_denied")
			r, _ := b.get(q)
			return r
		}, 400},
		{"damaged escapes", func(b *browser) *http.Response {
			r, _ := b.send("POST", b.base()+"/", form, strings.NewReader(b.code().Encode()+"&x=%zz"))
			return r
		}, 400},
		{"a POST whose answer is in the address", func(b *browser) *http.Response {
			r, _ := b.send("POST", b.base()+"/?"+b.code().Encode(), form, strings.NewReader(""))
			return r
		}, 400},
		{"a POST of JSON", func(b *browser) *http.Response {
			r, _ := b.send("POST", b.base()+"/", "application/json", strings.NewReader("{}"))
			return r
		}, 415},
		{"a body over 16 KiB", func(b *browser) *http.Response {
			q := b.code()
			q.Set("pad", big)
			r, _ := b.post(q)
			return r
		}, 413},
		{"headers and body over 16 KiB together", func(b *browser) *http.Response {
			body := b.code().Encode() + "&pad=" + big[:9000]
			return b.raw("POST / HTTP/1.1\r\nHost: localhost:" + b.s.redirect.Port() + "\r\nCookie: " + big[:9000] +
				"\r\nContent-Type: " + form + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
		}, 413},
		{"headers over 16 KiB", func(b *browser) *http.Response {
			return b.raw("GET / HTTP/1.1\r\nHost: localhost:" + b.s.redirect.Port() + "\r\nCookie: " + big + "\r\n\r\n")
		}, 431},
		{"HEAD", func(b *browser) *http.Response {
			r, _ := b.send("HEAD", b.base()+"/?"+b.code().Encode(), "", nil)
			return r
		}, 405},
		{"OPTIONS", func(b *browser) *http.Response { r, _ := b.send("OPTIONS", b.base()+"/", "", nil); return r }, 405},
		{"PUT", func(b *browser) *http.Response {
			r, _ := b.send("PUT", b.base()+"/", form, strings.NewReader(b.code().Encode()))
			return r
		}, 405},
		{"OPTIONS *", func(b *browser) *http.Response {
			return b.raw("OPTIONS * HTTP/1.1\r\nHost: localhost:" + b.s.redirect.Port() + "\r\n\r\n")
		}, 404},
		{"a foreign Host (DNS rebinding)", func(b *browser) *http.Response {
			return b.raw("GET /?" + b.code().Encode() + " HTTP/1.1\r\nHost: evil.example:" + b.s.redirect.Port() + "\r\n\r\n")
		}, 421},
		{"a Host with another port", func(b *browser) *http.Response {
			return b.raw("GET /?" + b.code().Encode() + " HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
		}, 421},
		{"no Host", func(b *browser) *http.Response {
			return b.raw("GET /?" + b.code().Encode() + " HTTP/1.0\r\n\r\n")
		}, 421},
		{"garbage", func(b *browser) *http.Response { return b.raw("\x16\x03\x01 hello\r\n\r\n") }, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			b := begin(t, p, p.client(), Options{})
			if resp := tc.send(b); resp.StatusCode != tc.status {
				t.Errorf("got %s, want %d", resp.Status, tc.status)
			}
			b.succeeds()
		})
	}
}

func TestBothLoopbackAddressesAnswerUnderTheirNames(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", "LOCALHOST"} {
		t.Run(host, func(t *testing.T) {
			p := newProvider(t)
			b := begin(t, p, p.client(), Options{})
			address := "http://" + host + ":" + b.s.redirect.Port() + "/?" + b.code().Encode()
			if resp, text := b.send("GET", address, "", nil); resp.StatusCode != 200 {
				t.Errorf("got %s\n%s", resp.Status, text)
			}
			if _, err := b.s.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExactlyOneCodeIsEverAccepted(t *testing.T) {
	p := newProvider(t)
	exchanging, release := make(chan struct{}), make(chan struct{})
	p.next(func(w http.ResponseWriter, r *http.Request) {
		close(exchanging)
		<-release
		p.yes(w, r)
	})
	b := begin(t, p, p.client(), Options{})
	first := make(chan int)
	go func() {
		resp, _ := b.post(b.code())
		first <- resp.StatusCode
	}()
	<-exchanging
	resp, text := b.get(b.code())
	if resp.StatusCode != http.StatusConflict || !strings.Contains(text, "already used") {
		t.Errorf("the second answer got %s\n%s", resp.Status, text)
	}
	if err := b.s.Paste(b.base() + "/?" + b.code().Encode()); !errors.Is(err, errUsed) {
		t.Errorf("the pasted one got %v", err)
	}
	close(release)
	if status := <-first; status != 200 {
		t.Errorf("the first answer got %d", status)
	}
	if _, err := b.s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(p.asked()); n != 2 {
		t.Errorf("%d token requests, want 2: the code and Graph", n)
	}
}

func TestTheRightIssIsAccepted(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	q := b.code()
	q.Set("iss", "https://login.example/"+testTenant+"/v2.0")
	if resp, text := b.get(q); resp.StatusCode != 200 {
		t.Errorf("got %s\n%s", resp.Status, text)
	}
}

func TestProviderErrorsAreShownEscapedAndReturnedTyped(t *testing.T) {
	for _, tc := range []struct {
		name   string
		params url.Values
		want   Error
		again  bool
		page   []string
	}{
		{"cancelled by the user",
			url.Values{"error": {"access_denied"}, "error_subcode": {"cancel"}},
			Error{Code: "access_denied", Subcode: "cancel"}, false,
			[]string{"The sign-in was cancelled", "You can close this tab"}},
		{"declined consent with markup in the text",
			url.Values{"error": {"access_denied"}, "error_description": {"AADSTS65004: <script>alert(1)</script>\r\nTrace ID: 0f-1\r\nCorrelation ID: 0f-2"}},
			Error{Code: "access_denied", AADSTS: 65004, TraceID: "0f-1", CorrelationID: "0f-2"}, false,
			[]string{"&lt;script&gt;", "access_denied", "AADSTS65004"}},
		{"interaction with claims",
			url.Values{"error": {"interaction_required"}, "claims": {`{"a":1}`}},
			Error{Code: "interaction_required", Claims: `{"a":1}`}, true,
			[]string{"interaction_required"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			b := begin(t, p, p.client(), Options{})
			tc.params.Set("state", b.q.Get("state"))
			_, text := b.post(tc.params)
			for _, want := range tc.page {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not show %q:\n%s", want, text)
				}
			}
			if strings.Contains(text, "<script") {
				t.Errorf("the page is not escaped:\n%s", text)
			}
			_, err := b.s.Wait(t.Context())
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			tc.want.Stage, tc.want.Username = StageAuthorize, "svc@contoso.com"
			tc.want.Description = tc.params.Get("error_description")
			if *e != tc.want || e.SignInAgain() != tc.again {
				t.Errorf("got %+v (again %v), want %+v", *e, e.SignInAgain(), tc.want)
			}
			if n := len(p.asked()); n != 0 {
				t.Errorf("%d token requests", n)
			}
		})
	}
}

func TestThePageTellsTheTruthAboutWhatCameAfter(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(p *provider)
		page   []string
	}{
		{"a refused exchange", func(p *provider) {
			p.next(refuse(401, "invalid_client", "error_description", "AADSTS7000215: Invalid client secret provided."))
		}, []string{"did not finish", "AADSTS7000215: Invalid client secret"}},
		{"another account", func(p *provider) { p.claims["preferred_username"] = "admin@contoso.com" },
			[]string{"admin@contoso.com", "svc@contoso.com", "Nothing was saved"}},
		{"an answer that is not JSON", func(p *provider) {
			p.next(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, "<html>blocked")
			})
		}, []string{"instead of JSON"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			tc.before(p)
			b := begin(t, p, p.client(), Options{})
			resp, text := b.post(b.code())
			if resp.StatusCode == 200 || strings.Contains(text, "Signed in as") {
				t.Errorf("the page claims success: %s\n%s", resp.Status, text)
			}
			for _, want := range append(tc.page, "You can close this tab") {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not show %q:\n%s", want, text)
				}
			}
			if strings.Contains(text, "code-1") {
				t.Error("the page shows the code")
			}
			if _, err := b.s.Wait(t.Context()); err == nil {
				t.Error("Wait gave no error")
			}
		})
	}
}

func TestThePagesStyleIsTheOneItsPolicyAllows(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	resp, text := b.get(nil)
	m := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("no style sheet in", text)
	}
	sum := sha256.Sum256([]byte(m[1]))
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy %q does not allow the style sheet", policy)
	}
}

// pipes is a listener of in-memory connections, on which time can be simulated.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestASlowRequestIsCutOff(t *testing.T) {
	for name, start := range map[string]string{
		"in the headers": "GET / HTTP/1.1\r\nHost: loc",
		"in the body":    "POST / HTTP/1.1\r\nHost: localhost:80\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nsta",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &SignIn{client: &Client{}, keys: newKeys(), redirect: &url.URL{Scheme: "http", Host: "localhost:80"}}
				l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
				r := newReceiver(s.visit(), []net.Listener{l})
				here, there := net.Pipe()
				l.conns <- there
				began := time.Now()
				if _, err := io.WriteString(here, start); err != nil {
					t.Error(err)
				}
				if _, err := io.Copy(io.Discard, here); err != nil { // until the server hangs up
					t.Error(err)
				}
				if waited := time.Since(began); waited != readTimeout {
					t.Errorf("cut off after %v, want %v", waited, readTimeout)
				}
				r.shutdown()
			})
		})
	}
}
