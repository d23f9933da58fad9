package queue

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A rest is a pause of one machine: what keeps it from sending is its own, and the
// others that share the queue go on. It ends with the machine, which tries anew when
// it starts.

// rest notes one within a transaction, by the rules of pause.
func (q *Queue) rest(ctx context.Context, t tx, account string, p Pause, now time.Time) error {
	had, err := q.readRest(ctx, t, account)
	if err != nil {
		return err
	}
	if !had.Paused.IsZero() && had.Until.IsZero() && !p.Until.IsZero() {
		return nil
	}
	// A message of it may not be there yet.
	if _, err := t.exec(ctx, `INSERT INTO mail_account (name) VALUES ($1) ON CONFLICT (name) DO NOTHING`, account); err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO mail_rest (account, machine, since, until, cause, reason) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, machine) DO UPDATE SET until = excluded.until,
			since = CASE WHEN mail_rest.cause = excluded.cause THEN mail_rest.since ELSE excluded.since END,
			cause = excluded.cause, reason = excluded.reason`,
		account, q.machine, stamp(now), stamp(p.Until), clean(p.Cause), clean(p.Reason))
	return err
}

// readRest is this machine's rest from an account, whose Paused is zero when there
// is none.
func (q *Queue) readRest(ctx context.Context, v querier, account string) (Account, error) {
	a := Account{Name: account}
	if q.alone() {
		return a, nil
	}
	err := v.row(ctx, `SELECT since, until, cause, reason FROM mail_rest WHERE account = $1 AND machine = $2`, account, q.machine).
		Scan((*millis)(&a.Paused), (*millis)(&a.Until), &a.Cause, &a.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return a, nil
	}
	return a, err
}

// endRest ends this machine's rest from an account, if lift agrees to that.
func (q *Queue) endRest(ctx context.Context, t tx, account string, lift func(Account) bool) (bool, error) {
	a, err := q.readRest(ctx, t, account)
	if err != nil || a.Paused.IsZero() || !lift(a) {
		return false, err
	}
	_, err = t.exec(ctx, `DELETE FROM mail_rest WHERE account = $1 AND machine = $2`, account, q.machine)
	return true, err
}

// forgetRests ends those of machines that are no more.
func (q *Queue) forgetRests(ctx context.Context) error {
	if q.alone() {
		return nil
	}
	return q.engine.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `DELETE FROM mail_rest WHERE machine NOT IN (SELECT id FROM mail_machine)`)
		return err
	})
}

// addRests has accounts that are not paused tell of this machine's rest.
func (q *Queue) addRests(ctx context.Context, list []Account) error {
	if q.alone() {
		return nil
	}
	r, err := q.engine.view().query(ctx, `SELECT account, since, until, cause, reason,
			(SELECT count(*) FROM mail_machine WHERE beat > 0 AND NOT EXISTS (
				SELECT 1 FROM mail_rest AS own WHERE own.account = mail_rest.account AND own.machine = mail_machine.id))
		FROM mail_rest WHERE machine = $1`, q.machine)
	if err != nil {
		return err
	}
	defer r.close()
	rests := map[string]Account{}
	for r.Next() {
		var a Account
		var others int
		if err := r.Scan(&a.Name, (*millis)(&a.Paused), (*millis)(&a.Until), &a.Cause, &a.Reason, &others); err != nil {
			return err
		}
		a.Elsewhere = others > 0
		rests[a.Name] = a
	}
	for i := range list {
		a := &list[i]
		if rest := rests[a.Name]; a.Paused.IsZero() {
			a.Paused, a.Until, a.Cause, a.Reason, a.Here, a.Elsewhere = rest.Paused, rest.Until, rest.Cause, rest.Reason, !rest.Paused.IsZero(), rest.Elsewhere
		}
	}
	return r.Err()
}

// restedSince lists the accounts that every machine which delivers has rested from
// since a time.
func (q *Queue) restedSince(ctx context.Context, since time.Time) ([]string, error) {
	if q.alone() {
		return nil, nil
	}
	return column(ctx, q.engine.view(), `SELECT name FROM mail_account WHERE paused = 0
		AND EXISTS (SELECT 1 FROM mail_rest WHERE account = name) AND EXISTS (SELECT 1 FROM mail_machine WHERE beat > 0)
		AND NOT EXISTS (SELECT 1 FROM mail_machine WHERE beat > 0 AND NOT EXISTS (
			SELECT 1 FROM mail_rest WHERE account = name AND machine = mail_machine.id AND since <= $1))`, stamp(since))
}

// rests tells which accounts this machine rests from.
func (q *Queue) rests(ctx context.Context) (map[string]bool, error) {
	if q.alone() {
		return nil, nil
	}
	names, err := column(ctx, q.engine.view(), `SELECT account FROM mail_rest WHERE machine = $1`, q.machine)
	rests := map[string]bool{}
	for _, name := range names {
		rests[name] = true
	}
	return rests, err
}

// leaveTo is how long River's end of an account's work on this machine is waited
// for at a time. It lasts as long as the attempts under way, and holds up River's
// other business.
const leaveTo = 50 * time.Millisecond

// leaveAccount leaves an account's jobs to other machines, and may have to be
// called again until it has.
func (q *Queue) leaveAccount(account string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.started || !q.queues[account] {
		return nil
	}
	_, err := q.left(account)
	return err
}

// left reports whether no job of an account is worked here any more. From the first
// call on none is begun. q.mu must be held.
func (q *Queue) left(account string) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTo)
	defer cancel()
	err := q.engine.removeQueue(ctx, riverQueue(account))
	if errors.Is(err, context.DeadlineExceeded) {
		q.leaving[account] = true
		return false, nil
	}
	if err == nil {
		delete(q.leaving, account)
		delete(q.queues, account)
	}
	return err == nil, err
}

// look has tend see at once which accounts this machine works.
func (q *Queue) look() {
	select {
	case q.news <- struct{}{}:
	default:
	}
}
