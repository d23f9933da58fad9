package setup

import (
	"context"
	"errors"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
)

// open shows the unfinished setup, or a new one, or where the place names one
// the setup of an account.
func (p *presenter) open(at desk.Place) {
	switch {
	case p.state.Activity == Opening:
		p.after = func() { p.open(at) }
	case !p.opened:
		p.opened = true
		p.resume(at)
	case at.Account != "" && (!p.state.Stored || p.state.Draft.Account.Name != at.Account):
		p.openAccount(at)
	case at.Do == desk.DoNew && p.state.Waiting != "" && p.state.Activity == Idle:
		p.restore()
	case at.Do == desk.DoNew && p.state.Activity == Idle && (p.atEnd() || p.visits && !p.touched):
		p.anew()
	default:
		p.arrive(at)
	}
}

// atEnd reports whether nothing but the hand-over is left to do.
func (p *presenter) atEnd() bool { return p.state.Step() == setup.StepDone }

// anew begins another setup behind one that is done.
func (p *presenter) anew() {
	p.finish()
	p.focus("")
	p.draw()
}

// arrive begins what a place asks for of the account that is shown.
func (p *presenter) arrive(at desk.Place) {
	if at.Account != "" {
		switch at.Do {
		case desk.DoSignIn:
			p.enter(setup.StepSignIn)
			p.proceed()
			return
		case desk.DoCheck, desk.DoTest:
			p.state.Do = at.Do
			p.enter(setup.StepChecks)
			p.state.Do = ""
			return
		}
	}
	p.focus("")
	p.draw()
}

// resume reads the draft and goes on where it was left.
func (p *presenter) resume(at desk.Place) {
	p.begin(Opening, func(ctx context.Context) func() {
		d, err := p.program.Draft(ctx)
		var a account.Account
		var secrets mailer.Secrets
		if err == nil && !d.Empty() && d.Account.Name != "" {
			a, secrets, err = p.program.Account(ctx, d.Account.Name)
			if errors.Is(err, account.ErrNotFound) || a.ID != d.Account.ID {
				a, err = account.Account{}, nil
			}
		}
		return func() {
			p.end()
			if p.state.Err = err; err == nil && !d.Empty() {
				p.adoptDraft(d, a, secrets)
			}
			if at.Account != "" && at.Account != p.state.Draft.Account.Name {
				p.openAccount(at)
				return
			}
			if at.Do == desk.DoNew && p.atEnd() {
				p.anew()
				return
			}
			p.arrive(at)
		}
	})
}

func (p *presenter) adoptDraft(d setup.Draft, a account.Account, secrets mailer.Secrets) {
	if d.Done {
		return // it is finished, and was not dropped
	}
	if a.ID == "" && d.Step == setup.StepDone {
		p.drop() // there is nothing to hand over: the account was removed
		return
	}
	p.touched = true // it is to be lost as little as what is typed now
	p.state.Draft, p.state.Reached = d, d.Resume()
	if a.ID != "" {
		p.state.Stored, p.stored, p.state.Secrets = true, a, secrets
		p.state.Draft.Tested = d.Tested && d.Account.Equal(a)
		if position(d.Step) > position(setup.StepRegistration) {
			p.state.Draft.Account = a // it may have been changed elsewhere
		}
		if !secrets.SignedIn {
			p.state.Draft.SignedIn = "" // it was ended elsewhere
		}
		p.state.Reached = p.furthest()
	}
	p.state.Draft.Step = p.state.Draft.Resume()
	if a.ID == "" && position(p.state.Draft.Step) > position(setup.StepRegistration) {
		p.state.Draft.Step, p.state.Reached = setup.StepRegistration, setup.StepRegistration // where it is saved anew
	}
	if position(p.state.Reached) < position(p.state.Draft.Step) {
		p.state.Reached = p.state.Draft.Step
	}
	p.nameTyped = d.Account.Name != "" && d.Account.Name != setup.FreeName(sendsAs(d.Account), p.taken)
}

// furthest is how far one may go with a stored account.
func (p *presenter) furthest() string {
	if p.state.SignsIn() && !p.state.Draft.IsSignedIn() {
		return setup.StepSignIn
	}
	return setup.StepChecks
}

// openAccount shows the setup of an account that exists. An unfinished setup of
// another one stays as it is, and what is changed here is not kept before it is
// saved.
func (p *presenter) openAccount(at desk.Place) {
	p.leave()
	waiting := p.state.Waiting
	if p.touched && waiting == "" && !p.atEnd() {
		waiting = p.state.Draft.Account.Name
		if waiting == "" {
			waiting = p.state.Draft.Account.Username
		}
	}
	p.begin(Opening, func(ctx context.Context) func() {
		a, secrets, err := p.program.Account(ctx, at.Account)
		return func() {
			p.end()
			if a.Name == "" {
				p.state.Err = err
				p.draw()
				return
			}
			p.reset()
			p.visits, p.touched = true, false
			p.state.Waiting, p.state.Err = waiting, err
			p.stored, p.state.Stored, p.state.Secrets = a, true, secrets
			p.state.Draft = setup.Draft{Step: setup.StepAddresses, Method: setup.MethodOf(a), Account: a}
			if secrets.SignedIn {
				p.state.Draft.SignedIn = setup.SignInKey(a)
			}
			p.state.Reached = setup.StepDone
			p.nameTyped = true
			p.arrive(at)
		}
	})
}

// restore goes back to the unfinished setup of another account.
func (p *presenter) restore() {
	if p.state.Activity != Idle {
		return
	}
	p.reset()
	p.resume(desk.Place{})
}
