package queue

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"
)

// Deliver sends a message to d.Recipients and tells how it went. It is called
// for several messages at once, and returns soon after ctx ends.
type Deliver func(ctx context.Context, d *Delivery) Outcome

// A Delivery is one attempt at a message.
type Delivery struct {
	ID      string
	Message // Recipients are those to try now
	Attempt int
	// Resend says that an earlier attempt never told its end, because the
	// program or machine died: the recipients may get the message again.
	Resend bool

	queue   *Queue
	numbers []int // the recipients', in the record
	tries   []int // failed attempts of each so far
	// since is when the message began to wait: its arrival, or Release.
	since time.Time
	// overdue is when the first attempt ended that ended after the time to
	// expire; zero: there is none.
	overdue time.Time
	started time.Time
	elapsed time.Duration // of Deliver
	altered string        // what of the envelope is not as it was stored
	unread  *unread       // of an attempt
}

// Open reads the body; it may be called again. ctx bounds the reading.
func (d *Delivery) Open(ctx context.Context) (io.ReadCloser, error) {
	if x := d.queue.express.Load(); x != nil {
		if body, ok, err := x.body(d.ID); ok {
			return io.NopCloser(bytes.NewReader(body)), err
		}
	}
	body, err := d.queue.readBody(ctx, d.ID)
	if err != nil {
		d.judge(err)
		return nil, err
	}
	return judgedBody{body, d}, nil
}

// An Outcome is how an attempt ended.
type Outcome struct {
	// Results has an entry for each of Delivery.Recipients, in their order;
	// those left out are retried.
	Results    []Result
	Reply      string // the server's last reply, verbatim, or what failed before it
	Session    string // names the session in logs
	ExchangeID string // the server's own ID of the message
	// Unknown says that the server may have taken the message and its answer was
	// lost: the next attempt is marked as one that may send it twice.
	Unknown bool
	// Hold keeps the message, with the recipients that Results leaves to retry,
	// from being sent again until Release: a person must find out first whether
	// it was taken.
	Hold bool
	// Pause says that the account and not the message is in trouble: it is
	// paused, and recipients to retry have not used up an attempt.
	Pause *Pause
}

// A Pause holds up an account until a time, or until Resume when that is zero.
type Pause struct {
	// Cause is a word for programs to go by. The queue's own is PauseQuota; all
	// others are the caller's.
	Cause  string
	Reason string // for people
	Until  time.Time
	// Here says that the trouble is this machine's own: where several share the
	// queue, the others go on.
	Here bool
}

// The Causes that are no trouble: however long such a pause lasts, no message is
// given up because of it.
const (
	PauseQuota = "quota" // for the recipients of the last 24 hours
	PauseUser  = "user"  // somebody wants it
)

// A Result is how it went for one recipient. Its zero value is a retry.
type Result struct {
	Verdict Verdict
	Reply   string        // the server's, verbatim; empty: the Outcome's
	After   time.Duration // Retry: the least wait, as the server wished
	// Relayed, with Accepted, says that the server will report nothing about
	// the message, because it does not offer DSN. A sender that asked for a
	// report of success is told that much (RFC 3461 section 5.2.2).
	Relayed bool
}

// A Verdict is what becomes of a recipient.
type Verdict int

// The verdicts.
const (
	Retry    Verdict = iota // failed for now
	Accepted                // the server took it
	Refused                 // failed for good
)

// patience is how long a job waits for its turn where it is. Longer waits go
// back to River.
const patience = 70 * time.Second

// errPaused means that an account was paused when its job was on its way.
var errPaused = errors.New("the account is paused")

type worker struct {
	river.WorkerDefaults[deliverArgs]
	queue *Queue
}

