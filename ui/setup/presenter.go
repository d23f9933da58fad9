package setup

import (
	"context"
	"maps"
	"slices"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
)

// Program is what the page needs of the program. All of it blocks.
type Program interface {
	Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error)
	Save(ctx context.Context, a account.Account, secret mailer.Secret) error
	SignIn(ctx context.Context, name string, how mailer.SignIn) (mailer.SignedIn, error)
	Validate(ctx context.Context, name string) (mailer.Validation, error)
	mailer.Drafting
}

// A presenter is the page without its widgets. Its methods return at once and
// belong to the window's goroutine.
type presenter struct {
	program Program
	desk    *desk.Desk
	follow  func(address string) // opens it in the person's browser
	show    func(State)          // gets every new state
	renewed func(account string) // told that it has another secret; nil for nobody

	state  State
	opened bool            // the draft was asked for
	stored account.Account // as it is in its file
	taken  []string        // names of accounts
	visits bool            // it shows an account that exists, not the draft
	after  func()          // what to do once it has opened

	cancel context.CancelFunc // of the activity
	settle context.CancelFunc // of the pause after typing
	tick   context.CancelFunc // of the clock of a sign-in
	pasted chan string        // to the sign-in

	keeper
}

func newPresenter(program Program, d *desk.Desk, follow func(string), show func(State)) *presenter {
	none := func() {}
	p := &presenter{program: program, desk: d, follow: follow, show: show, cancel: none, settle: none, tick: none}
	p.reset()
	return p
}

// reset begins a new setup with what is recommended.
func (p *presenter) reset() {
	m := setup.Methods()[0]
	p.stored, p.visits = account.Account{}, false
	p.state = State{Draft: setup.Draft{Step: setup.StepMethod, Method: m.ID, Account: m.Account("")}, Reached: setup.StepMethod,
		Unkept: p.state.Unkept, Turn: p.state.Turn}
}

// draw shows the state.
func (p *presenter) draw() { p.show(p.state) }

// focus asks for the focus in a field of the present step, "" for where the step
// begins.
func (p *presenter) focus(f Field) {
	p.state.Focus = f
	p.state.Turn++
}

// startOver drops the draft and begins anew.
func (p *presenter) startOver() {
	if p.state.Waiting != "" {
		return // the draft is that of another setup
	}
	p.stop()
	p.drop()
	p.reset()
	p.nameTyped, p.touched = false, false
	p.focus("")
	p.draw()
}

// status takes the names of the accounts.
func (p *presenter) status(s desk.Status) {
	var names []string
	for _, a := range s.Accounts {
		names = append(names, a.Name)
	}
	p.taken = names
	if p.state.Activity == Idle && !p.state.Stored && s.Known {
		p.suggestName()
		p.draw()
	}
}

// leave keeps what is typed, at once. A sign-in goes on.
func (p *presenter) leave() {
	p.settle()
	p.keep()
}

// begin runs work on a goroutine of its own, and then what it returns.
func (p *presenter) begin(a Activity, work func(ctx context.Context) func()) {
	p.state.Activity, p.state.Err = a, nil
	p.cancel = p.desk.Start(work)
	p.draw()
}

// end is the end of an activity.
func (p *presenter) end() {
	p.cancel()
	p.tick()
	p.state.Activity, p.state.Signing = Idle, Signing{}
	if then := p.after; then != nil {
		p.after = nil
		p.desk.Post(then)
	}
}

// stop gives up what is under way. It ends when the program lets go.
func (p *presenter) stop() {
	if p.state.Activity == Idle || p.state.Signing.Cancelling {
		return
	}
	p.state.Signing.Cancelling = true
	p.cancel()
	p.draw()
}

// enter goes to a step.
func (p *presenter) enter(step string) {
	if p.state.Step() == setup.StepSignIn && step != setup.StepSignIn {
		p.stop() // a sign-in that nobody sees
	}
	p.settle()
	p.state.Draft.Step = step
	p.state.Typed, p.state.Filled, p.state.Err = nil, nil, nil
	if position(step) > position(p.state.Reached) {
		p.state.Reached = step
	}
	if !p.visits || p.touched { // else it was only looked at
		p.changed()
		p.keep()
	}
	p.focus("")
	p.draw()
}

// next goes on, unless something is missing, which it says. What was changed is
// saved on the way from the registration.
func (p *presenter) next() {
	if p.state.Activity != Idle {
		return
	}
	d := p.state.Draft
	to := setup.Order()[min(position(p.state.Step())+1, position(setup.StepDone))]
	if p.state.SignsIn() {
		to = d.Next()
	}
	if p.complete() {
		p.pass(to)
	}
}

// back goes to the step before.
func (p *presenter) back() {
	at := position(p.state.Step())
	if at == 0 || p.state.Activity == Saving || p.state.Activity == Opening {
		return
	}
	to := setup.Order()[at-1]
	if p.state.SignsIn() {
		to = p.state.Draft.Back()
	}
	p.enter(to)
}

// goTo goes to a step that was reached before.
func (p *presenter) goTo(step string) {
	if step == p.state.Step() || !p.state.CanGo(step) {
		return
	}
	if position(step) > position(p.state.Step()) {
		if p.state.Activity == Idle && p.complete() {
			p.pass(step)
		}
		return
	}
	p.enter(step)
}

// pass goes on to a step, and saves what was changed where the step needs it.
func (p *presenter) pass(to string) {
	if position(to) > position(setup.StepRegistration) && p.unsaved() {
		p.save(to)
		return
	}
	p.enter(to)
}

// unsaved reports whether the account differs from what is stored.
func (p *presenter) unsaved() bool {
	return !p.state.Stored || p.state.Secret != "" || p.state.Draft.HasSecret || !p.state.Draft.Account.Equal(p.stored)
}

// finish ends the setup for good. One of another account that is unfinished is
// shown when the page is opened again.
func (p *presenter) finish() {
	if p.state.Waiting == "" {
		p.drop()
	}
	p.opened = p.state.Waiting == ""
	p.reset()
	p.nameTyped, p.touched = false, false
}

// made keeps the name of the client that was made for the tool.
func (p *presenter) made(account, client string) {
	if account != p.state.Draft.Account.Name {
		return // the person went on to another one
	}
	p.state.Draft.Client = client
	if !p.visits || p.touched {
		p.changed()
		p.keep()
	}
}

// tested notes that the server took a test email of an account.
func (p *presenter) tested(account string) {
	if account != p.state.Draft.Account.Name || p.state.Draft.Tested {
		return
	}
	p.state.Draft.Tested = true
	if !p.visits || p.touched {
		p.changed()
		p.keep()
	}
}

func (p *presenter) note(f Field, notes ...Note) {
	all := maps.Clone(p.state.Notes)
	if all == nil {
		all = map[Field][]Note{}
	}
	if all[f] = notes; len(notes) == 0 {
		delete(all, f)
	}
	p.state.Notes = all
}

// sendsAs is the address that a name is proposed for.
func sendsAs(a account.Account) string {
	if a.SignIn == account.AppOnly || a.Username == "" {
		return a.Sender
	}
	return a.Username
}

// suggestName proposes a name that is free, unless the person gave one.
func (p *presenter) suggestName() {
	a := &p.state.Draft.Account
	if p.state.Stored || p.nameTyped && !slices.Contains(p.taken, a.Name) {
		return
	}
	if p.nameTyped {
		return // it is said when the person goes on
	}
	a.Name = ""
	if address := sendsAs(*a); address != "" {
		a.Name = setup.FreeName(address, p.taken)
	}
}
