package setup

import (
	"cmp"
	"context"
	"sync"
	"time"

	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// pause is how long the typing has to pause for what is typed to be looked at
// and kept; keeping is the longest that may take, also while the window closes.
const (
	pause   = time.Second
	keeping = 10 * time.Second
)

// A keeper is what the presenter knows of its draft.
type keeper struct {
	nameTyped bool // the account's name is not the proposed one
	touched   bool // there is something to lose
	dirty     bool // it is not kept yet
	forget    bool // the draft that is kept is to be dropped, before that
	busy      bool
	runs      int
	kept      mailer.Secret // the secret that was handed over last
	errands   errands
}

// An errand is what the program is asked for: to drop the draft that it keeps, to
// keep another one, or the one and then the other.
type errand struct {
	forget, keep bool
	forgot       bool // one that was done before it has dropped the draft
	draft        setup.Draft
	secret       mailer.Secret
}

// then returns both errands as one.
func (e errand) then(next errand) errand {
	if next.forget {
		return next
	}
	next.forget = e.forget
	if !next.keep {
		next.keep, next.draft = e.keep, e.draft
	}
	next.secret = cmp.Or(next.secret, e.secret)
	return next
}

// errands are done one after the other, away from the window's goroutine: what
// comes while one is done is done too when the window closes behind it.
type errands struct {
	mu      sync.Mutex
	next    *errand // behind the one under way
	running bool
}

// leave leaves an errand, and reports whether somebody is at work who will do it.
func (q *errands) leave(e errand) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.running {
		q.running = true
		return false
	}
	if q.next != nil {
		e = q.next.then(e)
	}
	q.next = &e
	return true
}

// take returns the next errand, nil when there is none and the work ends.
func (q *errands) take() *errand {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.next
	q.next, q.running = nil, e != nil
	return e
}

// changed notes that there is something to keep.
func (p *presenter) changed() {
	if p.state.Waiting == "" { // else it would take the place of another one
		p.dirty = true
	}
}

// typed draws what was typed, and keeps it when the typing pauses.
func (p *presenter) typed() {
	p.touched = true
	p.changed()
	p.settle()
	p.settle = p.desk.Start(func(ctx context.Context) func() {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
			return p.settled
		}
	})
	p.draw()
}

// settled says what is wrong with what was typed, and keeps it.
func (p *presenter) settled() {
	if p.state.Activity == Saving || p.state.Activity == Opening {
		return
	}
	for _, f := range p.state.Fields(p.state.Step()) {
		if _, is := p.state.Typed[f]; is {
			p.remark(f)
		}
	}
	p.keep()
	p.draw()
}

// drop forgets the draft.
func (p *presenter) drop() {
	p.dirty, p.forget = false, true
	p.keep()
}

// keep saves what is to be kept, one call after the other. What was begun, and
// what came meanwhile, is finished also when the window closes.
func (p *presenter) keep() {
	if !p.dirty && !p.forget {
		return
	}
	e := errand{forget: p.forget, keep: p.dirty, draft: p.state.Draft, secret: p.state.Secret}
	if e.secret == p.kept && !p.forget || !e.keep {
		e.secret = ""
	}
	p.busy, p.dirty, p.forget = true, false, false
	if p.errands.leave(e) {
		return
	}
	p.runs++
	p.desk.Start(func(ctx context.Context) func() {
		ctx = context.WithoutCancel(ctx)
		for {
			err := p.run(ctx, e)
			next := p.errands.take()
			if next == nil {
				return func() { p.ran(e, err) }
			}
			if err != nil {
				*next = e.then(*next)
			}
			next.forgot = e.forgot || e.forget && err == nil
			e = *next
		}
	})
}

// run does an errand.
func (p *presenter) run(ctx context.Context, e errand) (err error) {
	ctx, cancel := context.WithTimeout(ctx, keeping)
	defer cancel()
	if e.forget {
		err = p.program.DropDraft(ctx)
	}
	if e.keep && err == nil {
		err = p.program.SaveDraft(ctx, e.draft, e.secret)
	}
	return err
}

// ran is the end of the last errand.
func (p *presenter) ran(e errand, err error) {
	p.runs--
	p.busy = p.runs > 0
	if e.forget || e.forgot {
		p.kept = ""
	}
	if said := p.state.Unkept; err != nil || said != nil {
		p.state.Unkept = err
		p.draw()
	}
	switch {
	case err != nil: // the next change tries again
		p.forget, p.dirty = p.forget || e.forget, p.dirty || e.keep
	case e.secret != "":
		p.kept = e.secret
	}
}
