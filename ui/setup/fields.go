package setup

import (
	"maps"
	"strconv"
	"unicode/utf8"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// choose takes a method. What was given so far stays where it has a use for it.
func (p *presenter) choose(id string) {
	m, ok := setup.MethodByID(id)
	if !ok || p.state.Activity != Idle || id == p.state.Draft.Method && p.state.Draft.Guide == "" {
		return
	}
	p.state.Draft.Guide = ""
	p.take(m, m.Switch(p.state.Draft.Account))
}

// followGuide takes a guide's method, and its kind of app.
func (p *presenter) followGuide(id string) {
	g, ok := setup.GuideByID(id)
	if !ok || p.state.Activity != Idle || p.state.Draft.Guide == id {
		return
	}
	m, _ := setup.MethodByID(g.Method)
	a := m.Switch(p.state.Draft.Account)
	former := a
	a.Registration, a.Credential, a.Timeout = g.Registration, g.Credential, g.Timeout
	a.Follow(former)
	p.state.Draft.Guide = id
	p.take(m, a)
}

func (p *presenter) take(m setup.Method, a account.Account) {
	p.forgetSecret(a)
	if a.TestTo == "" {
		a.TestTo = sendsAs(a)
	}
	p.state.Draft.Method, p.state.Draft.Account = m.ID, a
	p.state.Notes, p.state.Typed, p.state.Outcome = nil, nil, Outcome{}
	p.typed()
}

// forgetSecret drops the secret when the account as it becomes asks for one of
// another kind.
func (p *presenter) forgetSecret(a account.Account) {
	kind := func(a account.Account) string {
		switch {
		case a.SignIn == account.PasswordSignIn:
			return "password"
		case a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential:
			return "certificate"
		}
		return "client secret"
	}
	if kind(a) == kind(p.state.Draft.Account) {
		return
	}
	p.state.Secret = ""
	if p.state.Draft.HasSecret || p.kept != "" || p.busy {
		p.state.Draft.HasSecret = false
		p.forget = true
	}
}

// longPaste is how many characters at once are no typing.
const longPaste = 8

// set takes what stands in a field now.
func (p *presenter) set(f Field, value string) {
	if p.state.Activity == Saving || p.state.Activity == Opening || value == p.state.Value(f) {
		return
	}
	grown := utf8.RuneCountInString(value) - utf8.RuneCountInString(p.state.Value(f))
	if grown >= longPaste && p.paste(f, value) {
		return
	}
	former := p.state.Draft.Account
	typed := maps.Clone(p.state.Typed)
	if typed == nil {
		typed = map[Field]string{}
	}
	typed[f] = value
	p.state.Typed = typed
	p.apply(f, value)
	if f == setup.Username || f == setup.Sender {
		p.followAddress(former)
	}
	p.state.Filled = nil
	had := len(p.state.Notes[f]) > 0
	p.note(f)
	if had || grown > 1 {
		p.remark(f) // else when the typing pauses: half an ID is no mistake
	}
	p.typed()
}

// apply puts a value into the account, and what follows from it.
func (p *presenter) apply(f Field, value string) {
	a := p.state.Draft.Account
	former := a
	clean := setup.Clean(f, value, a)
	switch f {
	case setup.Secret:
		p.state.Secret = mailer.Secret(clean)
		if p.state.Certified() {
			p.state.Secret = mailer.Secret(value)
		}
		return
	case setup.Username:
		a = setup.WithAddress(a, clean)
	case setup.Sender:
		if a.SignIn == account.AppOnly {
			a = setup.WithAddress(a, clean)
			break
		}
		a.Sender = clean
		a.Follow(former)
	case setup.SMTPPort:
		a.SMTPPort, _ = strconv.Atoi(clean)
	case fieldName:
		p.nameTyped = clean != ""
		a.Name = clean
	default:
		if to := part(&a, f); to != nil {
			*to = clean
		}
		a.Follow(former)
	}
	if p.state.Outcome.Of != 0 && setup.SignInKey(a) != setup.SignInKey(former) {
		p.state.Outcome = Outcome{}
	}
	p.state.Draft.Account = a
}

// followAddress changes what was proposed for the former address: where the test
// email goes, and the account's name.
func (p *presenter) followAddress(former account.Account) {
	a := &p.state.Draft.Account
	if a.TestTo == "" || a.TestTo == sendsAs(former) {
		a.TestTo = sendsAs(*a)
	}
	p.suggestName()
}

// choice takes an option of one of the choices among the fields.
func (p *presenter) choice(f Field, option string) {
	if p.state.Activity != Idle || p.state.Value(f) == option {
		return
	}
	was, secret := p.state.Draft.Account, p.state.Secret
	p.apply(f, option)
	if now := p.state.Draft.Account; f == fieldSignIn || f == fieldCredential || f == fieldRegistration {
		p.state.Draft.Account = was
		p.state.Secret = secret
		p.forgetSecret(now)
		p.state.Draft.Account = now
	}
	if a := &p.state.Draft.Account; f == setup.SMTPTLS {
		switch { // the ports that go with it
		case a.SMTPTLS == account.ImplicitTLS && a.SMTPPort == 587:
			a.SMTPPort = 465
		case a.SMTPTLS == account.STARTTLS && a.SMTPPort == 465:
			a.SMTPPort = 587
		}
	}
	p.state.Notes, p.state.Filled = nil, nil
	p.typed()
}

// tickOff ticks a step at the provider off, or not.
func (p *presenter) tickOff(id string, done bool) {
	ticks := maps.Clone(p.state.Draft.Ticks)
	if ticks == nil {
		ticks = map[string]bool{}
	}
	if ticks[id] = done; !done {
		delete(ticks, id)
	}
	p.state.Draft.Ticks = ticks
	p.typed()
}
