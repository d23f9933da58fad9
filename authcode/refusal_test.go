package authcode

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const entraBody = `{"error":"invalid_grant","error_description":"AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication.\r\nTrace ID: 0aaa-1\r\nCorrelation ID: 0bbb-2\r\nTimestamp: 2026-11-20 10:00:00Z","error_codes":[50076],"timestamp":"2026-11-20 10:00:00Z","trace_id":"0ccc-3","correlation_id":"0ddd-4","suberror":"basic_action","claims":"{\"access_token\":{}}"}`

func TestARefusalIsReadWhateverItsShape(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       Error
	}{
		{"of Entra", entraBody, Error{Code: "invalid_grant", Subcode: "basic_action", AADSTS: 50076, TraceID: "0ccc-3", CorrelationID: "0ddd-4", Claims: `{"access_token":{}}`,
			Description: "AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication.\r\nTrace ID: 0aaa-1\r\nCorrelation ID: 0bbb-2\r\nTimestamp: 2026-11-20 10:00:00Z"}},
		{"of Entra with the numbers only in the text", `{"error":"invalid_client","error_description":"AADSTS7000215: x\r\nTrace ID: 0aaa-1 Correlation ID: 0bbb-2"}`,
			Error{Code: "invalid_client", AADSTS: 7000215, TraceID: "0aaa-1", CorrelationID: "0bbb-2", Description: "AADSTS7000215: x\r\nTrace ID: 0aaa-1 Correlation ID: 0bbb-2"}},
		{"with error_codes as strings", `{"error":"x","error_codes":["70008"]}`, Error{Code: "x", AADSTS: 70008}},
		{"with error_codes of another kind", `{"error":"x","error_codes":{"a":1},"trace_id":7}`, Error{Code: "x"}},
		{"of Google's gateway", `{"error":{"code":503,"status":"UNAVAILABLE","message":"busy"}}`, Error{Code: "UNAVAILABLE", Description: "busy"}},
		{"with error_subcode", `{"error":"access_denied","error_subcode":"cancel"}`, Error{Code: "access_denied", Subcode: "cancel"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e, ok := parseRefusal([]byte(tc.body)); !ok || *e != tc.want {
				t.Errorf("got %+v, %v\nwant %+v", e, ok, tc.want)
			}
		})
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"error":""}`, `{"error":7}`, `{"error":{"code":1}}`, "<html>"} {
		if e, ok := parseRefusal([]byte(body)); ok {
			t.Errorf("%q gave %+v", body, e)
		}
	}
}

func TestTheTwoQuestionsCallersAsk(t *testing.T) {
	transport := &url.Error{Op: "Post", URL: "https://x", Err: errors.New("no route to host")}
	for _, tc := range []struct {
		name             string
		e                Error
		temporary, again bool
	}{
		{"a revoked grant", Error{Code: "invalid_grant", HTTPStatus: 400}, false, true},
		{"interaction required", Error{Code: "interaction_required", HTTPStatus: 400}, false, true},
		{"nobody signed in yet", Error{Err: ErrNotSignedIn}, false, true},
		{"a wrong secret", Error{Code: "invalid_client", HTTPStatus: 401}, false, false},
		{"a cancelled sign-in", Error{Code: "access_denied"}, false, false},
		{"an expired device code", Error{Code: "expired_token", HTTPStatus: 400}, false, true},
		{"a server that is down", Error{HTTPStatus: 503}, true, false},
		{"a server that is busy", Error{HTTPStatus: 429}, true, false},
		{"server_error in the browser", Error{Code: "server_error"}, true, false},
		{"a page of a hotel's network", Error{HTTPStatus: 200, Err: errNotJSON}, true, false},
		{"a page of a proxy that forbids", Error{HTTPStatus: 403, Err: errNotJSON}, false, false},
		{"no network", Error{Err: transport}, true, false},
		{"a request that timed out", Error{Err: &url.Error{Err: context.DeadlineExceeded}}, true, false},
		{"a request that was cancelled", Error{Err: &url.Error{Err: context.Canceled}}, false, false},
		{"a bad certificate", Error{Err: &url.Error{Err: &tls.CertificateVerificationError{Err: errors.New("x")}}}, false, false},
		{"an ID token that does not verify", Error{Stage: StageIdentity, Err: errors.New("x")}, false, false},
	} {
		if tc.e.Temporary() != tc.temporary || tc.e.SignInAgain() != tc.again {
			t.Errorf("%s: temporary %v, sign in again %v", tc.name, tc.e.Temporary(), tc.e.SignInAgain())
		}
	}
}

func TestAnErrorIsOneLineWithoutControlCharacters(t *testing.T) {
	e := &Error{Stage: StageRefresh, Username: "svc@contoso.com", Code: "invalid_grant", Description: "AADSTS1: gone\r\nTrace ID: 1\x1b[2J", HTTPStatus: 400}
	const want = "refreshing the access token of svc@contoso.com: invalid_grant: AADSTS1: gone Trace ID: 1 [2J; sign in again"
	if got := e.Error(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("%q: got %v, want %v", v, got, want)
		}
	}
	h := http.Header{"Retry-After": {now.Add(time.Minute).Format(http.TimeFormat)}, "Date": {now.Format(http.TimeFormat)}}
	if got := retryAfter(h, now.Add(24*time.Hour)); got != time.Minute {
		t.Errorf("with our clock a day ahead: got %v, want 1m", got)
	}
}

// broken serves TCP connections with one function.
func broken(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "https://" + l.Addr().String() + "/token"
}

func TestATransportFailureIsTemporaryAndTriedFourTimes(t *testing.T) {
	refused := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		return "https://" + l.Addr().String() + "/token"
	}
	for name, address := range map[string]func(*testing.T) string{
		"nothing listens":           refused,
		"the connection is dropped": func(t *testing.T) string { return broken(t, func(net.Conn) {}) },
		"it does not speak TLS": func(t *testing.T) string {
			return broken(t, func(c net.Conn) { _, _ = c.Write([]byte("220 mail ESMTP\r\n")) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c := p.client()
			c.Endpoints.TokenURL = address(t)
			var pauses []time.Duration
			c.Sleep = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
			_, err := c.refresh(t.Context(), "TOPSECRET", c.Resources[0])
			var e *Error
			if !errors.As(err, &e) || !e.Temporary() || e.SignInAgain() || strings.Contains(err.Error(), "TOPSECRET") {
				t.Errorf("got %v", err)
			}
			if len(pauses) != 3 || pauses[0] < time.Second || pauses[1] < 2*time.Second || pauses[2] < 4*time.Second || pauses[2] > 5*time.Second {
				t.Errorf("paused %v, want about 1, 2 and 4 s", pauses)
			}
		})
	}
}

func TestAnUntrustedCertificateIsNotRetriedAndExplained(t *testing.T) {
	p := newProvider(t)
	c := p.client()
	c.HTTPClient = nil // does not know the server's authority
	_, err := c.refresh(t.Context(), "r", c.Resources[0])
	var e *Error
	if !errors.As(err, &e) || e.Temporary() || !strings.Contains(err.Error(), "root certificate must be installed") {
		t.Errorf("got %v", err)
	}
}
