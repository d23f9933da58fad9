package explain

import (
	"context"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
	"traymail/ui/desk"
)

// Program is what the page needs of the program. It blocks.
type Program interface {
	Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error)
}

// A State is everything the page shows. It is never changed, only replaced.
type State struct {
	Text string
	// Of is the text that the answer is about, "" while there is no answer.
	Of     string
	Answer Answer
	// Open is the ID of the entry of several that is shown whole, "" for none.
	Open string

	Accounts []string // whose names may stand in the fixes
	For      string   // whose do; "" is nobody's
	// Unread says why the account's names are not known.
	Unread error
}

// An Answer is what a text means, with an account's names in its fixes.
type Answer struct {
	Verdict   refusals.Verdict
	Extract   string // the words that count
	Tell      string // what would tell the candidates apart
	Shortened bool
	// Lead is the refusal that the others follow from, nil when none is certain,
	// and Rest are the others, or what it may be.
	Lead *Entry
	Rest []Entry
}

// An Entry is one of the catalogue. Application are the fixes of an account that
// nobody signs in to, where they are others: without an account nobody knows
// which the text is about.
type Entry struct {
	refusals.Refusal
	Application refusals.Fixes
}

// A presenter belongs to the window's goroutine.
type presenter struct {
	desk    *desk.Desk
	program Program
	explain func(string) refusals.Answer
	show    func(State)

	state  State
	found  refusals.Answer  // of state.Of, as the catalogue has it
	names  *account.Account // of state.For
	asking bool
	chosen bool // the person chose an account, or none
}

func newPresenter(d *desk.Desk, p Program) *presenter {
	return &presenter{desk: d, program: p, explain: refusals.Explain, show: func(State) {}}
}

// ask shows what a text means, as soon as that is known. While one text is
// looked at, only the latest of those that follow waits.
func (p *presenter) ask(text string) {
	p.state.Text = text
	if strings.TrimSpace(text) == "" {
		p.state.Of, p.state.Answer, p.state.Open, p.found = "", Answer{}, "", refusals.Answer{}
	}
	p.show(p.state)
	if !p.asking {
		p.look()
	}
}

// look looks up the text as it is now, unless it is empty.
func (p *presenter) look() {
	text := p.state.Text
	if strings.TrimSpace(text) == "" {
		return
	}
	p.asking = true
	p.desk.Start(func(context.Context) func() {
		found := p.explain(text)
		return func() {
			p.asking = false
			if p.state.Text != text {
				p.look()
				return
			}
			p.found, p.state.Of, p.state.Open = found, text, ""
			p.state.Answer = named(found, p.names)
			p.show(p.state)
		}
	})
}

// toggle shows the whole of an entry, or its cause alone.
func (p *presenter) toggle(id string) {
	if p.state.Open == id {
		id = ""
	}
	p.state.Open = id
	p.show(p.state)
}

// accounts takes the names of all accounts. Where there is only one, its names
// stand in the fixes until somebody chooses.
func (p *presenter) accounts(names []string) {
	if slices.Equal(p.state.Accounts, names) {
		return
	}
	p.state.Accounts = slices.Clone(names)
	switch {
	case p.state.For != "" && !slices.Contains(names, p.state.For):
		p.chosen = false
		p.use("")
	case !p.chosen && len(names) == 1:
		p.use(names[0])
	default:
		p.show(p.state)
	}
}

// choose puts an account's names into the fixes; "" is nobody's.
func (p *presenter) choose(name string) {
	p.chosen = true
	p.use(name)
}

func (p *presenter) use(name string) {
	p.state.For, p.state.Unread = name, nil
	p.names = nil
	if name == "" {
		p.rename()
		return
	}
	p.show(p.state)
	p.desk.Start(func(ctx context.Context) func() {
		a, _, err := p.program.Account(ctx, name)
		return func() {
			if p.state.For != name {
				return
			}
			p.names = &a
			if p.state.Unread = err; err != nil {
				p.names = nil
			}
			p.rename()
		}
	})
}

// rename fills the answer's fixes anew.
func (p *presenter) rename() {
	if p.state.Of != "" {
		p.state.Answer = named(p.found, p.names)
	}
	p.show(p.state)
}

// named puts the names of an account into an answer; a may be nil.
func named(found refusals.Answer, a *account.Account) Answer {
	answer := Answer{Verdict: found.Verdict, Extract: found.Extract, Tell: found.Tell, Shortened: found.Shortened}
	add := func(all []refusals.Refusal) {
		for _, r := range all {
			answer.Rest = append(answer.Rest, entry(r, a))
		}
	}
	switch found.Verdict {
	case refusals.Known:
		lead := entry(found.Findings[0].Refusal, a)
		answer.Lead, answer.Extract = &lead, found.Findings[0].Extract
		for _, f := range found.Findings[1:] {
			answer.Rest = append(answer.Rest, entry(f.Refusal, a))
		}
	case refusals.Ambiguous:
		add(found.Candidates)
	case refusals.Unknown:
		add(found.Near)
	}
	return answer
}

func entry(r refusals.Refusal, a *account.Account) Entry {
	e := Entry{Refusal: mailer.Named(r, a)}
	if a == nil {
		other := r.Filled(refusals.Names{}, true)
		if other.FixAdmin != e.FixAdmin {
			e.Application.FixAdmin = other.FixAdmin
		}
		if other.FixUser != e.FixUser {
			e.Application.FixUser = other.FixUser
		}
		if other.Command != e.Command {
			e.Application.Command = other.Command
		}
	}
	return e
}
