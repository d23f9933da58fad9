package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Each of these servers, or what is in the way of it, is really broken.
func TestConnectionsThatFail(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name      string
		f         *fake
		change    func(t *testing.T, f *fake, c *Client)
		op, says  string
		temporary bool
	}{
		{name: "STARTTLS stripped sends nothing unencrypted", f: &fake{noTLS: true}, op: OpSTARTTLS, says: "does not offer STARTTLS"},
		{name: "STARTTLS refused", f: &fake{reply: answers(map[string]string{"STARTTLS": "454 4.7.0 TLS not available"})}, op: OpSTARTTLS, says: "454 4.7.0 TLS not available", temporary: true},
		{name: "commands injected behind the reply to STARTTLS", f: &fake{reply: answers(map[string]string{"STARTTLS": "220 go\n250-injected\n250 AUTH PLAIN"})}, op: OpSTARTTLS, says: "unencrypted data came"},
		{name: "an expired certificate", change: func(t *testing.T, f *fake, c *Client) {
			f.tls.Certificates, c.RootCAs = reissue(t, now.AddDate(0, 0, -9), now.AddDate(0, 0, -2), fakeHost)
		}, op: OpTLS, says: "expired on " + now.AddDate(0, 0, -2).UTC().Format("2 January 2006")},
		{name: "a certificate not valid yet, or a clock that is off by a day", change: func(t *testing.T, f *fake, c *Client) {
			c.Now = func() time.Time { return now.AddDate(0, 0, -1) }
		}, op: OpTLS, says: "this machine's date is " + now.AddDate(0, 0, -1).UTC().Format("2 January 2006")},
		{name: "a certificate of an unknown authority", change: func(t *testing.T, f *fake, c *Client) { c.RootCAs = x509.NewCertPool() }, op: OpTLS, says: "an authority this machine does not know"},
		{name: "a certificate for another host", change: func(t *testing.T, f *fake, c *Client) {
			f.tls.Certificates, c.RootCAs = reissue(t, now.Add(-time.Hour), now.Add(time.Hour), "other.example.net")
		}, op: OpTLS, says: "not for " + fakeHost + " but for other.example.net"},
		{name: "TLS 1.1 at most", change: func(t *testing.T, f *fake, c *Client) {
			f.tls.MinVersion, f.tls.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, op: OpTLS, says: "no TLS 1.2 or later"},
		{name: "implicit TLS to a port that wants STARTTLS", change: func(t *testing.T, f *fake, c *Client) { c.TLS = ImplicitTLS }, op: OpTLS, says: "choose STARTTLS"},
		{name: "a banner that refuses", f: &fake{banner: "554 5.7.1 no service for you"}, op: OpGreeting, says: "554 5.7.1 no service"},
		{name: "a banner that asks to come later", f: &fake{banner: "421 4.3.2 too many connections"}, op: OpGreeting, says: "421 4.3.2", temporary: true},
		{name: "a web server", f: &fake{banner: "HTTP/1.1 400 Bad Request"}, op: OpGreeting, says: "not an SMTP reply", temporary: true},
		{name: "EHLO refused", f: &fake{reply: answers(map[string]string{"EHLO": "501 5.5.4 Invalid domain name"})}, op: OpEHLO, says: "501 5.5.4 Invalid domain name"},
		{name: "a server that hangs up", f: &fake{reply: answers(map[string]string{"EHLO": drop})}, op: OpEHLO, says: "closed the connection", temporary: true},
		{name: "a closed port", change: func(t *testing.T, f *fake, c *Client) { f.ln.Close() }, op: OpDial, says: "nothing listens on this port", temporary: true},
		{name: "a name that does not exist", change: func(t *testing.T, f *fake, c *Client) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: fakeHost, IsNotFound: true}}
			}
		}, op: OpDial, says: "the name " + fakeHost + " does not exist", temporary: true},
		{name: "no DNS", change: func(t *testing.T, f *fake, c *Client) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: fakeHost, IsTemporary: true}}
			}
		}, op: OpDial, says: "cannot be looked up", temporary: true},
		{name: "no network", change: func(t *testing.T, f *fake, c *Client) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errUnreachable}
			}
		}, op: OpDial, says: "no way to this host", temporary: true},
		{name: "plaintext to another machine", change: func(t *testing.T, f *fake, c *Client) { c.TLS, c.Auth = Plaintext, nil }, op: OpDial, says: "to this machine only"},
		{name: "plaintext with authentication", change: func(t *testing.T, f *fake, c *Client) { c.TLS, c.Host = Plaintext, "127.0.0.1" }, op: OpDial, says: "no password or token is sent without TLS"},
		{name: "a name for this machine with a line break in it", change: func(t *testing.T, f *fake, c *Client) { c.LocalName = "x\r\nRSET" }, op: OpEHLO, says: "cannot be the name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.f
			if f == nil {
				f = &fake{}
			}
			f.start(t)
			c, _ := f.client(t)
			c.Auth = xoauth2Auth
			if tt.change != nil {
				tt.change(t, f, c)
			}
			_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
			e := failure(t, err)
			if e.Op != tt.op || e.Temporary() != tt.temporary || !e.Connection() || e.Unknown {
				t.Errorf("got %+v, temporary %v", e, e.Temporary())
			}
			if s := e.Error(); !strings.Contains(s, tt.says) || !strings.Contains(s, c.address()) {
				t.Errorf("got %q, want %q in it", s, tt.says)
			}
			if strings.Contains(f.dialog(), "C: AUTH") {
				t.Errorf("it authenticated:\n%s", f.dialog())
			}
		})
	}
}

