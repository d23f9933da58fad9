package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// verdict is what the record will say of one recipient.
type verdict struct {
	RecipientRecord
	n       int // in the message
	tries   int
	relayed bool
}

// settle turns an outcome into the record's words. It is a pure function but
// for the jitter. counts tells whether a retry uses up an attempt.
func (o *Options) settle(d *Delivery, out Outcome, counts bool, now time.Time) []verdict {
	verdicts := make([]verdict, len(d.Recipients))
	for i, rcpt := range d.Recipients {
		var r Result
		if i < len(out.Results) {
			r = out.Results[i]
		}
		if r.Reply == "" {
			r.Reply = out.Reply
		}
		v := verdict{n: d.numbers[i], tries: d.tries[i]}
		v.Recipient, v.State, v.Reply, v.Next = rcpt, Queued, clean(r.Reply), now.Add(r.After)
		switch {
		case r.Verdict == Accepted:
			v.State, v.relayed = Delivered, r.Relayed
		case r.Verdict == Refused:
			v.State = Failed
		case counts:
			v.tries++
			v.Next = now.Add(o.retryAfter(v.tries, r.After))
			if out.Hold {
				break // it may have been sent, and does not expire while it is held
			}
			if now.Sub(d.since) >= o.Expire {
				v.State = Failed
				v.Reply = o.expired(v.Reply)
			}
		case out.Pause != nil && !d.overdue.IsZero() && now.Sub(d.overdue) >= o.troubled():
			// The account was in trouble then as now.
			v.State = Failed
			v.Reply = o.expired(cmp.Or(v.Reply, out.Pause.Reason))
		}
		if v.State != Queued {
			v.Next = time.Time{}
		}
		verdicts[i] = v
	}
	return verdicts
}

// troubled is how long an account's trouble must last to be the reason that its
// messages expire. A machine may have been off until their time was up.
func (o *Options) troubled() time.Duration { return min(o.DelayNotice, o.Expire) }

func (o *Options) expired(last string) string {
	said := fmt.Sprintf("not delivered within %s", spoken(o.Expire))
	if last == "" {
		return said
	}
	return said + "; last: " + last
}

// spoken is a duration in its largest whole unit.
func spoken(d time.Duration) string {
	switch day := 24 * time.Hour; {
	case d >= 2*day && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return d.String()
	}
}

// record writes down how an attempt ended, in one transaction with what follows
// from it. It does not give up before Shutdown: until it is written, the message
// counts as in flight, and a record that is lost is a message sent twice.
func (q *Queue) record(d *Delivery, out Outcome, counts bool) {
	ctx := context.Background() // also when Shutdown has lost patience
	verdicts := q.options.settle(d, out, counts, q.options.Now())
	kinds := []NoticeKind{NoticeFailed, NoticeRelayed}
	if out.Hold {
		kinds = append(kinds, NoticeDelayed)
	}
	var bounces []*staged
	for try, ready, last := 1, false, false; ; try++ {
		var state State
		var err error
		if !ready {
			bounces, err = q.bounces(ctx, d, verdicts, try < bounceTries, kinds...)
			ready = err == nil
		}
		if ready {
			state, err = q.conclude(ctx, d, verdicts, &out, bounces)
		}
		if err == nil {
			q.feed.publish(Event{ID: d.ID, Account: d.Account, State: state})
			q.express.Load().landed(d, missed(verdicts, out.Unknown))
			if out.Pause != nil {
				q.look()
			}
			for _, b := range bounces {
				q.settled(b)
			}
			if state == Delivered || state == Failed {
				q.dropBody(ctx, d.ID)
			}
			return
		}
		if errors.Is(err, errSwept) {
			q.abandonAll(bounces, err) // they are written anew
			ready = false
		}
		q.options.Log.Error("an attempt is not recorded", "id", d.ID, "given up", last, "error", err)
		if last {
			return // the next start takes it for cut short, and repeats it
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-q.stopping:
			timer.Stop()
			last = true
		}
	}
}

// missed are the recipients that did not get the message, as far as is known: where
// the server's answer was lost, those that it may have taken count for the day.
func missed(verdicts []verdict, unknown bool) (n int) {
	for _, v := range verdicts {
		if v.State == Failed || v.State == Queued && !unknown {
			n++
		}
	}
	return n
}

