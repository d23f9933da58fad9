package mailer

import (
	"context"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// A Volume is what happened to messages between two times, see Queue.Traffic.
type Volume = queue.Volume

// Count returns how many messages Messages would list without a limit.
func (m *Mailer) Count(ctx context.Context, f Filter) (int, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return 0, err
	}
	return e.queue.Count(ctx, f)
}

// Traffic counts what happened to messages in steps from since to now, oldest
// first; the last one may not be over yet. There are 1,000 steps at most.
func (m *Mailer) Traffic(ctx context.Context, since time.Time, step time.Duration) ([]Volume, error) {
	if step < time.Millisecond {
		return nil, &account.FieldError{Key: "step", Text: step.String() + " is too short", Fix: "use a minute or longer"}
	}
	e, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	return e.queue.Traffic(ctx, since, step)
}
