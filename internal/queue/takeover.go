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
		end, err := q.ending(ctx, t, now)
		if err != nil {
			return nil, err
		}
		n, err := t.exec(ctx, `UPDATE mail_attempt SET finished = $3, outcome = 'unknown',
			reply = 'the program or machine stopped before the server''s answer was recorded'
			WHERE message = $1 AND machine = $2 AND finished = 0`, id, machine, end)
		if err != nil {
			return nil, err
		}
		if n == 0 {
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

// A job is lost when River could not write down what became of it, on a full
// disk say, and its message waits for ever. That is rare, so lost ones are not
// looked for all the time.
const lostAfter = time.Minute

// rewakeLost gives new jobs to due messages whose own is gone, or counts as
// running here and is not in hand. It looks at those that have waited longest:
// lost ones are left behind there while the others go on. A job that River has
// just fetched may be taken for lost; it then is no longer the message's own,
// and does nothing.
func (q *Queue) rewakeLost(ctx context.Context, looked *time.Time) error {
	now := q.options.Now()
	if since := now.Sub(*looked); since >= 0 && since < lostAfter {
		return nil
	}
	*looked = now
	accounts, err := column(ctx, q.engine.view(), `SELECT name FROM mail_account WHERE paused = 0`)
	if err != nil {
		return err
	}
	var lost []runningJob
	for _, account := range accounts {
		if lost, err = q.overdue(ctx, account, now, lost); err != nil {
			return err
		}
	}
	if len(lost) == 0 {
		return nil
	}
	running, err := q.engine.running(ctx)
	if err != nil {
		return err
	}
	elsewhere := map[int64]bool{} // or in hand
	q.mu.Lock()
	for _, j := range running {
		elsewhere[j.id] = j.machine != q.machine || q.hand[j.id]
	}
	q.mu.Unlock()
	for _, j := range lost {
		if elsewhere[j.id] {
			continue
		}
		q.options.Log.Warn("a message had lost its turn and is given a new one", "id", j.message)
		err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return q.rewake(ctx, t, j.message, Queued, j.id, now) })
		if err != nil {
			return err
		}
	}
	return nil
}

// overdue adds those of an account's longest due messages whose job is running
// or over.
func (q *Queue) overdue(ctx context.Context, account string, now time.Time, lost []runningJob) ([]runningJob, error) {
	r, err := q.engine.view().query(ctx, `SELECT oldest.id, oldest.job FROM (
			SELECT id, job FROM mail_message WHERE finished = 0 AND state = 'queued' AND account = $1 AND next_at <= $2
			ORDER BY next_at, id LIMIT $3) AS oldest
		WHERE NOT EXISTS (SELECT 1 FROM river_job WHERE river_job.id = oldest.job
			AND river_job.state IN ('available', 'pending', 'retryable', 'scheduled'))`, account, stamp(now), batch)
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
