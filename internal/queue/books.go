package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"
)

const (
	// moveBytes bounds the bodies of one bulk write.
	moveBytes = 4 << 20
	// writeAfter is how long what was delivered may wait to be written in bulk.
	writeAfter = 200 * time.Millisecond
	// longInHand and longAtRest are how long a message may be sent, or wait, on the
	// express: the journal's files stay until all in them and before them is settled.
	longInHand = 30 * time.Second
	longAtRest = 5 * time.Minute
)

// keep writes to the tables what has left the express, until quit.
func (x *express) keep() {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	armed := false
	for {
		wait := writeAfter
		select {
		case <-x.quit:
			return
		case <-x.kick:
			x.mu.Lock()
			now := len(x.leaving) > 0 || len(x.done) >= batch
			x.mu.Unlock()
			if !now {
				if !armed {
					timer.Reset(wait)
					armed = true
				}
				continue
			}
		case <-timer.C:
		}
		armed = false
		moment := x.queue.options.Now()
		err := x.move(x.context, func(e *entry) bool {
			if e.state == inHand {
				return moment.Sub(e.delivery.started) > longInHand
			}
			return moment.Sub(time.UnixMilli(e.received)) > longAtRest
		})
		if err != nil {
			x.queue.options.Log.Error("what left the journal is not written to the queue's tables yet", "error", err)
			wait = time.Second
		}
		x.mu.Lock()
		left := len(x.entries)
		x.stuck = err
		x.room.Broadcast()
		x.mu.Unlock()
		if left > 0 || err != nil {
			timer.Reset(wait)
			armed = true
		} else if _, err := x.journal.Empty(); err != nil {
			x.queue.options.Log.Error("the queue's journal", "error", err)
		}
	}
}

// caughtUp has the tables hold all that was accepted before the call: all
// messages, or when id is not empty that one.
func (q *Queue) caughtUp(ctx context.Context, id string) error {
	x := q.express.Load()
	if x == nil {
		return nil
	}
	x.mu.Lock()
	last, idle := x.last, len(x.entries) == 0
	_, here := x.entries[id]
	x.mu.Unlock()
	if idle || id != "" && !here {
		return nil
	}
	err := x.move(ctx, func(e *entry) bool { return e.number <= last && (id == "" || e.id == id) })
	if err != nil {
		return fmt.Errorf("write what was accepted last to the queue's tables: %w", err)
	}
	return nil
}

// move writes to the tables what has left, and what pick chooses.
func (x *express) move(ctx context.Context, pick func(*entry) bool) error {
	for {
		n, err := x.moveSome(ctx, pick)
		if n == 0 || err != nil {
			return err
		}
	}
}

