package queue

import (
	"encoding/json"
	"fmt"
	"time"

	"traymail/internal/journal"
)

// tryAgain is up to which wait for the pace a message stays on the express.
const tryAgain = time.Second

// endPatience is how long the note of an end waits to share the sync of the next
// message, when no message waits for it. Within that time a crash makes a message
// that was sent one that is sent again.
const endPatience = time.Millisecond

// turn tells whether a message may begin now, how long to wait otherwise, and
// whether it has to leave. mu must be held.
func (x *express) turn(l *lane, e *entry, now time.Time) (ok bool, wait time.Duration, leave bool) {
	if x.closed || l.paused {
		return false, 0, l.paused
	}
	p := x.queue.options.Pace(l.account)
	load := l.load(now, p)
	if p.AtOnce > 0 && load.flight >= p.AtOnce {
		return false, 0, false // the next end makes room
	}
	limit, wait, daily := p.turn(now, load)
	switch {
	case daily || wait > tryAgain:
		return false, 0, true
	case wait > 0:
		return false, wait, false
	case int(e.recipients) > limit:
		return false, 0, true
	case l.jobs > 0 && l.jobNext:
		l.wakeJob()
		return false, 0, false
	}
	return true, 0, false
}

// begin counts the attempt; unbegin undoes it.
func (x *express) begin(e *entry, now time.Time) {
	e.state = inHand
	e.delivery = &Delivery{ID: e.id, Attempt: 1, queue: x.queue, started: now}
	e.lane.take(now, x.queue.options.Pace(e.lane.account), int(e.recipients))
	e.lane.jobNext = true
}

func (x *express) unbegin(e *entry) {
	e.state = atRest
	e.lane.give(e.delivery.started, int(e.recipients))
	e.delivery = nil
}

// next takes the first of a lane's waiting whose turn it is.
func (x *express) next(l *lane) *entry {
	for len(l.waiting) > 0 {
		e, now := l.waiting[0], x.queue.options.Now()
		ok, wait, leave := x.turn(l, e, now)
		switch {
		case ok:
			l.waiting[0] = nil
			l.waiting = l.waiting[1:]
			x.begin(e, now)
			x.flying[e] = true
			x.flights.Add(1)
			return e
		case leave && int(e.recipients) > 1:
			// It may be for its recipients alone.
			l.waiting = l.waiting[1:]
			x.leave(e)
		case leave:
			x.leave(l.waiting...)
			l.waiting = nil
		default:
			if wait > 0 && l.timer == nil {
				l.timer = time.AfterFunc(wait, func() {
					x.mu.Lock()
					defer x.mu.Unlock()
					l.timer = nil
					x.dispatch(l)
				})
			}
			return nil
		}
	}
	l.waiting = nil
	return nil
}

// dispatch begins what may begin. mu must be held.
func (x *express) dispatch(l *lane) {
	for e := x.next(l); e != nil; e = x.next(l) {
		go x.fly(e, false)
	}
	if l.jobs > 0 {
		l.wakeJob()
	}
}

// landed counts the end of an attempt, by either way, of which some recipients did
// not get the message.
func (x *express) landed(d *Delivery, missed int) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.lane(d.Account)
	l.flight--
	l.use(d.started, -missed)
	x.dispatch(l)
}

// fly makes an attempt at a message, and then at the next that waits, until there
// is none.
func (x *express) fly(e *entry, noted bool) {
	if !noted {
		r := beginRecord(e)
		if err := x.journal.Append([]journal.Record{r}, nil); err != nil {
			x.ground(e, err)
			return
		}
	}
	for e != nil {
		e = x.send(e)
	}
}

// ground has a message whose attempt could not be noted go on by the tables.
func (x *express) ground(e *entry, err error) {
	x.queue.options.Log.Error("an attempt could not begin", "id", e.id, "error", err)
	defer x.flights.Done()
	x.mu.Lock()
	inTables := x.atLast(e)
	if !inTables {
		x.unbegin(e)
		x.leave(e)
	}
	x.mu.Unlock()
	if inTables {
		if d, err := x.fill(e); err == nil {
			x.queue.record(d, Outcome{Reply: "the attempt could not be noted on the disk"}, false)
		}
	}
}

// atLast ends an entry's time in hand, and tells whether it was moved to the tables
// meanwhile. mu must be held.
func (x *express) atLast(e *entry) (inTables bool) {
	for e.moving {
		x.room.Wait()
	}
	delete(x.flying, e)
	return e.state == moved
}

