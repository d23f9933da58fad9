package queue

import (
	"context"
	"time"
)

// A job is lost when River could not write down what became of it, on a full
// disk say, and its message waits for ever. That is rare, so lost ones are not
// looked for all the time.
const lostAfter = time.Minute

// After so many looks in a row in which a message was lost, or an account sent
// nothing of what is due, the tables are not believed any more: an index that was
// altered hides rows from some statements and not from others.
const (
	lostTooOften = 3
	stillTooLong = 10
)

// A lookout is for messages that nothing sends.
type lookout struct {
	looked time.Time
	lost   map[string]int // how often in a row, by message
	still  map[string]stillness
}

// A stillness is of an account that sends nothing, although there is a message.
type stillness struct {
	message string // that is due for the longest time
	began   int64  // the last attempt
	looks   int
}

// rewakeLost gives new jobs to due messages whose own is gone, or counts as
// running here and is not in hand, or as running on a machine that is no more. It looks at those that have waited longest:
// lost ones are left behind there while the others go on. A job that River has
// just fetched may be taken for lost; it then is no longer the message's own,
// and does nothing.
func (q *Queue) rewakeLost(ctx context.Context, l *lookout) error {
	now := q.options.Now()
	if since := now.Sub(l.looked); since >= 0 && since < q.options.lost {
		return nil
	}
	l.looked = now
	odd, err := q.lookFor(ctx, l, now)
	if odd || err != nil && unreadable(err.Error()) {
		l.lost, l.still = nil, nil
		q.doubtTables()
	}
	return err
}

// doubtTables has the file read through, where there is one, because of what its
// tables say.
func (q *Queue) doubtTables() {
	if g, ok := q.engine.(*warden); ok {
		if e, err := g.current(); err == nil {
			g.doubt(e, contradiction)
		}
	}
}

// lookFor does that, and tells whether the tables are to be believed no more.
func (q *Queue) lookFor(ctx context.Context, l *lookout, now time.Time) (odd bool, err error) {
	accounts, err := column(ctx, q.engine.view(), `SELECT name FROM mail_account WHERE paused = 0`)
	if err != nil {
		return false, err
	}
	var lost []runningJob
	for _, account := range accounts {
		if lost, err = q.overdue(ctx, account, now, lost); err != nil {
			return false, err
		}
		still, err := q.standsStill(ctx, account, now, l)
		if err != nil {
			return false, err
		}
		odd = odd || still
	}
	if l.lost, err = q.rewakeAll(ctx, lost, now, l.lost); err != nil {
		return false, err
	}
	for _, n := range l.lost {
		odd = odd || n >= lostTooOften
	}
	return odd, nil
}

// rewakeAll gives new jobs to lost messages, and returns how often in a row each
// was lost.
func (q *Queue) rewakeAll(ctx context.Context, lost []runningJob, now time.Time, before map[string]int) (map[string]int, error) {
	again := map[string]int{}
	if len(lost) == 0 {
		return again, nil
	}
	running, err := q.engine.running(ctx)
	if err != nil {
		return nil, err
	}
	others := map[string]bool{}
	if !q.alone() {
		machines, err := column(ctx, q.engine.view(), `SELECT id FROM mail_machine`)
		if err != nil {
			return nil, err
		}
		for _, m := range machines {
			others[m] = m != q.machine
		}
	}
	elsewhere := map[int64]bool{} // or in hand
	q.inHand.Lock()
	for _, j := range running {
		elsewhere[j.id] = others[j.machine] || q.hand[j.id]
	}
	q.inHand.Unlock()
	for _, j := range lost {
		if elsewhere[j.id] {
			continue
		}
		again[j.message] = before[j.message] + 1
		q.options.Log.Warn("a message had lost its turn and is given a new one", "id", j.message)
		err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return q.rewake(ctx, t, j.message, Queued, j.id, now) })
		if err != nil {
			return nil, err
		}
	}
	return again, nil
}

// standsStill tells whether nothing of an account was begun for many looks although
// a message is due, and nothing is under way.
func (q *Queue) standsStill(ctx context.Context, account string, now time.Time, l *lookout) (bool, error) {
	var s stillness
	var busy bool
	err := q.engine.view().row(ctx, `SELECT
		COALESCE((SELECT id FROM mail_message WHERE finished = 0 AND state = 'queued' AND account = $1 AND next_at <= $2 ORDER BY next_at, id LIMIT 1), ''),
		COALESCE((SELECT max(started) FROM mail_attempt WHERE account = $1), 0),
		EXISTS (SELECT 1 FROM mail_attempt WHERE account = $1 AND finished = 0)`, account, stamp(now)).Scan(&s.message, &s.began, &busy)
	if err != nil {
		return false, err
	}
	if x := q.express.Load(); x != nil {
		x.mu.Lock()
		busy = busy || x.lane(account).flight > 0
		x.mu.Unlock()
	}
	before := l.still[account]
	if s.message == "" || busy || s.message != before.message || s.began != before.began {
		before.looks = 0
	}
	s.looks = before.looks + 1
	if l.still == nil {
		l.still = map[string]stillness{}
	}
	l.still[account] = s
	return s.looks > stillTooLong, nil
}

// overdue adds those of an account's longest due messages whose job is running
// or over, or is one that nobody works: River tries what failed again later and
// later, and ours fail only when their rows were altered.
func (q *Queue) overdue(ctx context.Context, account string, now time.Time, lost []runningJob) ([]runningJob, error) {
	r, err := q.engine.view().query(ctx, `SELECT oldest.id, oldest.job FROM (
			SELECT id, job FROM mail_message WHERE finished = 0 AND state = 'queued' AND account = $1 AND next_at <= $2
			ORDER BY next_at, id LIMIT $3) AS oldest
		WHERE NOT EXISTS (SELECT 1 FROM river_job WHERE river_job.id = oldest.job
			AND river_job.kind = $4 AND river_job.queue = $5
			AND river_job.state IN ('available', 'scheduled') AND river_job.scheduled_at < $6)`,
		account, stamp(now), batch, deliverArgs{}.Kind(), riverQueue(account), now.Add(time.Hour).UTC().Format(time.DateTime+"+00"))
	if err != nil {
		return nil, err
	}
	defer r.close()
	for r.Next() {
		var j runningJob
		if err := r.Scan(&j.message, &j.id); err != nil {
			return nil, err
		}
		lost = append(lost, j)
	}
	return lost, r.Err()
}
