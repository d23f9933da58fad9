package authcode

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

const formType = "application/x-www-form-urlencoded"

// untouched fails when the token endpoint was asked for anything.
func (p *provider) untouched() {
	p.t.Helper()
	if n := len(p.asked()); n != 0 {
		p.t.Errorf("%d token requests were made", n)
	}
}

// whole sends bytes as they are and returns all that comes back.
func (b *browser) whole(request string) string {
	b.t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+b.s.redirect.Port())
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		b.t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // it may end with a reset, after the answer
	return string(answer)
}

// Login CSRF: the attacker signs in at the provider as himself and has the
// victim's browser deliver the answer, which is right but for whose it is.
func TestAnAnswerThatTheAttackerAskedForIsNotTaken(t *testing.T) {
	p := newProvider(t)
	victim, attacker := begin(t, p, p.client(), Options{}), begin(t, p, p.client(), Options{})
	p.mu.Lock()
	p.nonce = victim.q.Get("nonce")
	p.mu.Unlock()
	for _, deliver := range []func(url.Values) (*http.Response, string){victim.get, victim.post} {
		if resp, _ := deliver(attacker.code()); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("the attacker's answer got %s", resp.Status)
		}
	}
	// Guesses do no better, whatever they are like.
	state := victim.q.Get("state")
	for _, guess := range []string{"", " ", state[:len(state)-1], state + "x", strings.ToUpper(state), strings.ToLower(state), "%00" + state, state + "\x00"} {
		q := victim.code()
		q.Set("state", guess)
		if resp, _ := victim.get(q); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("the state %q got %s", guess, resp.Status)
		}
	}
	p.untouched()
	victim.succeeds()
}

// Code injection: the attacker knows even the state, and delivers a code that
// was stolen from another sign-in. The provider ties it to that one's challenge.
func TestACodeOfAnotherSignInCannotBeRedeemed(t *testing.T) {
	p := newProvider(t)
	b, other := begin(t, p, p.client(), Options{}), begin(t, p, p.client(), Options{})
	p.next(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != other.q.Get("code_challenge") {
			refuse(400, "invalid_grant", "error_description", "AADSTS501481: The Code_Verifier does not match.")(w, r)
			return
		}
		p.yes(w, r)
	})
	q := b.code()
	q.Set("code", "stolen")
	if resp, text := b.post(q); resp.StatusCode == 200 || strings.Contains(text, "Signed in as") {
		t.Errorf("the stolen code got %s\n%s", resp.Status, text)
	}
	if g, err := b.s.Wait(t.Context()); err == nil {
		t.Errorf("%v was signed in", g)
	}
}

// The same at a provider that does not look at the challenge: the ID token has
// the nonce of the sign-in that the code was stolen from.
func TestAnIDTokenOfAnotherSignInIsNotTaken(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	p.mu.Lock()
	p.nonce = "nonce-of-another-sign-in"
	p.mu.Unlock()
	if resp, _ := b.post(b.code()); resp.StatusCode == 200 {
		t.Errorf("it got %s", resp.Status)
	}
	if g, err := b.s.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "nonce") {
		t.Errorf("%v, %v", g, err)
	}
}

// Mix-up: the answer comes from another authorization server than the one that
// the browser was sent to.
func TestAnAnswerOfAnotherAuthorizationServerIsNotTaken(t *testing.T) {
	right := "https://login.example/" + testTenant + "/v2.0"
	for _, iss := range []string{"", "https://evil.example/" + testTenant + "/v2.0", "https://login.example/common/v2.0", "https://login.example/" + testTenant + "/v2.0/", "https://login.example/" + testTenant + "/../evil/v2.0",
		"http://login.example/" + testTenant + "/v2.0", "https://login.example.evil.example/" + testTenant + "/v2.0", "https://login.example/" + testTenant + "/v2.0\n", " " + right} {
		t.Run(iss, func(t *testing.T) {
			p := newProvider(t)
			b := begin(t, p, p.client(), Options{})
			q := b.code()
			q.Set("iss", iss)
			if resp, _ := b.get(q); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("it got %s", resp.Status)
			}
			q.Set("iss", right)
			q.Add("iss", iss)
			if resp, _ := b.get(q); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("beside the right one it got %s", resp.Status)
			}
			p.untouched()
			b.succeeds()
		})
	}
	t.Run("in the ID token", func(t *testing.T) {
		p := newProvider(t)
		p.claims["iss"] = "https://evil.example/" + testTenant + "/v2.0"
		b := begin(t, p, p.client(), Options{})
		b.post(b.code())
		if g, err := b.s.Wait(t.Context()); err == nil {
			t.Errorf("%v was signed in", g)
		}
	})
}

