package messages

import (
	"context"
	"time"

	"traymail/internal/mailer"
)

// open shows the details of a message.
func (p *presenter) open(id string) {
	if id == p.state.Open {
		return
	}
	p.state.Open, p.state.ChangeErr, p.state.RecordErr = id, nil, nil
	p.read()
}

// read reads the record of the message whose details are shown.
func (p *presenter) read() {
	id, program, d := p.state.Open, p.program, p.desk
	p.reading.start(d, func(ctx context.Context) func() {
		late := time.AfterFunc(patience, func() {
			d.Post(func() {
				if p.state.Open == id && p.state.Record != nil && p.state.Record.ID != id {
					p.state.Record = nil
					p.show()
				}
			})
		})
		rec, err := program.Message(ctx, id)
		late.Stop()
		return func() {
			p.state.Record, p.state.RecordErr = rec, err
			p.show()
		}
	})
}

// offers are the changes that a message allows, the likeliest first.
func offers(rec *mailer.Record) []mailer.Change {
	switch rec.State {
	case queued:
		return []mailer.Change{mailer.Retry, mailer.Hold, mailer.Drop}
	case held:
		return []mailer.Change{mailer.Release, mailer.Drop}
	}
	return nil
}

// change does one thing to the message whose details are shown. Removing it is
// asked first.
func (p *presenter) change(what mailer.Change) {
	rec := p.state.Record
	if rec == nil || rec.ID != p.state.Open || p.changing.busy() {
		return
	}
	if what == mailer.Drop || what == mailer.Release && rec.Unknown {
		p.hooks.ask(Ask{What: what, N: 1, Unknown: rec.Unknown}, func() { p.do(rec.ID, what) })
		return
	}
	p.do(rec.ID, what)
}

func (p *presenter) do(id string, what mailer.Change) {
	p.state.Changing, p.state.ChangeErr = what, nil
	p.show()
	program := p.program
	p.changing.start(p.desk, func(ctx context.Context) func() {
		err := program.Change(ctx, id, what)
		return func() {
			p.state.Changing = ""
			if id == p.state.Open {
				p.state.ChangeErr = err
				p.read()
			}
			p.show()
			p.lookNow()
		}
	})
}

// lookNow looks at once: the person changed something.
func (p *presenter) lookNow() {
	p.rested = time.Time{}
	p.looking.stop()
	p.look()
}
