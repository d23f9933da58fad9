package checking

import (
	"context"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// waitTime is how long a check that failed is tried again: as long as the
// slowest of the changes at the provider takes, and as the person lets it.
const waitTime = 24 * time.Hour

// Program is what the checks need of the program. All of it blocks.
type Program interface {
	Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error)
	Check(ctx context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error)
	SendTest(ctx context.Context, name, to string) (mailer.Delivery, error)
	SendOnBehalf(ctx context.Context, name string, grant bool) (mailer.Delegation, error)
}

// A presenter holds the state of all accounts that were shown, and shows one.
// Its methods belong to the window's goroutine and return at once.
type presenter struct {
	desk    *desk.Desk
	program Program
	show    func(State)                          // draws the account that is shown
	passed  func(checks.Result, account.Account) // a check that was waited for

	cases   map[string]*matter
	current *matter // nil before the first is shown
	status  desk.Status
}

// A matter is one account's state, and what is under way for it.
type matter struct {
	state State

	stopRun, stopTest, stopAsking context.CancelFunc
	stopClock                     context.CancelFunc
	runSince, testSince           time.Time
	run, test                     int  // the numbers of the latest, whose results count
	typed                         bool // the test email's address is the person's own
	testWanted                    bool // as soon as the account is known
	loading                       int  // how often it is being read
	runWanted                     bool // the checks, should its settings be others
}

func newPresenter(d *desk.Desk, p Program) *presenter {
	return &presenter{desk: d, program: p, cases: map[string]*matter{}, show: func(State) {}, passed: func(checks.Result, account.Account) {}}
}

// open shows an account, as it is now. then runs when that is known.
func (p *presenter) open(name string, then func()) {
	m := p.cases[name]
	if m == nil {
		m = &matter{state: State{Name: name, Checks: newChecks()}}
		p.cases[name] = m
	}
	p.current = m
	m.loading++
	p.changed(m)
	p.desk.Start(func(ctx context.Context) func() {
		a, secrets, err := p.program.Account(ctx, name)
		return func() {
			m.loading--
			p.opened(m, a, secrets, err)
			if p.current == m {
				then()
			}
		}
	})
}

func (p *presenter) opened(m *matter, a account.Account, secrets mailer.Secrets, err error) {
	s := &m.state
	other := err == nil && s.Known && !a.Equal(s.Account)
	if other { // what was found is of other settings
		p.giveUp(m)
		m.run++
		*s = State{Name: s.Name, Checks: newChecks(), Test: Test{To: s.Test.To}}
	}
	s.Unread = err
	if err == nil {
		first := !s.Known
		s.Account, s.Known, s.Complete = a, true, secrets.Complete(&a)
		if !m.typed {
			s.Test.To = testTo(a)
		}
		if first || other {
			s.Others = othersOf(a)
		}
		if s.Complete && s.Others.Askable && s.Others.Answer == nil && s.Others.Err == nil {
			p.ask(m)
		}
	}
	p.changed(m)
	if m.testWanted && p.current == m {
		m.testWanted = false
		p.sendTest()
	}
	if m.runWanted && m.loading == 0 {
		m.runWanted = false
		if other && p.current == m {
			p.begin()
		}
	}
}

// changed shows the state of an account, if it is the one to be seen, and keeps
// the clock going while something is under way.
func (p *presenter) changed(m *matter) {
	busy := m.state.Run.Active || m.state.Test.Active
	switch {
	case busy && m.stopClock == nil:
		m.stopClock = p.desk.Every(time.Second, func() { p.tick(m) })
	case !busy && m.stopClock != nil:
		m.stopClock()
		m.stopClock = nil
	}
	if m == p.current {
		m.state.Silent = p.status.Silent
		p.show(m.state)
	}
}

func (p *presenter) tick(m *matter) {
	now := time.Now()
	if m.state.Run.Active {
		m.state.Run.Elapsed, m.state.Checks.Now = now.Sub(m.runSince), now
	}
	if m.state.Test.Active {
		m.state.Test.Elapsed = now.Sub(m.testSince)
	}
	p.changed(m)
}

// told takes the program's status.
func (p *presenter) told(s desk.Status) {
	p.status = s
	if p.current != nil {
		p.changed(p.current)
	}
}

// begin does all checks, unless they were begun. What was found of other
// settings, which shows once the account is read, counts for nothing.
func (p *presenter) begin() {
	m := p.current
	if m == nil {
		return
	}
	if m.runWanted = m.loading > 0; !m.state.Checks.Begun() {
		p.check()
	}
}

