package messages

import (
	"context"
	"errors"
	"slices"
	"time"

	"traymail/internal/mailer"
)

// An Ask is a question before a change: of N messages, Unknown when the outcome
// of the one is, Left of which are not touched because theirs is.
type Ask struct {
	What    mailer.Change
	N       int
	Unknown bool
	Left    int
}

// export is a Job that changes nothing.
const export mailer.Change = "export"

// A Job is something that is being done with many messages.
type Job struct {
	What     mailer.Change
	Counting bool // how many there are is not known yet
	Done, Of int
}

// A Result is how a job ended.
type Result struct {
	Job
	Name    string // of the file that was written
	Err     error
	Stopped bool // by the person
	None    bool // there was nothing to do
}

const (
	askedRows = 500                    // of one call that reads the whole list
	telling   = 100 * time.Millisecond // between two words of how far a job is
)

// all begins a change of all messages that the list's query chooses and that
// allow it, having counted them and asked.
func (p *presenter) all(what mailer.Change) {
	if p.working.busy() {
		return
	}
	q := p.state.Query
	q.State = queued
	if what == mailer.Release {
		q.State = held
	}
	f, program := q.Filter(p.kind), p.program
	p.state.Job, p.state.Result = &Job{What: what, Counting: true}, nil
	p.show()
	p.working.start(p.desk, func(ctx context.Context) func() {
		var ids []string
		left := 0
		err := each(ctx, program, f, func(m *mailer.Message) error {
			if m.Unknown {
				left++ // a person must decide each of them
			} else {
				ids = append(ids, m.ID)
			}
			return nil
		})
		return func() {
			p.state.Job = nil
			if err != nil || len(ids) == 0 {
				p.state.Result = &Result{Job: Job{What: what}, Err: err, None: err == nil}
				p.show()
				return
			}
			p.show()
			p.hooks.ask(Ask{What: what, N: len(ids), Left: left}, func() { p.doAll(what, q, ids) })
		}
	})
}

func (p *presenter) doAll(what mailer.Change, q Query, ids []string) {
	p.begin(Job{What: what, Of: len(ids)}, func(ctx context.Context, tell func(done int)) (int, error) {
		if what == mailer.Retry && q.Text == "" {
			return p.program.Flush(ctx, q.Account)
		}
		n := 0
		// The oldest first: they were there first.
		for _, id := range slices.Backward(ids) {
			switch err := p.program.Change(ctx, id, what); {
			case err == nil:
				n++
				tell(n)
			case !errors.Is(err, mailer.ErrMessageState) && !errors.Is(err, mailer.ErrNoMessage): // it went on meanwhile
				return n, err
			}
		}
		return n, nil
	}, "")
}

// begin does a job, tells how far it is, and at the end how it went.
func (p *presenter) begin(j Job, work func(ctx context.Context, tell func(done int)) (int, error), name string) {
	if p.working.busy() {
		return
	}
	p.state.Job, p.state.Result = &j, nil
	p.show()
	d := p.desk
	var turn int
	p.working.start(d, func(ctx context.Context) func() {
		var told time.Time
		n, err := work(ctx, func(done int) {
			if time.Since(told) < telling {
				return
			}
			told = time.Now()
			d.Post(func() {
				if p.state.Job != nil && p.working.n == turn {
					p.state.Job = &Job{What: j.What, Done: done, Of: j.Of}
					p.show()
				}
			})
		})
		stopped := err != nil && ctx.Err() != nil
		if stopped {
			err = nil
		}
		return func() {
			p.ended(Result{Job: Job{What: j.What, Done: n, Of: j.Of}, Name: name, Err: err, Stopped: stopped})
		}
	})
	turn = p.working.n
}

func (p *presenter) ended(r Result) {
	p.state.Job, p.state.Result = nil, &r
	p.show()
	if r.What != export {
		p.lookNow()
	}
}

// stop ends a job where it is; what it did stays done. It tells how far it came
// when it has ended.
func (p *presenter) stop() {
	switch {
	case !p.working.busy():
	case p.state.Job != nil && p.state.Job.Counting:
		p.working.stop()
		p.state.Job = nil
		p.show()
	default:
		p.working.cancel()
	}
}

// dismiss takes the result of the last job away.
func (p *presenter) dismiss() {
	p.state.Result = nil
	p.show()
}

// each calls f for every message that a filter chooses, newest first, as the
// list is when it begins.
func each(ctx context.Context, program Program, f mailer.Filter, do func(*mailer.Message) error) error {
	f.Limit = askedRows
	for {
		list, err := program.Messages(ctx, f)
		if err != nil {
			return err
		}
		for i := range list {
			if err := do(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < askedRows {
			return nil
		}
		f.Before = list[len(list)-1].ID
	}
}