// conclude writes the verdicts. out is nil when they come from no attempt. The
// state that the message is in after it is returned. It may be called again when
// it is not known whether the commit took place.
func (q *Queue) conclude(ctx context.Context, d *Delivery, verdicts []verdict, out *Outcome, bounces []*staged) (state State, err error) {
	var astray bool
	err = q.engine.update(ctx, func(ctx context.Context, t tx) error {
		now := q.options.Now()
		var attempts int
		err := t.row(ctx, `SELECT state, attempts FROM mail_message WHERE id = $1`+q.engine.rowLock(), d.ID).Scan(&state, &attempts)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // cleared away long ago, while this machine was thought dead
		}
		if err != nil {
			return err
		}
		if out == nil && (state != Queued || attempts != d.Attempt) {
			return errOvertaken
		}
		if out != nil {
			recorded, err := d.recorded(ctx, t)
			if recorded || err != nil {
				return err
			}
		}
		changed := int64(0)
		for _, v := range verdicts {
			// A machine that was taken for dead may come after another one.
			n, err := t.exec(ctx, `UPDATE mail_recipient SET state = $3, attempts = $4, next_at = $5, reply = $6
				WHERE message = $1 AND n = $2 AND state = $7`, d.ID, v.n, v.State, v.tries, stamp(v.Next), v.Reply, Queued)
			if err != nil {
				return err
			}
			changed += n
		}
		if out != nil {
			if err := d.noteEffect(ctx, t, out, -missed(verdicts, out.Unknown), now); err != nil {
				return err
			}
		}
		for _, b := range bounces {
			if err := b.insert(ctx, t); err != nil {
				return err
			}
		}
		own := state == Sending && attempts == d.Attempt
		astray = own && changed < int64(len(verdicts))
		switch {
		case astray:
			// Their rows were read, and are not where they are to be written: they
			// would get the message again and again.
			state, d.altered = Held, "what became of some of its recipients"
			err = q.keepAltered(ctx, t, d)
		case own || state == Queued:
			state, err = advance(ctx, t, d.ID, d.Account, now)
			if err == nil && state == Queued && out != nil && out.Hold {
				state = Held
				err = hold(ctx, t, d.ID)
			}
		}
		if err != nil || out == nil {
			return err
		}
		return d.noteEnd(ctx, t, out, verdicts, now)
	})
	if err == nil && astray {
		q.tellAltered(d)
		q.doubtTables()
	}
	return state, err
}

// recorded tells whether the attempt's end is written down already: the answer
// to a commit may be lost when the commit is not. One that an heir recorded as
// unknown is not; its true end is worth more. The message's row must be locked.
func (d *Delivery) recorded(ctx context.Context, t tx) (bool, error) {
	ends, err := column(ctx, t, `SELECT outcome FROM mail_attempt WHERE message = $1 AND n = $2 AND finished > 0`, d.ID, d.Attempt)
	return len(ends) > 0 && ends[0] != "unknown", err
}

// errOvertaken means that a message changed since it was looked at.
var errOvertaken = errors.New("the message changed meanwhile")

// noteEffect records what an attempt's end means for the message and the account,
// of whose recipients of the day some are given back.
func (d *Delivery) noteEffect(ctx context.Context, t tx, out *Outcome, recipients int, now time.Time) error {
	if out.Unknown {
		if _, err := t.exec(ctx, `UPDATE mail_message SET resend = 1 WHERE id = $1`, d.ID); err != nil {
			return err
		}
	}
	if out.Pause != nil {
		// Before the pace, as begin takes their locks.
		if err := d.queue.pause(ctx, t, d.Account, *out.Pause, now); err != nil {
			return err
		}
	}
	return use(ctx, t, d.Account, d.started, recipients)
}

