package graph

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var accepted = step{status: http.StatusAccepted, header: map[string]string{"request-id": "req-1"}}

func TestSendPostsTheMIMEToTheEnvelope(t *testing.T) {
	s, c := graph(t, accepted, accepted)
	m := message(hello, "a@example.com", "hidden@example.com")
	for i, mailbox := range []string{"", "shared box@example.com"} {
		m.Mailbox = mailbox
		r, err := c.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if want := (Receipt{"202 Accepted (request-id req-1)", "req-1", "<1@example.com>", 1}); *r != want {
			t.Errorf("message %d: receipt %+v, want %+v", i, *r, want)
		}
	}
	golden(t, "mime", s.text())
}

func TestSendClassifiesRefusals(t *testing.T) {
	const denied = "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account."
	tests := []struct {
		name                                   string
		status                                 int
		header                                 map[string]string
		body                                   string
		account, temporary, unknown, throttled bool
		text                                   string
	}{
		{name: "send as", status: 403, body: refusal("ErrorSendAsDenied", denied), text: "graph refused sendMail: 403 Forbidden: ErrorSendAsDenied: " + denied + " (request-id inner-id)"},
		{name: "access policy", status: 403, body: refusal("ErrorAccessDenied", "Access to OData is disabled."), account: true, text: "Access to OData is disabled."},
		{name: "recipients", status: 400, body: refusal("ErrorInvalidRecipients", "At least one recipient is not valid."), text: "400 Bad Request: ErrorInvalidRecipients"},
		{name: "size", status: 413, body: refusal("ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."), text: "ErrorMessageSizeExceeded"},
		{name: "no mailbox", status: 404, body: refusal("MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise."), account: true, text: "404 Not Found: MailboxNotEnabledForRESTAPI"},
		{name: "long pause", status: 429, header: map[string]string{"Retry-After": "120"}, body: refusal("ApplicationThrottled", "Application is over its MailboxConcurrency limit."), account: true, temporary: true, throttled: true, text: "MailboxConcurrency"},
		{name: "busy", status: 503, body: refusal("ServiceUnavailable", "Try later."), account: true, temporary: true, throttled: true, text: "503"},
		{name: "its own failure", status: 500, body: refusal("ErrorInternalServerError", "An internal server error occurred."), account: true, temporary: true, text: "500"},
		{name: "200 for 202", status: 200, body: "{}", account: true, unknown: true, text: "outcome unknown, the message may have been sent: graph answered sendMail with 200 OK: success is 202 Accepted"},
		{name: "web page", status: 403, header: map[string]string{"Content-Type": "text/html"}, body: "<html>Blocked", account: true, text: "web page"},
		{name: "gateway", status: 504, body: "<html>Timeout", account: true, unknown: true, text: "504"},
		{name: "redirect", status: 302, header: map[string]string{"Location": "https://portal.example.com/login?x=secret"}, account: true, temporary: true, text: "redirects to portal.example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			steps := []step{{status: tt.status, header: tt.header, body: tt.body}}
			if tt.unknown { // and the mailbox may not be read
				steps = append(steps, step{status: 403, body: refusal("ErrorAccessDenied", "Access is denied. Check credentials and try again.")})
			}
			s, c := graph(t, steps...)
			_, err := c.Send(t.Context(), message(hello, "a@example.com"))
			e := failure(t, err)
			if e.Account() != tt.account || e.Temporary() != tt.temporary || e.Unknown != tt.unknown || e.Throttled() != tt.throttled {
				t.Errorf("account %v, temporary %v, unknown %v, throttled %v: %v", e.Account(), e.Temporary(), e.Unknown, e.Throttled(), e)
			}
			text := strings.ReplaceAll(e.Error(), strings.TrimPrefix(s.URL, "https://"), "graph")
			if !strings.Contains(text, tt.text) || strings.Contains(text, "secret") || strings.Contains(text, "token-") {
				t.Errorf("got %q, want %q in it", text, tt.text)
			}
			if tt.status == 429 && e.RetryAfter != 2*time.Minute {
				t.Errorf("RetryAfter %v", e.RetryAfter)
			}
		})
	}
}

