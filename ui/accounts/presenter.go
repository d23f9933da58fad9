package accounts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// A presenter belongs to the window's goroutine.
type presenter struct {
	desk    *desk.Desk
	program Program
	files   desk.Files
	show    func(State)
	renewed func(account string) // told that it has another secret
	now     func() time.Time

	shown   bool
	status  desk.Status
	chosen  string
	stage   Stage
	busy    bool
	round   int // of what was asked about the chosen account
	base    account.Account
	draft   account.Account
	stored  mailer.Secrets
	typed   map[string]string // what is no number, by key
	wrong   map[string]wrong
	secret  newSecret
	notice  telling
	problem telling
	ways    map[string]string // of the accounts that were read
}

// A wrong is what is wrong with a field.
type wrong struct{ text, fix string }

// secretKey is the secret among the keys of what is wrong.
const secretKey = "secret"

func newPresenter(d *desk.Desk, p Program, files desk.Files, show func(State)) *presenter {
	return &presenter{desk: d, program: p, files: files, show: show, renewed: func(string) {}, now: time.Now, ways: map[string]string{}}
}

// Status takes a new status.
func (p *presenter) Status(s desk.Status) {
	p.status = s
	if p.chosen != "" && p.usable() && p.find(p.chosen) == nil && p.stage != Loading {
		p.leave() // somebody removed it
	}
	if p.shown {
		p.draw()
	}
}

// Open and Close say whether the page is to be seen. While it is not, what the
// program says is only remembered.
func (p *presenter) Open() {
	p.shown = true
	p.draw()
}

func (p *presenter) Close() { p.shown = false }

func (p *presenter) usable() bool {
	return p.status.Known && p.status.Silent.IsZero() && p.status.Unstarted == nil
}

