package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// exchangeOptions are what a scenario or a test varies. With the zero value
// and a certificate the server keeps Exchange Online's limits, but none of its
// delays.
type exchangeOptions struct {
	// Certificate is presented after STARTTLS; it is required.
	Certificate *tls.Certificate
	// Now is the clock of replies, tokens and pacing; nil: time.Now.
	Now func() time.Time

	// RTT puts the server at a distance: replies reach the client this long
	// after it fell silent. Message.Turns is exact when RTT is well above the
	// pauses within one flight of the client; see wire.
	RTT time.Duration
	// Tarpit is the wait before each 5xx reply. Exchange Online's is 5 s.
	Tarpit time.Duration
	// RatePerMinute delays a mailbox's messages beyond this many a minute and
	// carries them over into the next; 0: unlimited. Exchange Online's is 30.
	RatePerMinute int

	MaxConnections int   // sessions of one mailbox that may submit; 0: 3
	RecipientLimit int   // per message; 0: 500
	SizeLimit      int64 // octets of a message; 0: 157286400, Google's 35882577
	AuthLineLimit  int   // octets of an AUTH command with its CRLF; 0: 16384

	NoStartTLS   bool // as after a downgrade attack
	NoPipelining bool
	NoChunking   bool
	No8BitMIME   bool // nor BINARYMIME nor SMTPUTF8, which build on it
	// Challenge334 answers a refused token as Google does, and always there: a
	// 334 with JSON, and the 535 once the client has answered that.
	Challenge334 bool
	// OldTLS offers TLS 1.0 and 1.1 and nothing later.
	OldTLS bool
	// Silent never says anything, Reset ends each connection at once: as when
	// somebody on the way drops or rejects what the server says.
	Silent, Reset bool
	// Refusal is said whatever the client does; zero: none.
	Refusal smtpRefusal
}

// maxSessions bounds the connections served at a time.
const maxSessions = 256

// exchange is an SMTP submission server (RFC 6409) that answers as the one of
// the tenant's provider does, in most cases Exchange Online's
// smtp.office365.com:587. Its methods are safe for concurrent use.
type exchange struct {
	tenant *Tenant
	check  accessChecker
	o      atomic.Pointer[exchangeOptions] // see options and change
	front  front
	google bool // the provider is Google, which has words of its own

	ctx    context.Context // done once Close is called
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	open     map[io.Closer]struct{} // listeners and connections
	sessions int                    // numbered so far
	// signedIn holds each mailbox's sessions in the order they authenticated.
	signedIn map[string][]*smtpSession
	// slots holds the times of each mailbox's latest RatePerMinute messages.
	slots map[string][]time.Time
}

