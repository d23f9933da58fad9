package queue

import (
	"context"
	"slices"
	"time"
)

// takeOver puts back what dead machines had in hand. Attempts that they had
// begun are marked, because nobody knows whether the server took the message.
func (q *Queue) takeOver(ctx context.Context, dead func(machine string) bool) error {
	jobs, err := q.engine.running(ctx)
	if err != nil {
		return err
	}
	statement := `SELECT id FROM mail_machine`
	if q.alone() {
		// One that signed off, and left something all the same, is dead too.
		statement += ` UNION ALL SELECT machine FROM mail_attempt WHERE finished = 0 UNION ALL SELECT machine FROM mail_upload`
	}
	machines, err := column(ctx, q.engine.view(), statement)
	if err != nil {
		return err
	}
	if q.alone() {
		for _, j := range jobs {
			machines = append(machines, j.machine)
		}
	}
	slices.Sort(machines)
	for _, machine := range slices.Compact(machines) {
		if !dead(machine) {
			continue
		}
		var again []string
		err := q.engine.update(ctx, func(ctx context.Context, t tx) (err error) {
			again, err = q.inherit(ctx, t, machine, jobs)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range again {
			q.options.Log.Warn("an attempt was cut short and is repeated; its recipients may get the message twice", "id", id, "machine", machine)
		}
	}
	return nil
}

// alone tells that no other machine can share the queue.
func (q *Queue) alone() bool { return q.options.Path != "" }

// inherit is takeOver's transaction for one machine, which one heir wins. It
// returns the messages that were in flight.
func (q *Queue) inherit(ctx context.Context, t tx, machine string, jobs []runningJob) (again []string, err error) {
	n, err := t.exec(ctx, `DELETE FROM mail_machine WHERE id = $1`, machine)
	if err != nil || n == 0 && !q.alone() {
		return nil, err
	}
	now := q.options.Now()
	flying, err := column(ctx, t, `SELECT message FROM mail_attempt WHERE finished = 0 AND machine = $1 ORDER BY message`, machine)
	if err != nil {
		return nil, err
	}
	for _, id := range flying {
		// The message before its attempt, as conclude takes their locks.
		if _, err := column(ctx, t, `SELECT id FROM mail_message WHERE id = $1`+q.engine.rowLock(), id); err != nil {
			return nil, err
		}
		still, err := column(ctx, t, `SELECT message FROM mail_attempt WHERE message = $1 AND machine = $2 AND finished = 0`, id, machine)
		if err != nil {
			return nil, err
		}
		if len(still) == 0 {
			continue // it was not dead, and has recorded the end meanwhile
		}
		if _, err := t.exec(ctx, `UPDATE mail_message SET resend = 1 WHERE id = $1`, id); err != nil {
			return nil, err
		}
		if err := q.rewake(ctx, t, id, Sending, 0, now); err != nil {
			return nil, err
		}
		again = append(again, id)
	}
	for _, j := range jobs {
		if j.machine == machine {
			if err := q.rewake(ctx, t, j.message, Queued, j.id, now); err != nil {
				return nil, err
			}
		}
	}
	uploads, err := column(ctx, t, `SELECT message FROM mail_upload WHERE machine = $1`, machine)
	if err != nil {
		return nil, err
	}
	for _, id := range uploads {
		if err := dropUpload(ctx, t, id); err != nil {
			return nil, err
		}
	}
	if len(again) == 0 {
		return nil, nil
	}
	end, err := q.ending(ctx, t, now)
	if err != nil {
		return nil, err
	}
	for _, id := range again {
		_, err := t.exec(ctx, `UPDATE mail_attempt SET finished = $3, outcome = 'unknown',
			reply = 'the program or machine stopped before the server''s answer was recorded'
			WHERE message = $1 AND machine = $2 AND finished = 0`, id, machine, end)
		if err != nil {
			return nil, err
		}
	}
	return again, nil
}

// rewake gives a message a new job if it is in the state, and if job is not 0
// has that one.
func (q *Queue) rewake(ctx context.Context, t tx, id string, state State, job int64, now time.Time) error {
	accounts, err := column(ctx, t, `SELECT account FROM mail_message WHERE id = $1 AND state = $2 AND (job = $3 OR $3 = 0)`+q.engine.rowLock(), id, state, job)
	if err != nil || len(accounts) == 0 {
		return err
	}
	_, err = advance(ctx, t, id, accounts[0], now)
	return err
}

// signOff ends this machine's lease. What it could not put in order, on a full
// disk say, is left to an heir, who needs its name for that.
func (q *Queue) signOff(ctx context.Context) error {
	jobs, err := q.engine.running(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(jobs, func(j runningJob) bool { return j.machine == q.machine }) {
		return nil
	}
	return q.engine.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `DELETE FROM mail_machine WHERE id = $1
			AND NOT EXISTS (SELECT 1 FROM mail_attempt WHERE machine = $1 AND finished = 0)
			AND NOT EXISTS (SELECT 1 FROM mail_upload WHERE machine = $1)`, q.machine)
		return err
	})
}
