package mailer

import (
	"context"
	"fmt"

	"traymail/internal/account"
)

// Messages lists messages of the queue and its record, newest first.
func (m *Mailer) Messages(ctx context.Context, f Filter) ([]Message, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	return e.queue.List(ctx, f)
}

// Message returns all that is known of one message. The error of one that is
// not there matches ErrNoMessage.
func (m *Mailer) Message(ctx context.Context, id string) (*Record, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	return e.queue.Get(ctx, id)
}

// Change does one thing to one message. The error of one whose state does not
// allow it matches ErrMessageState.
func (m *Mailer) Change(ctx context.Context, id string, what Change) error {
	e, err := m.opened(ctx)
	if err != nil {
		return err
	}
	switch what {
	case Retry:
		return e.queue.Retry(ctx, id)
	case Hold:
		return e.queue.Hold(ctx, id)
	case Release:
		return e.queue.Release(ctx, id)
	case Drop:
		return e.queue.Remove(ctx, id)
	}
	return &account.FieldError{Key: "change", Text: fmt.Sprintf("%q is not one of the changes to a message", string(what)), Fix: "use retry, hold, release or remove"}
}

// Flush makes what waits for a later attempt due now, of one account or, when
// that is empty, of all, and returns how many messages that were. Paused
// accounts are tried at once, too.
func (m *Mailer) Flush(ctx context.Context, account string) (int, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return 0, err
	}
	e.cure.kick()
	return e.queue.Flush(ctx, account)
}

// Log lists attempts that ended, oldest first, from behind the one given.
func (m *Mailer) Log(ctx context.Context, after Attempt, limit int) ([]Attempt, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	return e.queue.Log(ctx, after, limit)
}
