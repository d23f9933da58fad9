package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// extensions are what a server's EHLO reply offers.
type extensions struct {
	pipelining, chunking, eightBit, utf8, dsn, startTLS bool

	size    bool
	maxSize int64    // 0 is no limit
	auth    []string // mechanisms
}

// parseExtensions reads the lines of an EHLO reply after the first.
func parseExtensions(text string) extensions {
	var x extensions
	lines := strings.Split(strings.ToUpper(text), "\n")
	for _, line := range lines[1:] {
		keyword, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch keyword {
		case "PIPELINING":
			x.pipelining = true
		case "CHUNKING":
			x.chunking = true
		case "8BITMIME":
			x.eightBit = true
		case "SMTPUTF8":
			x.utf8 = true
		case "DSN":
			x.dsn = true
		case "STARTTLS":
			x.startTLS = true
		case "SIZE":
			x.size = true
			if n, err := strconv.ParseInt(strings.TrimSpace(params), 10, 64); err == nil && n > 0 {
				x.maxSize = n
			}
		case "AUTH":
			x.auth = append(x.auth, strings.Fields(params)...)
		}
	}
	return x
}

// dial opens a connection and brings it to where AUTH, or the first message,
// can follow. Waits: EHLO, STARTTLS, the TLS handshake, EHLO.
func (c *Client) dial(ctx context.Context) (*session, error) {
	fail := func(err error) (*session, error) {
		return nil, &Error{Op: OpDial, Server: c.address(), Err: err}
	}
	if c.TLS == Plaintext {
		if !loopbackName(c.Host) {
			return fail(permanent(fmt.Errorf("mail goes out without TLS to this machine only (localhost), not to %s: choose STARTTLS or implicit TLS", c.Host)))
		}
		if c.Auth != nil {
			return fail(permanent(errors.New("no password or token is sent without TLS: choose STARTTLS or implicit TLS, or no authentication")))
		}
	}
	dctx, cancel := context.WithTimeout(ctx, c.within(dialTimeout))
	defer cancel()
	conn, err := c.dialer()(dctx, "tcp", c.address())
	if err != nil {
		return fail(explain(err))
	}
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok && c.TLS == Plaintext && !a.IP.IsLoopback() {
		conn.Close()
		return fail(permanent(fmt.Errorf("%s is %s, which is not this machine, and mail goes to no other without TLS", c.Host, a.IP)))
	}
	s := newSession(conn, c.address(), c.log)
	s.within = c.within
	stop := context.AfterFunc(ctx, s.abort)
	defer stop()
	if err := c.greet(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (c *Client) greet(ctx context.Context, s *session) error {
	name := c.LocalName
	if name == "" {
		name = addressLiteral(s.flight.LocalAddr())
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return &Error{Op: OpEHLO, Server: s.server, Err: permanent(fmt.Errorf("%q cannot be the name this machine introduces itself with", name))}
	}
	if c.TLS == ImplicitTLS {
		if err := c.startTLS(ctx, s); err != nil {
			return err
		}
	}
	if err := s.greeting(); err != nil {
		return err
	}
	if err := s.hello(name); err != nil || c.TLS != STARTTLS {
		return err
	}
	if !s.ext.startTLS {
		return &Error{Op: OpSTARTTLS, Server: s.server, Err: permanent(errors.New("the server does not offer STARTTLS, or something on the way removes it: nothing was sent unencrypted; if this port expects TLS from the first octet, choose implicit TLS"))}
	}
	s.command("STARTTLS")
	r, err := s.converse(OpSTARTTLS, commandTimeout)
	if err != nil {
		return err
	}
	if !r.ok() {
		return s.refused(OpSTARTTLS, r)
	}
	if s.in.Buffered() > 0 {
		// What came with the reply came before the encryption: somebody on the
		// way wants it to be taken for the server's (CVE-2011-0411).
		return &Error{Op: OpSTARTTLS, Server: s.server, Err: permanent(errors.New("unencrypted data came after the reply to STARTTLS: somebody between here and the server may be meddling"))}
	}
	if err := c.startTLS(ctx, s); err != nil {
		return err
	}
	return s.hello(name)
}

// startTLS puts TLS over the flight. The client's last handshake message stays
// in the flight, to leave with the command that follows.
func (c *Client) startTLS(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, c.within(commandTimeout))
	defer cancel()
	conn := tls.Client(s.flight, c.tlsConfig)
	s.flight.handshaking = true
	err := conn.HandshakeContext(ctx)
	s.flight.handshaking = false
	if err != nil {
		s.flight.flush() // the alert, so that the server knows as well
		return &Error{Op: OpTLS, Server: s.server, Err: explainTLS(err, c.Host, c.now())}
	}
	s.use(conn)
	s.tlsVersion, s.tlsClose = conn.ConnectionState().Version, conn.CloseWrite
	return nil
}

func (s *session) greeting() error {
	r, err := s.converse(OpGreeting, greetingTimeout)
	if err != nil {
		return err
	}
	if !r.ok() {
		return s.refused(OpGreeting, r)
	}
	return nil
}

// hello introduces the client, in the same flight as whatever still waits to
// be sent.
func (s *session) hello(name string) error {
	s.command("EHLO " + name)
	r, err := s.converse(OpEHLO, commandTimeout)
	if err != nil {
		return err
	}
	if !r.ok() {
		return s.refused(OpEHLO, r)
	}
	s.ext = parseExtensions(r.Text)
	return nil
}

func loopbackName(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// addressLiteral is the one name that is valid for every machine (RFC 5321 §4.1.3).
func addressLiteral(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case t.IP.To4() != nil:
		return "[" + t.IP.String() + "]"
	}
	return "[IPv6:" + t.IP.String() + "]"
}
