package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// pipe is a connection on which all of the client's octets are there at once.
type pipe struct {
	in     *bytes.Reader
	out    bytes.Buffer
	remote net.IP // loopback if it is nil
}

func (p *pipe) Read(b []byte) (int, error)       { return p.in.Read(b) }
func (p *pipe) Write(b []byte) (int, error)      { return p.out.Write(b) }
func (p *pipe) Close() error                     { return nil }
func (p *pipe) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

func (p *pipe) RemoteAddr() net.Addr {
	if p.remote != nil {
		return &net.TCPAddr{IP: p.remote}
	}
	return p.LocalAddr()
}

var replyLine = regexp.MustCompile(`^([245]\d\d[ -]|334 |354 )`)

// FuzzSession sends anything at all to a relay without a password and to one
// with. Every reply must be a reply, no message may be taken that was not
// finished or has no envelope, and without the password none is.
func FuzzSession(f *testing.F) {
	files, err := os.ReadDir("testdata/dialogs")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		script, err := os.ReadFile("testdata/dialogs/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		var in strings.Builder
		for line := range strings.Lines(string(script)) {
			if text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "C: "); ok && !strings.Contains(text, "AUTH") {
				in.WriteString(text + "\r\n")
			}
		}
		f.Add([]byte(in.String()))
	}
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nBDAT 3\r\na:\nBDAT 3 LAST\r\nb\r\nRSET\r\n"))
	f.Add([]byte("EHLO x\r\nAUTH LOGIN\r\n\r\nSTARTTLS\r\nAUTH PLAIN =\r\nBDAT 5\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, networks := range []bool{true, false} {
			c := testConfig()
			c.MaxSize, c.MaxRecipients = 1000, 5
			c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
			if !networks {
				c.Listeners[0].Networks = nil
			}
			taken := 0
			s := fuzzServer(t, c, func(_ context.Context, m Message, r io.Reader) (string, error) {
				body, err := io.ReadAll(r)
				if err != nil {
					return "", err
				}
				taken++
				if len(m.Recipients) == 0 || len(m.Recipients) > 5 || bare(body) {
					t.Errorf("taken: %+v %q", m, body)
				}
				return "x", nil
			})
			p := &pipe{in: bytes.NewReader(in)}
			s.serve(c.Listeners[0].Address, p)
			told := strings.Count(p.out.String(), "queued as x")
			if told != taken || taken > 0 && !networks {
				t.Errorf("%d taken, %d told, to %q", taken, told, in)
			}
			for line := range strings.Lines(p.out.String()) {
				if !replyLine.MatchString(line) || !strings.HasSuffix(line, "\r\n") || len(line) > 13000 {
					t.Errorf("%q is no reply, to %q", line, in)
				}
			}
		}
	})
}

// fuzzServer is a server without listeners.
func fuzzServer(t testing.TB, c Config, accept Accept) *Server {
	now := func() time.Time { return testNow }
	rest := func(context.Context, time.Duration) error { return nil }
	s := &Server{
		in:     &intake{accept: accept, log: slog.New(slog.DiscardHandler), now: now, paces: newPaces(), seen: newSeen()},
		logins: &logins{now: now, sleep: rest, busy: make(chan struct{}, 1), dummy: cheapHash("dummy"), suspects: map[suspect]*record{}, lines: map[netip.Prefix]*line{}, verified: map[string][32]byte{}},
		conns:  map[*meter]*connection{}, complaints: newComplaints(slog.New(slog.DiscardHandler)),
		ctx: t.Context(), quit: t.Context(),
	}
	if err := c.Validate(); err != nil {
		t.Fatal(errors.Join(errors.New("the configuration of the fuzz test"), err))
	}
	s.state.Store(&state{Config: c.withDefaults("relay.test")})
	return s
}
