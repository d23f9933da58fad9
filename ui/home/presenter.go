package home

import (
	"context"
	"slices"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// Program is what the page needs of the program.
type Program interface {
	Messages(ctx context.Context, f mailer.Filter) ([]mailer.Message, error)
	Message(ctx context.Context, id string) (*mailer.Record, error)
	Traffic(ctx context.Context, since time.Time, step time.Duration) ([]mailer.Volume, error)
	Reload(ctx context.Context) error
	mailer.Pausing
}

// Of what changes with each message, the plot and the last deliveries, a newer
// state is asked for no more often than every beat, and once in a minute.
const (
	beat    = 5 * time.Second
	refresh = time.Minute
)

// A delivery is the last one of an account.
type delivery struct {
	at time.Time // when it was delivered; zero: never
	to []string
	// unknown says that the record was not asked yet.
	unknown bool
}

// A presenter belongs to the window's goroutine.
type presenter struct {
	desk    *desk.Desk
	program Program
	open    func(desk.Place)
	show    func(State)
	now     func() time.Time

	status  desk.Status
	shown   bool
	stop    context.CancelFunc // of the beat
	asked   time.Time          // for traffic, last
	busy    bool               // an answer is awaited
	round   int                // to which question
	giveUp  context.CancelFunc
	stale   bool // something changed since
	span    Span
	volumes []mailer.Volume
	since   time.Time // of volumes
	failed  error     // why there are none
	last    map[string]delivery
	asking  bool
	refused *refusal
}

// A refusal is what was asked for and did not come about.
type refusal struct {
	key string // of what it says
	err error
}

func newPresenter(d *desk.Desk, p Program, open func(desk.Place), show func(State)) *presenter {
	return &presenter{desk: d, program: p, open: open, show: show, now: time.Now, span: Day, last: map[string]delivery{}}
}

// Status takes a new status.
func (p *presenter) Status(s desk.Status) {
	p.status, p.stale = s, true
	if p.shown {
		p.look()
	}
}

// Show begins to keep the page up to date.
func (p *presenter) Show() {
	if !p.shown {
		p.shown = true
		p.stop = p.desk.Every(beat, p.look)
	}
	p.stale = true
	p.look()
}

// Hide ends that.
func (p *presenter) Hide() {
	if !p.shown {
		return
	}
	p.shown = false
	p.stop()
	p.forgo()
}

// forgo gives up what is asked for.
func (p *presenter) forgo() {
	if p.busy {
		p.giveUp()
		p.busy, p.asked = false, time.Time{}
	}
}

// look asks for what is due, and shows what there is.
func (p *presenter) look() {
	age := p.now().Sub(p.asked)
	if p.usable() && !p.busy && (p.stale && age >= beat || age >= refresh) {
		p.ask()
	}
	p.draw()
}

// ChooseSpan has the plot go back as far as that.
func (p *presenter) ChooseSpan(s Span) {
	if s == p.span {
		return
	}
	p.span, p.volumes, p.failed = s, nil, nil
	p.forgo()
	if p.usable() {
		p.ask()
	}
	p.draw()
}

// ask asks for the traffic and for the last deliveries that are not known.
func (p *presenter) ask() {
	now := p.now()
	p.asked, p.busy, p.stale = now, true, false
	p.round++
	round := p.round
	step, _ := p.span.step()
	since := p.span.since(now)
	var wanted []mailer.AccountStatus
	for _, a := range p.status.Accounts {
		if l, known := p.last[a.Name]; !known || a.LastDelivered.After(l.at) {
			wanted = append(wanted, a)
		}
	}
	p.giveUp = p.desk.Start(func(ctx context.Context) func() {
		volumes, err := p.program.Traffic(ctx, since, step)
		last := map[string]delivery{}
		for _, a := range wanted {
			if d, ok := p.lastOf(ctx, a); ok {
				last[a.Name] = d
			}
		}
		return func() {
			if round != p.round || !p.busy {
				return // it was given up
			}
			for name, d := range last {
				p.last[name] = d
			}
			p.busy, p.failed = false, err
			if err == nil {
				p.volumes, p.since = volumes, since
			}
			if p.shown {
				p.draw()
			}
		}
	})
}

// lastOf finds an account's last delivery in the record. What the record does
// not tell just now is asked again when something was delivered.
func (p *presenter) lastOf(ctx context.Context, a mailer.AccountStatus) (delivery, bool) {
	d := delivery{at: a.LastDelivered}
	messages, err := p.program.Messages(ctx, mailer.Filter{Account: a.Name, State: "delivered", Limit: 1})
	if err != nil {
		return d, false
	}
	if len(messages) == 0 {
		return d, true
	}
	if f := messages[0].Finished; f.After(d.at) {
		d.at = f
	}
	r, err := p.program.Message(ctx, messages[0].ID)
	if err != nil {
		return d, false
	}
	for _, to := range r.Recipients {
		d.to = append(d.to, to.Address)
	}
	return d, true
}

// Pause pauses all accounts, for a while or, with 0, until Resume.
func (p *presenter) Pause(d time.Duration) {
	var until time.Time
	if d > 0 {
		until = p.now().Add(d)
	}
	p.do("home.not_paused", func(ctx context.Context) error { return p.program.Pause(ctx, "", until) })
}

// Resume ends the person's pause, of one account or, with "", of all.
func (p *presenter) Resume(account string) {
	p.do("home.not_resumed", func(ctx context.Context) error { return p.program.Resume(ctx, account) })
}

// do does one thing to the program; failed is the key of the text that says that it
// did not come about.
func (p *presenter) do(failed string, what func(context.Context) error) {
	if p.asking {
		return
	}
	p.asking, p.refused = true, nil
	p.draw()
	p.desk.Start(func(ctx context.Context) func() {
		err := what(ctx)
		return func() {
			p.asking = false
			if err != nil {
				p.refused = &refusal{failed, err}
			}
			p.draw()
		}
	})
}

// Cure does what a button says, about an account or, with "", about the whole.
func (p *presenter) Cure(cure, account string) {
	switch cure {
	case CureResume:
		p.Resume(account)
	case CureSettings:
		p.do("home.not_read", p.program.Reload)
	default:
		p.open(placeOf(cure, account))
	}
}

func placeOf(cure, account string) desk.Place {
	at := desk.Place{Page: desk.Accounts, Account: account}
	switch cure {
	case CureSignIn:
		at.Page, at.Do = desk.Setup, desk.DoSignIn
	case CureSetup:
		at.Page, at.Do = desk.Setup, desk.DoNew
	case CureCheck:
		at.Do = desk.DoCheck
	case CureSecret:
		at.Do = desk.DoSecret
	case CureQueue:
		at.Page = desk.Queue
	case CureHistory:
		at.Page = desk.History
	}
	return at
}

// CloseTrouble puts away what went wrong.
func (p *presenter) CloseTrouble() {
	p.refused = nil
	p.draw()
}

// usable reports whether the program answers.
func (p *presenter) usable() bool {
	return p.status.Known && p.status.Silent.IsZero() && p.status.Unstarted == nil
}

// Accounts are the names of those that could send a test email.
func (p *presenter) Accounts() []string {
	var names []string
	for _, a := range p.status.Accounts {
		names = append(names, a.Name)
	}
	return names
}

func (p *presenter) draw() {
	now := p.now()
	s := State{
		Headline: headline(p.status, p.latest(), now), Where: where(p.status, now), Usable: p.usable(),
		Paused: p.status.Paused != nil, Asking: p.asking, Plot: p.plot(),
		Empty:   p.usable() && len(p.status.Accounts) == 0,
		Problem: words.Sentence(p.status.Problem),
	}
	if r := p.refused; r != nil {
		s.Trouble = &Trouble{What: words.Say(r.key), Said: words.Sentence(r.err.Error()), Fix: words.Sentence(mailer.Fix(r.err))}
	}
	for _, a := range p.status.Accounts {
		last, known := p.last[a.Name]
		last.unknown = !known
		s.Cards = append(s.Cards, card(a, p.status, last, now))
	}
	// Those that need a person come first.
	slices.SortStableFunc(s.Cards, func(a, b Card) int { return a.rank() - b.rank() })
	p.show(s)
}

// latest is the last delivery of all.
func (p *presenter) latest() delivery {
	var d delivery
	for _, a := range p.status.Accounts {
		l, known := p.last[a.Name]
		d.unknown = d.unknown || !known
		if a.LastDelivered.After(l.at) {
			l = delivery{at: a.LastDelivered}
		}
		if l.at.After(d.at) {
			d.at, d.to = l.at, l.to
		}
	}
	return d
}
