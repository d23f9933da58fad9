package queue

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ahead is how far before the clock's time another moment may lie that still
// counts as the past: clocks are corrected by seconds all the time.
const ahead = time.Minute

// followClock notices that the clock was set back since the last look, which seen
// has, and puts right what would wait until it has caught up. Machines that share
// a queue are not asked: their clocks differ, and the database's is what they go
// by.
func (q *Queue) followClock(ctx context.Context, seen *time.Time) error {
	now := q.options.Now().Round(0) // without the reading that a set clock does not change
	back := seen.Sub(now)
	*seen = now
	if !q.alone() || back <= 0 {
		return nil
	}
	q.options.Log.Warn("the clock was set back; what waits for a time of the former clock goes on", "by", back.Round(time.Second))
	return q.setBack(ctx)
}

// setBack brings forward what was planned by a clock that was ahead: attempts at
// messages, pauses with an end, and what was sent counts for the last 24 hours
// from now on. A message that is tried sooner than planned has lost nothing.
func (q *Queue) setBack(ctx context.Context) error {
	q.express.Load().setBack(q.options.Now())
	if err := q.caughtUp(ctx, ""); err != nil {
		return err
	}
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
		now := q.options.Now()
		if err := countNow(ctx, t, now); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE mail_account SET until = until - (paused - $1), paused = $1 WHERE paused > $1 AND until > 0`, stamp(now))
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE mail_account SET paused = $1 WHERE paused > $1`, stamp(now))
		if err != nil {
			return err
		}
		// River elects nobody else before the leader's time is over, and nobody
		// but the leader has jobs that wait for a time go on.
		_, err = t.exec(ctx, `DELETE FROM river_leader`)
		return err
	})
	if err != nil {
		return err
	}
	planned, err := column(ctx, q.engine.view(), plannedAhead, stamp(q.options.Now()))
	if err != nil {
		return err
	}
	slices.Sort(planned)
	for _, id := range slices.Compact(planned) {
		if err := q.Retry(ctx, id); err != nil && !errors.Is(err, ErrState) && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// plannedAhead finds what may have been planned by a clock that was ahead. The plus
// signs have SQLite look by the times, of which none is in the future as a rule, and
// not through all that is queued.
const plannedAhead = `SELECT id FROM mail_message WHERE received > $1 AND +state = 'queued' AND +next_at > $1
	UNION ALL SELECT id FROM mail_message WHERE finished = 0 AND late = 0 AND state <> 'held' AND +state = 'queued' AND waits_from > $1 AND +next_at > $1
	UNION ALL SELECT id FROM mail_attempt JOIN mail_message ON id = message WHERE mail_attempt.finished > $1 AND +state = 'queued' AND +next_at > $1`

// setBack is the express's part: it forgets what the former clock says of the last
// minute, and lets go what waits for it.
func (x *express) setBack(now time.Time) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	latest, current := stamp(now.Add(ahead)), slotOf(now)
	for _, l := range x.lanes {
		l.starts = slices.DeleteFunc(l.starts, func(at int64) bool { return at > latest })
		later := 0
		l.slots = slices.DeleteFunc(l.slots, func(s slot) bool {
			if s.n > current {
				later += s.recipients
			}
			return s.n > current
		})
		l.use(now, later)
		if l.timer != nil {
			l.timer.Stop()
			l.timer = nil
		}
		x.dispatch(l)
	}
}

// countNow has recipients that count at a time to come count now.
func countNow(ctx context.Context, t tx, now time.Time) error {
	accounts, err := column(ctx, t, `SELECT DISTINCT account FROM mail_usage WHERE slot > $1`, slotOf(now))
	if err != nil {
		return err
	}
	for _, account := range accounts {
		var recipients int
		err := t.row(ctx, `SELECT sum(recipients) FROM mail_usage WHERE account = $1 AND slot > $2`, account, slotOf(now)).Scan(&recipients)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM mail_usage WHERE account = $1 AND slot > $2`, account, slotOf(now)); err != nil {
			return err
		}
		if err := use(ctx, t, account, now, recipients); err != nil {
			return err
		}
	}
	return nil
}
