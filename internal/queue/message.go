package queue

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"
)

// A Message is what a client handed over: the envelope and what the record
// shows of it. The body travels beside it.
//
// Messages, records and what else the queue tells about itself travel as JSON
// and back without loss; what is empty is left out.
type Message struct {
	Envelope
	Account string `json:"account"`          // account that sends; its own queue and pace
	Client  string `json:"client,omitempty"` // who handed it over; for the record
	// ReturnTo is where bounces go, when not to the envelope's sender: a forced
	// sender hides who really sent.
	ReturnTo string `json:"return_to,omitempty"`
	// MessageID and Subject are the header's, for the record and its search.
	MessageID string    `json:"message_id,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	Size      int64     `json:"size"`              // octets of the body; set by Accept
	Received  time.Time `json:"received,omitzero"` // set by Accept
}

// An Envelope is what SMTP's MAIL and RCPT said, with the parameters of RFC 3461.
type Envelope struct {
	From       string      `json:"from"` // empty: the null sender
	Recipients []Recipient `json:"recipients,omitempty"`
	UTF8       bool        `json:"utf8,omitempty"`  // SMTPUTF8 was given (RFC 6531)
	Return     string      `json:"ret,omitempty"`   // RET: "FULL", "HDRS" or empty
	EnvelopeID string      `json:"envid,omitempty"` // ENVID
}

// A Recipient is one RCPT with its NOTIFY and ORCPT parameters.
type Recipient struct {
	Address           string   `json:"address"`
	Notify            []string `json:"notify,omitempty"` // "SUCCESS", "FAILURE", "DELAY", or "NEVER" alone; nil when not given
	OriginalRecipient string   `json:"orcpt,omitempty"`  // ORCPT
}

// wants tells whether the sender wants a notice of that kind about r (RFC 3461
// section 4.1). Without NOTIFY the choice is the server's: of failures and
// delays, as all do.
func (r Recipient) wants(kind NoticeKind) bool {
	if len(r.Notify) == 0 {
		return kind != NoticeRelayed
	}
	word := map[NoticeKind]string{NoticeFailed: "FAILURE", NoticeDelayed: "DELAY", NoticeRelayed: "SUCCESS"}[kind]
	asked := false
	for _, n := range r.Notify {
		if strings.EqualFold(n, "NEVER") {
			return false
		}
		asked = asked || strings.EqualFold(n, word)
	}
	return asked
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

// isID tells whether s can be a message's ID.
func isID(s string) bool {
	b, err := idEncoding.DecodeString(s)
	return err == nil && len(b) == 10
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