// DNS rebinding: a name of the attacker's leads to loopback, so that a page of
// his is of the same origin as the listener.
func TestOnlyTheNamesOfLoopbackAreAnswered(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	port, answer := b.s.redirect.Port(), b.code().Encode()
	for _, request := range []string{
		"GET /?ANSWER HTTP/1.1\r\nHost: evil.example:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost.evil.example:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: evil.localhost:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: 127.0.0.1.evil.example:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost.:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost:PORT@evil.example\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost@evil.example:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost:PORT, evil.example:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost:PORT\r\nHost: evil.example:PORT\r\n\r\n",
		"GET http://evil.example:PORT/?ANSWER HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: 127.0.0.2:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: 0.0.0.0:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: 2130706433:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: [::ffff:127.0.0.1]:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: [::]:PORT\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost: localhost:\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /?ANSWER HTTP/1.1\r\n\r\n",
		"GET /?ANSWER HTTP/1.0\r\n\r\n",
		"GET /?ANSWER\r\n\r\n",
	} {
		answered := b.whole(strings.NewReplacer("PORT", port, "ANSWER", answer).Replace(request))
		if status, _, _ := strings.Cut(answered, "\r\n"); !strings.Contains(status, " 421 ") && !strings.Contains(status, " 400 ") {
			t.Errorf("%q got %q", request, status)
		}
	}
	p.untouched()
	b.succeeds()
}

// Port squatting: while the sign-in waits no other socket gets what comes to its
// port, and one that was there first ends it before the browser is opened.
func TestThePortIsNobodyElsesWhileItIsWaitedAt(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	for _, address := range []string{"127.0.0.1", "[::1]"} {
		if l, err := net.Listen("tcp", address+":"+b.s.redirect.Port()); err == nil {
			_ = l.Close()
			t.Errorf("%s can be listened on by others", l.Addr())
		}
	}
	// A socket for all addresses may exist beside it on some systems. What comes
	// to loopback is the more exact one's all the same.
	if l, err := net.Listen("tcp", ":"+b.s.redirect.Port()); err == nil {
		defer l.Close()
	}
	b.succeeds()
}