// newExchange returns a server for t's mailboxes; check verifies the tokens
// that clients bring. Call Serve to start it and Close to end it.
func newExchange(t *Tenant, check accessChecker, o exchangeOptions) *exchange {
	google := t.Provider == GoogleGmail
	if google {
		// Exchange's limits of a mailbox are not Google's.
		o.RatePerMinute, o.MaxConnections, o.Challenge334 = 0, maxSessions, true
		setDefault(&o.SizeLimit, googleSize)
	}
	setDefault(&o.MaxConnections, 3)
	setDefault(&o.RecipientLimit, 500)
	setDefault(&o.SizeLimit, 157286400)
	setDefault(&o.AuthLineLimit, 16384)
	if o.Now == nil {
		o.Now = time.Now
	}
	x := &exchange{
		tenant:   t,
		check:    check,
		front:    fronts[t.Provider],
		google:   google,
		open:     map[io.Closer]struct{}{},
		signedIn: map[string][]*smtpSession{},
		slots:    map[string][]time.Time{},
	}
	x.o.Store(&o)
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// options are those in force now; nothing writes to them.
func (x *exchange) options() *exchangeOptions { return x.o.Load() }

// change replaces the options by what f makes of them, for the sessions that
// are open too.
func (x *exchange) change(f func(*exchangeOptions)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o := *x.o.Load()
	f(&o)
	x.o.Store(&o)
}

// lift ends the refusal that has this cause, if the scenario has one and, for
// causeTime, if it does not last longer than passed.
func (x *exchange) lift(why cause, passed time.Duration) {
	x.change(func(o *exchangeOptions) {
		if o.Refusal.cause == why && o.Refusal.ends <= passed {
			o.Refusal = smtpRefusal{}
		}
	})
}

// tlsConfig is for one handshake.
func (x *exchange) tlsConfig() *tls.Config {
	o := x.options()
	c := &tls.Config{
		Certificates: []tls.Certificate{*o.Certificate},
		MinVersion:   tls.VersionTLS12,
		// A resumed TLS 1.2 session would save the client a wait, and the
		// number of turns would depend on who connected before.
		SessionTicketsDisabled: true,
	}
	if o.OldTLS {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	return c
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Serve accepts connections from l, which it closes, until Close is called,
// and then returns nil. After Close it returns net.ErrClosed at once.
func (x *exchange) Serve(l net.Listener) error { return x.accept(l, false) }

// ServeTLS is Serve for clients that begin with a TLS handshake (RFC 8314
// section 3.3), as on port 465.
func (x *exchange) ServeTLS(l net.Listener) error { return x.accept(l, true) }

func (x *exchange) accept(l net.Listener, implicitTLS bool) error {
	if _, ok := x.enter(l, 0); !ok {
		l.Close()
		return net.ErrClosed
	}
	defer x.leave(l)
	for {
		conn, err := l.Accept()
		if err != nil {
			if x.ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept a connection: %w", err)
		}
		number, ok := x.enter(conn, 1)
		if !ok {
			conn.Close()
			continue
		}
		go func() {
			defer x.leave(conn)
			newSMTPSession(x, conn, number).serve(implicitTLS)
		}()
	}
}

// Close closes the listeners and the connections, and returns when every
// Serve and every session has ended.
func (x *exchange) Close() error {
	x.mu.Lock()
	x.cancel()
	for c := range x.open {
		c.Close()
	}
	x.mu.Unlock()
	x.wg.Wait()
	return nil
}

// enter registers c for Close, unless that was called, and adds its sessions
// (0 or 1), of which it returns the number.
func (x *exchange) enter(c io.Closer, sessions int) (number int, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx.Err() != nil {
		return 0, false
	}
	x.open[c] = struct{}{}
	x.wg.Add(1)
	x.sessions += sessions
	return x.sessions, true
}

func (x *exchange) leave(c io.Closer) {
	c.Close()
	x.mu.Lock()
	delete(x.open, c)
	x.mu.Unlock()
	x.wg.Done()
}

// full tells whether there are more connections than the server takes.
func (x *exchange) full() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.open) > maxSessions
}

// signIn and signOut keep account of a mailbox's authenticated sessions.
func (x *exchange) signIn(s *smtpSession) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.signedIn[s.mailbox] = append(x.signedIn[s.mailbox], s)
}

func (x *exchange) signOut(s *smtpSession) {
	x.mu.Lock()
	defer x.mu.Unlock()
	rest := slices.DeleteFunc(x.signedIn[s.mailbox], func(other *smtpSession) bool { return other == s })
	if len(rest) == 0 {
		delete(x.signedIn, s.mailbox)
		return
	}
	x.signedIn[s.mailbox] = rest
}

// crowded tells whether MaxConnections sessions that authenticated before s
// are still open.
func (x *exchange) crowded(s *smtpSession) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Index(x.signedIn[s.mailbox], s) >= x.options().MaxConnections
}

// pace waits until mailbox may submit a message again. The slot is taken before
// the wait, so that its sessions queue up.
func (x *exchange) pace(mailbox string) {
	o := x.options()
	if o.RatePerMinute == 0 {
		return
	}
	x.mu.Lock()
	now := o.Now()
	slot, taken := now, x.slots[mailbox]
	if len(taken) == o.RatePerMinute {
		if free := taken[0].Add(time.Minute); free.After(now) {
			slot = free
		}
		taken = taken[1:]
	}
	x.slots[mailbox] = append(taken, slot)
	x.mu.Unlock()
	x.wait(slot.Sub(now))
}

// exhaust takes all of mailbox's messages of this minute.
func (x *exchange) exhaust(mailbox string) {
	o := x.options()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.slots[mailbox] = slices.Repeat([]time.Time{o.Now()}, o.RatePerMinute)
}

// forgetRates begins a new minute for every mailbox. Messages that wait already
// go on waiting.
func (x *exchange) forgetRates() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.slots)
}

// wait returns after d, or once Close is called.
func (x *exchange) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-x.ctx.Done():
	}
}

// randomHex returns 2n upper-case hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return fmt.Sprintf("%X", b)
}
