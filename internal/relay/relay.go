// Package relay takes messages in: from local tools over SMTP, from files
// dropped in a folder, and from commands by [Server.Submit]. Whatever the way,
// a message passes the same checks and the same rewriting of its header, and
// is then handed to one [Accept] function. The client hears 250 only after
// that function returned without an error.
//
// The protocol is spoken by go-smtp. In front of it stands a wire, which lets
// through what go-smtp would understand differently from other mail servers:
// see wire.go.
package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Accept takes responsibility for one message. It reads body to its end and
// returns only when the message is safe; from then on the client may forget
// it. The id is told to the client.
//
// A read from body fails when the client goes away or the message is too
// large: Accept must then keep nothing. An error that is, or wraps, a *Refusal
// is told to the client as it is; any other is logged and told as 451 4.3.0,
// so that the client tries again. ctx ends when the relay has to close. Accept
// is called concurrently and must not keep m's slices or body.
type Accept func(ctx context.Context, m Message, body io.Reader) (id string, err error)

// A Message is an envelope with what was learned of the message on the way in.
// The envelope is the truth: recipients come from RCPT alone.
type Message struct {
	Client     string // who handed it over: a client's name, or a listener's or folder's
	Account    string // the account to send through
	RemoteAddr string // the client's address, "" for a folder or a command

	From         string // reverse-path after the account's policy; "" is the null sender
	OriginalFrom string // reverse-path as the client gave it
	Recipients   []Recipient
	Return       string // DSN: "FULL", "HDRS" or "" (RFC 3461 §4.3)
	EnvelopeID   string // DSN, decoded (RFC 3461 §4.4)
	SMTPUTF8     bool
	BodyType     string // "7BIT", "8BITMIME" or "" (RFC 6152)
	Size         int64  // in octets as declared, 0 if not known

	MessageID string // with its angle brackets, made here if the message had none
	Subject   string // decoded, "" if there is none
}

// A Recipient is one forward-path with its DSN parameters (RFC 3461 §4.1, §4.2).
type Recipient struct {
	Address           string
	Notify            []string // "SUCCESS", "FAILURE" and "DELAY", or "NEVER" alone
	OriginalRecipient string   // decoded, without its type
}

// A Refusal is an error with the reply that tells it to an SMTP client.
type Refusal struct {
	Code     int    // 4xx: try again later; 5xx: do not
	Enhanced [3]int // RFC 3463
	Text     string // one line
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%d %d.%d.%d %s", r.Code, r.Enhanced[0], r.Enhanced[1], r.Enhanced[2], r.Text)
}

// Temporary reports whether the same message may be taken later.
func (r *Refusal) Temporary() bool { return r.Code/100 == 4 }

// ErrFull is the refusal of an Accept function that has no room.
var ErrFull = &Refusal{452, [3]int{4, 3, 1}, "the queue has no room now; try again later"}

func refuse(code int, enhanced [3]int, format string, args ...any) *Refusal {
	return &Refusal{code, enhanced, fmt.Sprintf(format, args...)}
}

// errNotNow hides an inner error from the client; the log has it.
var errNotNow = &Refusal{451, [3]int{4, 3, 0}, "the message could not be taken now; try again later"}

// refusal returns the reply that tells err.
func refusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	return errNotNow
}
