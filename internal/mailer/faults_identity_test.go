package mailer

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// A tokenProxy stands before the sandbox's token endpoint.
type tokenProxy struct {
	*httptest.Server
	pass http.HandlerFunc

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, mended <-chan struct{}) // nil: none
	ended chan struct{}
	asked int
}

// identified is a tokenProxy before the sandbox of b, which trusts it.
func identified(f *faulty) *tokenProxy {
	f.t.Helper()
	p := &tokenProxy{ended: make(chan struct{})}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.roots}, DisableKeepAlives: true}}
	p.pass = func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, f.sandbox.Ready().Authority+r.URL.Path, r.Body)
		if err != nil {
			panic(err)
		}
		req.Header = r.Header
		answer, err := client.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
	}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	p.StartTLS()
	f.t.Cleanup(func() { p.mend(); p.Close() })
	return p
}

func (p *tokenProxy) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

func (p *tokenProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	fault, ended := p.fault, p.ended
	p.asked++
	p.mu.Unlock()
	if fault == nil {
		p.pass(w, r)
		return
	}
	fault(w, r, ended)
}

func (p *tokenProxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		p.fault = nil
		close(p.ended)
	}
}

func (p *tokenProxy) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// answers is a fault that answers each request for a token.
func answers(status int, kind, body string, header ...string) func(http.ResponseWriter, *http.Request, <-chan struct{}) {
	return func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const captivePortal = "<!doctype html><title>Hotel Contoso</title>Sign in to the network"

// identityFaults are the ways in which the token endpoint, or what is on the way
// to it, is broken.
var identityFaults = []struct {
	name   string
	broken func(http.ResponseWriter, *http.Request, <-chan struct{})
	says   string // in the record, and in the status while the account waits
	cause  Cause
}{
	{"down", func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}, "/oauth2/v2.0/token\": EOF; try again later", CauseNetwork},
	{"slow", func(_ http.ResponseWriter, r *http.Request, mended <-chan struct{}) {
		select {
		case <-mended:
		case <-r.Context().Done():
		}
	}, "Client.Timeout exceeded while awaiting headers", CauseNetwork},
	{"busy", answers(http.StatusTooManyRequests, "application/json", `{"error":"temporarily_unavailable"}`, "Retry-After", "1"),
		"temporarily_unavailable; try again in 1s", CauseNetwork},
	{"broken", answers(http.StatusServiceUnavailable, "text/html", "<h1>Our services aren't available right now</h1>"), "(HTTP 503); try again later", CauseNetwork},
	{"another-type", answers(http.StatusOK, "text/plain", `{"access_token":"x"}`), "answered text/plain instead of JSON", CauseNetwork},
	{"captive-portal", answers(http.StatusOK, "text/html", captivePortal), "the login page of a network may stand in between", CauseNetwork},
	{"redirected-to-a-portal", answers(http.StatusFound, "text/html", captivePortal, "Location", "http://portal.example/"), "the login page of a network may stand in between", CauseNetwork},
	{"nonsense", answers(http.StatusOK, "application/json", `{"token_type":"Bearer","access_tok`), "it is not the JSON of a token response", CauseSettings},
}

// All the faults are there at the same time, in one program.
func TestNothingIsLostWhateverTheTokenEndpointsDo(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	proxies := make([]*tokenProxy, len(identityFaults))
	for i, c := range identityFaults {
		if i%rowsApart != 0 {
			continue // with the race detector some of them are enough
		}
		proxies[i] = identified(f)
		proxies[i].fault = c.broken
		if i == 0 {
			f.trust(proxies[i].pem())
		}
		f.addAccount(c.name, func(a *account.Account) { a.AuthorityURL, a.Timeout = proxies[i].URL, 2 })
	}
	f.run()
	var all sync.WaitGroup
	for i, c := range identityFaults {
		if proxies[i] == nil {
			continue
		}
		all.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				queued := f.handOver(t, c.name, 3, 0)
				poll(t, "waiting for "+c.says, func() bool {
					s := f.accountStatus(c.name)
					return s.Cause == c.cause && strings.Contains(s.Reason, c.says)
				})
				f.othersAreServed(t)
				proxies[i].mend()
				for n, r := range f.settled(t, c.name, queued) {
					if r.State != queue.Delivered || f.arrivals(queued[n].MessageID) != 1 || r.Recipients[0].Tries != 0 {
						t.Errorf("it is %s, %d arrived, %d tries counted:\n%s", r.State, f.arrivals(queued[n].MessageID), r.Recipients[0].Tries, replies(r))
					}
				}
			})
		})
	}
	all.Wait()
}

