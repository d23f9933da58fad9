package checking

import (
	"context"
	"strings"
	"time"

	"traymail/internal/mailer"
)

// address takes what was typed as the test email's recipient.
func (p *presenter) address(to string) {
	if m := p.current; m != nil && m.state.Test.To != to {
		m.state.Test.To, m.typed = to, true
		p.changed(m)
	}
}

// sendTest sends the test email.
func (p *presenter) sendTest() {
	m := p.current
	if m == nil || !m.state.CanTest() {
		return
	}
	to, name := strings.TrimSpace(m.state.Test.To), m.state.Name
	m.testSince = time.Now()
	m.state.Test = Test{To: m.state.Test.To, Active: true, At: to}
	m.test++
	test := m.test
	m.stopTest = p.desk.Start(func(ctx context.Context) func() {
		d, err := p.program.SendTest(ctx, name, to)
		stopped := err != nil && ctx.Err() != nil
		took := time.Since(m.testSince)
		return func() {
			t := &m.state.Test
			if m.test != test || !t.Active {
				return // it was of other settings
			}
			t.Active, t.Cancelling, t.Done, t.Elapsed, t.Stopped = false, false, true, took, stopped
			t.Delivery, t.ByChecks = d, nil
			if !stopped {
				t.Err = err
			}
			p.changed(m)
		}
	})
	p.changed(m)
}

// testSoon sends the test email now or, while the account is not known, when it
// is.
func (p *presenter) testSoon() {
	if m := p.current; m != nil {
		m.testWanted = !m.state.Known
		p.sendTest()
	}
}

// stopTest gives the test email up.
func (p *presenter) stopTest() {
	if m := p.current; m != nil && m.state.Test.Active {
		m.state.Test.Cancelling = true
		m.stopTest()
		p.changed(m)
	}
}

// askAgain asks Exchange who may send on behalf of the sender.
func (p *presenter) askAgain() {
	if m := p.current; m != nil {
		p.ask(m)
		p.changed(m)
	}
}

// grant lets the account's username send on behalf of the sender, by the
// account's own rights.
func (p *presenter) grant() {
	if m := p.current; m != nil && m.state.Others.Answer != nil {
		p.behalf(m, true)
		p.changed(m)
	}
}

func (p *presenter) ask(m *matter) { p.behalf(m, false) }

func (p *presenter) behalf(m *matter, grant bool) {
	o := &m.state.Others
	if o.Asking || o.Granting || !o.Askable {
		return
	}
	o.Asking, o.Granting, o.Err = !grant, grant, nil
	name, of := m.state.Name, m.state.Account
	m.stopAsking = p.desk.Start(func(ctx context.Context) func() {
		d, err := p.program.SendOnBehalf(ctx, name, grant)
		return func() {
			if !of.Equal(m.state.Account) {
				return
			}
			m.state.Others = answered(m.state.Others, d, err, grant)
			p.changed(m)
		}
	})
}

// answered returns o with Exchange's answer. A permission that could not be
// given leaves what was known before.
func answered(o Others, d mailer.Delegation, err error, grant bool) Others {
	o.Asking, o.Granting, o.Err = false, false, err
	if err == nil {
		o.Answer, o.New = &d, grant && d.Granted
	} else if !grant {
		o.Answer, o.New = nil, false
	}
	return o
}
