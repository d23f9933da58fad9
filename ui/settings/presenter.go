package settings

import (
	"context"
	"errors"
	"maps"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// Program is what the page needs of the program.
type Program interface {
	Settings(ctx context.Context) (mailer.Settings, error)
	SaveSettings(ctx context.Context, s mailer.Settings) error
}

// A presenter edits a copy of the settings until it is applied.
type presenter struct {
	desk    *desk.Desk
	program Program
	show    func(State)
	state   State
	cancel  context.CancelFunc
}

func newPresenter(d *desk.Desk, p Program, show func(State)) *presenter {
	return &presenter{desk: d, program: p, show: show, cancel: func() {}}
}

// load reads the settings, unless something was typed that reading would lose.
func (p *presenter) load() {
	if p.state.Busy || p.state.Changed() {
		p.show(p.state)
		return
	}
	p.read()
}

// discard forgets what was typed, and reads what the file says now.
func (p *presenter) discard() {
	if !p.state.Busy {
		p.state.Typed, p.state.Problem = nil, nil
		p.read()
	}
}

func (p *presenter) read() {
	p.begin()
	p.cancel = p.desk.Start(func(ctx context.Context) func() {
		s, err := p.program.Settings(ctx)
		return func() {
			p.ended(err)
			if err == nil {
				p.state.Known, p.state.Settings = true, s
			}
			p.show(p.state)
		}
	})
}

// set changes a field of the copy.
func (p *presenter) set(f Field, value string) {
	if p.state.Busy || !p.state.Known {
		return
	}
	typed := maps.Clone(p.state.Typed)
	if typed == nil {
		typed = map[string]string{}
	}
	typed[f.Key] = value
	if value == f.Read(&p.state.Settings) {
		delete(typed, f.Key)
	}
	p.state.Typed, p.state.Saved = typed, false
	if p.state.Problem != nil && p.state.Problem.Key == f.Key {
		p.state.Problem, p.state.Err = nil, nil
	}
	p.show(p.state)
}

// apply saves the copy. Where a value cannot be used nothing changes, and its
// field says so.
func (p *presenter) apply() {
	if p.state.Busy || !p.state.Changed() {
		return
	}
	s := p.state.Settings
	for _, g := range Groups() {
		for _, f := range g.Fields {
			typed, is := p.state.Typed[f.Key]
			if !is {
				continue
			}
			if err := f.Write(&s, typed); err != nil {
				p.ended(err)
				p.show(p.state)
				return
			}
		}
	}
	p.begin()
	p.cancel = p.desk.Start(func(ctx context.Context) func() {
		err := p.program.SaveSettings(ctx, s)
		saved := err == nil || errors.Is(err, mailer.ErrNotInForce)
		now, readErr := p.program.Settings(ctx)
		return func() {
			p.ended(err)
			if saved {
				p.state.Saved, p.state.Typed = err == nil, nil
				if readErr == nil {
					p.state.Settings = now
				}
			}
			p.show(p.state)
		}
	})
}

// stop gives up what is under way.
func (p *presenter) stop() { p.cancel() }

func (p *presenter) begin() {
	p.state.Busy, p.state.Err, p.state.Problem, p.state.Saved, p.state.Stale = true, nil, nil, false, false
	p.show(p.state)
}

func (p *presenter) ended(err error) {
	p.state.Busy, p.state.Err, p.state.Saved = false, err, false
	p.state.Stale = errors.Is(err, mailer.ErrChangedMeanwhile)
	p.state.Problem = nil
	if field, ok := errors.AsType[*account.FieldError](err); ok {
		for _, g := range Groups() {
			for _, f := range g.Fields {
				if f.Key == field.Key {
					p.state.Problem = field
				}
			}
		}
	}
}
