package sandbox

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A cannedConn is a client that says everything at once, and its transcript.
type cannedConn struct {
	net.Conn // nil: no other method is called
	r        io.Reader
	w        bytes.Buffer
}

func (c *cannedConn) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *cannedConn) Write(p []byte) (int, error)      { return c.w.Write(p) }
func (c *cannedConn) Close() error                     { return nil }
func (c *cannedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *cannedConn) SetWriteDeadline(time.Time) error { return nil }
func (c *cannedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

var (
	replyLine = regexp.MustCompile(`^[2-5][0-9][0-9][ -][ -~]*$`)
	rcptVerb  = regexp.MustCompile(`(?i)RCPT `)
)

// FuzzExchangeSession: whatever a client says once it is authenticated, the
// server answers in proper lines, and delivers only what has a recipient.
func FuzzExchangeSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, said []byte) {
		tenant := newExchangeTenant()
		x := newExchange(tenant, exchangeTokens, exchangeOptions{Certificate: exchangeCertificate(), SizeLimit: 1000})
		conn := &cannedConn{r: bytes.NewReader(said)}
		s := newSMTPSession(x, conn, 1)
		s.secure, s.greeted = true, true
		s.identity = identity{user: "svc@contoso.com", mailbox: "svc@contoso.com"}
		x.signIn(s)
		s.serve(false)

		replies, complete := strings.CutSuffix(conn.w.String(), "\r\n")
		if !complete {
			t.Errorf("the last reply has no end: %q", replies)
		}
		for line := range strings.SplitSeq(replies, "\r\n") {
			if !replyLine.MatchString(line) {
				t.Errorf("no reply: %q", line)
			}
		}
		for _, m := range tenant.Inbox() {
			if len(m.To) == 0 || m.User != "svc@contoso.com" || m.Size != len(m.Data) || m.Size > 1000 {
				t.Errorf("delivered %+v", m)
			}
		}
		if most := len(rcptVerb.FindAll(said, -1)); len(tenant.Inbox()) > most {
			t.Errorf("%d delivered after %d RCPT", len(tenant.Inbox()), most)
		}
		if len(x.signedIn) != 0 {
			t.Error("the session is still signed in")
		}
	})
}

// FuzzExchangeDotted: content that a client stuffed arrives unchanged, and
// what is behind its end is left alone.
func FuzzExchangeDotted(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte) {
		content = append(content, "\r\n"...)
		stuffed := strings.ReplaceAll("\r\n"+string(content), "\r\n.", "\r\n..")[2:]
		r := bufio.NewReaderSize(strings.NewReader(stuffed+".\r\nQUIT\r\n"), 16)
		var got bytes.Buffer
		size, err := readDotted(&got, r, 1<<20)
		if err != nil || size != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%q became %q, %d, %v", content, got.Bytes(), size, err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "QUIT\r\n" {
			t.Errorf("%q is left", rest)
		}
	})
}

// FuzzExchangeXOAUTH2: what parses is what the mechanism's encoder makes of it.
func FuzzExchangeXOAUTH2(f *testing.F) {
	f.Fuzz(func(t *testing.T, response string) {
		user, token, ok := parseXOAUTH2(response)
		if !ok {
			return
		}
		again, token2, ok := parseXOAUTH2(xoauth2(user, token))
		if !ok || again != user || token2 != token || strings.Contains(user+token, "\x01") {
			t.Errorf("%q, %q became %q, %q, %v", user, token, again, token2, ok)
		}
	})
}

// FuzzExchangeOAuthBearer: what parses is what the mechanism's encoder makes
// of it.
func FuzzExchangeOAuthBearer(f *testing.F) {
	escape := strings.NewReplacer("=", "=3D", ",", "=2C")
	f.Fuzz(func(t *testing.T, message string) {
		user, token, ok := parseOAuthBearer(encodeSASL(message))
		if !ok {
			return
		}
		again, token2, ok := parseOAuthBearer(oauthBearer(escape.Replace(user), token))
		if !ok || user == "" || again != user || token2 != token || strings.Contains(user+token, "\x01") {
			t.Errorf("%q, %q became %q, %q, %v", user, token, again, token2, ok)
		}
	})
}

// FuzzGoogleFrom: whatever a message says, it leaves with one From, the
// account's, and nothing else of it is lost.
func FuzzGoogleFrom(f *testing.F) {
	original := regexp.MustCompile(`(?im)^X-Google-Original-From:`)
	f.Fuzz(func(t *testing.T, message []byte) {
		if original.Match(message) {
			return
		}
		sent := rewriteFrom(bytes.Clone(message), "svc@contoso.com")
		if h, _ := parseHeader(sent); len(h.from) != 1 || h.from[0] != "svc@contoso.com" {
			t.Errorf("%q became %q, from %q", message, sent, h.from)
		}
		_, rest, _ := bytes.Cut(sent, []byte("\r\n"))
		back := original.ReplaceAll(rest, []byte("From:"))
		bare := func(b []byte) []byte { return bytes.ReplaceAll(bytes.ToLower(b), []byte("\r\n"), nil) }
		if !bytes.Equal(bare(back), bare(message)) {
			t.Errorf("%q became %q", message, back)
		}
	})
}
