package messages

import (
	"slices"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

const (
	typing    = 200 * time.Millisecond // after the last key, before it is searched
	resting   = 120 * time.Millisecond // after the last scroll, before records are looked at
	patience  = 150 * time.Millisecond // before the details that are shown give way to those that are awaited
	throttle  = time.Second            // between two looks at what changed, and more
	idleShare = 10                     // times what the look before took
)

// A State is what the page shows but for its rows, as one snapshot.
type State struct {
	Query    Query
	Accounts []string  // to choose from
	Known    bool      // there was a first list; Total and News are of it
	Total    int       // rows
	News     int       // messages that came since and that the list does not have
	Loading  bool      // another list is under way
	Version  int       // changes with each list that is another one
	Stale    time.Time // since when the program has not answered, which the window says
	Err      error     // why the list could not be read

	Cursor int    // the row that the keyboard is at, -1 none
	Open   string // ID of the message whose details are shown, "" none
	// Record is what is known of Open, or for a moment of the one before; nil
	// while it is awaited. RecordErr is why it could not be read.
	Record    *mailer.Record
	RecordErr error
	Changing  mailer.Change // being done to Open, "" nothing
	ChangeErr error         // why the last change was not done

	Job    *Job    // being done to many, nil nothing
	Result *Result // of the last job, nil none
}

// Hooks are what the presenter tells the page. They are called on the window's
// goroutine.
type hooks struct {
	show  func(State)
	moved func(by int) // the rows in sight stand that much further down now
	ask   func(q Ask, yes func())
}

// A presenter is one page without its widgets. It belongs to the window's
// goroutine, and none of its methods blocks.
type presenter struct {
	kind    Kind
	desk    *desk.Desk
	program Program
	hooks   hooks
	now     func() time.Time

	state State
	rows  rows
	list  mailer.Filter // what rows are of, with its Newest

	first, last int  // the rows in sight
	down        bool // the direction of the last scroll

	visible bool
	dirty   bool      // something may have changed since the last look
	rested  time.Time // when the next look may be

	loading, looking, fetching, peeking, reading, changing, working task

	fetched  int  // page that is being fetched
	awaiting bool // the cursor's row is to be opened once it is there
}

func newPresenter(k Kind, d *desk.Desk, p Program, h hooks) *presenter {
	return &presenter{kind: k, desk: d, program: p, hooks: h, now: time.Now, state: State{Cursor: -1}, rows: newRows(), dirty: true}
}

func (p *presenter) show() { p.hooks.show(p.state) }

// row returns a row, or nil when it is not there yet.
func (p *presenter) row(i int) *Row { return p.rows.at(i) }

// appear is told when the page comes into sight.
func (p *presenter) appear(at desk.Place) {
	p.visible = true
	q := p.state.Query
	if at.Account != "" && at.Account != q.Account {
		q = Query{Account: at.Account}
	}
	switch {
	case at.Message != "":
		p.load(Query{}, 0)
		p.open(at.Message)
	case !p.state.Known || q != p.state.Query || p.first == 0 && p.state.Open == "":
		p.load(q, 0)
	default:
		p.look()
	}
}

// vanish is told when it leaves sight. What was begun for many goes on.
func (p *presenter) vanish() {
	p.visible = false
	p.looking.stop()
	p.fetching.stop()
	p.peeking.stop()
}

// status is told what the program is doing.
func (p *presenter) status(s desk.Status) {
	var accounts []string
	for _, a := range s.Accounts {
		accounts = append(accounts, a.Name)
	}
	if a := p.state.Query.Account; a != "" && !slices.Contains(accounts, a) {
		accounts = append(accounts, a)
	}
	p.state.Accounts, p.state.Stale = accounts, s.Silent
	p.dirty = true
	if p.visible {
		p.show()
		p.look()
	}
}

// search narrows the list down to what is typed, once the typing pauses.
func (p *presenter) search(text string) {
	if q := p.state.Query; q.Text != text {
		q.Text = text
		p.load(q, typing)
	}
}

// narrow narrows it down to a state and an account; each may be "".
func (p *presenter) narrow(s mailer.State, account string) {
	if q := p.state.Query; q.State != s || q.Account != account {
		q.State, q.Account = s, account
		p.load(q, 0)
	}
}

// clear shows all again.
func (p *presenter) clear() {
	if p.state.Query != (Query{}) {
		p.load(Query{}, 0)
	}
}

// again reads the list anew, after an error or for what is new.
func (p *presenter) again() { p.load(p.state.Query, 0) }

// move puts the cursor on a row, or on the first or the last one. Open details
// go with it.
func (p *presenter) move(to int) {
	to = max(0, min(to, p.state.Total-1))
	if p.state.Total == 0 || to == p.state.Cursor {
		return
	}
	p.state.Cursor = to
	p.follow()
	p.show()
}

// enter opens the details of the cursor's row.
func (p *presenter) enter() {
	if p.state.Cursor < 0 {
		p.move(max(0, p.first))
	}
	p.awaiting = true
	p.arrive()
	p.show()
}

// follow has open details go with the cursor.
func (p *presenter) follow() {
	p.awaiting = p.state.Open != "" || p.awaiting
	p.arrive()
}

// arrive opens the row that is waited for, if it is there.
func (p *presenter) arrive() {
	if !p.awaiting {
		return
	}
	if row := p.rows.at(p.state.Cursor); row != nil {
		p.awaiting = false
		p.open(row.ID)
	}
}

// leave closes the details. It reports whether there were any.
func (p *presenter) leave() bool {
	was := p.state.Open != ""
	p.reading.stop()
	p.awaiting = false
	p.state.Open, p.state.Record, p.state.RecordErr, p.state.ChangeErr = "", nil, nil, nil
	if was {
		p.show()
	}
	return was
}
