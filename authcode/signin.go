package authcode

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"
)

// exchangeTimeout bounds what follows the browser's return, retries included.
const exchangeTimeout = 2 * time.Minute

// SignIn is one browser sign-in under way. Its methods are safe for concurrent use.
type SignIn struct {
	client      *Client
	keys        *keys
	redirect    *url.URL // with the port that is listened on
	redirectURI string   // as sent
	url         string

	cancel  context.CancelCauseFunc
	claimed atomic.Bool     // an answer was accepted; there is never a second
	answers chan url.Values // that answer
	done    chan struct{}   // closed when grant and err are known
	closed  chan struct{}   // closed when the port is free again
	grant   *Grant
	err     error
}

// Start begins a sign-in: it listens at the redirect URL, and only then builds
// the address for the browser. ctx bounds the whole sign-in. It ends with Wait
// or Close; after Client.Timeout it ends by itself.
//
// The error is a *PortError when the registered port is taken, and a
// *NoListenerError when the redirect URL is not on loopback, unless
// opts.NoListener leaves it to Paste.
func (c *Client) Start(ctx context.Context, opts Options) (*SignIn, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	redirect, err := c.redirect()
	if err != nil {
		return nil, err
	}
	s := &SignIn{
		client:   c,
		keys:     newKeys(),
		redirect: redirect,
		answers:  make(chan url.Values, 1),
		done:     make(chan struct{}),
		closed:   make(chan struct{}),
	}
	var listeners []net.Listener
	if !opts.NoListener {
		if !receivable(redirect) {
			return nil, &NoListenerError{RedirectURL: c.RedirectURL}
		}
		var port string
		if listeners, port, err = listen(redirect); err != nil {
			return nil, err
		}
		redirect.Host = net.JoinHostPort(redirect.Hostname(), port)
	}
	s.redirectURI = redirect.String() // the path stays as registered: Entra compares it
	if s.url, err = c.authorizeURL(s.redirectURI, s.keys, opts); err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return nil, err
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	go s.run(ctx, newReceiver(s.visit(), listeners))
	return s, nil
}

// run owns the sign-in from the listening sockets to the outcome; Wait and Close
// wait for it.
func (s *SignIn) run(ctx context.Context, r *receiver) {
	defer close(s.closed)
	defer s.cancel(nil)
	waiting, cancel := context.WithTimeoutCause(ctx, s.client.timeout(),
		&TimeoutError{After: s.client.timeout(), ClientID: s.client.ClientID, RedirectURL: s.redirectURI})
	defer cancel()
	select {
	case params := <-s.answers:
		s.grant, s.err = s.finish(ctx, params)
	case <-waiting.Done():
		if s.err = context.Cause(waiting); !s.claimed.CompareAndSwap(false, true) {
			s.grant, s.err = s.finish(ctx, <-s.answers) // it came at the last moment
		}
	}
	close(s.done)
	r.shutdown()
}

// finish turns an accepted answer into a grant.
func (s *SignIn) finish(ctx context.Context, params url.Values) (*Grant, error) {
	if params.Has("error") {
		e := callbackRefusal(params)
		e.Username = s.client.Username
		return nil, e
	}
	bounded, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	first, err := s.client.redeemCode(bounded, Secret(params.Get("code")), s.keys.verifier, s.redirectURI)
	var g *Grant
	if err == nil {
		g, err = s.client.complete(bounded, StageExchange, first, s.keys.nonce)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // whatever broke, it broke because of this
	}
	return g, err
}

// Format writes for whom it is, for every verb; see Secret.
func (s *SignIn) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "sign-in of %v", s.client) }

// URL is the address to open in the browser. It holds no token, but whoever
// opens it takes part in this sign-in.
func (s *SignIn) URL() string { return s.url }

// Wait blocks until the sign-in has ended and its port is free. When ctx ends
// first, so does the sign-in, with ctx's cause as the error. Other errors:
// *Error, *WrongAccountError, *TimeoutError, ErrClosed.
func (s *SignIn) Wait(ctx context.Context) (*Grant, error) {
	select {
	case <-s.closed:
	case <-ctx.Done():
		s.cancel(context.Cause(ctx))
		<-s.closed
	}
	return s.grant, s.err
}

// Close ends the sign-in if it has not ended, and returns when its port is free.
func (s *SignIn) Close() error {
	s.cancel(ErrClosed)
	<-s.closed
	return nil
}

// SignIn runs a browser sign-in from start to end: open is given the address to
// open in the browser, and must return once it has tried. When it cannot, it
// either shows the address to the user and returns nil, or returns an error,
// which ends the sign-in and comes back in an *OpenError.
func (c *Client) SignIn(ctx context.Context, opts Options, open func(url string) error) (*Grant, error) {
	s, err := c.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := open(s.URL()); err != nil {
		_ = s.Close()
		return nil, &OpenError{Err: err}
	}
	return s.Wait(ctx)
}
