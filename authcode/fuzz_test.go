package authcode

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

const fuzzState = "STATE-0123456789"

// waiting is a sign-in without a network, whose outcome is known as soon as an
// answer is accepted.
func waiting() *SignIn {
	s := &SignIn{
		client:      &Client{Endpoints: Endpoints{Issuer: "https://login.example/{tenantid}/v2.0"}},
		keys:        &keys{state: fuzzState},
		redirect:    &url.URL{Scheme: "http", Host: "localhost:4711"},
		redirectURI: "http://localhost:4711",
		answers:     make(chan url.Values, 1),
		done:        make(chan struct{}),
		grant:       &Grant{},
	}
	close(s.done)
	return s
}

// accepted returns the answer that s has taken, and fails the test if it is not one.
func (s *SignIn) accepted(t *testing.T) bool {
	select {
	case params := <-s.answers:
		if params.Get("state") != fuzzState || len(params["state"]) != 1 || (params.Get("code") == "") == (params.Get("error") == "") {
			t.Errorf("accepted %q", params)
		}
		return true
	default:
		return false
	}
}

func FuzzCallback(f *testing.F) {
	f.Add([]byte("GET /?code=c&state=" + fuzzState + " HTTP/1.1\r\nHost: localhost:4711\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: [::1]:4711\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 32\r\n\r\nerror=e&state=" + fuzzState + "  "))
	f.Add([]byte("GET /favicon.ico HTTP/1.1\r\nHost: localhost:4711\r\n\r\n"))
	f.Add([]byte("GET /?code=c&state=x&state=" + fuzzState + " HTTP/1.1\r\nHost: evil.example:4711\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		s := waiting()
		w := httptest.NewRecorder()
		s.visit().serve(w, req)
		took := s.accepted(t)
		if took && !isLoopback((&url.URL{Host: req.Host}).Hostname()) {
			t.Errorf("accepted for Host %q", req.Host)
		}
		if took != (w.Code == http.StatusOK) {
			t.Errorf("accepted: %v, page: %d", took, w.Code)
		}
		if w.Header().Get("Cache-Control") != "no-store" || !strings.HasSuffix(w.Body.String(), "</html>\n") {
			t.Errorf("an unfinished page:\n%s", w.Body)
		}
	})
}

func FuzzPaste(f *testing.F) {
	f.Add("http://localhost:4711/?code=c&state=" + fuzzState)
	f.Add(" localhost:4711/?error=e&state=" + fuzzState + "\r\n")
	f.Add("http://localhost:4711/#code=c&state=" + fuzzState)
	f.Add("http://localhost:4711@evil.example/?code=c&state=" + fuzzState)
	f.Add("http://localhost:4711/?code=%zz&state=" + fuzzState)
	f.Fuzz(func(t *testing.T, address string) {
		s := waiting()
		err := s.Paste(address)
		if took := s.accepted(t); took != (err == nil) {
			t.Errorf("accepted: %v, error: %v", took, err)
		}
		if err != nil && strings.Contains(err.Error(), fuzzState) {
			t.Errorf("the error repeats the address: %v", err)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add([]byte(entraBody))
	f.Add([]byte(`{"error":{"status":"UNAVAILABLE","message":"busy"}}`))
	f.Add([]byte(`{"error":"x","error_codes":["70008"],"error_description":"AADSTS99999999999 Trace ID: "}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, ok := parseRefusal(raw)
		if !ok {
			return
		}
		if e.Code == "" {
			t.Error("a refusal without an error")
		}
		if s := e.Error(); strings.ContainsAny(s, "\r\n\x1b\x00") || !utf8.ValidString(s) {
			t.Errorf("not one clean line: %q", s)
		}
	})
}