// noteEnd records the attempt's end, as the last thing that its transaction does.
func (d *Delivery) noteEnd(ctx context.Context, t tx, out *Outcome, verdicts []verdict, now time.Time) error {
	outcome := outcomeOf(verdicts)
	if out.Pause != nil && outcome == "retry" {
		outcome = "paused"
		if out.Reply == "" {
			out.Reply = out.Pause.Reason
		}
	}
	if out.Hold && outcome == "retry" {
		outcome = "held"
	}
	end, err := d.queue.ending(ctx, t, now)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE mail_attempt SET finished = $3, outcome = $4, reply = $5, session = $6, exchange_id = $7, elapsed = $8
		WHERE message = $1 AND n = $2`, d.ID, d.Attempt, end, outcome, clean(out.Reply), clean(out.Session), clean(out.ExchangeID),
		d.elapsed.Milliseconds())
	return err
}

// ending is the moment that is written down as an attempt's end. It is behind all
// others, so that who follows the log misses none that was written in the same
// millisecond, after the clock was set back a little, or by a machine with a slower
// one. Where machines share the queue the others wait for the transaction's end, so
// that it comes last in it, when all other locks are held.
func (q *Queue) ending(ctx context.Context, t tx, now time.Time) (int64, error) {
	if err := t.takeTurn(ctx); err != nil {
		return 0, err
	}
	last, err := lastEnd(ctx, t)
	return behind(stamp(now), last), err
}

// lastEnd is the latest end that is written down.
func lastEnd(ctx context.Context, t tx) (last int64, err error) {
	err = t.row(ctx, `SELECT COALESCE(max(finished), 0) FROM mail_attempt`).Scan(&last)
	return last, err
}

// behind is an end that comes after the last one, unless the clock was set back far.
func behind(end, last int64) int64 {
	if last >= end && last < end+time.Hour.Milliseconds() {
		return last + 1
	}
	return end
}

// outcomeOf sums up an attempt: delivered, refused, retry, or partly when its
// recipients differ.
func outcomeOf(verdicts []verdict) string {
	words := map[State]string{Delivered: "delivered", Failed: "refused", Queued: "retry"}
	sum := ""
	for _, v := range verdicts {
		if sum != "" && sum != words[v.State] {
			return "partly"
		}
		sum = words[v.State]
	}
	return sum
}

// advance sets a message's next attempt by its recipients, or finishes it. Its
// row must be locked.
func advance(ctx context.Context, t tx, id, account string, now time.Time) (State, error) {
	var open, failed int
	var next int64
	err := t.row(ctx, `SELECT COALESCE(sum(CASE WHEN state = $2 THEN 1 ELSE 0 END), 0),
		COALESCE(sum(CASE WHEN state = $3 THEN 1 ELSE 0 END), 0),
		COALESCE(min(CASE WHEN state = $2 THEN next_at END), 0)
		FROM mail_recipient WHERE message = $1`, id, Queued, Failed).Scan(&open, &failed, &next)
	if err != nil {
		return "", err
	}
	if open == 0 {
		state := Delivered
		if failed > 0 {
			state = Failed
		}
		if err := enter(ctx, t, id, state); err != nil {
			return "", err
		}
		_, err := t.exec(ctx, `UPDATE mail_message SET state = $2, finished = $3, next_at = 0 WHERE id = $1`, id, state, stamp(now))
		return state, err
	}
	at := moment(next)
	if !at.After(now) {
		at = time.Time{}
	}
	job, err := wake(ctx, t, account, id, at)
	if err != nil {
		return "", err
	}
	if err := enter(ctx, t, id, Queued); err != nil {
		return "", err
	}
	_, err = t.exec(ctx, `UPDATE mail_message SET state = $2, next_at = $3, job = $4 WHERE id = $1`, id, Queued, stamp(at), job)
	return Queued, err
}

// dropBody removes a finished message's body, unless it is kept for a while. It
// is no part of the record's own write, to keep that short.
func (q *Queue) dropBody(ctx context.Context, id string) {
	if q.options.KeepBodies > 0 {
		return
	}
	if err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return dropBody(ctx, t, id) }); err != nil {
		q.options.Log.Warn("a finished message's body stays for now", "id", id, "error", err)
	}
}

func dropBody(ctx context.Context, t tx, id string) error {
	if _, err := t.exec(ctx, `DELETE FROM mail_chunk WHERE message = $1`, id); err != nil {
		return err
	}
	_, err := t.exec(ctx, `UPDATE mail_message SET body = 0 WHERE id = $1`, id)
	return err
}

// pause pauses an account within a transaction. A pause that ends by
// itself does not replace one that waits for Resume. One of the same cause as
// before is the same trouble, and began when that did.
func (q *Queue) pause(ctx context.Context, t tx, account string, p Pause, now time.Time) error {
	if p.Here && !q.alone() {
		return q.rest(ctx, t, account, p, now)
	}
	var paused, until int64
	err := t.row(ctx, `SELECT paused, until FROM mail_account WHERE name = $1`, account).Scan(&paused, &until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if paused > 0 && until == 0 && !p.Until.IsZero() {
		return nil
	}
	_, err = t.exec(ctx, `INSERT INTO mail_account (name, paused, until, cause, reason) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET until = excluded.until,
			paused = CASE WHEN mail_account.paused > 0 AND mail_account.cause = excluded.cause THEN mail_account.paused ELSE excluded.paused END,
			cause = excluded.cause, reason = excluded.reason`,
		account, stamp(now), stamp(p.Until), clean(p.Cause), clean(p.Reason))
	if err != nil {
		return err
	}
	q.express.Load().paused(account, true)
	return t.setPaused(ctx, riverQueue(account), true)
}