func reissue(t *testing.T, from, to time.Time, name string) ([]tls.Certificate, *x509.CertPool) {
	config, pool := certificate(t, from, to, name)
	return config.Certificates, pool
}

// A localhost that is not this machine.
func TestPlaintextLooksWhereItConnected(t *testing.T) {
	c := &Client{Host: "localhost", Port: 25, TLS: Plaintext}
	defer c.Close()
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		server.Close()
		return elsewhere{client}, nil
	}
	_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Op != OpDial || e.Temporary() || !strings.Contains(e.Error(), "192.0.2.1") {
		t.Errorf("got %v", err)
	}
}

type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func TestPlaintextOnLoopback(t *testing.T) {
	f := (&fake{noTLS: true}).start(t)
	c := &Client{Host: "127.0.0.1", Port: f.ln.Addr().(*net.TCPAddr).Port, TLS: Plaintext}
	defer c.Close()
	r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if err != nil || r.TLS != 0 || r.RoundTrips != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if !strings.Contains(f.dialog(), "C: EHLO [127.0.0.1]\n") {
		t.Errorf("dialog:\n%s", f.dialog())
	}
}

func TestWarmSessionsResumeTLS(t *testing.T) {
	f := (&fake{}).start(t)
	resumed := 0
	f.tls.VerifyConnection = func(s tls.ConnectionState) error {
		if s.DidResume {
			resumed++
		}
		return nil
	}
	c, _ := f.client(t)
	for range 2 {
		if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
			t.Fatal(err)
		}
		dropIdle(t, c, f)
	}
	if resumed != 1 {
		t.Errorf("%d handshakes resumed a TLS session, want 1", resumed)
	}
}

// BenchmarkSubmitWarm submits 10 KB messages one after the other over one session.
func BenchmarkSubmitWarm(b *testing.B) { benchmarkSubmit(b, 1) }

// Eight callers share one session.
func BenchmarkSubmitPipelined(b *testing.B) { benchmarkSubmit(b, 8) }

func benchmarkSubmit(b *testing.B, depth int) {
	f := (&fake{discard: true, quiet: true}).start(b)
	c, counts := f.client(b)
	c.Auth, c.MaxSessions, c.Pipeline = xoauth2Auth, 1, depth
	body := strings.Repeat("0123456789 0123456789 0123456789 0123456789\r\n", 230)
	m := message(body, "a@example.com")
	m.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	if _, err := c.Submit(b.Context(), m); err != nil {
		b.Fatal(err)
	}
	counts.waits.Store(0)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	for range depth {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := c.Submit(b.Context(), m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(counts.waits.Load())/float64(b.N), "waits/message")
}
