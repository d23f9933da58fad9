package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// maxGroup bounds how many writes share a transaction, and so how long the
// first of them waits for the last.
const maxGroup = 256

// committer makes writes that come together share one transaction, and so one
// sync of the disk: while one group is being synced, the next one gathers.
type committer struct {
	db     *sql.DB
	writes chan *write
	wrap   func(*sql.Tx) tx
	after  func() // is called after each commit

	closing chan struct{}
	done    sync.WaitGroup

	// groups and grouped count transactions and the writes in them; they are
	// read when the committer is closed.
	groups, grouped int
}

type write struct {
	ctx    context.Context
	fn     func(context.Context, tx) error
	result chan error // buffered, so that nobody has to wait for it
	err    error
}

func newCommitter(db *sql.DB, wrap func(*sql.Tx) tx, after func()) *committer {
	c := &committer{db: db, wrap: wrap, after: after, writes: make(chan *write), closing: make(chan struct{})}
	c.done.Go(c.run)
	return c
}

var errClosed = errors.New("the queue is closed")

// update runs fn within a group. When ctx ends first the write may still
// happen, as with any commit whose answer is not waited for.
func (c *committer) update(ctx context.Context, fn func(context.Context, tx) error) error {
	w := &write{ctx: ctx, fn: fn, result: make(chan error, 1)}
	select {
	case c.writes <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closing:
		return errClosed
	}
	return <-w.result
}

// close waits for the group under way.
func (c *committer) close() {
	close(c.closing)
	c.done.Wait()
}

func (c *committer) run() {
	for {
		var group []*write
		select {
		case <-c.closing:
			return
		case w := <-c.writes:
			group = append(group, w)
		}
		group = c.gather(group)
		err := c.commit(group)
		for _, w := range group {
			if w.err == nil {
				w.err = err
			}
			w.result <- w.err
		}
	}
}

// gather adds those that wait already; nobody is waited for.
func (c *committer) gather(group []*write) []*write {
	for len(group) < maxGroup {
		select {
		case w := <-c.writes:
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// commit runs each write of the group behind a savepoint, so that one that
// fails takes no other with it. The group's contexts are not the transaction's:
// one caller that leaves must not undo the others.
func (c *committer) commit(group []*write) error {
	ctx := context.Background()
	t, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	c.groups++
	c.grouped += len(group)
	defer t.Rollback()
	wrapped := c.wrap(t)
	for _, w := range group {
		if w.err = w.ctx.Err(); w.err != nil {
			continue
		}
		if _, err := t.ExecContext(ctx, "SAVEPOINT one"); err != nil {
			return err
		}
		end := "RELEASE one"
		if w.err = w.fn(ctx, wrapped); w.err != nil {
			end = "ROLLBACK TO one; RELEASE one"
		}
		if _, err := t.ExecContext(ctx, end); err != nil {
			// SQLite undoes the whole transaction on some errors, such as
			// a full disk: then nobody's write has happened.
			return errors.Join(w.err, fmt.Errorf("the queue's write was undone: %w", err))
		}
	}
	if err := t.Commit(); err != nil {
		return err
	}
	c.after()
	return nil
}
