package queue

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

// tend does what comes by the clock, until Shutdown: a sign of life, other
// machines' deaths, pauses that end, late and expired messages, old records.
func (q *Queue) tend() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	beats := pulse{seen: map[string]sign{}}
	var lost lookout
	seen := q.options.Now().Round(0)
	ends := time.NewTimer(time.Hour) // at the end of the next pause that has one
	defer ends.Stop()
	resumeDue := func(ctx context.Context) error { return q.resumeDue(ctx, ends) }
	ticker := time.NewTicker(cmp.Or(q.options.poll, min(5*time.Second, q.options.lease/5)))
	defer ticker.Stop()
	for {
		select {
		case <-q.stopping:
			return
		case <-q.news:
			q.tendTo(ctx, q.workAccounts, resumeDue)
			continue
		case <-ends.C:
			q.tendTo(ctx, resumeDue, q.workAccounts)
			continue
		case <-ticker.C:
		}
		q.tendTo(ctx,
			func(ctx context.Context) error { return q.followClock(ctx, &seen) },
			func(ctx context.Context) error { return q.watch(ctx, &beats) },
			func(ctx context.Context) error { return q.rewakeLost(ctx, &lost) },
			q.settleDoubts,
			q.workAccounts, resumeDue, q.tellLate, q.expire, q.clear, q.fold,
			q.refreshQuota, q.refreshPauses)
	}
}

func (q *Queue) tendTo(ctx context.Context, duties ...func(context.Context) error) {
	for _, duty := range duties {
		if err := duty(ctx); err != nil {
			q.options.Log.Error("tending the queue", "error", err)
		}
	}
}

// pulse is when each machine's sign of life was last seen to change. Only
// changes count, so the machines' clocks need not agree.
type pulse struct{ seen map[string]sign }

type sign struct {
	beat int64
	at   time.Time
}

