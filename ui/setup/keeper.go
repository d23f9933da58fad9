package setup

import (
	"context"
	"time"

	"traymail/internal/mailer"
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
	kept      mailer.Secret // the secret that was handed over last
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

// keep saves what is to be kept, one call after the other. A call that was begun
// is finished also when the window closes.
func (p *presenter) keep() {
	if p.busy || !p.dirty && !p.forget {
		return
	}
	d, dirty, forget := p.state.Draft, p.dirty, p.forget
	secret := p.state.Secret
	if secret == p.kept && !forget {
		secret = ""
	}
	p.busy, p.dirty, p.forget = true, false, false
	p.desk.Start(func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keeping)
		defer cancel()
		var err error
		if forget {
			err = p.program.DropDraft(ctx)
		}
		if dirty && err == nil {
			err = p.program.SaveDraft(ctx, d, secret)
		}
		return func() {
			p.busy = false
			if forget {
				p.kept = ""
			}
			if said := p.state.Unkept; err != nil || said != nil {
				p.state.Unkept = err
				p.draw()
			}
			if err != nil { // the next change tries again
				p.forget, p.dirty = p.forget || forget, p.dirty || dirty
				return
			}
			if dirty && secret != "" {
				p.kept = secret
			}
			p.keep()
		}
	})
}
