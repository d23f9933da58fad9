package graph

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden dialogs")

// golden compares a dialog with testdata/name.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if w := strings.ReplaceAll(string(want), "\r\n", "\n"); got != w {
		t.Errorf("the dialog is not that of %s; got:\n%s\nwant:\n%s", path, got, w)
	}
}

// A step is what the server answers to one request.
type step struct {
	want   string // method and address
	status int
	header map[string]string
	body   string
	do     func(w http.ResponseWriter, r *http.Request, body []byte) // instead of status, header and body
	early  func(w http.ResponseWriter, r *http.Request)              // before the body is read, and instead of it
}

// A script is a server that answers request after request.
type script struct {
	*httptest.Server
	steps []step

	mu     sync.Mutex
	next   int
	dialog strings.Builder
	bodies []string // decoded if base64
	tokens []string // refused ones that Token was called with
	sleeps []time.Duration
}

// graph starts a server and a client of it.
func graph(t *testing.T, steps ...step) (*script, *Client) {
	t.Helper()
	s := &script{steps: steps}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(t, w, r) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	c := &Client{BaseURL: s.URL + "/v1.0", HTTPClient: s.Client(), Timeout: time.Minute,
		Token: func(_ context.Context, refused string) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if refused != "" {
				s.tokens = append(s.tokens, refused)
				return "token-2", nil
			}
			return "token-1", nil
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sleeps = append(s.sleeps, d)
			return nil
		}}
	t.Cleanup(func() {
		c.Close()
		s.Server.Client().CloseIdleConnections()
		s.Close()
		if s.next != len(s.steps) {
			t.Errorf("%d requests, want %d", s.next, len(s.steps))
		}
	})
	return s, c
}

func (s *script) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	i := s.next
	s.next++
	s.mu.Unlock()
	if i >= len(s.steps) {
		t.Errorf("one request too many: %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	st := s.steps[i]
	if got := r.Method + " " + r.URL.RequestURI(); st.want != "" && got != st.want {
		t.Errorf("request %d: %s, want %s", i+1, got, st.want)
	}
	if st.early != nil {
		st.early(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil && st.do == nil {
		t.Errorf("request %d: %v", i+1, err)
	}
	if r.ContentLength != int64(len(body)) {
		t.Errorf("request %d: Content-Length %d, body %d", i+1, r.ContentLength, len(body))
	}
	s.record(r, body, st)
	if st.do != nil {
		st.do(w, r, body)
		return
	}
	for k, v := range st.header {
		w.Header().Set(k, strings.ReplaceAll(v, "$URL", s.URL))
	}
	w.WriteHeader(st.status)
	_, _ = io.WriteString(w, strings.ReplaceAll(st.body, "$URL", s.URL))
}

func (s *script) record(r *http.Request, body []byte, st step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.dialog
	fmt.Fprintf(d, "> %s %s\n", r.Method, r.URL.RequestURI())
	for _, h := range []string{"Authorization", "Content-Type", "Content-Range", "Accept"} {
		if v := r.Header.Get(h); v != "" {
			fmt.Fprintf(d, "> %s: %s\n", h, v)
		}
	}
	text := string(body)
	if r.Header.Get("Content-Type") == "text/plain" {
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			fmt.Fprintf(d, "> not base64: %v\n", err)
		}
		text = string(plain)
	}
	s.bodies = append(s.bodies, text)
	switch {
	case len(text) > 2000:
		fmt.Fprintf(d, "> %d octets, sha256 %x\n", len(text), sha256.Sum256([]byte(text)))
	case text != "":
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			fmt.Fprintf(d, "> | %s\n", line)
		}
	}
	if st.do != nil {
		d.WriteString("< (nothing)\n\n")
		return
	}
	fmt.Fprintf(d, "< %d\n", st.status)
	if st.body != "" {
		fmt.Fprintf(d, "< | %s\n", st.body)
	}
	d.WriteString("\n")
}

func (s *script) text() string { return s.dialog.String() }

// lose reads the request and closes the connection without an answer.
func lose(w http.ResponseWriter, _ *http.Request, _ []byte) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func message(mime string, to ...string) *Message {
	return &Message{From: "sender@example.com", To: to, Open: opener(mime)}
}

func opener(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

// failure returns err as the *Error it has to be.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, which is not an *Error", err)
	}
	return e
}

func refusal(code, message string) string {
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innerError":{"date":"2026-11-21T10:00:00","request-id":"inner-id","client-request-id":"x"}}}`, code, message)
}

const hello = "From: <sender@example.com>\r\nTo: <a@example.com>\r\nSubject: hello\r\nMessage-ID: <1@example.com>\r\n\r\nHello.\r\n"
