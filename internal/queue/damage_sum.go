package queue

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"sync/atomic"
)

// SQLite keeps no sums of what it stores: an octet that a disk or a memory has
// altered in a text or a body is read like any other. So what is sent has sums of
// its own, -1 where there is none because an earlier version wrote it.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// noSum is the sum of what has none.
const noSum = -1

func chunkSum(id string, n int, data []byte) int64 {
	return int64(crc32.Update(fieldSum(id, strconv.Itoa(n)), castagnoli, data))
}

// envelopeSum is of what a delivery uses of a message's row, and tells how many
// recipients there are.
func envelopeSum(id string, m *Message, recipients int) int64 {
	sum := fieldSum(id, m.Account, m.From, strconv.FormatBool(m.UTF8), m.Return, m.EnvelopeID, m.ReturnTo, strconv.FormatInt(m.Size, 10), strconv.Itoa(recipients))
	return int64(recipients)<<32 | int64(sum)
}

// recipientsOf is the number of recipients that a sum tells; ok is false without.
func recipientsOf(sum int64) (n int, ok bool) { return int(sum >> 32), sum >= 0 }

func recipientSum(id string, n int, address, notify, orcpt string) int64 {
	return int64(fieldSum(id, strconv.Itoa(n), address, notify, orcpt))
}

func fieldSum(fields ...string) (sum uint32) {
	for _, f := range fields {
		sum = crc32.Update(sum, castagnoli, []byte(f))
		sum = crc32.Update(sum, castagnoli, []byte{0}) // which is in no text here
	}
	return sum
}

// alteredEnvelope says what of a message's row is not as it was written.
func (d *Delivery) alteredEnvelope(sum int64) string {
	if n, told := recipientsOf(sum); told && envelopeSum(d.ID, &d.Message, n) != sum {
		return "the envelope"
	}
	return ""
}

// alteredRecipients is for the first attempt, with all recipients up to a limit:
// one whose row is gone is missed by nobody else.
func (d *Delivery) alteredRecipients(sum int64, limit int) string {
	if n, told := recipientsOf(sum); told && d.Attempt == 0 && len(d.Recipients) < min(n, limit) {
		return "a part of the recipients"
	}
	return d.altered
}

// keepAltered holds a message whose envelope is not as it was written.
func (q *Queue) keepAltered(ctx context.Context, t tx, d *Delivery) error {
	if err := enter(ctx, t, d.ID, Held); err != nil {
		return err
	}
	return holdDamaged(ctx, t, d.ID, d.altered)
}

// tellAltered logs of what keepAltered did.
func (q *Queue) tellAltered(d *Delivery) {
	q.options.Log.Error("a message is held, because it is not as it was when it was stored: the disk or the memory may be failing", "id", d.ID, "account", d.Account, "altered", d.altered)
	q.feed.publish(Event{ID: d.ID, Account: d.Account, State: Held})
}

// errAltered is of a body whose octets are not those that were stored.
var errAltered = errors.New("the message is not as it was when it was stored, because the queue's file was altered")

// A judgedBody notes for a delivery that its body cannot be sent.
type judgedBody struct {
	io.ReadCloser
	d *Delivery
}

func (r judgedBody) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.d.judge(err)
	return n, err
}

// unread is why an attempt's body could not be read whole.
type unread struct {
	broken      atomic.Bool // it is not there as it was stored
	unreachable atomic.Bool // the database was not
}

func (u *unread) isBroken() bool      { return u != nil && u.broken.Load() }
func (u *unread) isUnreachable() bool { return u != nil && u.unreachable.Load() }

// judge notes what an error says of the body.
func (d *Delivery) judge(err error) {
	switch {
	case err == nil || err == io.EOF || d.unread == nil: // the last: it is no attempt
	case errors.Is(err, errAltered) || errors.Is(err, ErrBodyGone):
		d.unread.broken.Store(true)
	case !d.queue.alone() && errors.Is(explainPostgres(err), ErrUnreachable):
		d.unread.unreachable.Store(true)
	}
}

// keepBroken turns the outcome of an attempt whose body could not be read whole
// into one that holds the message: another attempt would end the same way.
func (d *Delivery) keepBroken(o Outcome) Outcome {
	if !d.unread.isBroken() {
		return o
	}
	for i, r := range o.Results {
		if r.Verdict != Accepted {
			o.Results[i] = Result{}
		}
	}
	d.queue.options.Log.Error("a message is held, because its body is not as it was when it was stored: the disk or the memory may be failing", "id", d.ID, "account", d.Account)
	o.Hold, o.Pause = true, nil
	o.Reply = fmt.Sprintf("held, because %s: take it out and have it sent again", errAltered)
	return o
}
