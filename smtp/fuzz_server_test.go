package smtp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A said is a connection to a server that has said everything already, and then
// hangs up.
type said struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *said) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *said) Write(b []byte) (int, error)      { return s.out.Write(b) }
func (s *said) Close() error                     { return nil }
func (s *said) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (s *said) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (s *said) SetDeadline(time.Time) error      { return nil }
func (s *said) SetReadDeadline(time.Time) error  { return nil }
func (s *said) SetWriteDeadline(time.Time) error { return nil }

// FuzzServer is a server that says anything at all to a whole submission. What
// the client says are commands and the body alone, a message counts as taken only
// by a reply of success, and errors are one line each.
func FuzzServer(f *testing.F) {
	f.Add([]byte("220 x\r\n250-x\r\n250-PIPELINING\r\n250-SIZE 100\r\n250 CHUNKING\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 taken\r\n221 bye\r\n"))
	f.Add([]byte("220 x\r\n250-x\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n250 ok\r\n550 5.1.1 nobody\r\n354 go\r\n250 taken\r\n"))
	f.Add([]byte("220 x\r\n502 no\r\n250 x\r\n250 ok\r\n251 ok\r\n354 go\r\n451 4.3.0 later\r\n"))
	f.Add([]byte("220-x\r\n220 y\r\n250-x\r\n250-AUTH =\r\n250-SIZE 99999999999999999999\r\n250 PIPELINING\r\n421 4.4.2 bye\r\n"))
	f.Add([]byte("554 no\r\n"))
	f.Add([]byte("220 x\n250 \xff\x00\n250\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conn := &said{in: bytes.NewReader(in)}
		dialled := false
		c := &Client{Host: "localhost", Port: 25, TLS: Plaintext, LocalName: "client.example",
			Dial: func(context.Context, string, string) (net.Conn, error) {
				if dialled {
					return nil, errors.New("once is enough")
				}
				dialled = true
				return conn, nil
			}}
		r, err := c.Submit(t.Context(), &Message{From: "a@example.com", To: []Recipient{{Address: "b@example.com"}, {Address: "c@example.com"}},
			Open: func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("Subject: x\r\n\r\n.\r\nbody\r\n")), nil
			}})
		c.Close()
		if err == nil && (r.Reply.Code/100 != 2 || len(r.Refused) > 1) {
			t.Errorf("%q counts as taken: %+v", in, r)
		}
		var e *Error
		if err != nil && !errors.As(err, &e) || err != nil && strings.ContainsAny(err.Error(), "\r\x00\x1b") {
			t.Errorf("%q: %T %q", in, err, err)
		}
		for line := range strings.Lines(conn.out.String()) {
			if !strings.HasSuffix(line, "\r\n") {
				t.Errorf("%q is answered by half a line: %q", in, conn.out.String())
			}
		}
	})
}

// FuzzExtensions reads what EHLO offers.
func FuzzExtensions(f *testing.F) {
	f.Add("x\nSIZE 157286400\nAUTH LOGIN XOAUTH2\nstarttls")
	f.Add("x\nSIZE -1\nAUTH=LOGIN\nSIZE\nSIZE 1 2\n\n \n")
	f.Fuzz(func(t *testing.T, text string) {
		x := parseExtensions(text)
		if x.maxSize < 0 || x.maxSize > 0 && !x.size {
			t.Errorf("%q offers %+v", text, x)
		}
		for _, m := range x.auth {
			if strings.ContainsAny(m, " \r\n\t") || m == "" {
				t.Errorf("%q offers the mechanism %q", text, m)
			}
		}
	})
}
