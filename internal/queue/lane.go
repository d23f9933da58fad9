package queue

import (
	"context"
	"slices"
	"time"
)

// A lane is an account's part of the express: what waits there, and what the
// account has sent lately, by either way. No other program writes to the queue's
// file, so that what is counted here once is right until the queue is closed.
type lane struct {
	account string
	listed  bool     // the account stands in the tables
	paused  bool     // to the best of our knowledge; the tables have the truth
	waiting []*entry // oldest first

	flight int     // attempts under way, by both ways
	starts []int64 // when those of the last minute were begun, oldest first
	slots  []slot  // recipients of the last 24 hours, oldest first

	// jobs of River's that wait for a turn; free tells one of them to look again.
	jobs int
	free chan struct{}
	// jobNext gives the next turn to one of them, when the last was the express's.
	jobNext bool
	timer   *time.Timer // ends a wait for the pace
}

// load is what turn goes by.
func (l *lane) load(now time.Time, p Pace) load {
	var sum load
	sum.flight = l.flight
	if n := len(l.starts); n > 0 && l.starts[n-1] > stamp(now.Add(ahead)) {
		// The clock was set back; what it puts into the future holds up nobody.
		l.starts = slices.DeleteFunc(l.starts, func(at int64) bool { return at > stamp(now.Add(ahead)) })
	}
	if n := len(l.starts) - p.PerMinute; p.PerMinute > 0 && n >= 0 {
		sum.nth = moment(l.starts[n])
	}
	first := slotOf(now.Add(-24 * time.Hour))
	for len(l.slots) > 0 && l.slots[0].n < first-6 {
		l.slots = l.slots[1:]
	}
	for _, s := range l.slots {
		if s.n >= first && s.recipients > 0 {
			sum.slots = append(sum.slots, s)
		}
	}
	return sum
}

// keptStarts is how many starts are remembered of an account without a pace, for
// one that is set later.
const keptStarts = 1000

// take counts an attempt that begins; give undoes it, when it has not.
func (l *lane) take(now time.Time, p Pace, recipients int) {
	l.flight++
	at := stamp(now)
	if most := max(p.PerMinute, keptStarts); len(l.starts) >= 2*most {
		l.starts = append(l.starts[:0], l.starts[len(l.starts)-most:]...)
	}
	l.starts = append(l.starts, at)
	l.use(now, recipients)
}

func (l *lane) give(began time.Time, recipients int) {
	l.flight--
	at := stamp(began)
	for i := len(l.starts) - 1; i >= 0; i-- {
		if l.starts[i] == at {
			l.starts = append(l.starts[:i], l.starts[i+1:]...)
			break
		}
	}
	l.use(began, -recipients)
}

// use adds to the recipients counted at a time; a negative number gives back.
func (l *lane) use(at time.Time, recipients int) {
	if recipients == 0 {
		return
	}
	n := slotOf(at)
	i := len(l.slots)
	for i > 0 && l.slots[i-1].n > n {
		i--
	}
	if i > 0 && l.slots[i-1].n == n {
		l.slots[i-1].recipients += recipients
		return
	}
	l.slots = append(l.slots, slot{})
	copy(l.slots[i+1:], l.slots[i:])
	l.slots[i] = slot{n, recipients}
}

// wakeJob tells one of River's jobs that a turn may be free.
func (l *lane) wakeJob() {
	select {
	case l.free <- struct{}{}:
	default:
	}
}

// takeTurn is turn for a job of River's, which counts as begun at once. When it has a
// turn, tookTurn must follow.
func (x *express) takeTurn(account string, p Pace, now time.Time) (l *lane, limit int, wait time.Duration, daily bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l = x.lane(account)
	limit, wait, daily = p.turn(now, l.load(now, p))
	if wait == 0 {
		l.take(now, p, 0)
		l.jobNext = false
	}
	return l, limit, wait, daily
}

// tookTurn follows takeTurn: the attempt is noted, for so many recipients, or not.
func (x *express) tookTurn(d *Delivery, noted bool) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.lane(d.Account)
	if noted {
		l.use(d.started, len(d.Recipients))
	} else {
		l.give(d.started, 0)
		x.dispatch(l)
	}
}

// readLanes fills in what the tables know of the accounts, before anything is sent.
func (x *express) readLanes(ctx context.Context) error {
	v, now := x.queue.engine.view(), x.queue.options.Now()
	accounts, err := column(ctx, v, `SELECT name FROM mail_account`)
	if err != nil {
		return err
	}
	for _, name := range accounts {
		l := x.lane(name)
		l.listed = true
		p := x.queue.options.Pace(name)
		if err := v.row(ctx, `SELECT count(*) FROM mail_attempt WHERE account = $1 AND finished = 0`, name).Scan(&l.flight); err != nil {
			return err
		}
		r, err := v.query(ctx, `SELECT started FROM mail_attempt WHERE account = $1 AND started > $2 AND started <= $4
			ORDER BY started DESC LIMIT $3`, name, stamp(now.Add(-time.Minute-time.Second)), max(p.PerMinute, keptStarts), stamp(now.Add(ahead)))
		if err != nil {
			return err
		}
		defer r.close()
		for r.Next() {
			var at int64
			if err := r.Scan(&at); err != nil {
				return err
			}
			l.starts = append([]int64{at}, l.starts...)
		}
		if err := r.Err(); err != nil {
			return err
		}
		r.close()
		if l.slots, err = readSlots(ctx, v, name, now); err != nil {
			return err
		}
	}
	return x.readPauses(ctx)
}

// readPauses takes over from the tables which accounts are paused, in a write of its
// own: then it comes in the order in which pauses are set and lifted.
func (x *express) readPauses(ctx context.Context) error {
	return x.queue.engine.update(ctx, func(ctx context.Context, t tx) error {
		paused, err := column(ctx, t, `SELECT name FROM mail_account WHERE paused > 0`)
		if err != nil {
			return err
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, l := range x.lanes {
			l.paused = false
		}
		for _, name := range paused {
			x.lane(name).paused = true
		}
		x.unsure = false
		return nil
	})
}
