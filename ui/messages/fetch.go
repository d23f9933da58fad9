package messages

import (
	"context"
	"slices"
	"time"

	"traymail/internal/mailer"
)

// load reads the list of a query from its newest message on, after a time in
// which another query may take its place. Until it is there the former one stays.
func (p *presenter) load(q Query, after time.Duration) {
	p.looking.stop()
	p.fetching.stop()
	p.peeking.stop()
	if q != p.state.Query {
		p.leave()
		p.state.Result = nil
	}
	p.state.Query, p.state.Loading = q, true
	p.show()
	f, program := q.Filter(p.kind), p.program
	p.loading.start(p.desk, func(ctx context.Context) func() {
		if !wait(ctx, after) {
			return nil
		}
		first := f
		first.Limit = pageRows
		list, err := program.Messages(ctx, first)
		total := len(list)
		if err == nil && total > 0 {
			f.Newest = list[0].ID
		}
		if err == nil && total == pageRows {
			total, err = program.Count(ctx, f)
		}
		return func() { p.loaded(f, list, total, err) }
	})
}

func (p *presenter) loaded(f mailer.Filter, list []mailer.Message, total int, err error) {
	p.state.Loading, p.state.Err = false, err
	if err != nil {
		p.show()
		return
	}
	p.list = f
	p.rows.pages = map[int]*rowPage{}
	p.rows.store(0, list)
	p.state.Known, p.state.Total, p.state.News = true, total, 0
	p.state.Version++
	p.state.Cursor = p.rows.find(p.state.Open)
	p.first, p.last = 0, min(p.last-p.first, total)
	p.show()
	p.pump()
}

// see is told which rows are in sight, from first up to but not with last.
func (p *presenter) see(first, last int) {
	if first == p.first && last == p.last {
		return
	}
	if first != p.first {
		p.down = first > p.first
	}
	p.first, p.last = first, last
	p.peeking.stop()
	p.pump()
}

// pump fetches the page that is wanted most, one at a time, until none is.
func (p *presenter) pump() {
	if !p.visible || !p.state.Known || p.loading.busy() || p.state.Err != nil {
		return
	}
	if p.fetching.busy() {
		if near(p.fetched, p.first, p.last) {
			return // it comes first, and then this is called again
		}
		p.fetching.stop()
	}
	n := p.rows.wanted(p.first, p.last, p.state.Total, p.down)
	if n < 0 {
		p.peek()
		return
	}
	p.fetched = n
	f, program := p.list, p.program
	f.Offset, f.Limit = n*pageRows, pageRows
	p.fetching.start(p.desk, func(ctx context.Context) func() {
		list, err := program.Messages(ctx, f)
		return func() {
			if p.state.Err = err; err == nil {
				p.rows.store(n, list)
				p.rows.trim(p.first)
				p.arrive()
			}
			p.show()
			p.pump()
		}
	})
}

// peek looks at the records of the rows in sight, once the scroll rests.
func (p *presenter) peek() {
	ids := p.unfilled()
	if len(ids) == 0 || p.peeking.busy() {
		return
	}
	program, first, last := p.program, p.first, p.last
	p.peeking.start(p.desk, func(ctx context.Context) func() {
		if !wait(ctx, resting) {
			return nil
		}
		var records []*mailer.Record
		for _, id := range ids {
			// One that cannot be read is left out: it changes, or the list says
			// what is wrong when it is looked at next.
			if rec, err := program.Message(ctx, id); err == nil {
				records = append(records, rec)
			}
		}
		return func() {
			p.rows.peeked(records, first, last)
			p.show()
			if !slices.Equal(p.unfilled(), ids) { // some changed meanwhile
				p.peek()
			}
		}
	})
}

// unfilled are the rows in sight whose records were not looked at.
func (p *presenter) unfilled() (ids []string) {
	for i := p.first; i < p.last; i++ {
		if row := p.rows.at(i); row != nil && !row.Whole {
			ids = append(ids, row.ID)
		}
	}
	return ids
}

// look reads what is in sight anew, at once if that was not done just now.
func (p *presenter) look() {
	switch {
	case !p.visible || !p.state.Stale.IsZero() || p.loading.busy() || p.looking.busy():
		p.dirty = true
		return
	case !p.state.Known:
		p.again()
		return
	}
	p.dirty = false
	all, program, open := p.list, p.program, p.state.Open
	all.Newest = ""
	whole, listed, page := p.list, p.list, p.first/pageRows
	listed.Offset, listed.Limit = page*pageRows, ((max(p.last, p.first+1)-1)/pageRows-page+1)*pageRows
	pause := time.Until(p.rested)
	p.looking.start(p.desk, func(ctx context.Context) func() {
		if !wait(ctx, pause) {
			return nil
		}
		began := time.Now()
		s := sight{page: page}
		if s.all, s.err = program.Count(ctx, all); s.err == nil && whole.Newest != "" {
			if s.total, s.err = program.Count(ctx, whole); s.err == nil {
				s.list, s.err = program.Messages(ctx, listed)
			}
		}
		var rec *mailer.Record
		var recErr error
		if open != "" {
			rec, recErr = program.Message(ctx, open)
		}
		rest := max(throttle, idleShare*time.Since(began))
		return func() {
			p.rested = time.Now().Add(rest)
			if open != "" && open == p.state.Open && !p.reading.busy() {
				p.state.Record, p.state.RecordErr = rec, recErr
			}
			p.looked(s)
			if p.dirty {
				p.look()
			}
		}
	})
}

// A sight is what a look found.
type sight struct {
	page       int
	list       []mailer.Message
	total, all int // rows of the list, and of one that began with the newest message
	err        error
}

func (p *presenter) looked(s sight) {
	p.state.Err = s.err
	switch {
	case s.err != nil:
		p.show()
		return
	case s.total == 0 && s.all > 0:
		p.again() // there is nothing to read that would move
		return
	}
	// The row at the top of the sight stays there.
	top, cursor := "", ""
	if row := p.rows.at(p.first); row != nil && p.first > 0 {
		top = row.ID
	}
	if row := p.rows.at(p.state.Cursor); row != nil {
		cursor = row.ID
	}
	p.rows.renew(s.page, s.list, s.total != p.state.Total)
	p.state.Total, p.state.News = s.total, max(0, s.all-s.total)
	by := 0
	if i := p.rows.find(top); top != "" && i >= 0 {
		by = i - p.first
	}
	p.first, p.last = p.first+by, min(p.last+by, s.total)
	if i := p.rows.find(cursor); cursor != "" && i >= 0 {
		p.state.Cursor = i
	} else {
		p.state.Cursor = min(p.state.Cursor, s.total-1)
	}
	p.show()
	if by != 0 {
		p.hooks.moved(by)
	}
	p.pump()
}
