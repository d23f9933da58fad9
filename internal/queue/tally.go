package queue

import "context"

// The numbers of open messages are asked for several times a second, and must
// cost the same with a million messages as with ten. So each change of a
// message's state adds a row of differences to mail_tally, in its own
// transaction; the sum of an account's rows is its numbers. Nobody waits for
// anybody, as they would for one row of totals, and the rows are folded into one
// an account when there are many.

// tallies are the sums by account; CAST, because PostgreSQL's are not whole
// numbers.
const tallies = `SELECT account, CAST(sum(waiting) AS BIGINT) AS waiting, CAST(sum(sending) AS BIGINT) AS sending,
	CAST(sum(held) AS BIGINT) AS held, CAST(sum(bytes) AS BIGINT) AS bytes FROM mail_tally`

// counted are the same numbers by the messages themselves.
const counted = `SELECT account,
	sum(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), sum(CASE WHEN state = 'sending' THEN 1 ELSE 0 END),
	sum(CASE WHEN state = 'held' THEN 1 ELSE 0 END), sum(size) FROM mail_message WHERE finished = 0 GROUP BY account`

// recount makes the numbers anew where they are not those of the messages, as when
// a damaged disk has altered one; it reads each open message.
func recount(ctx context.Context, t tx) error {
	const kept = `SELECT * FROM (` + tallies + ` GROUP BY account) WHERE waiting <> 0 OR sending <> 0 OR held <> 0 OR bytes <> 0`
	var wrong bool
	err := t.row(ctx, `SELECT EXISTS (`+kept+` EXCEPT `+counted+`) OR EXISTS (`+counted+` EXCEPT `+kept+`)`).Scan(&wrong)
	if err != nil || !wrong {
		return err
	}
	for _, statement := range []string{`DELETE FROM mail_tally`, `INSERT INTO mail_tally (account, waiting, sending, held, bytes) ` + counted} {
		if _, err := t.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// counts are numbers of open messages, and the octets of their bodies.
type counts struct {
	waiting, sending, held int
	bytes                  int64
}

// add counts a message in a state; by is 1, or -1 for one that leaves it.
func (c *counts) add(s State, size int64, by int) {
	switch s {
	case Queued:
		c.waiting += by
	case Sending:
		c.sending += by
	case Held:
		c.held += by
	default:
		return // nobody waits for it any more
	}
	c.bytes += size * int64(by)
}

// insert adds c to an account's numbers.
func (c counts) insert(ctx context.Context, t tx, account string) error {
	if c == (counts{}) {
		return nil
	}
	_, err := t.exec(ctx, `INSERT INTO mail_tally (account, waiting, sending, held, bytes) VALUES ($1, $2, $3, $4, $5)`,
		account, c.waiting, c.sending, c.held, c.bytes)
	return err
}

// enter counts a message in the state that it is about to be given. Its row
// must be locked.
func enter(ctx context.Context, t tx, id string, to State) error {
	var account string
	var from State
	var size int64
	if err := t.row(ctx, `SELECT account, state, size FROM mail_message WHERE id = $1`, id).Scan(&account, &from, &size); err != nil {
		return err
	}
	var c counts
	c.add(from, size, -1)
	c.add(to, size, 1)
	return c.insert(ctx, t, account)
}

// foldAt is how many rows of differences are left as they are.
const foldAt = 500

// fold makes the differences of each account one.
func (q *Queue) fold(ctx context.Context) error {
	var rows, accounts int
	err := q.engine.view().row(ctx, `SELECT count(*), count(DISTINCT account) FROM mail_tally`).Scan(&rows, &accounts)
	if err != nil || rows-accounts < foldAt {
		return err
	}
	return q.engine.update(ctx, func(ctx context.Context, t tx) error {
		// One machine at a time, or they wait for each other's rows.
		if _, err := column(ctx, t, `SELECT 'locked' FROM mail_schema WHERE version = 1`+q.engine.rowLock()); err != nil {
			return err
		}
		r, err := t.query(ctx, `DELETE FROM mail_tally RETURNING account, waiting, sending, held, bytes`)
		if err != nil {
			return err
		}
		defer r.close()
		sums := map[string]counts{}
		for r.Next() {
			var account string
			var c counts
			if err := r.Scan(&account, &c.waiting, &c.sending, &c.held, &c.bytes); err != nil {
				return err
			}
			s := sums[account]
			sums[account] = counts{s.waiting + c.waiting, s.sending + c.sending, s.held + c.held, s.bytes + c.bytes}
		}
		if err := r.Err(); err != nil {
			return err
		}
		r.close()
		for account, c := range sums {
			if err := c.insert(ctx, t, account); err != nil {
				return err
			}
		}
		return nil
	})
}
