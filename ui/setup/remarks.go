package setup

import (
	"slices"
	"time"

	"traymail/internal/account"
	"traymail/internal/setup"
)

// remark says what is wrong with a field as it is.
func (p *presenter) remark(f Field) {
	value, a := p.state.Value(f), p.state.Draft.Account
	if f == setup.Secret {
		value = p.secretAsTyped()
	}
	if value == "" {
		return
	}
	var notes []Note
	switch f {
	case setup.Username, setup.Sender, setup.TestTo, setup.NoticeTo:
		named := f == setup.Username && a.SignIn == account.PasswordSignIn && a.Provider == account.Custom
		if code := setup.AddressProblem(setup.Clean(f, value, a)); code != "" && !named {
			notes = append(notes, Note{Address: code})
		}
	case fieldName:
		notes = p.remarkName(value)
	case setup.Secret:
		if p.state.Certified() {
			break
		}
		fallthrough
	default:
		about := a
		switch f { // it is not compared with itself
		case setup.ClientID:
			about.ClientID = ""
		case setup.Tenant:
			about.Tenant = ""
		case setup.ObjectID:
			about.ObjectID = ""
		}
		for _, m := range setup.Mistakes(f, value, setup.Context{Account: about, Pasted: p.state.Pasted, Now: time.Now()}) {
			notes = append(notes, Note{Mistake: m})
		}
	}
	p.note(f, notes...)
}

func (p *presenter) secretAsTyped() string {
	if typed, is := p.state.Typed[setup.Secret]; is {
		return typed
	}
	return p.state.Secret.Reveal()
}

// remarkName says why an account cannot have the name.
func (p *presenter) remarkName(name string) []Note {
	if p.state.Stored {
		return nil
	}
	if e := problemOf(account.ValidateName(name)); e != nil {
		return []Note{{Text: e.Text, Fix: e.Fix}}
	}
	if slices.Contains(p.taken, name) {
		return []Note{takenNote(name)}
	}
	return nil
}

// complete reports whether the step has what it needs, and says what it lacks.
func (p *presenter) complete() bool {
	d := p.state.Draft
	d.HasSecret = p.state.HasSecret()
	here := p.state.Fields(p.state.Step())
	missing := d.Missing(time.Now())
	for _, f := range here {
		p.remark(f)
		certain := slices.ContainsFunc(p.state.Notes[f], Note.Certain)
		if certain && !slices.Contains(missing, f) {
			missing = append(missing, f)
		}
	}
	if slices.Contains(here, fieldName) && d.Account.Name == "" {
		missing = append(missing, fieldName)
	}
	first := ""
	for _, f := range here {
		if !slices.Contains(missing, f) {
			continue
		}
		if len(p.state.Notes[f]) == 0 {
			p.note(f, Note{Missing: true})
		}
		if first == "" {
			first = f
		}
	}
	if first != "" {
		p.focus(first)
		p.draw()
	}
	return first == ""
}
