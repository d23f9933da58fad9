package setup

import (
	"maps"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// recognising are the fields that take a whole page.
var recognising = []Field{setup.ClientID, setup.Tenant, setup.ObjectID, setup.Secret}

// paste looks for the IDs of an app in what came into a field at once, fills
// them in, and reports whether there were any.
func (p *presenter) paste(f Field, text string) bool {
	a := p.state.Draft.Account
	if !slices.Contains(recognising, f) || p.state.Certified() && f == setup.Secret || a.SignIn == account.PasswordSignIn ||
		!strings.ContainsAny(strings.TrimSpace(text), " \t\n={") {
		return false
	}
	found := setup.Recognise(text)
	if found.Empty() {
		return false
	}
	was, secret := a, p.state.Secret
	p.merge(found)
	now := found.Apply(a)
	if now.Registration != a.Registration || now.SignIn != account.BrowserSignIn {
		now.RedirectURL = a.RedirectURL
	}
	p.state.Draft.Account = now
	if found.Secret != "" && setup.NeedsSecret(a) {
		p.state.Secret = mailer.Secret(found.Secret)
	}
	var filled []Field
	for _, field := range p.state.Fields(setup.StepRegistration) {
		is, before := part(&now, field), part(&was, field)
		if is != nil && before != nil && *is != *before || field == setup.Secret && p.state.Secret != secret {
			filled = append(filled, field)
		}
	}
	typed := maps.Clone(p.state.Typed)
	for _, field := range append(filled, f) { // what was pasted goes from its field again
		delete(typed, field)
		p.note(field)
	}
	if typed == nil {
		typed = map[Field]string{}
	}
	if p.state.Secret != secret {
		typed[setup.Secret] = found.Secret
	}
	p.state.Typed, p.state.Filled = typed, filled
	for _, field := range filled {
		p.remark(field)
	}
	p.typed()
	return true
}

// merge remembers what pastes held, for the mistakes that are a mix-up of two.
func (p *presenter) merge(found setup.Found) {
	f := &p.state.Pasted
	for _, v := range []struct {
		to   *string
		from string
	}{{&f.ClientID, found.ClientID}, {&f.Tenant, found.Tenant}, {&f.ObjectID, found.ObjectID}, {&f.SecretID, found.SecretID}} {
		if v.from != "" {
			*v.to = v.from
		}
	}
	f.Guessed = found.Guessed
}