func (x *express) moveSome(ctx context.Context, pick func(*entry) bool) (int, error) {
	x.books.Lock()
	defer x.books.Unlock()
	list := x.gather(pick)
	if len(list) == 0 {
		return 0, nil
	}
	loads, err := x.loadAll(list)
	if err == nil {
		err = x.queue.engine.update(context.WithoutCancel(ctx), func(ctx context.Context, t tx) error { return x.write(ctx, t, loads) })
	}
	if err == nil {
		x.work(loads)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.room.Broadcast()
	for _, e := range list {
		e.moving = false
		switch {
		case err != nil && e.state == arrived:
			x.done = append(x.done, e)
		case err != nil && e.state == atRest:
			x.leaving = append(x.leaving, e)
		case err == nil:
			if e.state != arrived {
				x.queue.quota.shift(amount{e.size, 1}, &x.queue.quota.express, &x.queue.quota.tables)
			}
			e.state, e.message = moved, nil
			e.lane.listed = true
			delete(x.entries, e.id)
			x.journal.Settle(e.place)
		}
	}
	if len(x.entries) == 0 {
		x.nudge() // the keeper empties the journal
	}
	return len(list), err
}

// work has River work the queues of what was moved.
func (x *express) work(list []loaded) {
	last := ""
	for _, l := range list {
		account := l.message.Account
		if account == last {
			continue
		}
		last = account
		if err := x.queue.workAccount(account); err != nil {
			x.queue.options.Log.Error("an account's queue is not worked yet", "account", account, "error", err)
		}
	}
}

// gather takes what one bulk write is to write. An entry in hand stays so.
func (x *express) gather(pick func(*entry) bool) (list []*entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var bytes int64
	take := func(e *entry) bool {
		if len(list) >= batch || bytes > moveBytes {
			return false
		}
		list = append(list, e)
		e.moving = true
		if e.state != arrived {
			bytes += e.size
		}
		return true
	}
	filter := func(from []*entry, pick func(*entry) bool) []*entry {
		kept := from[:0]
		for _, e := range from {
			if !pick(e) || !take(e) {
				kept = append(kept, e)
			}
		}
		clear(from[len(kept):])
		return kept
	}
	all := func(*entry) bool { return true }
	x.leaving = filter(x.leaving, all)
	x.done = filter(x.done, all)
	for e := range x.flying {
		if e.state == inHand && !e.moving && pick(e) {
			take(e)
		}
	}
	for _, l := range x.lanes {
		l.waiting = filter(l.waiting, pick)
	}
	return list
}

// loaded is an entry with what the tables are to have of it.
type loaded struct {
	*entry
	message Message
	body    []byte
}

func (x *express) loadAll(list []*entry) ([]loaded, error) {
	loads := make([]loaded, 0, len(list))
	for _, e := range list {
		l := loaded{entry: e}
		x.mu.Lock()
		m := e.message
		x.mu.Unlock()
		if m != nil && e.state == arrived && x.queue.options.KeepBodies == 0 {
			l.message = *m
			loads = append(loads, l)
			continue
		}
		var err error
		l.message, l.body, err = x.load(e)
		if errors.Is(err, errRecord) {
			x.queue.options.Log.Error("a message was damaged on the disk after it was accepted, and is lost", "id", e.id, "account", e.lane.account)
			continue
		}
		if err != nil {
			return nil, err
		}
		loads = append(loads, l)
	}
	return loads, nil
}

// write is the transaction of a bulk write.
func (x *express) write(ctx context.Context, t tx, list []loaded) error {
	q := x.queue
	var rows []messageRow
	var delivered int
	for i := range list {
		l := &list[i]
		r := messageRow{id: l.id, message: &l.message, body: l.body, state: Queued}
		switch l.state {
		case inHand, arrived:
			r.state = Sending
			r.attempt = &attemptRow{machine: q.machine, started: stamp(l.delivery.started)}
			if l.state == arrived {
				r.state, r.attempt.end = Delivered, l.end
				delivered++
			}
		}
		rows = append(rows, r)
	}
	return q.insertRows(ctx, t, rows, q.options.Now())
}

// A messageRow is a message as a bulk write puts it into the tables.
type messageRow struct {
	id      string
	message *Message
	body    []byte
	state   State       // Queued, Sending or Delivered
	attempt *attemptRow // nil when Queued
}

type attemptRow struct {
	machine string
	started int64
	end     *ended // Delivered
}

// insertRows writes messages, with what follows for their accounts.
func (q *Queue) insertRows(ctx context.Context, t tx, rows []messageRow, now time.Time) error {
	jobs, err := q.insertJobs(ctx, t, rows)
	if err != nil {
		return err
	}
	last, err := lastEnd(ctx, t)
	if err != nil {
		return err
	}
	tally := map[string]*counts{}
	type share struct {
		account string
		slot    int64
	}
	used := map[share]int{}
	for i := range rows {
		r := &rows[i]
		m := r.message
		if tally[m.Account] == nil {
			tally[m.Account] = &counts{}
			if err := listAccount(ctx, t, m.Account); err != nil {
				return err
			}
		}
		tally[m.Account].add(r.state, m.Size, 1)
		if a := r.attempt; a != nil {
			used[share{m.Account, slotOf(moment(a.started))}] += len(m.Recipients)
		}
		if err := r.insert(ctx, t, jobs[i], last, q.options.KeepBodies > 0); err != nil {
			return err
		}
	}
	for account, c := range tally {
		if err := c.insert(ctx, t, account); err != nil {
			return err
		}
		if err := forget(ctx, t, account, now.Add(-25*time.Hour)); err != nil {
			return err
		}
	}
	for s, n := range used {
		if err := use(ctx, t, s.account, time.UnixMilli(s.slot*slotLength.Milliseconds()), n); err != nil {
			return err
		}
	}
	return nil
}

// insertJobs sets the alarm clocks of those that are queued.
func (q *Queue) insertJobs(ctx context.Context, t tx, rows []messageRow) ([]int64, error) {
	var params []river.InsertManyParams
	for i := range rows {
		if rows[i].state == Queued {
			params = append(params, river.InsertManyParams{Args: deliverArgs{Message: rows[i].id},
				InsertOpts: &river.InsertOpts{Queue: riverQueue(rows[i].message.Account)}})
		}
	}
	jobs := make([]int64, len(rows))
	if len(params) == 0 {
		return jobs, nil
	}
	ids, err := t.insertJobs(ctx, params)
	if err != nil {
		return nil, err
	}
	n := 0
	for i := range rows {
		if rows[i].state == Queued {
			jobs[i] = ids[n]
			n++
		}
	}
	return jobs, nil
}

func listAccount(ctx context.Context, t tx, account string) error {
	_, err := t.exec(ctx, `INSERT INTO mail_account (name) VALUES ($1) ON CONFLICT (name) DO NOTHING`, account)
	return err
}

const insertMessage = `INSERT INTO mail_message
	(id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, waits_from, state, next_at, job,
		attempts, finished, body, sum)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15, $16, $17, $18, $19)`

// insert writes a row and all that hangs on it, but for the account's. last is the
// latest end of an attempt so far, and the end of this one is behind it.
func (r *messageRow) insert(ctx context.Context, t tx, job, last int64, keepBody bool) error {
	m := r.message
	var next, finished, attempts int64
	state := Queued // the recipients'
	body := true
	if r.state == Queued {
		next = stamp(m.Received)
	}
	if r.attempt != nil {
		attempts = 1
	}
	if r.state == Delivered {
		state, body, finished = Delivered, keepBody, r.attempt.end.At
	}
	if body {
		if err := writeChunks(ctx, t, r.id, 0, r.body); err != nil {
			return err
		}
	}
	sum := int64(noSum) // of what is to be sent
	if state == Queued {
		sum = envelopeSum(r.id, m, len(m.Recipients))
	}
	_, err := t.exec(ctx, insertMessage, r.id, m.Account, m.Client, m.MessageID, m.Subject, m.From, flag(m.UTF8), m.Return, m.EnvelopeID, m.ReturnTo,
		m.Size, stamp(m.Received), r.state, next, job, attempts, finished, flag(body), sum)
	if err != nil {
		return err
	}
	for n, p := range m.Recipients {
		reply, due, sum := "", stamp(m.Received), int64(noSum)
		if state == Delivered {
			reply, due = r.attempt.end.replyTo(n), 0
		} else {
			sum = recipientSum(r.id, n, p.Address, joined(p.Notify), p.OriginalRecipient)
		}
		_, err := t.exec(ctx, `INSERT INTO mail_recipient (message, n, address, notify, orcpt, state, next_at, reply, sum)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, r.id, n, p.Address, joined(p.Notify), p.OriginalRecipient, state, due, reply, sum)
		if err != nil {
			return err
		}
		if err := enlist(ctx, t, p.Address, r.id); err != nil {
			return err
		}
	}
	if err := enlist(ctx, t, m.From, r.id); err != nil || r.attempt == nil {
		return err
	}
	a, end, outcome, at := r.attempt, &ended{}, "", int64(0)
	if a.end != nil {
		end, outcome, at = a.end, "delivered", behind(a.end.At, last)
	}
	_, err = t.exec(ctx, `INSERT INTO mail_attempt (message, n, account, machine, recipients, started, finished, elapsed, resend, outcome, reply, session, exchange_id)
		VALUES ($1, 1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11)`, r.id, m.Account, a.machine, len(m.Recipients), a.started,
		at, end.Elapsed, outcome, end.Reply, end.Session, end.ExchangeID)
	return err
}

// replyTo is what the server said of a recipient.
func (e *ended) replyTo(n int) string {
	if n < len(e.Replies) {
		return e.Replies[n]
	}
	return e.Reply
}

func joined(notify []string) string { return strings.Join(notify, ",") }
