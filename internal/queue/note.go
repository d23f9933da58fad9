package queue

import (
	"context"
	"database/sql"
	"errors"
)

// Note returns what is kept under a name beside the queue, "" when there is nothing.
// Machines that share the queue share its notes.
func (q *Queue) Note(ctx context.Context, name string) (string, error) {
	return readNote(ctx, q.engine.view(), name, "")
}

// ChangeNote replaces a note by what change makes of it; nobody else changes it
// meanwhile. change may be called again.
func (q *Queue) ChangeNote(ctx context.Context, name string, change func(was string) (string, error)) error {
	return q.engine.update(ctx, func(ctx context.Context, t tx) error {
		if _, err := t.exec(ctx, `INSERT INTO mail_note (name, text) VALUES ($1, '') ON CONFLICT (name) DO NOTHING`, name); err != nil {
			return err
		}
		was, err := readNote(ctx, t, name, q.engine.rowLock())
		if err != nil {
			return err
		}
		text, err := change(was)
		if err != nil || text == was {
			return err
		}
		_, err = t.exec(ctx, `UPDATE mail_note SET text = $2 WHERE name = $1`, name, text)
		return err
	})
}

func readNote(ctx context.Context, v querier, name, lock string) (text string, err error) {
	err = v.row(ctx, `SELECT text FROM mail_note WHERE name = $1`+lock, name).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return text, err
}
