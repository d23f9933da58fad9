package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A mender makes sense of the rows that were carried over: what of a message is
// missing is made again from the others, or the message is held.
type mender struct {
	*carrier
	machine string // whose attempts are in flight
	now     time.Time
	damage  *Damage
}

func (m *mender) mend() error {
	steps := []func() error{m.findLost, m.correct, m.examine, m.dropOrphans, m.count, m.wakeAll}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return m.write(func(ctx context.Context, t tx) error {
		return t.row(ctx, `SELECT count(*), COALESCE(sum(CASE WHEN state IN ('queued', 'sending') THEN 1 ELSE 0 END), 0) FROM mail_message`).
			Scan(&m.damage.Messages, &m.damage.Waiting)
	})
}

// statements runs some in one transaction.
func (m *mender) statements(list ...string) error {
	return m.write(func(ctx context.Context, t tx) error {
		for _, s := range list {
			if _, err := t.exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// findLost makes rows for messages whose own are gone, of what other rows and the
// indexes say of them.
func (m *mender) findLost() error {
	lost, err := column(m.ctx, m.engine.view(), `SELECT message FROM mail_recipient UNION SELECT message FROM mail_attempt
		EXCEPT SELECT id FROM mail_message`)
	if err != nil {
		return err
	}
	return m.write(func(ctx context.Context, t tx) error {
		more, err := column(ctx, t, `SELECT id FROM seen EXCEPT SELECT id FROM mail_message`)
		if err != nil {
			return err
		}
		lost = slices.Compact(slices.Sorted(slices.Values(append(lost, more...))))
		for _, id := range lost {
			if err := m.remake(ctx, t, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// remake makes the row of one message.
func (m *mender) remake(ctx context.Context, t tx, id string) error {
	var account, state, sender string
	var recipients, open, attempts int
	var size int64
	err := t.row(ctx, `SELECT
		COALESCE((SELECT account FROM seen WHERE id = $1 AND account <> ''), (SELECT account FROM mail_attempt WHERE message = $1),
			(SELECT name FROM mail_account WHERE (SELECT count(*) FROM mail_account) = 1), 'unknown'),
		COALESCE((SELECT state FROM seen WHERE id = $1), ''),
		(SELECT count(*) FROM mail_recipient WHERE message = $1),
		(SELECT count(*) FROM mail_recipient WHERE message = $1 AND state = 'queued'),
		COALESCE((SELECT max(n) FROM mail_attempt WHERE message = $1), 0),
		COALESCE((SELECT sum(length(data)) FROM mail_chunk WHERE message = $1), 0),
		COALESCE((SELECT max(lower) FROM mail_address WHERE message = $1
			AND lower NOT IN (SELECT lower(address) FROM mail_recipient WHERE message = $1)), '')`, id).
		Scan(&account, &state, &recipients, &open, &attempts, &size, &sender)
	if err != nil {
		return err
	}
	var finished int64
	begun := state != string(Queued) && state != string(Held) && attempts > 0 || state == string(Sending)
	reason := ""
	switch s := State(state); {
	case s == Delivered || s == Failed || s == Removed:
		finished = stamp(m.now)
	case recipients == 0:
		state, finished = string(Failed), stamp(m.now)
		m.damage.Lost = append(m.damage.Lost, DamagedMessage{id, "its ID and its account, " + account})
	case open == 0:
		state, finished = string(Delivered), stamp(m.now)
	default:
		state = string(Held)
		reason = "its sender, its subject and its size"
		if sender != "" {
			reason = "its subject and its size"
		}
	}
	_, err = t.exec(ctx, `INSERT INTO mail_message
		(id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, waits_from, state, next_at, attempts, finished, resend, job)
		VALUES ($1, $2, '', '', '', $3, 0, '', '', '', $4, $5, $5, $6, 0, $7, $8, $9, 0)`,
		id, account, sender, size, stamp(timeOf(id)), state, attempts, finished, flag(begun && finished == 0))
	if err != nil || reason == "" {
		return err
	}
	return m.keep(ctx, t, id, reason)
}

// timeOf is the time in a message's ID.
func timeOf(id string) time.Time {
	b, err := idEncoding.DecodeString(id)
	if err != nil || len(b) < 6 {
		return time.Time{}
	}
	ms := int64(0)
	for _, c := range b[:6] {
		ms = ms<<8 | int64(c)
	}
	return time.UnixMilli(ms)
}

// keep holds a message of which something is missing, and says so where a person
// looks.
func (m *mender) keep(ctx context.Context, t tx, id, missing string) error {
	m.damage.Held = append(m.damage.Held, DamagedMessage{id, missing})
	return holdDamaged(ctx, t, id, missing)
}

// holdDamaged holds a message of which something is missing or altered. Whoever
// releases it takes it as it is.
func holdDamaged(ctx context.Context, t tx, id, missing string) error {
	said := fmt.Sprintf("held, because the queue's file was damaged and %s of this message can no longer be trusted: take it out and have it sent again, or release it as it is", missing)
	for _, s := range []string{
		`UPDATE mail_message SET state = 'held', job = 0, next_at = 0, finished = 0, sum = -1 WHERE id = $1`,
		`UPDATE mail_recipient SET sum = -1 WHERE message = $1`,
	} {
		if _, err := t.exec(ctx, s, id); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE mail_recipient SET reply = $2 WHERE message = $1 AND state = 'queued'`, id, said)
	return err
}

// correct puts right what contradicts itself in rows that are whole.
func (m *mender) correct() error {
	return m.write(func(ctx context.Context, t tx) error {
		for _, s := range []string{
			// An attempt's number is given once.
			`UPDATE mail_message SET attempts = (SELECT max(n) FROM mail_attempt WHERE message = id)
				WHERE attempts < (SELECT max(n) FROM mail_attempt WHERE message = id)`,
			`UPDATE mail_message SET finished = received WHERE finished = 0 AND state IN ('delivered', 'failed', 'removed')`,
			`UPDATE mail_message SET finished = 0 WHERE finished > 0 AND state IN ('queued', 'sending', 'held')`,
			`UPDATE mail_message SET waits_from = received WHERE waits_from = 0`,
			`INSERT INTO mail_account (name) SELECT DISTINCT account FROM mail_message WHERE true ON CONFLICT DO NOTHING`,
		} {
			if _, err := t.exec(ctx, s); err != nil {
				return err
			}
		}
		// Begun, and who began it is gone: it goes on as what a dead machine began.
		_, err := t.exec(ctx, `INSERT INTO mail_attempt (message, n, account, machine, recipients, started, resend)
			SELECT id, max(attempts, 1), account, $1, (SELECT count(*) FROM mail_recipient WHERE message = id), received, resend FROM mail_message
			WHERE state = 'sending' AND NOT EXISTS (SELECT 1 FROM mail_attempt WHERE message = id AND finished = 0)
			ON CONFLICT (message, n) DO UPDATE SET finished = 0`, m.machine)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE mail_message SET attempts = max(attempts, 1) WHERE state = 'sending'`)
		return err
	})
}

// examine holds those messages that wait and of which something is missing. What
// is in flight is examined when it is tried again.
func (m *mender) examine() error {
	for after := ""; ; {
		ids, err := column(m.ctx, m.engine.view(), `SELECT id FROM mail_message WHERE finished = 0 AND state IN ('queued', 'held') AND id > $1 ORDER BY id LIMIT $2`, after, batch)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = m.write(func(ctx context.Context, t tx) error {
			for _, id := range ids {
				if slices.ContainsFunc(m.damage.Held, func(h DamagedMessage) bool { return h.ID == id }) {
					continue
				}
				missing, err := m.missing(ctx, t, id)
				if err != nil {
					return err
				}
				if missing == "" {
					continue
				}
				if err := m.keep(ctx, t, id, missing); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// missing says what of a message is not there or not as it was, in a few words.
func (m *mender) missing(ctx context.Context, t tx, id string) (string, error) {
	var parts []string
	d := &Delivery{ID: id}
	var sum int64
	if err := t.row(ctx, messageColumns(`, sum`)+` WHERE id = $1`, id).Scan(append(d.columns(), &sum)...); err != nil {
		return "", err
	}
	if err := d.readRecipients(ctx, t, 1<<62, 1<<30); err != nil {
		return "", err
	}
	if d.altered = cmp.Or(d.alteredEnvelope(sum), d.altered); d.altered != "" {
		parts = append(parts, d.altered)
	}
	found, err := m.addRecipients(ctx, t, d, sum)
	if err != nil {
		return "", err
	}
	if found != "" {
		parts = append(parts, found)
	}
	whole, err := wholeBody(ctx, t, id, d.Size)
	if err != nil {
		return "", err
	}
	if !whole {
		parts = append(parts, "a part of its body")
	}
	return strings.Join(parts, " and "), nil
}

// addRecipients puts those back whose rows are gone and whom the table of
// addresses knows, in small letters.
func (m *mender) addRecipients(ctx context.Context, t tx, d *Delivery, sum int64) (missing string, err error) {
	var have, highest int
	err = t.row(ctx, `SELECT count(*), COALESCE(max(n), -1) FROM mail_recipient WHERE message = $1`, d.ID).Scan(&have, &highest)
	if err != nil {
		return "", err
	}
	known, err := column(ctx, t, `SELECT lower FROM mail_address WHERE message = $1 AND lower <> $2
		AND lower NOT IN (SELECT lower(address) FROM mail_recipient WHERE message = $1) ORDER BY lower`, d.ID, strings.ToLower(d.From))
	if err != nil {
		return "", err
	}
	should, told := recipientsOf(sum)
	if !told {
		should = max(have+len(known), highest+1, 1)
	}
	if have >= should {
		return "", nil
	}
	for n := 0; n < should && len(known) > 0; n++ {
		added, err := t.exec(ctx, `INSERT INTO mail_recipient (message, n, address, notify, orcpt, state, next_at)
			VALUES ($1, $2, $3, '', '', 'queued', $4) ON CONFLICT DO NOTHING`, d.ID, n, known[0], stamp(d.Received))
		if err != nil {
			return "", err
		}
		if added > 0 {
			have, known = have+1, known[1:]
		}
	}
	if d.Attempt > 0 {
		if _, err := t.exec(ctx, `UPDATE mail_message SET resend = 1 WHERE id = $1`, d.ID); err != nil {
			return "", err
		}
	}
	if have < should {
		return fmt.Sprintf("%d of its %d recipients", should-have, should), nil
	}
	return "what became of some of its recipients", nil
}

// wholeBody tells whether a body's chunks are all there and as they were written.
func wholeBody(ctx context.Context, t querier, id string, size int64) (bool, error) {
	r, err := t.query(ctx, `SELECT n, data, sum FROM mail_chunk WHERE message = $1 ORDER BY n`, id)
	if err != nil {
		return false, err
	}
	defer r.close()
	for next := 0; r.Next(); next++ {
		var n int
		var data []byte
		var sum int64
		if err := r.Scan(&n, &data, &sum); err != nil {
			return false, err
		}
		if n != next || sum != noSum && sum != chunkSum(id, n, data) {
			return false, nil
		}
		size -= int64(len(data))
	}
	return size == 0, r.Err()
}

// dropOrphans removes what belongs to no message: bodies that were not received
// whole when it happened, whose clients are told to send them again.
func (m *mender) dropOrphans() error {
	return m.statements(
		`DELETE FROM mail_chunk WHERE message NOT IN (SELECT id FROM mail_message WHERE finished = 0 OR body = 1)`,
		`UPDATE mail_message SET body = 0 WHERE finished > 0 AND body = 1 AND NOT EXISTS (SELECT 1 FROM mail_chunk WHERE message = id)`,
		`DELETE FROM mail_address WHERE message NOT IN (SELECT id FROM mail_message)`,
		`INSERT INTO mail_address (lower, message) SELECT lower(address), message FROM mail_recipient WHERE true ON CONFLICT DO NOTHING`,
		`INSERT INTO mail_address (lower, message) SELECT lower(sender), id FROM mail_message WHERE true ON CONFLICT DO NOTHING`,
	)
}

func (m *mender) count() error {
	return m.statements(`INSERT INTO mail_tally (account, waiting, sending, held, bytes) ` + counted)
}

// wakeAll gives the messages that wait their jobs.
func (m *mender) wakeAll() error {
	for after := ""; ; {
		ids, err := column(m.ctx, m.engine.view(), `SELECT id FROM mail_message WHERE finished = 0 AND state = 'queued' AND id > $1 ORDER BY id LIMIT $2`, after, batch)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = m.write(func(ctx context.Context, t tx) error {
			for _, id := range ids {
				var account string
				if err := t.row(ctx, `SELECT account FROM mail_message WHERE id = $1`, id).Scan(&account); err != nil {
					return err
				}
				if _, err := advance(ctx, t, id, account, m.now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}
