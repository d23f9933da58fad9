package messages

import (
	"traymail/internal/mailer"
)

const (
	pageRows  = 100  // rows of one call
	aheadRows = 150  // rows that are fetched before they come into sight
	keptPages = 10   // pages that stay after they left it
	keptPeeks = 2000 // records that are remembered
)

// A Row is one message of the list. What its summary does not hold is filled in
// once it is in sight, and Whole says that it is.
type Row struct {
	mailer.Message
	To     string // the first recipient
	Others int    // how many recipients there are besides
	Reply  string // the last one
	Whole  bool
}

// A peek is what of a message's record the list shows.
type peek struct {
	state    mailer.State
	attempts int
	to       string
	others   int
	reply    string
}

// rows are those of a list that are at hand, by page.
type rows struct {
	pages map[int]*rowPage
	peeks map[string]peek // by ID
}

type rowPage struct {
	rows []Row
	old  bool // to be fetched again when it is in sight
}

func newRows() rows { return rows{map[int]*rowPage{}, map[string]peek{}} }

// at returns a row, or nil when it is not at hand.
func (r *rows) at(i int) *Row {
	p := r.pages[i/pageRows]
	if i < 0 || p == nil || i%pageRows >= len(p.rows) {
		return nil
	}
	return &p.rows[i%pageRows]
}

// find returns the place of a message among the rows at hand, or -1.
func (r *rows) find(id string) int {
	for n, p := range r.pages {
		for i := range p.rows {
			if p.rows[i].ID == id {
				return n*pageRows + i
			}
		}
	}
	return -1
}

// store keeps messages that begin with page n.
func (r *rows) store(n int, list []mailer.Message) {
	for ; ; n++ {
		some := list[:min(len(list), pageRows)]
		p := &rowPage{rows: make([]Row, len(some))}
		for i, m := range some {
			p.rows[i].Message = m
			if k, known := r.peeks[m.ID]; known {
				p.rows[i].fill(k)
			}
		}
		r.pages[n] = p
		if list = list[len(some):]; len(list) == 0 {
			return
		}
	}
}

// fill completes a row by what its record held when the row was as it is now.
func (r *Row) fill(k peek) {
	if r.State == k.state && r.LastAttempt == k.attempts {
		r.To, r.Others, r.Reply, r.Whole = k.to, k.others, k.reply, true
	}
}

// peeked remembers what records held, and fills the rows from to last with it.
func (r *rows) peeked(records []*mailer.Record, first, last int) {
	if len(r.peeks)+len(records) > keptPeeks {
		clear(r.peeks)
	}
	for _, rec := range records {
		r.peeks[rec.ID] = peekOf(rec)
	}
	for i := first; i < last; i++ {
		if row := r.at(i); row != nil && !row.Whole {
			if k, known := r.peeks[row.ID]; known {
				row.fill(k)
			}
		}
	}
}

func peekOf(rec *mailer.Record) peek {
	k := peek{state: rec.State, attempts: rec.LastAttempt, reply: lastReply(rec)}
	if n := len(rec.Recipients); n > 0 {
		k.to, k.others = rec.Recipients[0].Address, n-1
	}
	return k
}

// lastReply is what was said last to any of the recipients.
func lastReply(rec *mailer.Record) string {
	for i := len(rec.Attempts) - 1; i >= 0; i-- {
		if rec.Attempts[i].Reply != "" {
			return rec.Attempts[i].Reply
		}
	}
	for _, r := range rec.Recipients {
		if r.Reply != "" {
			return r.Reply
		}
	}
	return ""
}

// wanted is the page to fetch next when the rows from first to last of total are
// in sight: those in sight before those that follow in the direction of the
// scroll. It is -1 when none is missing.
func (r *rows) wanted(first, last, total int, down bool) int {
	missing := func(from, to int, old bool) int {
		for n := max(from, 0) / pageRows; n*pageRows < min(to, total); n++ {
			if p := r.pages[n]; p == nil || old && p.old {
				return n
			}
		}
		return -1
	}
	before, after := func() int { return missing(first-aheadRows, first, false) }, func() int { return missing(last, last+aheadRows, false) }
	if !down {
		before, after = after, before
	}
	if n := missing(first, last, true); n >= 0 {
		return n
	}
	if n := after(); n >= 0 {
		return n
	}
	return before()
}

// near reports whether a page is in sight or about to be.
func near(n, first, last int) bool {
	return (n+1)*pageRows > first-aheadRows && n*pageRows < last+aheadRows
}

// trim drops the pages that are furthest from the row given.
func (r *rows) trim(at int) {
	for len(r.pages) > keptPages {
		furthest, far := 0, -1
		for n := range r.pages {
			if d := max(n-at/pageRows, at/pageRows-n); d > far {
				furthest, far = n, d
			}
		}
		delete(r.pages, furthest)
	}
}

// renew takes pages that were fetched just now, the first of them n, for the
// truth, and what else is at hand for old; when the list's length changed it is
// dropped, because it stands elsewhere now.
func (r *rows) renew(n int, list []mailer.Message, moved bool) {
	if moved {
		clear(r.pages)
	}
	for _, p := range r.pages {
		p.old = true
	}
	r.store(n, list)
}
