package smtp

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A Message is one envelope and the way to its body.
type Message struct {
	From string // reverse-path without brackets; "" is the null sender of a bounce
	To   []Recipient

	// UTF8 says that the header may have UTF-8 in it (RFC 6532), so that SMTPUTF8 is
	// needed even if all addresses are ASCII. It is not asked for when the header
	// turns out to be ASCII: clients exist that ask for it always, and a server on
	// the way that does not know it would refuse the message for nothing.
	UTF8 bool
	// Return is "FULL", "HDRS" or "", and EnvelopeID an identifier for delivery
	// status notifications (RFC 3461 §4.3, §4.4). They, and a Recipient's DSN
	// fields, are left out when the server does not offer DSN.
	Return     string
	EnvelopeID string

	// Size is the body's length in octets, 0 if not known. It may be inexact, and
	// what is read decides for messages that turn out small; of a large one it is
	// what the server is told, and is held against the server's limit.
	Size int64
	// Open returns the message, header and body. Line endings of any kind are sent
	// as CRLF. Submit closes the reader, and calls Open more than once when the
	// message has to be looked through first or goes over another session.
	Open func() (io.ReadCloser, error)
}

// A Recipient is one forward-path.
type Recipient struct {
	Address string // without brackets
	// Notify lists "SUCCESS", "FAILURE" and "DELAY", or is "NEVER" alone (RFC 3461 §4.1).
	Notify []string
	// OriginalRecipient is the address the sender gave, if another (RFC 3461 §4.2).
	OriginalRecipient string
}

// A Receipt tells how a message was submitted.
type Receipt struct {
	Reply   Reply    // the server's last word on the message
	Refused []*Error // one for each recipient that was refused, in the order of To

	Session    string // both ends' addresses, which tell sessions apart in logs
	DSN        bool   // the server offers DSN: it was asked for the notifications, and will send them
	Reused     bool   // over a session that was warm already
	TLS        uint16 // version as in crypto/tls, 0 for none
	RoundTrips int    // waits for the server, those of a new session's setup included, the banner not
}

// An envelope is a Message whose addresses and parameters are fit to be sent.
type envelope struct {
	*Message
	from mailbox
	to   []mailbox
	utf8 bool // cannot be sent without SMTPUTF8
}

func newEnvelope(m *Message) (*envelope, error) {
	e := &envelope{Message: m, to: make([]mailbox, len(m.To))}
	if len(m.To) == 0 {
		return nil, errors.New("the message has no recipients")
	}
	var err error
	if m.From != "" {
		if e.from, err = parseMailbox(m.From); err != nil {
			return nil, fmt.Errorf("sender: %w", err)
		}
	}
	if m.Return != "" && m.Return != "FULL" && m.Return != "HDRS" {
		return nil, fmt.Errorf("the DSN parameter RET=%q is not FULL or HDRS", m.Return)
	}
	if len(m.EnvelopeID) > 100 || !ascii(m.EnvelopeID) {
		return nil, errors.New("the DSN envelope identifier is not ASCII of at most 100 characters")
	}
	e.utf8 = e.utf8 || e.from.needsUTF8()
	for i, r := range m.To {
		if e.to[i], err = parseMailbox(r.Address); err != nil {
			return nil, fmt.Errorf("recipient: %w", err)
		}
		if err := checkNotify(r.Notify); err != nil {
			return nil, fmt.Errorf("recipient <%s>: %w", r.Address, err)
		}
		if len(r.OriginalRecipient) > 500 {
			return nil, fmt.Errorf("recipient <%s>: the original recipient is longer than 500 octets", r.Address)
		}
		e.utf8 = e.utf8 || e.to[i].needsUTF8()
	}
	return e, nil
}

func checkNotify(conditions []string) error {
	for _, n := range conditions {
		switch n {
		case "SUCCESS", "FAILURE", "DELAY":
		case "NEVER":
			if len(conditions) > 1 {
				return errors.New("the DSN condition NEVER excludes all others")
			}
		default:
			return fmt.Errorf("%q is not a DSN condition", n)
		}
	}
	return nil
}

// path writes an address as this server can read it. All of an envelope's
// addresses stay as they are if one of them needs SMTPUTF8.
func (e *envelope) path(m mailbox) (string, error) {
	if e.utf8 {
		return "<" + m.String() + ">", nil
	}
	m, err := m.inASCII()
	return "<" + m.String() + ">", err
}

// mailCommand is MAIL for a server with these extensions; size is -1 if unknown.
func (e *envelope) mailCommand(x extensions, size int64, eightBit bool) (string, error) {
	path, err := e.path(e.from)
	if err != nil {
		return "", err
	}
	b := append([]byte("MAIL FROM:"), path...)
	if x.size && size >= 0 {
		b = strconv.AppendInt(append(b, " SIZE="...), size, 10)
	}
	if eightBit {
		b = append(b, " BODY=8BITMIME"...)
	}
	if e.utf8 {
		b = append(b, " SMTPUTF8"...)
	}
	if x.dsn && e.Return != "" {
		b = append(append(b, " RET="...), e.Return...)
	}
	if x.dsn && e.EnvelopeID != "" {
		b = append(append(b, " ENVID="...), xtext(e.EnvelopeID)...)
	}
	return string(b), nil
}

// rcptCommand is RCPT for the recipient with index i.
func (e *envelope) rcptCommand(x extensions, i int) (string, error) {
	path, err := e.path(e.to[i])
	if err != nil {
		return "", err
	}
	cmd := "RCPT TO:" + path
	if !x.dsn {
		return cmd, nil
	}
	if n := e.To[i].Notify; len(n) > 0 {
		cmd += " NOTIFY=" + strings.Join(n, ",")
	}
	if o := e.To[i].OriginalRecipient; ascii(o) && o != "" {
		cmd += " ORCPT=rfc822;" + xtext(o)
	} else if o != "" {
		cmd += " ORCPT=utf-8;" + xtext(o)
	}
	return cmd, nil
}

// xtext encodes a parameter's value (RFC 3461 §4), and beyond ASCII as the
// utf-8-addr-xtext of RFC 6533 §3.
func xtext(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	utf8 := !ascii(s)
	for _, r := range s {
		switch {
		case r >= 0x80 || utf8 && (r == '\\' || r == '+' || r == '=' || r <= ' ' || r == 0x7f):
			fmt.Fprintf(&b, `\x{%02X}`, r)
		case r <= ' ' || r >= 0x7f || r == '+' || r == '=':
			b.Write([]byte{'+', hex[r>>4], hex[r&15]})
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