// Work makes one attempt. What follows from it was recorded before it returns,
// with a job of its own when there is more to do, so River is told an error
// only to be called again.
func (w *worker) Work(ctx context.Context, job *river.Job[deliverArgs]) error {
	q := w.queue
	q.inHand.Lock()
	q.hand[job.ID] = true
	q.inHand.Unlock()
	defer func() {
		q.inHand.Lock()
		delete(q.hand, job.ID)
		q.inHand.Unlock()
	}()
	for {
		d, l, wait, err := q.beginJob(ctx, job.ID, job.Args.Message)
		switch {
		case errors.Is(err, errPaused):
			return river.JobSnooze(time.Second) // and not fetched before Resume
		case err != nil:
			q.options.Log.Error("an attempt could not begin", "id", job.Args.Message, "error", err)
			return river.JobSnooze(5 * time.Second)
		case d != nil:
			q.options.Fault("begun")
			outcome, counts := q.attempt(ctx, d)
			q.options.Fault("delivered")
			q.record(d, outcome, counts)
			q.options.Fault("recorded")
			return nil
		case wait == 0:
			return nil // no longer the message's job
		case wait > patience:
			return river.JobSnooze(wait)
		}
		if !q.awaitTurn(l, wait) {
			return river.JobSnooze(0)
		}
	}
}

// awaitTurn waits, or less when l says that there may be a turn; it returns false
// when the queue is stopping. l may be nil.
func (q *Queue) awaitTurn(l *lane, wait time.Duration) bool {
	var free chan struct{}
	if l != nil {
		free = l.free
		x := q.express.Load()
		x.mu.Lock()
		l.jobs++
		x.mu.Unlock()
		defer func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			if l.jobs--; l.jobs == 0 {
				x.dispatch(l)
			}
		}()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-free:
	case <-q.stopping:
		return false
	}
	return true
}

// attempt calls Deliver. An attempt that Shutdown cut short does not count, nor one
// for which the message could not be fetched.
func (q *Queue) attempt(ctx context.Context, d *Delivery) (o Outcome, counts bool) {
	defer func() {
		if r := recover(); r != nil {
			q.options.Log.Error("delivering a message failed", "id", d.ID, "panic", r, "stack", string(debug.Stack()))
			o, counts = Outcome{Reply: "traymail failed while it sent this message; its log has the details"}, true
		}
	}()
	begun := q.options.Now()
	defer func() { d.elapsed = q.options.Now().Sub(begun) }()
	o = d.keepBroken(q.deliver(ctx, d))
	return o, o.Pause == nil && ctx.Err() == nil && !d.unread.isUnreachable()
}

// begin notes an attempt, with its share of the pace, or tells how long to wait
// for a turn; neither when job is not the message's.
func (q *Queue) begin(ctx context.Context, job int64, id string) (d *Delivery, wait time.Duration, err error) {
	d, _, wait, err = q.beginJob(ctx, job, id)
	return d, wait, err
}

