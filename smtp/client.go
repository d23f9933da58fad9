package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
)

// A TLSMode says how a session is encrypted.
type TLSMode int

const (
	STARTTLS    TLSMode = iota // RFC 3207, as on port 587
	ImplicitTLS                // TLS from the first octet (RFC 8314), as on port 465
	Plaintext                  // no TLS, and so no authentication; loopback only
)

// A Client submits to one server with one identity and keeps its sessions warm.
// It is safe for concurrent use. Its fields must not change after the first
// call, and it must be closed. TLS is 1.2 or later and the server's certificate
// is always verified.
type Client struct {
	Host string
	Port int
	TLS  TLSMode

	RootCAs   *x509.CertPool // nil: the system's
	LocalName string         // for EHLO; "": this end's address as a literal

	// Auth returns the mechanism for a new session; nil means no authentication.
	// refused is nil at first. After a 535 Auth is called once more, with the
	// refusal, to return something better, such as one with a fresh token. It is
	// called concurrently when several sessions are opened.
	Auth func(ctx context.Context, refused *Error) (sasl.Client, error)

	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a net.Dialer with brisk keep-alive
	Now  func() time.Time                                                  // nil: time.Now

	MaxSessions int           // at the same time; 0: 3, which is Exchange's limit
	IdleTimeout time.Duration // how long a session stays warm; 0: 2 minutes

	// Timeout is the longest wait for one answer where RFC 5321 §4.5.3.2
	// recommends a longer one; 0: the RFC's. The answer to a whole message is
	// waited for ten minutes in any case: to give up there is to send it twice.
	Timeout time.Duration

	// WireLog, if set, gets each line of the dialogs; secrets and bodies are
	// replaced by their length. Sessions write to it one line at a time.
	WireLog io.Writer

	once      sync.Once
	tlsConfig *tls.Config
	log       *wireLog
	slots     chan struct{} // one is held for each session in use
	longAuth  atomic.Bool   // the server does not take an initial response

	mu     sync.Mutex
	idle   []*session // the most recently used last
	closed bool
	busy   sync.WaitGroup // calls of Submit and of expire
}

func (c *Client) init() {
	c.once.Do(func() {
		n := c.MaxSessions
		if n <= 0 {
			n = 3
		}
		c.slots = make(chan struct{}, n)
		c.tlsConfig = &tls.Config{
			ServerName: c.Host, RootCAs: c.RootCAs, Time: c.now,
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(n),
			// The flight cuts packets; small records would only cost time.
			DynamicRecordSizingDisabled: true,
		}
		if c.WireLog != nil {
			c.log = &wireLog{w: c.WireLog}
		}
	})
}

// Submit sends m and returns once the server has taken or refused it, the
// timeouts of RFC 5321 §4.5.3.2 have run out, or ctx is done. It waits while
// MaxSessions other messages are under way.
//
// A nil error means that the server has accepted the message for the recipients
// that Receipt.Refused does not name. Otherwise the error is an *Error, ErrClosed,
// or ctx's; the receipt is nil, or tells how far the message came. If every
// recipient was refused, the error is one of Receipt.Refused.
func (c *Client) Submit(ctx context.Context, m *Message) (*Receipt, error) {
	c.init()
	e, err := newEnvelope(m)
	if err != nil {
		return nil, &Error{Op: OpMessage, Server: c.address(), Err: err}
	}
	if !c.enter() {
		return nil, ErrClosed
	}
	defer c.busy.Done()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		s, reused := c.takeIdle(), true
		if s == nil {
			reused = false
			if s, err = c.connect(ctx); err != nil {
				return nil, because(ctx, err)
			}
		}
		stop := context.AfterFunc(ctx, s.abort)
		r, crossed, err := s.submit(e)
		if !stop() {
			s.abort() // here, so that no later message meets it
		}
		c.putIdle(s)
		if reused && crossed && ctx.Err() == nil {
			continue // it was closed as the message was on its way; see the package's doc
		}
		r.Reused = reused
		return r, because(ctx, err)
	}
}

// Ready opens an authenticated session, unless one is warm, and keeps it warm:
// a nil error means that messages would be on their way now. Otherwise the error
// is as with Submit. It waits while MaxSessions messages are under way.
func (c *Client) Ready(ctx context.Context) error {
	c.init()
	if !c.enter() {
		return ErrClosed
	}
	defer c.busy.Done()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s := c.takeIdle()
	if s == nil {
		var err error
		if s, err = c.connect(ctx); err != nil {
			return because(ctx, err)
		}
	}
	c.putIdle(s)
	return nil
}

// Sessions returns how many sessions are open: those in use and the warm ones.
func (c *Client) Sessions() int {
	c.init()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle) + len(c.slots)
}

// because makes ctx the cause of an error that its end has brought about.
func because(ctx context.Context, err error) error {
	var e *Error
	if ctx.Err() != nil && errors.As(err, &e) && e.Code == 0 && e.Op != OpMessage {
		e.Err = context.Cause(ctx)
	}
	return err
}

// within is d, or Timeout if that is shorter.
func (c *Client) within(d time.Duration) time.Duration {
	if c.Timeout > 0 {
		return min(c.Timeout, d)
	}
	return d
}

func (c *Client) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Client) dialer() func(context.Context, string, string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial
	}
	// A peer that vanishes without a word has to be noticed while the session is
	// idle: a message sent to it would be lost in doubt.
	alive := net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}
	return (&net.Dialer{KeepAliveConfig: alive}).DialContext
}
