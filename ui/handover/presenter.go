package handover

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
)

// Program is what the hand-over needs of the program. All of it blocks.
type Program interface {
	Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error)
	Settings(ctx context.Context) (mailer.Settings, error)
	Clients(ctx context.Context) ([]mailer.Client, error)
	SaveClient(ctx context.Context, c mailer.Client, how mailer.ClientPassword) (password mailer.Secret, err error)
}

// Autostart is how traymail is started with the system, for this person. Its
// methods may block.
type Autostart interface {
	Enabled() (bool, error)
	Set(on bool) error
}

// Options are what the hand-over knows of this machine.
type Options struct {
	Autostart Autostart // nil where there is none
	// Service asks for the state of traymail as a service of the system, in the
	// words of 'traymail service status'; nil where that is not known. It may block.
	Service func() (state string, err error)
	Program string // where traymail is, for what calls it
	System  string // runtime.GOOS, from which follows whose service there can be
	Machine string // the machine's name in the network
	// Made is told of a client that was made for an account; nil for nothing.
	Made func(account, client string)
}

// A presenter's methods belong to the window's goroutine and return at once.
type presenter struct {
	desk    *desk.Desk
	program Program
	o       Options
	show    func(State)

	state  State
	status desk.Status
	typed  bool // the tool's name is the person's own
	names  bool // the senders are
}

func newPresenter(d *desk.Desk, p Program, o Options) *presenter {
	return &presenter{desk: d, program: p, o: o, show: func(State) {}}
}

// open shows what is handed over. What was made for it before stays in sight.
func (p *presenter) open(w What) {
	if w.Account != p.state.What.Account {
		p.typed, p.names = false, false
		p.state = State{What: w, Snippet: setup.Snippets(setup.Relay{})[0].ID, Service: p.state.Service, Start: p.state.Start}
	}
	p.state.What = w
	if i := slices.IndexFunc(setup.Snippets(setup.Relay{}), func(s setup.Snippet) bool { return s.ID == w.Guide }); i >= 0 {
		p.state.Snippet = w.Guide
	}
	if !p.typed {
		p.state.Tool = cmp.Or(w.Client, w.Guide, w.Account)
	}
	p.told(p.status)
	p.desk.Start(func(ctx context.Context) func() {
		a, _, err := p.program.Account(ctx, w.Account)
		var settings mailer.Settings
		if err == nil {
			settings, err = p.program.Settings(ctx)
		}
		var clients []mailer.Client
		if err == nil {
			clients, err = p.program.Clients(ctx)
		}
		return func() {
			if p.state.What.Account != w.Account {
				return
			}
			p.state.Account, p.state.Clients, p.state.Known, p.state.Unread = a, clients, err == nil, err
			if !p.names {
				p.state.Senders = strings.Join(setup.ClientSenders(a), ", ")
			}
			if len(p.state.Listeners) == 0 { // none is open now
				for _, l := range settings.Listeners {
					p.state.Listeners = append(p.state.Listeners, mailer.ListenerStatus{Name: l.Name, Address: l.Address, TLS: l.TLS})
				}
			}
			p.show(p.state)
		}
	})
	p.askSystem()
}

// askSystem finds out how traymail is started.
func (p *presenter) askSystem() {
	p.state.Start.Offered = p.o.Autostart != nil
	if p.o.Autostart != nil {
		p.desk.Start(func(context.Context) func() {
			on, err := p.o.Autostart.Enabled()
			return func() {
				p.state.Start = Start{Offered: true, Known: err == nil, On: on, Err: err}
				p.show(p.state)
			}
		})
	}
	if p.o.Service != nil {
		p.desk.Start(func(context.Context) func() {
			state, err := p.o.Service()
			return func() {
				p.state.Service.State, p.state.Service.Err = state, err
				p.show(p.state)
			}
		})
	}
}

// told takes the program's status.
func (p *presenter) told(s desk.Status) {
	p.status = s
	p.state.Service.Outside = s.Service
	if len(s.Listeners) > 0 {
		p.state.Listeners = s.Listeners
	}
	p.show(p.state)
}

// name, sendAs, open, from and place take what was typed and chosen.
func (p *presenter) name(tool string) {
	if p.state.Tool != tool {
		p.state.Tool, p.typed, p.state.Err = tool, true, nil
		p.show(p.state)
	}
}

func (p *presenter) sendAs(senders string) {
	if p.state.Senders != senders {
		p.state.Senders, p.names, p.state.Err = senders, true, nil
		p.show(p.state)
	}
}

func (p *presenter) withoutPassword(on bool) {
	p.state.Open, p.state.Err = on, nil
	if on && p.state.Networks == "" && !p.state.Elsewhere {
		p.state.Networks = "127.0.0.1"
	}
	p.show(p.state)
}

func (p *presenter) from(networks string) {
	if p.state.Networks != networks {
		p.state.Networks, p.state.Err = networks, nil
		p.show(p.state)
	}
}

func (p *presenter) place(elsewhere bool) {
	p.state.Elsewhere = elsewhere
	if p.state.Networks == "127.0.0.1" && elsewhere {
		p.state.Networks = ""
	}
	p.show(p.state)
}

func (p *presenter) choose(snippet string) {
	p.state.Snippet = snippet
	p.show(p.state)
}

// create makes the client.
func (p *presenter) create() {
	if !p.state.CanCreate() {
		return
	}
	c, how := mailer.Client{Name: p.state.tool(), Account: p.state.What.Account, AllowedSenders: parseSenders(p.state.Senders)}, mailer.NewPassword
	if p.state.Open {
		networks, err := parseNetworks(p.state.Networks)
		if err != nil {
			p.state.Err = err
			p.show(p.state)
			return
		}
		c.Networks, how = networks, mailer.NoPassword
	}
	p.save(c, how)
}

// renew makes a new password for the client that there is; the former one ends
// to work.
func (p *presenter) renew() {
	if c, is := p.state.Client(); is && !p.state.Saving {
		p.save(c, mailer.NewPassword)
	}
}

func (p *presenter) save(c mailer.Client, how mailer.ClientPassword) {
	of := p.state.What.Account
	p.state.Saving, p.state.Err = true, nil
	p.show(p.state)
	p.desk.Start(func(ctx context.Context) func() {
		password, err := p.program.SaveClient(ctx, c, how)
		clients, listing := p.program.Clients(ctx)
		return func() {
			saved := err == nil || errors.Is(err, mailer.ErrNotInForce)
			if saved && p.o.Made != nil {
				p.o.Made(of, c.Name)
			}
			if p.state.What.Account != of {
				return // what is shown now is of another one
			}
			p.state.Saving, p.state.Err = false, err
			if listing == nil {
				p.state.Clients = clients
			}
			if saved {
				p.state.What.Client = c.Name
				p.state.Made, p.state.Password, p.state.Open = c.Name, password, false
			}
			p.show(p.state)
		}
	})
}

// forget forgets the password that was told.
func (p *presenter) forget() {
	p.state.Made, p.state.Password = "", ""
	p.show(p.state)
}

// start has traymail started with the system, or not.
func (p *presenter) start(on bool) {
	if p.o.Autostart == nil || p.state.Start.Busy {
		return
	}
	p.state.Start.Busy = true
	p.show(p.state)
	p.desk.Start(func(context.Context) func() {
		err := p.o.Autostart.Set(on)
		is, asked := p.o.Autostart.Enabled()
		return func() {
			p.state.Start = Start{Offered: true, Known: asked == nil, On: is, Err: cmp.Or(err, asked)}
			p.show(p.state)
		}
	})
}
