package queue

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"
)

// A Message is what a client handed over: the envelope and what the record
// shows of it. The body travels beside it.
type Message struct {
	Envelope
	Account string // account that sends; its own queue and pace
	Client  string // who handed it over; for the record
	// MessageID and Subject are the header's, for the record and its search.
	MessageID string
	Subject   string
	Size      int64     // octets of the body; set by Accept
	Received  time.Time // set by Accept
}

// An Envelope is what SMTP's MAIL and RCPT said, with the parameters of RFC 3461.
type Envelope struct {
	From       string // empty: the null sender
	Recipients []Recipient
	UTF8       bool   // SMTPUTF8 was given (RFC 6531)
	Return     string // RET: "FULL", "HDRS" or empty
	EnvelopeID string // ENVID
}

// A Recipient is one RCPT with its NOTIFY and ORCPT parameters.
type Recipient struct {
	Address           string
	Notify            []string // "SUCCESS", "FAILURE", "DELAY", or "NEVER" alone; nil when not given
	OriginalRecipient string   // ORCPT
}

// A State is where a message or recipient stands.
type State string

// The states of a message. A recipient is queued, delivered or failed.
const (
	Queued    State = "queued"    // waits for its turn, or for the next attempt
	Sending   State = "sending"   // an attempt is under way
	Held      State = "held"      // waits for Release
	Delivered State = "delivered" // every recipient was taken by the server
	Failed    State = "failed"    // finished, and at least one recipient was refused or expired
	Removed   State = "removed"   // taken out by Remove
)

var idEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// newID names a message: sixteen characters that sort by the time given.
func newID(now time.Time) string {
	var b [10]byte
	for i, ms := 5, now.UnixMilli(); i >= 0; i, ms = i-1, ms>>8 {
		b[i] = byte(ms)
	}
	rand.Read(b[6:])
	return idEncoding.EncodeToString(b[:])
}

// clean makes outside text storable: PostgreSQL takes neither NUL nor broken
// UTF-8 in text, and a header or a server's reply may hold both.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// stamp and moment turn times to and from their stored form, milliseconds since
// 1970, where 0 is the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