// watch gives a sign of life and takes over from machines that gave none for
// a lease. On SQLite, where the lock says who lives, an idle program's disk has
// its peace.
func (q *Queue) watch(ctx context.Context, p *pulse) error {
	if q.options.Path != "" {
		return nil
	}
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO mail_machine (id, beat) VALUES ($1, 1)
			ON CONFLICT (id) DO UPDATE SET beat = mail_machine.beat + 1`, q.machine)
		return err
	})
	if err != nil {
		return err
	}
	r, err := q.engine.view().query(ctx, `SELECT id, beat FROM mail_machine`)
	if err != nil {
		return err
	}
	defer r.close()
	now, dead := q.options.Now(), map[string]bool{}
	for r.Next() {
		var id string
		var beat int64
		if err := r.Scan(&id, &beat); err != nil {
			return err
		}
		s, known := p.seen[id]
		if !known || s.beat != beat {
			p.seen[id] = sign{beat, now}
		} else if id != q.machine && now.Sub(s.at) > q.options.lease {
			dead[id] = true
		}
	}
	if err := r.Err(); err != nil || len(dead) == 0 {
		return err
	}
	r.close()
	return q.takeOver(ctx, func(machine string) bool { return dead[machine] })
}

// resumeDue ends the pauses whose time has come, and sets ends for the next one.
func (q *Queue) resumeDue(ctx context.Context, ends *time.Timer) error {
	r, err := q.engine.view().query(ctx, `SELECT name, until FROM mail_account WHERE paused > 0 AND until > 0
		UNION ALL SELECT account, until FROM mail_rest WHERE machine = $1 AND until > 0`, q.machine)
	if err != nil {
		return err
	}
	defer r.close()
	now := q.options.Now()
	var due []string
	next := time.Hour
	for r.Next() {
		var name string
		var until time.Time
		if err := r.Scan(&name, (*millis)(&until)); err != nil {
			return err
		}
		// What was written down was cut to whole milliseconds.
		wait := until.Add(time.Millisecond).Sub(now)
		if wait <= 0 {
			due = append(due, name)
		} else {
			next = min(next, wait)
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	r.close()
	ends.Reset(next)
	for _, account := range due {
		_, err := q.resume(ctx, account, func(a Account) bool { return !a.Until.IsZero() && !a.Until.After(now) })
		if err != nil {
			return err
		}
	}
	return nil
}

// batch is how many messages one duty handles before the next has its turn.
const batch = 200

// tellLate has the sender told, once, of messages that wait for long. Of a held
// one somebody knows already.
func (q *Queue) tellLate(ctx context.Context) error {
	late, err := column(ctx, q.engine.view(), `SELECT id FROM mail_message WHERE finished = 0 AND late = 0 AND state <> 'held'
		AND waits_from <= $1 ORDER BY waits_from LIMIT $2`, stamp(q.options.Now().Add(-q.options.DelayNotice)), batch)
	if err != nil {
		return err
	}
	for _, id := range late {
		d, verdicts, err := q.standing(ctx, id)
		if err != nil {
			return err
		}
		bounces, err := q.bounces(ctx, d, verdicts, false, NoticeDelayed)
		if err != nil {
			return err
		}
		err = q.engine.update(ctx, func(ctx context.Context, t tx) error {
			n, err := t.exec(ctx, `UPDATE mail_message SET late = 1 WHERE id = $1 AND late = 0 AND finished = 0`, id)
			if err != nil {
				return err
			}
			if n == 0 {
				return errOvertaken
			}
			for _, b := range bounces {
				if err := b.insert(ctx, t); err != nil {
					return err
				}
			}
			return nil
		})
		if err := q.told(bounces, err); err != nil {
			return err
		}
	}
	return nil
}

// expire gives up messages whose time is up and whose account is in trouble for
// long. All others end with an attempt, however late that comes: a pace or a
// machine that was off is no reason to give up what was never tried.
func (q *Queue) expire(ctx context.Context) error {
	now := q.options.Now()
	accounts, err := column(ctx, q.engine.view(), `SELECT name FROM mail_account WHERE paused > 0 AND paused <= $1 AND cause NOT IN ($2, $3)`,
		stamp(now.Add(-q.options.troubled())), PauseQuota, PauseUser)
	if err != nil {
		return err
	}
	rested, err := q.restedSince(ctx, now.Add(-q.options.troubled()))
	if err != nil {
		return err
	}
	accounts = append(accounts, rested...)
	for _, account := range accounts {
		if err := q.expireAccount(ctx, account, now.Add(-q.options.Expire)); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) expireAccount(ctx context.Context, account string, before time.Time) error {
	old, err := column(ctx, q.engine.view(), `SELECT id FROM mail_message WHERE finished = 0 AND state = 'queued'
		AND account = $1 AND waits_from <= $2 ORDER BY waits_from LIMIT $3`, account, stamp(before), batch)
	if err != nil {
		return err
	}
	for _, id := range old {
		d, verdicts, err := q.standing(ctx, id)
		if err != nil {
			return err
		}
		for i := range verdicts {
			verdicts[i].State, verdicts[i].Next = Failed, time.Time{}
			verdicts[i].Reply = q.options.expired(verdicts[i].Reply)
		}
		bounces, err := q.bounces(ctx, d, verdicts, false, NoticeFailed)
		if err != nil {
			return err
		}
		state, err := q.conclude(ctx, d, verdicts, nil, bounces)
		if err == nil {
			q.feed.publish(Event{ID: id, Account: d.Account, State: state})
			q.dropBody(ctx, id)
		}
		if err := q.told(bounces, err); err != nil {
			return err
		}
	}
	return nil
}

// told follows the write of bounces; a message that changed meanwhile is left
// for the next round.
func (q *Queue) told(bounces []*staged, err error) error {
	for _, b := range bounces {
		if err == nil {
			q.settled(b)
		} else {
			err = q.abandon(b, err)
		}
	}
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

// standing reads a message with the recipients that are still open.
func (q *Queue) standing(ctx context.Context, id string) (*Delivery, []verdict, error) {
	record, err := q.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	d := &Delivery{ID: id, Message: record.Message, Attempt: record.LastAttempt, queue: q}
	if err := q.engine.view().row(ctx, `SELECT waits_from FROM mail_message WHERE id = $1`, id).Scan((*millis)(&d.since)); err != nil {
		return nil, nil, err
	}
	d.Recipients = nil
	var verdicts []verdict
	for n, r := range record.Recipients {
		if r.State == Queued {
			d.Recipients = append(d.Recipients, r.Recipient)
			verdicts = append(verdicts, verdict{RecipientRecord: r, n: n, tries: r.Tries})
		}
	}
	return d, verdicts, nil
}

// clear removes bodies and records that were kept long enough.
func (q *Queue) clear(ctx context.Context) error {
	now := q.options.Now()
	bodies, err := column(ctx, q.engine.view(), `SELECT id FROM mail_message WHERE finished > 0 AND body = 1 AND finished <= $1
		ORDER BY finished LIMIT $2`,
		stamp(now.Add(-q.options.KeepBodies)), batch)
	if err != nil {
		return err
	}
	old, err := column(ctx, q.engine.view(), `SELECT id FROM mail_message WHERE finished > 0 AND finished <= $1
		ORDER BY finished LIMIT $2`,
		stamp(now.Add(-q.options.Keep)), batch)
	if err != nil {
		return err
	}
	if len(bodies)+len(old) == 0 {
		return q.engine.vacuum(ctx)
	}
	err = q.engine.update(ctx, func(ctx context.Context, t tx) error {
		for _, id := range bodies {
			if err := dropBody(ctx, t, id); err != nil {
				return err
			}
		}
		for _, id := range old {
			if err := unlist(ctx, t, id); err != nil {
				return err
			}
			for _, table := range []string{"mail_chunk WHERE message", "mail_attempt WHERE message", "mail_recipient WHERE message", "mail_message WHERE id"} {
				if _, err := t.exec(ctx, "DELETE FROM "+table+" = $1", id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.engine.vacuum(ctx)
}

// unlist undoes enlist for all of a message's addresses.
func unlist(ctx context.Context, t tx, id string) error {
	addresses, err := column(ctx, t, `SELECT address FROM mail_recipient WHERE message = $1
		UNION ALL SELECT sender FROM mail_message WHERE id = $1`, id)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if _, err := t.exec(ctx, `DELETE FROM mail_address WHERE lower = $1 AND message = $2`, strings.ToLower(a), id); err != nil {
			return err
		}
	}
	return nil
}

// column reads a column of text.
func column(ctx context.Context, v querier, statement string, args ...any) ([]string, error) {
	r, err := v.query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var list []string
	for r.Next() {
		var s string
		if err := r.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, r.Err()
}

// refreshQuota takes the numbers of what waits from the tables.
func (q *Queue) refreshQuota(ctx context.Context) error {
	if x := q.express.Load(); x != nil {
		x.books.RLock()
		defer x.books.RUnlock()
	}
	return q.quota.refresh(ctx, q.engine.view())
}

// refreshPauses asks which accounts are paused, when a write about one failed.
func (q *Queue) refreshPauses(ctx context.Context) error {
	x := q.express.Load()
	if x == nil || !x.isUnsure() {
		return nil
	}
	return x.readPauses(ctx)
}