// resume begins without a test email, where nothing was begun yet: the server took
// one before.
func (p *presenter) resume() {
	if m := p.current; m != nil && !m.state.Checks.Begun() {
		m.state.Tested, m.state.Checks.NoSend = true, true
	}
	p.begin()
}

// outdated gives up what is under way for an account, and forgets what was found.
func (p *presenter) outdated(name string) {
	m := p.cases[name]
	if m == nil {
		return
	}
	for _, stop := range []context.CancelFunc{m.stopRun, m.stopTest} {
		if stop != nil {
			stop()
		}
	}
	m.run++
	m.test++
	s := m.state
	m.state = State{Name: s.Name, Account: s.Account, Known: s.Known, Unread: s.Unread, Complete: s.Complete, Others: s.Others, Checks: newChecks(), Test: Test{To: s.Test.To}}
	p.changed(m)
}

// check does all checks, with all of them in sight.
func (p *presenter) check() {
	if m := p.current; m != nil && !m.state.Run.Active {
		m.state.Checks.Compact, m.state.Checks.Unfolded = false, nil
		p.runChecks(0)
	}
}

// tryAgain does all checks again, with what there is to mend kept in sight.
func (p *presenter) tryAgain() { p.runChecks(0) }

// await does all checks again, and then tries the first one that fails until it
// passes.
func (p *presenter) await() { p.runChecks(waitTime) }

func (p *presenter) runChecks(wait time.Duration) {
	m := p.current
	if m == nil || m.state.Run.Active {
		return
	}
	m.run++
	run := m.run
	m.state.Checks = m.state.Checks.began()
	m.state.Run, m.runSince = Run{Active: true}, time.Now()
	m.state.Checks.Now = m.runSince
	o := checks.Options{NoSend: m.state.Checks.NoSend, Wait: wait}
	name := m.state.Name
	m.stopRun = p.desk.Start(func(ctx context.Context) func() {
		_, err := p.program.Check(ctx, name, o, func(r checks.Result) {
			p.desk.Post(func() {
				if m.run == run {
					p.checked(m, r)
				}
			})
		})
		stopped := ctx.Err() != nil
		return func() {
			if m.run != run {
				return
			}
			m.state.Run = Run{Elapsed: time.Since(m.runSince), Stopped: stopped}
			if !stopped {
				m.state.Run.Err = err
			}
			m.state.Checks = m.state.Checks.ended()
			p.changed(m)
		}
	})
	p.changed(m)
}

// checked shows a result, and tells the person who waits for it elsewhere.
func (p *presenter) checked(m *matter, r checks.Result) {
	waited := m.state.Checks.row(r.ID).Phase == Waiting
	var mended bool
	m.state.Checks, mended = m.state.Checks.with(r)
	if r.ID == checks.TestEmail && r.Status != checks.Skip && r.Waiting == nil {
		m.state.Test.ByChecks = &r
		if m.state.Test.Done {
			m.state.Test.Done, m.state.Test.Err, m.state.Test.Stopped, m.state.Test.Delivery = false, nil, false, mailer.Delivery{}
		}
	}
	p.changed(m)
	if waited && mended {
		p.passed(r, m.state.Account)
	}
}

// stop gives up the checks under way. What was found stays.
func (p *presenter) stop() {
	if m := p.current; m != nil && m.state.Run.Active {
		m.state.Run.Cancelling = true
		m.stopRun()
		p.changed(m)
	}
}

// giveUp ends all that is under way for an account.
func (p *presenter) giveUp(m *matter) {
	for _, stop := range []context.CancelFunc{m.stopRun, m.stopTest, m.stopAsking} {
		if stop != nil {
			stop()
		}
	}
}

// toggle shows the whole of a check, or one line of it.
func (p *presenter) toggle(id string) {
	p.current.state.Checks = p.current.state.Checks.toggled(id)
	p.changed(p.current)
}

// unfold shows the checks of a group that was one line.
func (p *presenter) unfold(g Group) {
	p.current.state.Checks = p.current.state.Checks.unfolded(g)
	p.changed(p.current)
}

// withTest chooses whether the checks send the test email.
func (p *presenter) withTest(send bool) {
	if m := p.current; m != nil && !m.state.Run.Active {
		m.state.Checks.NoSend = !send
		p.changed(m)
	}
}