// beginJob is begin. The lane is the account's, when the express has to be told of
// who waits for a turn.
func (q *Queue) beginJob(ctx context.Context, job int64, id string) (d *Delivery, l *lane, wait time.Duration, err error) {
	var held bool
	x := q.express.Load()
	var took *Delivery // counted by the express
	var altered *Delivery
	err = q.engine.update(ctx, func(ctx context.Context, t tx) error {
		now := q.options.Now()
		d, l, wait, held, altered = nil, nil, 0, false, nil
		m := &Delivery{ID: id, queue: q, started: now, unread: &unread{}}
		var next, own, sum int64
		var state State
		err := t.row(ctx, messageColumns(`, state, next_at, job, sum`)+` WHERE id = $1`+q.engine.rowLock(), id).
			Scan(append(m.columns(), &state, &next, &own, &sum)...)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (state != Queued || own != job) {
			return nil
		}
		if err != nil {
			return err
		}
		var paused int
		err = t.row(ctx, `SELECT paused FROM mail_account WHERE name = $1`+q.engine.rowLock(), m.Account).Scan(&paused)
		if err != nil {
			return err
		}
		if held = paused > 0; held {
			// The pause may be from before River knew the queue.
			return t.setPaused(ctx, riverQueue(m.Account), true)
		}
		rest, err := q.readRest(ctx, t, m.Account)
		if held = !rest.Paused.IsZero(); held || err != nil {
			return err
		}
		if wait = moment(next).Sub(now); wait > 0 {
			return nil
		}
		pace := q.options.Pace(m.Account)
		var limit int
		var daily bool
		if x != nil {
			l, limit, wait, daily = x.takeTurn(m.Account, pace, now)
		} else {
			sent, err := readLoad(ctx, t, m.Account, pace, now)
			if err != nil {
				return err
			}
			limit, wait, daily = pace.turn(now, sent)
		}
		if wait > 0 {
			if held = daily; daily {
				reason := fmt.Sprintf("%d recipients in 24 hours are reached", pace.RecipientsPerDay)
				return q.pause(ctx, t, m.Account, Pause{Cause: PauseQuota, Reason: reason, Until: now.Add(wait)}, now)
			}
			return nil
		}
		took = m
		if err := m.readRecipients(ctx, t, stamp(now), limit); err != nil {
			return err
		}
		if m.altered = cmp.Or(m.alteredEnvelope(sum), m.alteredRecipients(sum, limit)); m.altered != "" {
			altered = m
			return q.keepAltered(ctx, t, m)
		}
		if expires := m.since.Add(q.options.Expire); !expires.After(now) {
			err := t.row(ctx, `SELECT COALESCE(min(finished), 0) FROM mail_attempt WHERE message = $1 AND finished >= $2`,
				id, stamp(expires)).Scan((*millis)(&m.overdue))
			if err != nil {
				return err
			}
		}
		m.Attempt++
		d = m
		return m.note(ctx, t)
	})
	if took != nil {
		x.tookTurn(took, err == nil && altered == nil)
	}
	if err == nil && held {
		err = errPaused
	}
	if err != nil {
		x.doubt()
		if d != nil {
			q.doubt(d)
		}
		return nil, nil, 0, err
	}
	if altered != nil {
		q.tellAltered(altered)
	}
	if d != nil {
		q.feed.publish(Event{ID: d.ID, Account: d.Account, State: Sending})
	}
	return d, l, wait, nil
}

// note records that the attempt is begun.
func (d *Delivery) note(ctx context.Context, t tx) error {
	if err := use(ctx, t, d.Account, d.started, len(d.Recipients)); err != nil {
		return err
	}
	if err := forget(ctx, t, d.Account, d.started.Add(-25*time.Hour)); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO mail_attempt (message, n, account, machine, recipients, started, resend)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, d.ID, d.Attempt, d.Account, d.queue.machine, len(d.Recipients), stamp(d.started), flag(d.Resend))
	if err != nil {
		return err
	}
	if err := enter(ctx, t, d.ID, Sending); err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE mail_message SET state = $2, attempts = $3, resend = 0 WHERE id = $1`, d.ID, Sending, d.Attempt)
	return err
}

// messageColumns selects what columns scans, and more.
func messageColumns(more string) string {
	return `SELECT account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, waits_from, attempts, resend` + more + ` FROM mail_message`
}

func (d *Delivery) columns() []any {
	return []any{&d.Account, &d.Client, &d.MessageID, &d.Subject, &d.From, (*bit)(&d.UTF8), &d.Return, &d.EnvelopeID,
		&d.ReturnTo, &d.Size, (*millis)(&d.Received), (*millis)(&d.since), &d.Attempt, (*bit)(&d.Resend)}
}

// readRecipients fills in those that are due.
func (d *Delivery) readRecipients(ctx context.Context, t querier, due int64, limit int) error {
	r, err := t.query(ctx, `SELECT n, address, notify, orcpt, attempts, sum FROM mail_recipient
		WHERE message = $1 AND state = $2 AND next_at <= $3 ORDER BY n LIMIT $4`, d.ID, Queued, due, limit)
	if err != nil {
		return err
	}
	defer r.close()
	for r.Next() {
		var n, tries int
		var rcpt Recipient
		var notify string
		var sum int64
		if err := r.Scan(&n, &rcpt.Address, &notify, &rcpt.OriginalRecipient, &tries, &sum); err != nil {
			return err
		}
		if sum != noSum && sum != recipientSum(d.ID, n, rcpt.Address, notify, rcpt.OriginalRecipient) {
			d.altered = "a recipient's address"
		}
		rcpt.Notify = notifyList(notify)
		d.Recipients = append(d.Recipients, rcpt)
		d.numbers = append(d.numbers, n)
		d.tries = append(d.tries, tries)
	}
	return r.Err()
}

func notifyList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
