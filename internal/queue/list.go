package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Summary is a message as a list shows it.
type Summary struct {
	ID          string    `json:"id"`
	Message               // without Recipients
	State       State     `json:"state"`
	Next        time.Time `json:"next,omitzero"` // Queued: when the next attempt is due
	Finished    time.Time `json:"finished,omitzero"`
	LastAttempt int       `json:"last_attempt,omitempty"`
	// Unknown, of what is Held, says that the last attempt may have sent it: a
	// person must find out before Release.
	Unknown bool `json:"unknown,omitempty"`
}

// A Record is all that is known of a message. Its recipients stand in Recipients
// alone, which hides the envelope's, in JSON too.
type Record struct {
	Summary
	Recipients []RecipientRecord `json:"recipients"`
	Attempts   []Attempt         `json:"attempts,omitempty"`
}

// A RecipientRecord is where one recipient stands.
type RecipientRecord struct {
	Recipient
	State State     `json:"state"`           // Queued, Delivered or Failed
	Reply string    `json:"reply,omitempty"` // the last one, verbatim
	Next  time.Time `json:"next,omitzero"`   // Queued: when the next attempt is due
	Tries int       `json:"tries,omitempty"` // attempts that failed for now
}

// An Attempt is one line of the record.
type Attempt struct {
	ID         string `json:"id"` // the message's
	N          int    `json:"n"`
	Account    string `json:"account"`
	Machine    string `json:"machine"`
	Recipients int    `json:"recipients"`
	// Started is when the attempt was noted as begun, and Finished when its end
	// was: zero while it is in flight. Both are of the machine's wall clock.
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	// Elapsed is how long Deliver took, whatever happened to the wall clock, in
	// whole milliseconds; zero when the program or machine died.
	Elapsed time.Duration `json:"elapsed_ns,omitempty"`
	// Resend says that the attempt before it never told its end.
	Resend bool `json:"resend,omitempty"`
	// Outcome is delivered, refused, retry, partly, paused, held when the server may
	// have taken the message and a person must find out, or unknown when the program
	// or machine died before the end was recorded.
	Outcome    string `json:"outcome,omitempty"`
	Reply      string `json:"reply,omitempty"`
	Session    string `json:"session,omitempty"`
	ExchangeID string `json:"exchange_id,omitempty"`
}

const summaryColumns = `SELECT id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received,
	state, next_at, finished, attempts, CASE WHEN state = 'held' THEN resend ELSE 0 END FROM mail_message`

func (s *Summary) columns() []any {
	return []any{&s.ID, &s.Account, &s.Client, &s.MessageID, &s.Subject, &s.From, (*bit)(&s.UTF8), &s.Return, &s.EnvelopeID,
		&s.ReturnTo, &s.Size, (*millis)(&s.Received), &s.State, (*millis)(&s.Next), (*millis)(&s.Finished), &s.LastAttempt, (*bit)(&s.Unknown)}
}