func TestSendFetchesOneFreshTokenAfter401(t *testing.T) {
	no := step{status: 401, body: refusal("InvalidAuthenticationToken", "token-1 token-2 has expired")}
	s, c := graph(t, no, accepted, no, no)
	if r, err := c.Send(t.Context(), message(hello, "a@example.com")); err != nil || r.Requests != 2 {
		t.Fatal(r, err)
	}
	_, err := c.Send(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Temporary() || !e.Account() || strings.Contains(e.Error(), "token-2") {
		t.Errorf("got %v", e)
	}
	if len(s.tokens) != 2 || s.tokens[0] != "token-1" {
		t.Errorf("refused tokens %q", s.tokens)
	}
	golden(t, "fresh-token", s.text())
}

func TestSendWaitsOnceForAShortPause(t *testing.T) {
	busy := step{status: 429, header: map[string]string{"Retry-After": "7"}, body: refusal("ApplicationThrottled", "Application is over its MailboxConcurrency limit.")}
	s, c := graph(t, busy, accepted, busy, busy)
	if _, err := c.Send(t.Context(), message(hello, "a@example.com")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Send(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); !e.Throttled() || e.RetryAfter != 7*time.Second || len(s.sleeps) != 2 {
		t.Errorf("got %v after the pauses %v", e, s.sleeps)
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	_, c := graph(t, step{status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 10:05:00 GMT"}, body: refusal("x", "y")})
	c.Now = func() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }
	_, err := c.Send(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.RetryAfter != 5*time.Minute {
		t.Errorf("got %v", e.RetryAfter)
	}
}

func TestEndAfterTheServerTookTheMessageIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("shutting down")
	release := make(chan struct{})
	_, c := graph(t, step{do: func(http.ResponseWriter, *http.Request, []byte) { cancel(why); <-release }})
	t.Cleanup(func() { close(release) })
	_, err := c.Send(ctx, message(hello, "a@example.com"))
	if e := failure(t, err); !e.Unknown || !errors.Is(err, why) {
		t.Errorf("got %v", e)
	}
}

func TestServerThatNeverAnswersIsTemporary(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // and nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &Client{BaseURL: "https://" + l.Addr().String(), Timeout: 50 * time.Millisecond,
		Token: func(context.Context, string) (string, error) { return "token", nil }}
	defer c.Close()
	_, err = c.Send(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Unknown || !e.Temporary() || !e.Account() || !strings.Contains(e.Error(), "no answer within 50ms") {
		t.Errorf("got %v", e)
	}
}

func TestStrangersCertificateAndPlainHTTPArePermanent(t *testing.T) {
	s, c := graph(t)
	own := &Client{BaseURL: s.URL, Token: c.Token} // which does not know the server's certificate
	defer own.Close()
	plain := &Client{BaseURL: "http://" + s.Listener.Addr().String(), Token: c.Token}
	defer plain.Close()
	for _, c := range []*Client{own, plain} {
		_, err := c.Send(t.Context(), message(hello, "a@example.com"))
		if e := failure(t, err); e.Unknown || e.Temporary() || !e.Account() {
			t.Errorf("got %v", e)
		}
	}
}

func TestLostAnswerOverHTTP2IsUnknownToo(t *testing.T) {
	var n atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.ProtoMajor == 2 && r.Method == http.MethodPost {
			n.Add(1)
		}
		panic(http.ErrAbortHandler)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	_, c := graph(t)
	c.BaseURL, c.HTTPClient = s.URL, s.Client()
	_, err := c.Send(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); !e.Unknown || n.Load() != 1 {
		t.Errorf("sent %d times: %v", n.Load(), e)
	}
}

func TestConnectionLostBeforeTheEndIsTemporary(t *testing.T) {
	_, c := graph(t, step{early: func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 1000))
		lose(w, r, nil)
	}})
	body := hello + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 38000) // more than sockets hold
	_, err := c.Send(t.Context(), message(body, "a@example.com"))
	if e := failure(t, err); e.Unknown || !e.Temporary() || !e.Account() {
		t.Errorf("got %v", e)
	}
}

func TestNothingIsSentWhenTheMessageCannotBeRead(t *testing.T) {
	_, c := graph(t)
	broken := errors.New("disk gone")
	m := message("", "a@example.com")
	m.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("Subject: x\r\n\r\n"), failing{broken})), nil
	}
	_, err := c.Send(t.Context(), m)
	if e := failure(t, err); e.Op != OpRead || !errors.Is(err, broken) || !e.Temporary() {
		t.Errorf("got %v", e)
	}
	for _, bad := range []*Message{message(hello), message(hello, "nobody"), message(hello, `"a@b"@example.com`), message("X: "+strings.Repeat("x", maxHeader), "a@example.com")} {
		_, err := c.Send(t.Context(), bad)
		if e := failure(t, err); e.Op != OpMessage || e.Temporary() || e.Account() {
			t.Errorf("got %v", e)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestNoTokenIsToldAsSuch(t *testing.T) {
	_, c := graph(t)
	no := errors.New("sign in again")
	c.Token = func(context.Context, string) (string, error) { return "", no }
	_, err := c.Send(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Op != OpToken || !errors.Is(err, no) || !e.Account() || e.Temporary() {
		t.Errorf("got %v", e)
	}
}

func TestNoMoreThanFourRequestsAtOnce(t *testing.T) {
	var now, most atomic.Int32
	arrived, release := make(chan struct{}, 20), make(chan struct{})
	take := step{do: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		arrived <- struct{}{}
		<-release
		now.Add(-1)
		w.WriteHeader(http.StatusAccepted)
	}}
	steps := make([]step, 12)
	for i := range steps {
		steps[i] = take
	}
	_, c := graph(t, steps...)
	var wg sync.WaitGroup
	for range steps {
		wg.Go(func() {
			if _, err := c.Send(t.Context(), message(hello, "a@example.com")); err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-arrived
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("shutting down")
	cancel(why)
	if _, err := c.Send(ctx, message(hello, "a@example.com")); !errors.Is(err, why) {
		t.Errorf("a waiter got %v", err)
	}
	close(release)
	wg.Wait()
	if most.Load() != 4 {
		t.Errorf("%d requests at once", most.Load())
	}
}

func TestClosedClientRefuses(t *testing.T) {
	_, c := graph(t)
	c.Close()
	if _, err := c.Send(t.Context(), message(hello, "a@example.com")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
