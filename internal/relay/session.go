package relay

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// A session is what go-smtp asks about one client's commands. A new one starts
// with each connection and after STARTTLS.
type session struct {
	srv      *Server
	ctx      context.Context
	here     context.Context // ends when the connection has to make room
	wire     *wire
	meter    *meter
	listener string // its address in the configuration
	remote   netip.Addr
	secure   bool
	helo     func() string

	clientName string // signed in by password
	failures   int

	// mu guards the transaction: with BDAT, go-smtp calls Data from a goroutine
	// of its own and may call Reset meanwhile.
	mu      sync.Mutex
	open    bool
	client  *Client
	account *Account
	message Message
	held    holding // the recipients

	// running is held during Data, so that the connection's owner can wait.
	running sync.Mutex
}

func (s *session) config() *Config { return s.srv.state.Load().Config }

// who returns the client that the connection acts for. The configuration is
// asked each time: a client that was removed may send no more.
func (s *session) who() *Client {
	c := s.config()
	if s.clientName != "" {
		return c.client(s.clientName)
	}
	if l := c.listener(s.listener); l != nil {
		return c.clientAt(l, s.remote)
	}
	return nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	client := s.who()
	if client == nil {
		return reply(refuse(530, [3]int{5, 7, 0}, "%s", s.signInFirst()))
	}
	err := s.begin(client, from, opts)
	if err != nil {
		s.srv.in.seen.refused(client.Name, s.srv.in.now())
	}
	return err
}

// signInFirst says what someone who is no client has to do.
func (s *session) signInFirst() string {
	c := s.config()
	switch {
	case len(c.Clients) == 0:
		return "no client is set up here: traymail client add NAME"
	case !c.passwords():
		return "no client has a password here, and this address is in no client's networks: traymail client add NAME"
	case !s.secure && s.wire.offerTLS && !s.remote.IsLoopback():
		return "send STARTTLS first, then sign in with the user name and password of a client"
	}
	return "sign in with the user name and password of a client"
}

// begin starts a transaction.
func (s *session) begin(client *Client, from string, opts *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		return reply(refuse(503, [3]int{5, 5, 1}, "a message is being sent already"))
	}
	if from != "" {
		if err := checkAddress(from, opts.UTF8); err == errAddressUTF8 {
			return reply(refuse(550, [3]int{5, 6, 7}, "%v", err))
		} else if err != nil {
			return reply(refuse(501, [3]int{5, 1, 7}, "%v", err))
		}
	}
	account, err := s.srv.in.sender(s.config(), client, from, opts.Size)
	if err != nil {
		return reply(err)
	}
	s.open, s.client, s.account = true, client, account
	s.wire.busy.Store(true)
	s.message = Message{
		RemoteAddr: s.remote.String(), From: quoteLocal(from),
		Return: string(opts.Return), EnvelopeID: opts.EnvelopeID,
		SMTPUTF8: opts.UTF8, BodyType: string(opts.Body), Size: opts.Size,
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, opts *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, address := range []string{to, opts.OriginalRecipient} {
		if address == "" {
			continue
		}
		if err := checkAddress(address, s.message.SMTPUTF8); err == errAddressUTF8 {
			return reply(refuse(550, [3]int{5, 6, 7}, "%v", err))
		} else if err != nil {
			return reply(refuse(501, [3]int{5, 1, 3}, "%v", err))
		}
	}
	r := Recipient{Address: quoteLocal(to), OriginalRecipient: opts.OriginalRecipient}
	for _, n := range opts.Notify {
		r.Notify = append(r.Notify, string(n))
	}
	if !s.held.add(2*(len(to)+len(opts.OriginalRecipient)) + 3*fieldCost) {
		return reply(errHeld)
	}
	s.message.Recipients = append(s.message.Recipients, r)
	return nil
}

// Data implements smtp.Session. It returns an error of code 250 for a message
// that was taken, as go-smtp has no other way to tell its ID.
func (s *session) Data(r io.Reader) error {
	s.running.Lock()
	defer s.running.Unlock()
	s.mu.Lock()
	open, client, account, m := s.open, s.client, s.account, s.message
	m.Recipients = slices.Clone(m.Recipients)
	s.mu.Unlock()
	if !open {
		return reply(errNotNow)
	}
	id, err := s.srv.in.take(s.ctx, s.config(), client, account, m, origin{received: s.received(&m)}, r)
	if err != nil {
		return reply(err)
	}
	s.wire.idle.Store(0)
	s.meter.progress()
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "queued as " + printable(id)}
}

// Reset implements smtp.Session.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.message = false, Message{}
	s.held.release()
	s.wire.busy.Store(false)
}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// received returns the value of the trace field (RFC 5321 §4.4). Whether a
// client without any extension said HELO or EHLO is not known: "SMTP" is said.
func (s *session) received(m *Message) string {
	with := "SMTP"
	if s.secure || s.clientName != "" || m.BodyType != "" || m.SMTPUTF8 || m.Size > 0 {
		with = "ESMTP"
	}
	if s.secure {
		with += "S"
	}
	if s.clientName != "" {
		with += "A"
	}
	if m.SMTPUTF8 {
		with = "UTF8" + strings.TrimPrefix(with, "E")
	}
	return fmt.Sprintf("from %s ([%s])\r\n\tby %s with %s;\r\n\t%s",
		heloToken(s.helo()), s.remote, s.config().Hostname, with, s.srv.in.now().Format(time.RFC1123Z))
}

// heloToken keeps what a domain or an address literal may have.
func heloToken(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r|0x20 >= 'a' && r|0x20 <= 'z', strings.ContainsRune("-._:[]", r):
			return r
		}
		return '?'
	}, s)
	return s[:min(len(s), 255)]
}

// reply makes an error go-smtp's, which tells no other kind as it is.
func reply(err error) error {
	r := refusal(err)
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.EnhancedCode(r.Enhanced), Message: printable(r.Text)}
}
