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

	// Auth returns the mechanism for a new session, while its connection is being
	// made; nil means no authentication.
	// refused is nil at first. After a 535 Auth is called once more, with the
	// refusal, to return something better, such as one with a fresh token. It is
	// called concurrently when several sessions are opened.
	Auth func(ctx context.Context, refused *Error) (sasl.Client, error)

	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a net.Dialer with brisk keep-alive
	Now  func() time.Time                                                  // nil: time.Now

	MaxSessions int // at the same time; 0: 3, which is Exchange's limit
	// Pipeline is how many messages may be under way on one session: the next is
	// sent before the reply to the last one, where the server offers PIPELINING and
	// CHUNKING. 0 and 1: one. They are spread over the sessions before a session
	// gets a second one. What is under way when a session is lost may have been
	// accepted, so more of it is in doubt then.
	Pipeline int
	// Fewer, if set, is called when the server has refused a session that was one
	// too many, with how many it is given from now on.
	Fewer func(sessions int, refused *Error)

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
	longAuth  atomic.Bool // the server does not take an initial response
	lone      atomic.Bool // the server does not take RSET or answers out of step, so messages do not share a session

	mu sync.Mutex
	pool
	closed bool
	busy   sync.WaitGroup // calls of Submit and of expire, and replies nobody waits for
}

func (c *Client) init() {
	c.once.Do(func() {
		c.tlsConfig = &tls.Config{
			ServerName: c.Host, RootCAs: c.RootCAs, Time: c.now,
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(c.maxSessions()),
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
// MaxSessions sessions have as many messages under way as they may.
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
	large := m.Size > maxSmall
	for {
		s, err := c.session(ctx, large)
		if err != nil {
			return nil, because(ctx, err)
		}
		r, again, err := c.exchange(ctx, &transaction{s: s, e: e}, large)
		if again && ctx.Err() == nil {
			continue // see the package's doc
		}
		return r, because(ctx, err)
	}
}

// exchange sends a message over the session that it has a place on, and leaves
// that place. again says that the message is for another session.
func (c *Client) exchange(ctx context.Context, t *transaction, large bool) (r *Receipt, again bool, err error) {
	s := t.s
	through := false
	defer func() {
		if !through { // the message's reader has panicked
			s.abort()
		}
		c.leave(s, large, t)
	}()
	if s.shared {
		err = t.share(ctx)
	} else {
		stop := context.AfterFunc(ctx, s.abort)
		err = t.alone()
		if !stop() {
			s.abort() // here, so that no later message meets it
		}
	}
	through = true
	if err == errGone {
		return nil, true, context.Cause(ctx)
	}
	r, again, err = t.conclude(err)
	if t.unreset || t.misplaced {
		c.lone.Store(true)
	}
	if oneTooMany(err) && c.fewer(s, err) {
		again = true
	}
	return r, again, err
}

// Ready opens an authenticated session, unless one is warm, and keeps it warm:
// a nil error means that messages would be on their way now. Otherwise the error
// is as with Submit. It waits as Submit does.
func (c *Client) Ready(ctx context.Context) error {
	c.init()
	if !c.enter() {
		return ErrClosed
	}
	defer c.busy.Done()
	s, err := c.session(ctx, false)
	if err != nil {
		return because(ctx, err)
	}
	c.leave(s, false, nil)
	return nil
}

// Sessions returns how many sessions are open: those in use and the warm ones.
func (c *Client) Sessions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle) + len(c.inUse) + c.opening
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
