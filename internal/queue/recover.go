package queue

import (
	"context"
	"errors"
	"fmt"

	"traymail/internal/journal"
)

// stop ends the express: what is in hand is waited for, or told when ctx ends first,
// and all else goes to the tables. What cannot, because the disk is full say, stays
// in the journal for the next Open. x may be nil.
func (x *express) stop(ctx context.Context) error {
	if x == nil {
		return nil
	}
	x.mu.Lock()
	x.closed = true
	x.room.Broadcast()
	for _, l := range x.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
	x.mu.Unlock()
	x.accepting.Wait()
	landed := make(chan struct{})
	go func() {
		x.flights.Wait()
		close(landed)
	}()
	select {
	case <-landed:
	case <-ctx.Done():
		x.cancel()
		<-landed
	}
	x.cancel()
	close(x.quit)
	x.keeping.Wait()
	err := x.move(context.WithoutCancel(ctx), func(*entry) bool { return true })
	if err != nil {
		err = fmt.Errorf("empty the queue's journal: %w", err)
	}
	return errors.Join(err, x.journal.Close())
}

// recover writes to the tables what a program that died left in its journal. What it
// had begun counts as in flight, and is for takeOver.
func (q *Queue) recover(ctx context.Context) error {
	left, err := journal.Read(q.journalFolder())
	if err != nil {
		return err
	}
	for _, place := range left.Damaged {
		q.options.Log.Error("a part of the queue's journal was damaged on the disk, and with it messages that were accepted; all others are saved", "place", place)
	}
	begins, ends := map[string]begun{}, map[string]*ended{}
	err = left.Each(func(kind byte, data []byte) error {
		switch r, err := readRecord(kind, data); {
		case err != nil:
			q.options.Log.Error("the queue's journal has a record that cannot be read", "error", err)
		case r.begun != nil:
			begins[r.begun.ID] = *r.begun
		case r.ended != nil:
			ends[r.ended.ID] = r.ended
		}
		return nil
	})
	if err != nil {
		return err
	}
	var rows []messageRow
	bytes := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return q.insertRows(ctx, t, rows, q.options.Now()) })
		rows, bytes = nil, 0
		return err
	}
	err = left.Each(func(kind byte, data []byte) error {
		r, err := readRecord(kind, data)
		if err != nil || r.accepted == nil {
			return nil
		}
		a := r.accepted
		var known int
		if err := q.engine.view().row(ctx, `SELECT count(*) FROM mail_message WHERE id = $1`, a.ID).Scan(&known); err != nil || known > 0 {
			return err
		}
		row := messageRow{id: a.ID, message: &a.Message, body: append([]byte(nil), r.body...), state: Queued}
		b, isBegun := begins[a.ID]
		if a.Begun != 0 {
			b, isBegun = begun{a.ID, a.Begun, a.Machine}, true
		}
		if end := ends[a.ID]; end != nil {
			row.state, row.attempt = Delivered, &attemptRow{machine: b.Machine, started: b.At, end: end}
		} else if isBegun {
			row.state, row.attempt = Sending, &attemptRow{machine: b.Machine, started: b.At}
		}
		rows = append(rows, row)
		if bytes += len(r.body); len(rows) < batch && bytes < moveBytes {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("take over from the journal: %w", err)
	}
	return left.Remove()
}

// record is one of the journal's, of which one field is set.
type record struct {
	accepted *accepted
	body     []byte // accepted
	begun    *begun
	ended    *ended
}