// send makes the attempt and returns the next one, which is noted as begun.
func (x *express) send(e *entry) *entry {
	q := x.queue
	d, err := x.fill(e)
	if err != nil {
		defer x.flights.Done()
		q.options.Log.Error("a message cannot be read", "id", e.id, "account", d.Account, "error", err)
		x.finish(e, Outcome{Reply: "the message could not be read from the queue"}, false)
		return nil
	}
	q.options.Fault("begun")
	q.feed.publish(Event{ID: e.id, Account: d.Account, State: Sending})
	outcome, counts := q.attempt(x.context, d)
	q.options.Fault("delivered")
	now := q.options.Now()
	if !q.simple(d, outcome, counts, now) {
		defer x.flights.Done()
		x.finish(e, outcome, counts)
		return nil
	}
	end := &ended{ID: e.id, At: stamp(now), Elapsed: d.elapsed.Milliseconds(), Reply: clean(outcome.Reply),
		Session: clean(outcome.Session), ExchangeID: clean(outcome.ExchangeID), Replies: differing(outcome)}
	x.mu.Lock()
	l := e.lane
	l.flight--
	next := x.next(l)
	if next == nil && l.jobs > 0 {
		l.wakeJob()
	}
	x.mu.Unlock()
	if next == nil {
		x.journal.AppendSoon([]journal.Record{endRecord(end)}, endPatience, func(err error) { x.noted(e, end, outcome, counts, err) })
		return nil
	}
	err = x.journal.Append([]journal.Record{endRecord(end), beginRecord(next)}, nil)
	if err != nil {
		x.ground(next, err)
		next = nil
	}
	x.noted(e, end, outcome, counts, err)
	return next
}

// noted follows the note of the end of a message that was delivered to all, or that
// it could not be made. It does not wait.
func (x *express) noted(e *entry, end *ended, outcome Outcome, counts bool, err error) {
	q := x.queue
	if err == nil {
		x.mu.Lock()
		inTables := e.state == moved || e.moving
		if !inTables {
			delete(x.flying, e)
			e.state, e.end = arrived, end
			x.done = append(x.done, e)
			if n := len(x.done); n == 1 || n >= batch {
				x.nudge()
			}
		}
		x.mu.Unlock()
		if !inTables {
			q.quota.shift(amount{e.size, 1}, &q.quota.express, nil)
			q.options.Fault("recorded")
			q.feed.publish(Event{ID: e.id, Account: e.lane.account, State: Delivered})
			x.flights.Done()
			return
		}
	}
	go func() {
		defer x.flights.Done()
		x.mu.Lock()
		e.lane.flight++ // which the record counts
		x.mu.Unlock()
		x.finish(e, outcome, counts)
	}()
}

// fill completes a message's delivery, from the tables when it was moved there
// meanwhile.
func (x *express) fill(e *entry) (*Delivery, error) {
	x.mu.Lock()
	m, d := e.message, e.delivery
	x.mu.Unlock()
	if m == nil {
		read, _, err := x.load(e)
		m = &read
		x.mu.Lock()
		for e.moving {
			x.room.Wait()
		}
		inTables := e.state == moved
		x.mu.Unlock()
		if inTables { // and its place in the journal may be another's
			var record *Record
			if record, err = x.queue.Get(x.context, e.id); err == nil {
				m = &record.Message
				for _, r := range record.Recipients {
					m.Recipients = append(m.Recipients, r.Recipient)
				}
			}
		}
		if err != nil {
			d.Account = e.lane.account
			return d, err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	e.message = m
	d.Message, d.since = *m, m.Received
	d.numbers, d.tries = make([]int, len(m.Recipients)), make([]int, len(m.Recipients))
	for i := range d.numbers {
		d.numbers[i] = i
	}
	return d, nil
}

// simple tells whether an attempt delivered to all, and nothing else follows.
func (q *Queue) simple(d *Delivery, out Outcome, counts bool, now time.Time) bool {
	if out.Pause != nil || out.Hold || out.Unknown {
		return false
	}
	for _, v := range q.options.settle(d, out, counts, now) {
		if v.State != Delivered || q.options.Bounce != nil && v.calls(NoticeRelayed) && v.Recipient.wants(NoticeRelayed) {
			return false
		}
	}
	return true
}

// differing are the recipients' replies, when one is not the outcome's.
func differing(out Outcome) (replies []string) {
	for _, r := range out.Results {
		if r.Reply != "" && r.Reply != out.Reply {
			for _, r := range out.Results {
				if r.Reply == "" {
					r.Reply = out.Reply
				}
				replies = append(replies, clean(r.Reply))
			}
			return replies
		}
	}
	return nil
}

// finish records an end that is more than a delivery, in the tables, where the
// message is moved for that. It does not give up before Shutdown.
func (x *express) finish(e *entry, outcome Outcome, counts bool) {
	q := x.queue
	for {
		err := x.move(x.context, func(other *entry) bool { return other == e })
		if err == nil {
			break
		}
		q.options.Log.Error("an attempt is not recorded", "id", e.id, "given up", q.isStopping(), "error", err)
		if q.isStopping() {
			x.mu.Lock()
			delete(x.flying, e)
			x.mu.Unlock()
			return // the next start takes it for cut short, and repeats it
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-q.stopping:
			timer.Stop()
		}
	}
	q.record(e.delivery, outcome, counts)
	x.mu.Lock()
	delete(x.flying, e)
	x.mu.Unlock()
	q.options.Fault("recorded")
}

func (q *Queue) isStopping() bool {
	select {
	case <-q.stopping:
		return true
	default:
		return false
	}
}

func beginRecord(e *entry) journal.Record {
	return jsonRecord(recordBegun, begun{e.id, stamp(e.delivery.started), e.delivery.queue.machine})
}

func endRecord(e *ended) journal.Record { return jsonRecord(recordEnded, e) }

func jsonRecord(kind byte, v any) journal.Record {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a record of text and numbers cannot be written: %v", err))
	}
	return journal.Record{Kind: kind, Head: b}
}
