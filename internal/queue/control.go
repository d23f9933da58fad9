package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// stands says where a message stands, for people.
func stands(state State) string {
	switch state {
	case Queued:
		return "the message is waiting"
	case Sending:
		return "the message is being sent"
	case Held:
		return "the message is held"
	case Delivered:
		return "the message was delivered"
	case Failed:
		return "the message has failed"
	}
	return "the message was removed"
}

// Retry makes a queued message's next attempt due now.
func (q *Queue) Retry(ctx context.Context, id string) error {
	return q.change(ctx, id, func(ctx context.Context, t tx, account string, state State, now time.Time) (State, error) {
		if state != Queued {
			return "", fmt.Errorf("%w: %s, so it cannot be tried again", ErrState, stands(state))
		}
		return retryNow(ctx, t, id, account, now)
	})
}

// Flush is Retry for all queued messages of an account that wait for a later
// attempt, or of all accounts when that is empty. It returns how many there were.
func (q *Queue) Flush(ctx context.Context, account string) (int, error) {
	accounts := []string{account}
	if account == "" {
		var err error
		if accounts, err = column(ctx, q.engine.view(), `SELECT name FROM mail_account ORDER BY name`); err != nil {
			return 0, err
		}
	}
	n := 0
	for _, a := range accounts {
		flushed, err := q.flush(ctx, a)
		n += flushed
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (q *Queue) flush(ctx context.Context, account string) (n int, err error) {
	if err := q.caughtUp(ctx, ""); err != nil {
		return 0, err
	}
	from := page{stamp(q.options.Now()) + 1, ""}
	for {
		waiting, err := q.waiting(ctx, account, from)
		if err != nil || len(waiting) == 0 {
			return n, err
		}
		for _, w := range waiting {
			switch err := q.Retry(ctx, w.id); {
			case err == nil:
				n++
			case !errors.Is(err, ErrState) && !errors.Is(err, ErrNotFound): // it went on meanwhile
				return n, err
			}
		}
		from = waiting[len(waiting)-1]
	}
}

// page is a place among an account's queued messages by their next attempt.
type page struct {
	next int64
	id   string
}

// waiting lists queued messages behind a place.
func (q *Queue) waiting(ctx context.Context, account string, from page) (list []page, err error) {
	r, err := q.engine.view().query(ctx, `SELECT next_at, id FROM mail_message WHERE finished = 0 AND state = 'queued'
		AND account = $1 AND (next_at, id) > ($2, $3) ORDER BY next_at, id LIMIT $4`, account, from.next, from.id, batch)
	if err != nil {
		return nil, err
	}
	defer r.close()
	for r.Next() {
		var p page
		if err := r.Scan(&p.next, &p.id); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, r.Err()
}

// Hold keeps a queued message from being sent until Release. It does not expire
// meanwhile.
func (q *Queue) Hold(ctx context.Context, id string) error {
	return q.change(ctx, id, func(ctx context.Context, t tx, _ string, state State, _ time.Time) (State, error) {
		if state != Queued {
			return "", fmt.Errorf("%w: %s, so it cannot be held", ErrState, stands(state))
		}
		return Held, hold(ctx, t, id)
	})
}

func hold(ctx context.Context, t tx, id string) error {
	if err := enter(ctx, t, id, Held); err != nil {
		return err
	}
	_, err := t.exec(ctx, `UPDATE mail_message SET state = $2, job = 0, next_at = 0 WHERE id = $1`, id, Held)
	return err
}

// Release lets a held message go on, at once, with the whole of Options.Expire
// before it again.
func (q *Queue) Release(ctx context.Context, id string) error {
	return q.change(ctx, id, func(ctx context.Context, t tx, account string, state State, now time.Time) (State, error) {
		if state != Held {
			return "", fmt.Errorf("%w: %s, so it cannot be released", ErrState, stands(state))
		}
		if _, err := t.exec(ctx, `UPDATE mail_message SET waits_from = $2 WHERE id = $1`, id, stamp(now)); err != nil {
			return "", err
		}
		return retryNow(ctx, t, id, account, now)
	})
}

// Remove takes a queued or held message out without telling anybody; its record
// stays. One that is being sent cannot be stopped: what the server takes, it has.
func (q *Queue) Remove(ctx context.Context, id string) error {
	err := q.change(ctx, id, func(ctx context.Context, t tx, _ string, state State, now time.Time) (State, error) {
		if state != Queued && state != Held {
			return "", fmt.Errorf("%w: %s, so it cannot be removed", ErrState, stands(state))
		}
		if err := enter(ctx, t, id, Removed); err != nil {
			return "", err
		}
		_, err := t.exec(ctx, `UPDATE mail_message SET state = $2, finished = $3, next_at = 0, job = 0 WHERE id = $1`, id, Removed, stamp(now))
		return Removed, err
	})
	if err == nil {
		q.dropBody(context.WithoutCancel(ctx), id)
	}
	return err
}

// change runs fn on a message's locked row, without the job it had, and tells
// subscribers of the new state.
func (q *Queue) change(ctx context.Context, id string, fn func(ctx context.Context, t tx, account string, state State, now time.Time) (State, error)) error {
	id = clean(id)
	if err := q.caughtUp(ctx, id); err != nil {
		return err
	}
	var account string
	var state State
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
		var job int64
		err := t.row(ctx, `SELECT account, state, job FROM mail_message WHERE id = $1`+q.engine.rowLock(), id).Scan(&account, &state, &job)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%w: %q", ErrNotFound, id)
		}
		if err != nil {
			return err
		}
		if state, err = fn(ctx, t, account, state, q.options.Now()); err != nil {
			return err
		}
		return t.deleteJob(ctx, job)
	})
	if err == nil {
		q.feed.publish(Event{ID: id, Account: account, State: state})
	}
	return err
}

// retryNow makes every open recipient of a message due.
func retryNow(ctx context.Context, t tx, id, account string, now time.Time) (State, error) {
	_, err := t.exec(ctx, `UPDATE mail_recipient SET next_at = $2 WHERE message = $1 AND state = $3`, id, stamp(now), Queued)
	if err != nil {
		return "", err
	}
	return advance(ctx, t, id, account, now)
}
