package queue

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Pause stops taking up an account's messages, on all machines and through
// restarts, with the reason shown. Attempts in flight go on. The account need
// not have any messages yet.
func (q *Queue) Pause(ctx context.Context, account string, p Pause) error {
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return q.pause(ctx, t, account, p, q.options.Now()) })
	if err == nil {
		q.feed.publish(Event{Account: account})
		q.look()
	} else {
		q.express.Load().doubt()
	}
	return err
}

// Resume undoes Pause; an account that is not paused stays as it is.
func (q *Queue) Resume(ctx context.Context, account string) error {
	_, err := q.resume(ctx, account, func(Account) bool { return true })
	return err
}

// ResumeIf is Resume for an account that is paused with that Cause. It returns
// whether that was so: who cured one trouble must not lift a pause that somebody
// set for another one meanwhile.
func (q *Queue) ResumeIf(ctx context.Context, account, cause string) (bool, error) {
	return q.resume(ctx, account, func(a Account) bool { return !a.Paused.IsZero() && a.Cause == clean(cause) })
}

// resume undoes the pause of an account that lift agrees to, which is given its
// pause alone.
func (q *Queue) resume(ctx context.Context, account string, lift func(Account) bool) (lifted bool, err error) {
	err = q.engine.update(ctx, func(ctx context.Context, t tx) error {
		a := Account{Name: account}
		var err error
		if lifted, err = q.endRest(ctx, t, account, lift); err != nil {
			return err
		}
		err = t.row(ctx, `SELECT paused, until, cause FROM mail_account WHERE name = $1`+q.engine.rowLock(), account).
			Scan((*millis)(&a.Paused), (*millis)(&a.Until), &a.Cause)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil || !lift(a) {
			return err
		}
		lifted = true
		_, err = t.exec(ctx, `UPDATE mail_account SET paused = 0, until = 0, cause = '', reason = '' WHERE name = $1`, account)
		if err != nil {
			return err
		}
		q.express.Load().paused(account, false)
		return t.setPaused(ctx, riverQueue(account), false)
	})
	if err != nil {
		q.express.Load().doubt()
		return false, err
	}
	if lifted {
		q.feed.publish(Event{Account: account})
		q.look()
	}
	return lifted, nil
}

// An Account is an account's queue.
type Account struct {
	Name   string    `json:"name"`
	Paused time.Time `json:"paused,omitzero"`  // since when; zero: not paused
	Until  time.Time `json:"until,omitzero"`   // when it goes on by itself; zero: with Resume
	Cause  string    `json:"cause,omitempty"`  // the Pause's
	Reason string    `json:"reason,omitempty"` // the Pause's
	// Here says that this machine alone is paused, and Elsewhere that another sends.
	Here      bool `json:"here,omitempty"`
	Elsewhere bool `json:"elsewhere,omitempty"`
	// Waiting, Sending and Held are numbers of messages; Oldest is when the
	// oldest of them came.
	Waiting int       `json:"waiting"`
	Sending int       `json:"sending"`
	Held    int       `json:"held"`
	Unknown int       `json:"unknown"` // of Held, see Summary
	Bytes   int64     `json:"bytes"`   // of their bodies
	Oldest  time.Time `json:"oldest,omitzero"`
}

// Accounts lists the accounts that ever had a message or a pause, by name. What
// it costs does not depend on how many messages there are, but for those of
// which a person must find out whether they were sent.
func (q *Queue) Accounts(ctx context.Context) ([]Account, error) {
	x := q.express.Load()
	if x == nil {
		return q.accounts(ctx)
	}
	x.books.RLock()
	defer x.books.RUnlock()
	list, err := q.accounts(ctx)
	if err != nil {
		return nil, err
	}
	return x.addTo(list), nil
}

// accounts is Accounts by the tables.
func (q *Queue) accounts(ctx context.Context) ([]Account, error) {
	r, err := q.engine.view().query(ctx, `SELECT name, paused, until, cause, reason,
			COALESCE(waiting, 0), COALESCE(sending, 0), COALESCE(held, 0), COALESCE(bytes, 0),
			COALESCE((SELECT min(received) FROM mail_message WHERE finished = 0 AND account = name), 0),
			(SELECT count(*) FROM mail_message WHERE state = 'held' AND resend = 1 AND account = name)
		FROM mail_account LEFT JOIN (`+tallies+` GROUP BY account) AS tally ON tally.account = name ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var list []Account
	for r.Next() {
		var a Account
		err := r.Scan(&a.Name, (*millis)(&a.Paused), (*millis)(&a.Until), &a.Cause, &a.Reason,
			&a.Waiting, &a.Sending, &a.Held, &a.Bytes, (*millis)(&a.Oldest), &a.Unknown)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	r.close()
	return list, q.addRests(ctx, list)
}

// workAccounts works the queues of all accounts, also those that another
// machine accepted the first message of, but for those that this one rests from.
func (q *Queue) workAccounts(ctx context.Context) error {
	r, err := q.engine.view().query(ctx, `SELECT name FROM mail_account`)
	if err != nil {
		return err
	}
	defer r.close()
	var names []string
	for r.Next() {
		var name string
		if err := r.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := r.Err(); err != nil {
		return err
	}
	r.close()
	rests, err := q.rests(ctx)
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.resting = rests
	q.mu.Unlock()
	for _, name := range names {
		work := q.workAccount
		if rests[name] {
			work = q.leaveAccount
		}
		if err := work(name); err != nil {
			return err
		}
	}
	return nil
}

// workAccount has River work an account's queue on this machine, once started.
// A pause from before River knew the queue is caught up with at the first job.
func (q *Queue) workAccount(account string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.started || q.resting[account] {
		return nil
	}
	if q.leaving[account] {
		if left, err := q.left(account); err != nil || !left {
			return err
		}
	}
	if q.queues[account] {
		return nil
	}
	workers := q.options.Pace(account).AtOnce
	if workers <= 0 {
		workers = DefaultPace.AtOnce
	}
	if err := q.engine.addQueue(riverQueue(account), workers); err != nil {
		return err
	}
	q.queues[account] = true
	return nil
}
