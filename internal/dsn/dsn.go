// Package dsn writes delivery status notifications: the messages that tell a
// sender that a message was refused (a bounce), is late, or was passed on.
//
// They have the form of RFC 3464 in a multipart/report (RFC 6522): plain words,
// fields for programs, and the message that it is about or its header. What
// the sender asked for with RFC 3461 is respected, addresses beyond ASCII are
// written as RFC 6533 says, and the notice is marked as RFC 3834 wants, so that
// no machine answers it.
//
// Everything in a notice but a few words comes from outside: from the client,
// its message, or the server's reply. Whatever it holds, a notice has CRLF line
// endings only, no line above 998 octets, no NUL, no header field that is not
// this package's own, and three parts, or two when there is no message to return.
package dsn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"time"
)

// A Kind is what a notice tells.
type Kind int

// The kinds of notice. RFC 3464 §2.3.3 calls them actions.
const (
	Failed  Kind = iota // refused, or given up
	Delayed             // not delivered yet, and tried again
	Relayed             // taken by a server that may send no notices of its own
)

// A Report is one notice, to one sender, on one message. It is only read by
// this package. The notice is to be sent with the null sender, MAIL FROM:<>, so
// that it never causes another one (RFC 5321 §4.5.5), and with SMTPUTF8 when
// From or To goes beyond ASCII.
type Report struct {
	Kind         Kind
	ReportingMTA string // name of the host that writes the notice
	// From and To are addresses in SMTP's form, the local part in quotes when it
	// needs them: where notices come from, and the sender of the message.
	From, To  string
	MessageID string    // of the notice, with its angle brackets
	Date      time.Time // of the notice

	Arrival    time.Time // when the message was taken from the client
	Account    string    // which was to send it; may be empty
	EnvelopeID string    // ENVID, decoded; empty if not given
	Expires    time.Time // for Delayed: until when it is tried again; zero if not known
	Recipients []Recipient

	OriginalMessageID string // of the message, with or without angle brackets; may be empty
	OriginalSubject   string // of the message, decoded; may be empty

	// Original opens the message: its header, an empty line and its body. It is
	// called up to twice, one after the other: a message that is returned whole is
	// first read to learn its size and whether it has 8-bit text. Nil if it is gone.
	Original func() (io.ReadCloser, error)
	// Return is RET: "FULL", "HDRS", or empty when the sender left it open, which
	// is taken for HDRS: people read what went wrong, and programs need no more
	// than the header to know the message. Only a Failed notice ever returns the
	// whole message (RFC 3461 §4.3, for both).
	Return string
	// MaxOriginal is the size in octets above which a message is not returned
	// whole but its header alone. Zero is no limit.
	MaxOriginal int64
}

// A Recipient is one whom the notice is about.
type Recipient struct {
	Address  string // in SMTP's form
	Original string // ORCPT, decoded and without its type; empty if not given
	// Reply is the server's reply as it came, with its code and all its lines, or
	// what happened instead when no server replied.
	Reply string
	// Status is an enhanced status code (RFC 3463). One that the kind of notice
	// cannot have, and the empty one, is replaced by that of Reply, or by x.0.0.
	Status      string
	RemoteMTA   string    // name of the server that gave Reply; empty if none did
	LastAttempt time.Time // zero if there was none
	Fix         string    // what an administrator can do; may be empty
}

// Open starts a notice, which is then read piece by piece: its size does not
// matter to memory. The reader gives back Original's by itself once it was read
// to its end or failed, and otherwise by Close; neither is safe for concurrent
// use. An error of Open means that a field is wrong, or that Original or its reader
// failed, which is then wrapped; with Original nil there is a notice all the same.
func (r *Report) Open() (io.ReadCloser, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("the delivery notice to %q cannot be written: %w", r.To, err)
	}
	part, err := r.returned()
	if err != nil {
		return nil, fmt.Errorf("the delivery notice to %q cannot be written: the message it is about cannot be read: %w", r.To, err)
	}
	text, encoding := encodeText(r.text(part.what))
	status := r.status()

	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	r.writeHeader(&b, w.Boundary(), eightBit(status) || part.eightBit)
	writePart(w, "text/plain; charset=utf-8", "Notification", encoding, text)
	writePart(w, r.statusType(), "Delivery report", bitness(eightBit(status)), status)
	if part.what != nothing {
		writePart(w, part.contentType, part.what.description(), bitness(part.eightBit), nil)
	}
	head := b.Len()
	w.Close() // cannot fail, as no write to b can
	return &notice{
		Reader:   io.MultiReader(bytes.NewReader(b.Bytes()[:head]), part, bytes.NewReader(b.Bytes()[head:])),
		original: part,
	}, nil
}

// check reports the first field without which there can be no notice.
func (r *Report) check() error {
	switch {
	case r.Kind < Failed || r.Kind > Relayed:
		return fmt.Errorf("there is no kind %d", r.Kind)
	case !isMailbox(r.To):
		return errors.New("that is no address")
	case !isMailbox(r.From):
		return fmt.Errorf("it would come from %q, which is no address", r.From)
	case !isHost(r.ReportingMTA):
		return fmt.Errorf("the name of this host, %q, is not a host name", r.ReportingMTA)
	case !isMessageID(r.MessageID):
		return fmt.Errorf("its Message-ID would be %q, which is none", r.MessageID)
	case r.Date.IsZero():
		return errors.New("it has no date")
	case len(r.Recipients) == 0:
		return errors.New("it is about no recipient")
	}
	return nil
}

// writePart adds a part, or its beginning: what is written to b afterwards
// belongs to it until the next one.
func writePart(w *multipart.Writer, contentType, description, encoding string, body []byte) {
	part, _ := w.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {contentType},
		"Content-Description":       {description},
		"Content-Transfer-Encoding": {encoding},
	})
	part.Write(body)
}

// encodeText makes text fit for any server: as it is when it is ASCII, else as
// quoted-printable.
func encodeText(text []byte) (encoded []byte, encoding string) {
	if !eightBit(text) {
		return text, "7bit"
	}
	var b bytes.Buffer
	q := quotedprintable.NewWriter(&b)
	q.Write(text)
	q.Close()
	return b.Bytes(), "quoted-printable"
}

func eightBit(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

func bitness(eightBit bool) string {
	if eightBit {
		return "8bit"
	}
	return "7bit"
}

// A notice is a notice being read.
type notice struct {
	io.Reader
	original io.Closer
}

func (n *notice) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if err != nil {
		n.original.Close()
	}
	return k, err
}

// Close gives the original back. A second one does nothing.
func (n *notice) Close() error {
	n.Reader = closed{fs.ErrClosed}
	return n.original.Close()
}
