package setup

import (
	"context"
	"errors"
	"slices"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// errTaken says that an account has the name; the presenter chooses another, or
// has the person do so.
var errTaken = errors.New("there is an account of that name already")

// save stores the account and goes on to a step.
func (p *presenter) save(to string) {
	a, secret, isNew := p.state.Draft.Account, p.state.Secret, !p.state.Stored
	if !setup.NeedsSecret(a) {
		secret = "" // of a way to sign in that was not taken
	}
	renewed := secret != "" || p.state.Draft.HasSecret
	p.begin(Saving, func(ctx context.Context) func() {
		saved, secrets, err := p.store(ctx, a, secret, isNew)
		return func() {
			cancelled := p.state.Signing.Cancelling
			p.end()
			switch {
			case err == nil:
				p.adopt(saved, secrets)
				if renewed && p.renewed != nil {
					p.renewed(saved.Name)
				}
				p.enter(to)
			case cancelled:
				p.draw()
			default:
				p.refused(err, to)
			}
		}
	})
}

// store saves the account and reads it back: what was left empty has its default
// then, and a changed username has ended the sign-in.
func (p *presenter) store(ctx context.Context, a account.Account, secret mailer.Secret, isNew bool) (saved account.Account, secrets mailer.Secrets, err error) {
	if isNew {
		switch there, _, err := p.program.Account(ctx, a.Name); {
		case err == nil && there.ID != a.ID:
			return saved, secrets, errTaken
		case err != nil && !errors.Is(err, account.ErrNotFound):
			return saved, secrets, err
		}
	}
	if err := p.program.Save(ctx, a, secret); err != nil {
		return saved, secrets, err
	}
	return p.program.Account(ctx, a.Name)
}

// adopt shows an account as it is stored.
func (p *presenter) adopt(a account.Account, secrets mailer.Secrets) {
	p.stored, p.state.Stored, p.state.Secrets = a, true, secrets
	p.state.Draft.Account = a
	p.state.Draft.HasSecret = false // the account has it now
	p.state.Secret, p.kept = "", ""
	p.state.Notes, p.state.Typed = nil, nil
	p.nameTyped = true
	p.state.Draft.SignedIn, p.state.Draft.Tested = "", false // of other settings
	if secrets.SignedIn {
		p.state.Draft.SignedIn = setup.SignInKey(a)
	}
}

// refused says why the account was not saved, at the field that is to blame.
func (p *presenter) refused(err error, to string) {
	if errors.Is(err, errTaken) {
		name := p.state.Draft.Account.Name
		p.taken = append(slices.Clone(p.taken), name)
		if !p.nameTyped {
			p.suggestName()
			p.save(to)
			return
		}
		err = &account.FieldError{Key: fieldName}
	}
	e := problemOf(err)
	if e == nil || p.state.stepOf(e.Key) == "" {
		p.state.Err = err
		p.focus("")
		p.draw()
		return
	}
	if step := p.state.stepOf(e.Key); step != p.state.Step() {
		p.enter(step)
	}
	n := Note{Text: e.Text, Fix: e.Fix}
	if e.Key == fieldName && e.Text == "" {
		n = takenNote(p.state.Draft.Account.Name)
	}
	p.note(e.Key, n)
	p.focus(e.Key)
	p.draw()
}