// A page of the attacker's makes the browser ask across sites, in each way that
// browsers have for it.
func TestAPageOfAnotherSiteCanNeitherAnswerNorRead(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	host := "Host: localhost:" + b.s.redirect.Port() + "\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"
	wrong := "code=evil&state=guessed"
	post := func(kind, body string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", host, kind, len(body), body)
	}
	right := b.code().Encode()
	for name, c := range map[string]struct{ request, status string }{
		"a form":                         {post(formType, wrong), "400"},
		"a form as text":                 {post("text/plain", right), "415"},
		"a form in parts":                {post("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nc\r\n--x--\r\n"), "415"},
		"a script's request":             {post("application/json", `{"code":"c"}`), "415"},
		"a beacon without a type":        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nx=y", "415"},
		"two types":                      {"POST / HTTP/1.1\r\n" + host + "Content-Type: text/plain\r\nContent-Type: " + formType + "\r\nContent-Length: 3\r\n\r\nx=y", "415"},
		"a preflight":                    {"OPTIONS / HTTP/1.1\r\n" + host + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n", "405"},
		"an image":                       {"GET /?" + wrong + " HTTP/1.1\r\n" + host + "Sec-Fetch-Dest: image\r\n\r\n", "400"},
		"PUT":                            {"PUT / HTTP/1.1\r\n" + host + "Content-Type: " + formType + "\r\nContent-Length: " + fmt.Sprint(len(right)) + "\r\n\r\n" + right, "405"},
		"a method that was overridden":   {"PUT / HTTP/1.1\r\n" + host + "X-HTTP-Method-Override: POST\r\nContent-Length: 0\r\n\r\n", "405"},
		"an unknown method":              {"STEAL /?" + right + " HTTP/1.1\r\n" + host + "\r\n", "405"},
		"CONNECT":                        {"CONNECT localhost:" + b.s.redirect.Port() + " HTTP/1.1\r\n" + host + "\r\n", "405"},
		"a WebSocket":                    {"GET / HTTP/1.1\r\n" + host + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "400"},
		"the answer in the address, too": {strings.Replace(post(formType, "x=y"), "POST / ", "POST /?"+right+" ", 1), "400"},
	} {
		answered := b.whole(c.request)
		status, rest, _ := strings.Cut(answered, "\r\n")
		if !strings.Contains(status, " "+c.status+" ") {
			t.Errorf("%s got %q, want %s", name, status, c.status)
		}
		header, _, _ := strings.Cut(rest, "\r\n\r\n")
		for _, allowed := range []string{"access-control-", "set-cookie"} {
			if strings.Contains(strings.ToLower(header), allowed) {
				t.Errorf("%s: the answer has %s: %s", name, allowed, header)
			}
		}
		for _, refused := range []string{"X-Frame-Options: DENY", "Cross-Origin-Opener-Policy: same-origin", "X-Content-Type-Options: nosniff", "frame-ancestors 'none'"} {
			if !strings.Contains(header, refused) {
				t.Errorf("%s: the answer lacks %s", name, refused)
			}
		}
	}
	p.untouched()
	b.succeeds()
}

func TestOfManyAnswersAtOnceOneIsTaken(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	var mu sync.Mutex
	var statuses []int
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			q := b.code()
			q.Set("code", fmt.Sprint("code-", i))
			req, err := http.NewRequest(http.MethodGet, b.base()+"/?"+q.Encode(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
			if err != nil {
				return // it came after the end, when nobody listens any more
			}
			defer resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			statuses = append(statuses, resp.StatusCode)
		})
	}
	all.Wait()
	if _, err := b.s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(statuses)
	if len(statuses) == 0 || statuses[0] != 200 || slices.ContainsFunc(statuses[1:], func(s int) bool { return s != http.StatusConflict }) {
		t.Errorf("the answers got %v", statuses)
	}
	codes := map[string]bool{}
	for _, form := range p.asked() {
		if c := form.Get("code"); c != "" {
			codes[c] = true
		}
	}
	if len(codes) != 1 {
		t.Errorf("redeemed were %v", codes)
	}
}

// A replay: the same request once more, on the same connection and later.
func TestAnAnswerThatIsReplayedReachesNobody(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	request := "GET /?" + b.code().Encode() + " HTTP/1.1\r\nHost: localhost:" + b.s.redirect.Port() + "\r\n\r\n"
	answered := b.whole(request + request)
	if n := strings.Count(answered, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(answered, "HTTP/1.1 200 ") {
		t.Errorf("two requests on one connection got %d answers", n)
	}
	if _, err := b.s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", "127.0.0.1:"+b.s.redirect.Port()); err == nil {
		_ = c.Close()
		t.Error("somebody listens after the end")
	}
	if err := b.s.Paste(b.base() + "/?" + b.code().Encode()); err == nil {
		t.Error("the answer could be pasted after the end")
	}
	codes := 0
	for _, form := range p.asked() {
		if form.Has("code") {
			codes++
		}
	}
	if codes != 1 {
		t.Errorf("the code was redeemed %d times", codes)
	}
}

// Requests without an end, and many that never come to theirs, keep the right one
// from nothing.
func TestAFloodKeepsTheRightAnswerFromNothing(t *testing.T) {
	p := newProvider(t)
	b := begin(t, p, p.client(), Options{})
	address := "127.0.0.1:" + b.s.redirect.Port()
	for _, start := range []string{
		"GET /?" + strings.Repeat("x", 1<<20),
		"GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 1<<18),
		"POST / HTTP/1.1\r\nHost: localhost:" + b.s.redirect.Port() + "\r\nContent-Type: " + formType + "\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("400\r\n"+strings.Repeat("a", 1024)+"\r\n", 1024),
		"POST / HTTP/1.1\r\nHost: localhost:" + b.s.redirect.Port() + "\r\nContent-Type: " + formType + "\r\nContent-Length: 999999999999\r\n\r\n" + strings.Repeat("a", 1<<20),
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(c, start) // it cannot be written to its end
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil && (resp.StatusCode < 400 || resp.StatusCode > 431) {
			t.Errorf("%.20q got %s", start, resp.Status)
		}
		_ = c.Close()
	}
	for range 100 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: loc"); err != nil {
			t.Fatal(err)
		}
	}
	p.untouched()
	b.succeeds()
}
