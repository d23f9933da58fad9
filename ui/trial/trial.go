// Package trial sends the test email of an account from a page of the window,
// and says what became of it.
package trial

import (
	"context"
	"errors"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// Program is what a trial needs of the program.
type Program interface {
	SendTest(ctx context.Context, name, to string) (mailer.Delivery, error)
}

// A Stage is how far a trial is.
type Stage int

// The stages.
const (
	None Stage = iota // nothing was sent, or what was said of it is put away
	Busy
	Taken
	Partly // some recipients were refused
	Failed
)

// A State is what a trial has to say.
type State struct {
	Stage   Stage
	Account string
	Since   time.Time // it is busy
	What    string
	Then    string
	Reply   string // the server's, or the error, as it is
	Fix     string
}

// A Trial belongs to the window's goroutine.
type Trial struct {
	desk    *desk.Desk
	program Program
	changed func(State)
	state   State
	cancel  context.CancelFunc
	round   int // which of the trials the state is of

	delivery mailer.Delivery // how the last one ended
	err      error
}

// New returns a trial, for a strip that shows it.
func New(d *desk.Desk, p Program) *Trial {
	return &Trial{desk: d, program: p, changed: func(State) {}}
}

// State returns what there is to say now.
func (t *Trial) State() State { return t.state }

// Send sends the test email of an account, to the address in its settings. One
// that is under way goes on; what was said of one before is put away.
func (t *Trial) Send(account string) {
	if t.state.Stage == Busy {
		return
	}
	t.round++
	round := t.round
	t.set(busy(account, time.Now()))
	t.cancel = t.desk.Start(func(ctx context.Context) func() {
		d, err := t.program.SendTest(ctx, account, "")
		return func() {
			if round == t.round {
				t.delivery, t.err = d, err
				t.set(outcome(account, d, err))
			}
		}
	})
}

// Cancel gives up the one that is under way.
func (t *Trial) Cancel() {
	if t.state.Stage == Busy {
		t.cancel()
	}
}

// Close puts away what was said. One that is under way is given up.
func (t *Trial) Close() {
	t.Cancel()
	t.round++
	t.set(State{})
}

func (t *Trial) set(s State) {
	t.state = s
	t.changed(s)
}

// say says the same again, in the language in use now.
func (t *Trial) say() {
	switch s := t.state; s.Stage {
	case None:
	case Busy:
		t.set(busy(s.Account, s.Since))
	default:
		t.set(outcome(s.Account, t.delivery, t.err))
	}
}

func busy(account string, since time.Time) State {
	return State{Stage: Busy, Account: account, Since: since, What: words.Say("trial.busy", words.Data{"Account": account}), Then: words.Say("trial.busy_then")}
}

func outcome(account string, d mailer.Delivery, err error) State {
	s := State{Account: account}
	named := words.Data{"Account": account, "To": words.List(d.Accepted)}
	switch {
	case errors.Is(err, context.Canceled):
		s.Stage, s.What, s.Then = Failed, words.Say("trial.given_up", named), words.Say("trial.given_up_then")
	case err != nil:
		s.Stage, s.What = Failed, words.Say("trial.failed", named)
		s.Reply, s.Fix = words.Sentence(err.Error()), words.Sentence(mailer.Fix(err))
	case len(d.Refused) > 0:
		s.Stage, s.What, s.Then = Partly, words.Say("trial.partly"), words.Say("trial.taken_then", named)
		s.Reply = d.Reply
		for _, r := range d.Refused {
			s.Reply += "\n" + r.Recipient + ": " + r.Reply
		}
	default:
		s.Stage, s.What, s.Then, s.Reply = Taken, words.Say("trial.taken"), words.Say("trial.taken_then", named), d.Reply
	}
	if len(d.Warnings) > 0 {
		w := d.Warnings[0]
		s.Fix = words.Sentence(w.Text)
		if w.Fix != "" {
			s.Fix += "; " + words.Said(w.Fix)
		}
	}
	return s
}
