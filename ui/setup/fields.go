package setup

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
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
	case setup.Username, setup.Sender, setup.TestTo:
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
