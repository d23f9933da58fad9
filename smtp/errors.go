package smtp

import (
	"errors"
	"fmt"
	"strings"
)

// ErrClosed is returned by Submit after Close.
var ErrClosed = errors.New("the SMTP client is closed")

// Steps at which a submission can fail, as an Error's Op tells them.
const (
	OpMessage  = "message" // refused before anything was sent
	OpRead     = "read"    // the message's own reader failed
	OpDial     = "dial"
	OpGreeting = "greeting"
	OpEHLO     = "EHLO"
	OpSTARTTLS = "STARTTLS"
	OpTLS      = "TLS"
	OpAUTH     = "AUTH"
	OpMAIL     = "MAIL"
	OpRCPT     = "RCPT"
	OpDATA     = "DATA"
	OpBDAT     = "BDAT"
)

// An Error tells why a message was not submitted, or, in Receipt.Refused, why
// one recipient was not.
type Error struct {
	Op        string // one of the Op constants
	Server    string // host:port
	Code      int    // the server's reply code, 0 if there was no reply
	Enhanced  string // RFC 3463 code, "" if none
	Text      string // the server's whole text, as in Reply
	Recipient string // for RCPT, the recipient
	// Unknown says that the message was sent completely and the answer never
	// came: the server may have accepted it, and sending it again may double it.
	// Such an error is neither temporary nor permanent: look at this field first.
	Unknown bool
	Err     error // the cause, when it is not, or not only, a reply
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Unknown {
		b.WriteString("outcome unknown, the message may have been accepted: ")
	}
	switch {
	case e.Op == OpMessage || e.Op == OpRead:
		return "the message cannot be sent: " + e.Err.Error()
	case e.Code != 0 && e.Recipient != "":
		fmt.Fprintf(&b, "%s refused the recipient <%s>", e.Server, e.Recipient)
	case e.Code != 0:
		fmt.Fprintf(&b, "%s refused %s", e.Server, e.step())
	case e.Op == OpDial:
		fmt.Fprintf(&b, "no connection to %s", e.Server)
	default:
		fmt.Fprintf(&b, "%s at %s", e.Server, e.step())
	}
	if e.Code != 0 {
		b.WriteString(": " + Reply{Code: e.Code, Text: e.Text}.String())
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) step() string {
	switch e.Op {
	case OpGreeting:
		return "the connection"
	case OpMAIL:
		return "the sender (MAIL)"
	case OpDATA, OpBDAT:
		return "the message (" + e.Op + ")"
	}
	return e.Op
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same submission may succeed later without
// anybody changing anything: 4xx replies, lost connections. It is false if the
// outcome is Unknown, since the first submission may have succeeded.
func (e *Error) Temporary() bool {
	switch {
	case e.Unknown:
		return false
	case e.Code != 0:
		return e.Code/100 == 4
	case e.Op == OpMessage:
		return false
	}
	var p *permanentError
	return !errors.As(e.Err, &p)
}

// Connection reports whether the session is to blame and not the message: any
// other message would have met the same. That includes 432, by which Exchange
// says that too many sessions send at once. The session is closed then.
func (e *Error) Connection() bool {
	switch e.Op {
	case OpMessage, OpRead:
		return false
	case OpMAIL, OpRCPT, OpDATA, OpBDAT:
		return e.Code == 0 || e.Code == 421 || e.Code == 432 || e.Code == 530
	}
	return true
}

// A permanentError is a trouble that waiting does not mend, such as a
// certificate for another name.
type permanentError struct{ error }

func permanent(err error) error { return &permanentError{err} }

func (p *permanentError) Unwrap() error { return p.error }