// onlyOne is a program with one account, "behind", whose token endpoint is behind a
// proxy.
func onlyOne(t *testing.T) (*faulty, *tokenProxy) {
	f := newFaulty(t)
	p := identified(f)
	f.trust(p.pem())
	f.addAccount("behind", func(a *account.Account) { a.AuthorityURL = p.URL })
	return f, p
}

func TestATokenEndpointThatWantsALongRestGetsIt(t *testing.T) {
	t.Parallel()
	f, p := onlyOne(t)
	f.clocks()
	p.fault = answers(http.StatusTooManyRequests, "application/json", `{"error":"temporarily_unavailable"}`, "Retry-After", "3600")
	f.run()
	queued := f.handOver(t, "behind", 3, 0)
	var s AccountStatus
	poll(t, "resting", func() bool { s = f.accountStatus("behind"); return !s.Until.IsZero() })
	if rest := s.Until.Sub(f.Now()); s.Cause != CauseNetwork || rest < 50*time.Minute || !strings.Contains(s.Reason, "try again in 1h0m0s") {
		t.Errorf("it rests for %s: %+v", rest, s)
	}
	f.othersAreServed(t)
	if _, err := f.Flush(t.Context(), "behind"); err != nil { // not even then
		t.Fatal(err)
	}
	f.othersAreServed(t)
	if n := p.requests(); n != 1 {
		t.Errorf("%d requests within the rest", n)
	}
	p.mend()
	f.pass(61 * time.Minute)
	for _, r := range f.settled(t, "behind", queued) {
		if r.State != queue.Delivered {
			t.Errorf("it is %s:\n%s", r.State, replies(r))
		}
	}
}

// A provider that takes each refresh token once refuses the slower of two
// processes. That is no reason to ask anybody to sign in.
func TestARefreshTokenThatAnotherProcessReplacedMeanwhileCostsNothing(t *testing.T) {
	t.Parallel()
	f, p := onlyOne(t)
	other := &Mailer{Home: f.Home, Secrets: f.Secrets}
	t.Cleanup(func() { other.Close() })
	var mu sync.Mutex
	spent := map[string]bool{}
	raced := false
	p.fault = func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form := strings.Split(string(body), "&")
		token := form[slices.IndexFunc(form, func(s string) bool { return strings.HasPrefix(s, "refresh_token=") })]
		mu.Lock()
		first := !raced
		raced = true
		mu.Unlock()
		if first { // the other one is quicker
			if _, err := other.Validate(r.Context(), "behind"); err != nil {
				t.Errorf("the other process: %v", err)
			}
		}
		mu.Lock()
		used := spent[token]
		spent[token] = true
		mu.Unlock()
		if used {
			answers(http.StatusBadRequest, "application/json", `{"error":"invalid_grant","error_description":"the refresh token was used already"}`)(w, r, nil)
			return
		}
		p.pass(w, r)
	}
	f.run()
	queued := f.handOver(t, "behind", 3, 0)
	for _, r := range f.settled(t, "behind", queued) {
		if r.State != queue.Delivered || len(r.Attempts) != 1 {
			t.Errorf("it is %s:\n%s", r.State, replies(r))
		}
	}
	if !raced || len(spent) < 2 {
		t.Error("nothing was replaced")
	}
}

// A log that a test reads.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// The lifetime of a token is counted from when it was asked for, so that mail
// flows whatever the clock says; whose clock is wrong is in the log.
func TestAClockThatIsADayOffStopsNoMailAndIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		off  time.Duration
		says string
	}{
		"ahead":  {24 * time.Hour, "this computer's clock is ahead: set it"},
		"behind": {-24 * time.Hour, "that clock is behind"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t)
			f.Close()
			var log shared
			f.Logger = slog.New(slog.NewTextHandler(&log, nil))
			f.Now = func() time.Time { return time.Now().Add(c.off) }
			f.run()
			for _, r := range f.settled(t, "main", f.handOver(t, "main", 3, 0)) {
				if r.State != queue.Delivered || len(r.Attempts) != 1 {
					t.Errorf("it is %s:\n%s", r.State, replies(r))
				}
			}
			if !strings.Contains(log.String(), c.says) {
				t.Errorf("the log does not say %q:\n%s", c.says, log.String())
			}
		})
	}
}