func (p *presenter) find(name string) *mailer.AccountStatus {
	i := slices.IndexFunc(p.status.Accounts, func(a mailer.AccountStatus) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &p.status.Accounts[i]
}

// Refresh reads what the list says of the accounts that were not read yet, and
// the chosen one again, unless it is being changed.
func (p *presenter) Refresh() {
	if p.chosen == "" && len(p.status.Accounts) > 0 {
		p.Choose(p.status.Accounts[0].Name)
	} else if p.chosen != "" && !p.dirty() {
		p.Choose(p.chosen)
	}
	var missing []string
	for _, a := range p.status.Accounts {
		if _, known := p.ways[a.Name]; !known {
			missing = append(missing, a.Name)
		}
	}
	if len(missing) == 0 || !p.usable() {
		return
	}
	p.desk.Start(func(ctx context.Context) func() {
		found := map[string]string{}
		for _, name := range missing {
			if a, _, err := p.program.Account(ctx, name); err == nil {
				found[name] = way(&a)
			}
		}
		return func() {
			maps.Copy(p.ways, found)
			p.draw()
		}
	})
}

func (p *presenter) leave() {
	p.round++
	p.chosen, p.stage, p.busy = "", Nothing, false
	p.reset(account.Account{}, mailer.Secrets{})
}

// reset makes a the account that is edited.
func (p *presenter) reset(a account.Account, stored mailer.Secrets) {
	p.base, p.draft, p.stored = a, copyOf(a), stored
	p.typed, p.wrong, p.secret, p.problem = map[string]string{}, map[string]wrong{}, newSecret{}, nil
}

func copyOf(a account.Account) account.Account {
	a.Senders = slices.Clone(a.Senders)
	return a
}

// Choose shows another account. What was changed and not applied is gone.
func (p *presenter) Choose(name string) {
	if p.stage == Applying {
		return
	}
	if name != p.chosen {
		p.notice = nil
	}
	p.leave()
	p.chosen, p.stage = name, Loading
	round := p.round
	p.desk.Start(func(ctx context.Context) func() {
		a, stored, err := p.program.Account(ctx, name)
		return func() {
			if round != p.round {
				return
			}
			p.stage = Editing
			if err != nil {
				p.stage, p.problem = Unreadable, failed(phrase{"accounts.unreadable", words.Data{"Account": name}}, err)
			} else {
				p.reset(a, stored)
				p.ways[name] = way(&a)
			}
			p.draw()
		}
	})
	p.draw()
}

// A telling makes a notice in the language in use; nil is none.
type telling func() *Notice

func (t telling) now() *Notice {
	if t == nil {
		return nil
	}
	return t()
}

// A phrase is a text of the window, in no language.
type phrase struct {
	key  string
	data words.Data
}

func (w phrase) say() string { return words.Say(w.key, w.data) }

func failed(what phrase, err error) telling {
	return func() *Notice {
		return &Notice{Mood: Broken, What: what.say(), Said: words.Sentence(err.Error()), Fix: words.Sentence(mailer.Fix(err))}
	}
}

// Set takes over what was typed into a field, and what follows from it.
func (p *presenter) Set(key, value string) {
	f := fieldOf(key)
	if p.stage != Editing || f == nil {
		return
	}
	former := copyOf(p.draft)
	delete(p.typed, key)
	if !f.set(&p.draft, value) {
		p.typed[key] = value
	}
	p.draft.Follow(former)
	if f.kind == text || f.kind == file { // what follows from a field does not change the field
		f.set(&p.draft, value)
	}
	if _, was := p.wrong[key]; was || f.kind == choice {
		p.check()
	}
	p.notice = nil
	p.draw()
}

// Discard puts everything back to what is in force.
func (p *presenter) Discard() {
	if p.stage == Editing {
		p.reset(p.base, p.stored)
		p.notice = nil
		p.draw()
	}
}

// dirty reports whether something differs from what is in force.
func (p *presenter) dirty() bool { return p.stage == Editing && p.changes() > 0 }

func (p *presenter) changes() int {
	n := len(p.typed)
	for i := range fields {
		f := &fields[i]
		if _, is := p.typed[f.key]; !is && f.value(&p.draft) != f.value(&p.base) && (f.fits(&p.draft) || f.fits(&p.base)) {
			n++
		}
	}
	if p.secret.given() {
		n++
	}
	return n
}

// check finds what is wrong with the draft, and returns the draft as it would be
// saved when nothing is.
func (p *presenter) check() (account.Account, bool) {
	p.wrong = map[string]wrong{}
	for key := range p.typed {
		p.wrong[key] = wrong{words.Say("accounts.no_number"), words.Say("accounts.no_number_fix")}
	}
	a := copyOf(p.draft)
	if len(p.wrong) > 0 {
		return a, false
	}
	if err := a.Validate(); err != nil {
		p.blame(err)
		return a, false
	}
	return a, true
}

// blame shows an error at its field or, where there is none, above the form.
func (p *presenter) blame(err error) {
	f, is := errors.AsType[*account.FieldError](err)
	if !is {
		p.notice = failed(phrase{key: "accounts.not_applied"}, err)
		return
	}
	key := f.Key
	switch key {
	case "client secret", "certificate", "password":
		key = secretKey
	}
	if at := fieldOf(key); key != secretKey && (at == nil || !at.fits(&p.draft)) {
		p.notice = failed(phrase{key: "accounts.not_applied"}, err)
		return
	}
	p.wrong[key] = wrong{words.Sentence(f.Text), words.Sentence(f.Fix)}
}

// Apply saves the draft. It is in force when the page says so.
func (p *presenter) Apply() {
	if p.stage != Editing || !p.usable() {
		return
	}
	p.notice = nil
	a, right := p.check()
	if !right {
		p.draw()
		return
	}
	p.stage = Applying
	round, secret, kind, former, before := p.round, p.secret, secretKind(&a), p.base, p.stored
	p.desk.Start(func(ctx context.Context) func() {
		value, err := secret.value(kind)
		if err == nil {
			err = p.program.Save(ctx, a, value)
		}
		now, after := a, mailer.Secrets{}
		var reading error
		if err == nil {
			now, after, reading = p.program.Account(ctx, a.Name)
		}
		return func() {
			if round != p.round {
				return
			}
			p.stage = Editing
			switch {
			case err != nil:
				p.blame(err)
			case reading != nil:
				p.stage, p.problem = Unreadable, failed(phrase{"accounts.unreadable", words.Data{"Account": a.Name}}, reading)
			default:
				if secret.given() {
					p.renewed(a.Name)
				}
				p.reset(now, after)
				p.ways[a.Name] = way(&now)
				p.notice = func() *Notice { return applied(&now, &former, before, after, secret) }
			}
			p.draw()
		}
	})
	p.draw()
}

// applied says what the person has to know of an account that was saved.
func applied(a, former *account.Account, before, after mailer.Secrets, secret newSecret) *Notice {
	n := &Notice{Mood: Fine, What: words.Say("accounts.applied", words.Data{"Account": a.Name})}
	switch added := asksMore(a, former); {
	case secret.thumbprint != "":
		n.Mood, n.Then, n.Control = Needed, words.Say("accounts.upload", words.Data{"File": secret.file, "Thumbprint": secret.thumbprint}), true
	case a.SignIn == account.BrowserSignIn && before.SignedIn && !after.SignedIn:
		n.Mood, n.Then, n.SignIn = Needed, words.Say("accounts.signed_out"), true
	case a.SignIn == account.BrowserSignIn && !after.SignedIn:
		n.Mood, n.Then, n.SignIn = Needed, words.Say("accounts.not_signed_in"), true
	case a.SignIn == account.BrowserSignIn && len(added) > 0:
		n.Mood, n.Then, n.SignIn = Needed, words.Say("accounts.asks_more", words.Data{"Scopes": strings.Join(added, " ")}), true
	case a.SignIn != account.BrowserSignIn:
		n.Then, n.Control = words.Say("accounts.applied_check"), true
	}
	return n
}

// asksMore are the permissions that a person's sign-in is for now and was not for
// before.
func asksMore(a, former *account.Account) []string {
	scopes := func(a *account.Account) []string {
		all := strings.Fields(a.GraphScope)
		if a.SendsOver(account.SMTP) {
			all = append(all, strings.Fields(a.SMTPScope)...)
		}
		return all
	}
	had := scopes(former)
	return slices.DeleteFunc(scopes(a), func(s string) bool { return slices.Contains(had, s) })
}

func (p *presenter) draw() {
	s := State{Usable: p.usable(), Empty: p.usable() && len(p.status.Accounts) == 0, Chosen: p.chosen, Stage: p.stage, Busy: p.busy,
		Notice: p.notice.now(), Problem: p.problem.now()}
	for _, a := range p.status.Accounts {
		s.Rows = append(s.Rows, row(a, p.ways[a.Name], p.now()))
	}
	if a := p.find(p.chosen); a != nil {
		s.Head = head(a, p.now())
	}
	if p.stage == Editing || p.stage == Applying {
		s.Head.SignsIn = p.base.SignIn == account.BrowserSignIn
		s.Changes = p.changes()
		s.Inputs = p.inputs()
		s.Secret = p.secretState()
	}
	p.show(s)
}

func (p *presenter) inputs() []Input {
	var all []Input
	for i := range fields {
		f := &fields[i]
		if !f.fits(&p.draft) {
			continue
		}
		in := Input{Key: f.key, Value: f.value(&p.draft), Wrong: p.wrong[f.key].text, Fix: p.wrong[f.key].fix}
		if typed, is := p.typed[f.key]; is {
			in.Value = typed
		}
		all = append(all, in)
	}
	return all
}
