package messages

import (
	"context"

	"traymail/internal/mailer"
)

// Program is what the pages need of the program. All of it blocks and is safe
// for concurrent use; mailer.Program has it.
type Program interface {
	Messages(ctx context.Context, f mailer.Filter) ([]mailer.Message, error)
	Count(ctx context.Context, f mailer.Filter) (int, error)
	Message(ctx context.Context, id string) (*mailer.Record, error)
	Change(ctx context.Context, id string, what mailer.Change) error
	Flush(ctx context.Context, account string) (int, error)
}

// The states that the pages tell apart.
const (
	queued    mailer.State = "queued"
	sending   mailer.State = "sending"
	held      mailer.State = "held"
	delivered mailer.State = "delivered"
	failed    mailer.State = "failed"
	removed   mailer.State = "removed"
)

// A Kind is one of the two pages.
type Kind string

// The kinds.
const (
	Queue   Kind = "queue"   // what is open
	History Kind = "history" // all that was
)

// States are those that the page shows, and that it can be narrowed down to.
func (k Kind) States() []mailer.State {
	if k == Queue {
		return mailer.OpenStates
	}
	return mailer.States
}

// A Query is what the person narrows the list down to; its zero fields do not.
type Query struct {
	Text    string // as it was typed
	State   mailer.State
	Account string
}

// Filter is the query in the program's terms.
func (q Query) Filter(k Kind) mailer.Filter {
	f := mailer.Filter{Text: q.Text, Account: q.Account}
	switch {
	case q.State != "":
		f.States = []mailer.State{q.State}
	case k == Queue:
		f.States = mailer.OpenStates
	}
	return f
}
