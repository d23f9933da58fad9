package queue

import (
	"context"
	"time"
)

// slotLength is the step in which an account's recipients are counted.
const slotLength = 10 * time.Minute

func slotOf(t time.Time) int64 { return t.UnixMilli() / slotLength.Milliseconds() }

// load is what an account has sent lately.
type load struct {
	flight int       // messages in flight on all machines
	nth    time.Time // when the PerMinute-th newest message was begun; zero when there are fewer
	slots  []slot    // recipients of the last 24 hours, oldest first
}

type slot struct {
	n          int64
	recipients int
}

// turn decides what may be sent now: a number of recipients, or none and how
// long to wait. daily tells that the wait is for the day's recipients, which
// holds up the whole account, and not for a moment.
func (p Pace) turn(now time.Time, l load) (recipients int, wait time.Duration, daily bool) {
	if p.AtOnce > 0 && l.flight >= p.AtOnce {
		return 0, 200 * time.Millisecond, false
	}
	// A millisecond more, because the record cuts moments down to whole ones.
	if free := l.nth.Add(time.Minute + time.Millisecond).Sub(now); p.PerMinute > 0 && !l.nth.IsZero() && free > 0 {
		return 0, free, false
	}
	recipients = 1 << 30
	if p.RecipientsPerMessage > 0 {
		recipients = p.RecipientsPerMessage
	}
	if p.RecipientsPerDay > 0 {
		left := p.RecipientsPerDay
		for _, s := range l.slots {
			left -= s.recipients
		}
		if left <= 0 {
			return 0, slotFree(l.slots[0].n).Sub(now), true
		}
		recipients = min(recipients, left)
	}
	return recipients, 0, false
}

// slotFree is when a slot's last moment is 24 hours old.
func slotFree(n int64) time.Time {
	return time.UnixMilli((n + 1) * slotLength.Milliseconds()).Add(24 * time.Hour)
}

// readLoad reads what turn needs. The account's row must be locked.
func readLoad(ctx context.Context, t tx, account string, p Pace, now time.Time) (l load, err error) {
	err = t.row(ctx, `SELECT count(*) FROM mail_attempt WHERE account = $1 AND finished = 0`, account).Scan(&l.flight)
	if err != nil {
		return l, err
	}
	var nth int64
	// One that a clock which was set back puts into the future holds up nobody.
	err = t.row(ctx, `SELECT COALESCE((SELECT started FROM mail_attempt WHERE account = $1 AND started <= $3
		ORDER BY started DESC LIMIT 1 OFFSET $2), 0)`, account, max(p.PerMinute-1, 0), stamp(now.Add(ahead))).Scan(&nth)
	if err != nil {
		return l, err
	}
	l.nth = moment(nth)
	l.slots, err = readSlots(ctx, t, account, now)
	return l, err
}

// readSlots reads the recipients of the last 24 hours.
func readSlots(ctx context.Context, v querier, account string, now time.Time) (slots []slot, err error) {
	r, err := v.query(ctx, `SELECT slot, recipients FROM mail_usage
		WHERE account = $1 AND slot >= $2 AND recipients > 0 ORDER BY slot`, account, slotOf(now.Add(-24*time.Hour)))
	if err != nil {
		return nil, err
	}
	defer r.close()
	for r.Next() {
		var s slot
		if err := r.Scan(&s.n, &s.recipients); err != nil {
			return nil, err
		}
		slots = append(slots, s)
	}
	return slots, r.Err()
}

// use adds to the recipients counted at a time; a negative number gives back.
func use(ctx context.Context, t tx, account string, at time.Time, recipients int) error {
	_, err := t.exec(ctx, `INSERT INTO mail_usage (account, slot, recipients) VALUES ($1, $2, $3)
		ON CONFLICT (account, slot) DO UPDATE SET recipients = mail_usage.recipients + excluded.recipients`,
		account, slotOf(at), recipients)
	return err
}

// forget drops what was counted before a time.
func forget(ctx context.Context, t tx, account string, before time.Time) error {
	_, err := t.exec(ctx, `DELETE FROM mail_usage WHERE account = $1 AND slot < $2`, account, slotOf(before))
	return err
}