// Get returns a message's whole record, or ErrNotFound.
func (q *Queue) Get(ctx context.Context, id string) (*Record, error) {
	if err := q.caughtUp(ctx, clean(id)); err != nil {
		return nil, err
	}
	v := q.engine.view()
	rec := &Record{}
	err := v.row(ctx, summaryColumns+` WHERE id = $1`, clean(id)).Scan(rec.Summary.columns()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	if err != nil {
		return nil, err
	}
	r, err := v.query(ctx, `SELECT address, notify, orcpt, state, reply, next_at, attempts FROM mail_recipient WHERE message = $1 ORDER BY n`, id)
	if err != nil {
		return nil, err
	}
	defer r.close()
	for r.Next() {
		var p RecipientRecord
		var notify string
		if err := r.Scan(&p.Address, &notify, &p.OriginalRecipient, &p.State, &p.Reply, (*millis)(&p.Next), &p.Tries); err != nil {
			return nil, err
		}
		p.Notify = notifyList(notify)
		if rec.State == Held {
			p.Next = time.Time{} // nothing is due before Release
		}
		rec.Recipients = append(rec.Recipients, p)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	r.close()
	rec.Attempts, err = attempts(ctx, v, ` WHERE message = $1 ORDER BY n`, id)
	return rec, err
}

func attempts(ctx context.Context, v querier, rest string, args ...any) ([]Attempt, error) {
	r, err := v.query(ctx, `SELECT message, n, account, machine, recipients, started, finished, elapsed, resend, outcome, reply, session, exchange_id
		FROM mail_attempt`+rest, args...)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var list []Attempt
	for r.Next() {
		var a Attempt
		var elapsed int64
		err := r.Scan(&a.ID, &a.N, &a.Account, &a.Machine, &a.Recipients, (*millis)(&a.Started), (*millis)(&a.Finished),
			&elapsed, (*bit)(&a.Resend), &a.Outcome, &a.Reply, &a.Session, &a.ExchangeID)
		if err != nil {
			return nil, err
		}
		a.Elapsed = time.Duration(elapsed) * time.Millisecond
		list = append(list, a)
	}
	return list, r.Err()
}

// Log lists attempts that ended, oldest first, beginning behind the attempt
// given: its Finished, ID and N are the place, and one with Finished alone is a
// time to begin at. It is for following the log; Subscribe tells when to ask.
// None comes before a place once that was read, unless the clock is set back, or
// two machines' clocks differ, by more than an hour.
func (q *Queue) Log(ctx context.Context, after Attempt, limit int) ([]Attempt, error) {
	if limit <= 0 {
		limit = 100
	}
	if err := q.caughtUp(ctx, ""); err != nil {
		return nil, err
	}
	return attempts(ctx, q.engine.view(), ` WHERE finished > 0 AND (finished, message, n) > ($1, $2, $3)
		ORDER BY finished, message, n LIMIT $4`, stamp(after.Finished), clean(after.ID), after.N, limit)
}

// ErrBodyGone means that a message's body was removed after its end, or while it
// was read.
var ErrBodyGone = errors.New("the message's body is no longer kept")

// Body reads a message's body as it was accepted, in pieces. ctx bounds the
// reading; closing is free.
func (q *Queue) Body(ctx context.Context, id string) (io.ReadCloser, error) {
	if err := q.caughtUp(ctx, clean(id)); err != nil {
		return nil, err
	}
	return q.readBody(ctx, id)
}

// readBody reads from the tables.
func (q *Queue) readBody(ctx context.Context, id string) (io.ReadCloser, error) {
	var kept bool
	var size int64
	err := q.engine.view().row(ctx, `SELECT body, size FROM mail_message WHERE id = $1`, clean(id)).Scan((*bit)(&kept), &size)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("%w: %q", ErrNotFound, id)
	case err != nil:
		return nil, err
	case !kept:
		return nil, ErrBodyGone
	}
	return &bodyReader{ctx: ctx, view: q.engine.view(), id: id, left: size}, nil
}

type bodyReader struct {
	ctx  context.Context
	view querier
	id   string
	next int
	rest []byte
	left int64 // octets that are not read yet
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	if len(b.rest) == 0 {
		var sum int64
		err := b.view.row(b.ctx, `SELECT data, sum FROM mail_chunk WHERE message = $1 AND n = $2`, b.id, b.next).Scan(&b.rest, &sum)
		if errors.Is(err, sql.ErrNoRows) {
			// Not the end, or half a message would be sent as a whole one.
			return 0, fmt.Errorf("%w: %d octets of it were not read yet", ErrBodyGone, b.left)
		}
		if err != nil {
			return 0, fmt.Errorf("read the message from the queue: %w", err)
		}
		if sum != noSum && sum != chunkSum(b.id, b.next, b.rest) {
			b.rest = nil
			return 0, errAltered
		}
		b.next++
	}
	n := copy(p, b.rest)
	b.rest, b.left = b.rest[n:], b.left-int64(n)
	return n, nil
}

func (b *bodyReader) Close() error { return nil }
