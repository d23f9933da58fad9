package ui

import (
	"context"
	"time"

	"traymail/internal/checks"
)

// waitTime is how long a check that failed is tried again: as long as the
// slowest of the changes at the provider takes, and as the person lets it.
const waitTime = 24 * time.Hour

// look shows a view.
func (p *presenter) look(v View) {
	p.state.View = v
	p.show(p.state)
}

// check stores what was changed and does all checks.
func (p *presenter) check() {
	if p.state.CanCheck() {
		p.state.Checks.Compact, p.state.Checks.Unfolded = false, nil
		p.runChecks(0)
	}
}

// tryAgain does all checks again, with what there is to mend kept in sight.
func (p *presenter) tryAgain() { p.runChecks(0) }

// await does all checks again, and then tries the first one that fails until it
// passes.
func (p *presenter) await() { p.runChecks(waitTime) }

func (p *presenter) runChecks(wait time.Duration) {
	if !p.state.CanCheck() {
		return
	}
	p.state.View = ViewChecks
	p.state.Checks = p.state.Checks.began()
	o := checks.Options{NoSend: p.state.Checks.NoSend, Wait: wait}
	work := func(ctx context.Context, name string) Outcome {
		_, err := p.service.Check(ctx, name, o, func(r checks.Result) { p.post(func() { p.checked(r) }) })
		return Outcome{Err: err}
	}
	if p.unread && p.state.Account.Equal(p.stored) {
		// Its file cannot be read, and the checks say why.
		name := p.state.Account.Name
		p.begin(Checking, func(ctx context.Context) Outcome { return work(ctx, name) })
		return
	}
	p.afterSaving(Checking, work)
}

// checked shows a result, and tells the person who waits for it elsewhere.
func (p *presenter) checked(r checks.Result) {
	waited := false
	for _, row := range p.state.Checks.In(Waiting) {
		waited = waited || row.ID == r.ID
	}
	var mended bool
	p.state.Checks, mended = p.state.Checks.with(r)
	if waited && mended {
		p.notify(r, p.state.Account)
	}
}

// toggle shows the whole of a check, or one line of it.
func (p *presenter) toggle(id string) {
	p.state.Checks = p.state.Checks.toggled(id)
	p.show(p.state)
}

// unfold shows the checks of a group that was one line.
func (p *presenter) unfold(g Group) {
	p.state.Checks = p.state.Checks.unfolded(g)
	p.show(p.state)
}

// withTest chooses whether the checks send the test email.
func (p *presenter) withTest(send bool) {
	if p.state.Activity == Idle {
		p.state.Checks.NoSend = !send
		p.show(p.state)
	}
}
