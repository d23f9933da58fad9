package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// intake is the way that every message takes, from wherever it comes.
type intake struct {
	accept Accept
	log    *slog.Logger
	now    func() time.Time
	paces  *paces
	seen   *seen
	held   atomic.Int64 // octets of all holdings
}

// An origin is what is known of a message's way here.
type origin struct {
	received string // the value of the Received field, "" for none
	unique   string // for a Message-ID if there is none, "" for a random one
	hostname string // the relay's
}

// sender checks who sends, before there is a message, and returns the account.
func (in *intake) sender(c *Config, client *Client, from string, size int64) (*Account, error) {
	if from != "" && !client.maySend(from) {
		return nil, refuse(550, [3]int{5, 7, 1}, "client %q may not send as <%s>", client.Name, printable(from))
	}
	a := c.account(client, from)
	if a == nil {
		return nil, refuse(550, [3]int{5, 7, 1}, "no account sends for <%s>; add one, or name a default account", printable(from))
	}
	if limit := c.maxSize(client, a); size > limit {
		return nil, tooLarge(limit)
	}
	return a, nil
}

func tooLarge(limit int64) *Refusal {
	return refuse(552, [3]int{5, 3, 4}, "the message is larger than the %d octets that are accepted", limit)
}

// take rewrites a message and hands it to the accept function. The error is a
// *Refusal always. m.From is still what the client gave.
func (in *intake) take(ctx context.Context, c *Config, client *Client, a *Account, m Message, o origin, r io.Reader) (string, error) {
	m.Client, m.Account, m.OriginalFrom = client.Name, a.Name, m.From
	o.hostname = c.Hostname
	body := &body{r: &withoutNUL{r}, left: c.maxSize(client, a), limit: c.maxSize(client, a)}
	id, err := in.hand(ctx, client, a, &m, o, body)
	// The accept function may have hidden why the message came to an end.
	if body.err != nil && body.err != io.EOF {
		err = body.err
	}
	log := in.log.With("client", m.Client, "remote", m.RemoteAddr, "account", m.Account, "from", m.OriginalFrom,
		"recipients", len(m.Recipients), "message_id", m.MessageID)
	if err != nil {
		reply := refusal(err)
		in.seen.refused(client.Name, in.now())
		log.Warn("message not taken", "reply", reply.Error(), "err", err)
		return "", reply
	}
	in.seen.took(client.Name, in.now())
	log.Info("message taken", "id", id, "size", body.limit-body.left)
	return id, nil
}

func (in *intake) hand(ctx context.Context, client *Client, a *Account, m *Message, o origin, b *body) (id string, err error) {
	done, ok := in.paces.reserve(client, in.now())
	if !ok {
		return "", refuse(450, [3]int{4, 7, 1}, "client %q may send %d messages a minute; try again in a minute", client.Name, client.PerMinute)
	}
	taken := false
	defer func() { done(taken, in.now()) }()
	lines := lineReaders.Get().(*lineReader)
	defer lines.giveBack()
	br := lines.read(b)
	held := &holding{all: &in.held}
	defer held.release()
	h, start, err := readHeader(br, held)
	if err != nil {
		return "", err
	}
	rw := rewriting{account: a, client: client, origin: o, now: in.now()}
	if err := rw.apply(&h, m); err != nil {
		return "", err
	}
	id, err = in.accept(ctx, *m, io.MultiReader(bytes.NewReader(h.bytes()), bytes.NewReader(start), br))
	taken = err == nil
	return id, err
}

var errNUL = refuse(554, [3]int{5, 6, 0}, "the message has a NUL octet, which mail must not have; it has to be encoded (base64), and text has to be UTF-8, not UTF-16")

// withoutNUL reads a message that has no NUL (RFC 5321 §4.5.2, RFC 5322 §4).
// BINARYMIME, which could carry one, is not offered.
type withoutNUL struct{ r io.Reader }

func (w *withoutNUL) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if bytes.IndexByte(p[:n], 0) >= 0 {
		return 0, errNUL
	}
	return n, err
}

// body counts a message and remembers how reading it ended.
type body struct {
	r           io.Reader
	left, limit int64
	err         error
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		err = tooLarge(b.limit)
	case err != nil && err != io.EOF && err != errNUL:
		err = &aborted{err}
	}
	b.err = err
	return n, err
}

// aborted is a message that its client did not finish.
type aborted struct{ err error }

func (a *aborted) Error() string { return "the client did not finish the message: " + a.err.Error() }
func (a *aborted) Unwrap() error { return errors.Join(a.err, errNotNow) }
