package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// gathered runs the writes while the committer is busy, so that all of them
// wait for the same transaction, and returns how many transactions they took.
func gathered(t *testing.T, q *Queue, writes ...func()) int {
	t.Helper()
	c := lite(q).committer
	free := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := q.engine.update(context.Background(), func(context.Context, tx) error { <-free; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	before := c.groups
	for _, w := range writes {
		all.Go(w)
	}
	synctest.Wait()
	close(free)
	all.Wait()
	return c.groups - before
}

func TestConcurrentAcceptsShareOneTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, sqliteOptions(t))
		var writes []func()
		for i := range 100 {
			writes = append(writes, func() { accept(t, q, message("acct", fmt.Sprintf("r%d@x", i)), "body") })
		}
		if n := gathered(t, q, writes...); n != 1 {
			t.Errorf("100 messages took %d transactions", n)
		}
		if list, err := q.List(context.Background(), Filter{Limit: 200}); err != nil || len(list) != 100 {
			t.Errorf("%d messages are stored, %v", len(list), err)
		}
	})
}

func TestFailedWriteUndoesNoOtherOfItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, sqliteOptions(t))
		ctx := context.Background()
		bad := errors.New("bad")
		left, leave := context.WithCancel(ctx)
		writes := []func(){
			func() { accept(t, q, message("acct", "a@x"), "body") },
			func() {
				err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
					if _, err := t.exec(ctx, `INSERT INTO mail_account (name) VALUES ('undone')`); err != nil {
						return err
					}
					return bad
				})
				if !errors.Is(err, bad) {
					t.Errorf("the failing write returned %v", err)
				}
			},
			func() {
				defer leave()
				accept(t, q, message("acct", "b@x"), "body")
			},
			func() {
				// Its caller may leave while it is under way: it is done or not, and
				// nobody else notices.
				q.Accept(left, message("acct", "c@x"), strings.NewReader("body"))
			},
		}
		if n := gathered(t, q, writes...); n != 1 {
			t.Errorf("%d transactions", n)
		}
		if accounts, err := q.Accounts(ctx); err != nil || len(accounts) != 1 {
			t.Errorf("the failing write left its mark: %+v, %v", accounts, err)
		}
		list, err := q.List(ctx, Filter{})
		if err != nil || len(list) < 2 {
			t.Errorf("%d messages are stored whole, %v", len(list), err)
		}
	})
}

func TestEveryCommitIsSynced(t *testing.T) {
	q := open(t, sqliteOptions(t))
	db := lite(q).writer
	var mode string
	var level, vacuum int
	if err := errors.Join(db.QueryRow(`PRAGMA journal_mode`).Scan(&mode), db.QueryRow(`PRAGMA synchronous`).Scan(&level),
		db.QueryRow(`PRAGMA auto_vacuum`).Scan(&vacuum)); err != nil {
		t.Fatal(err)
	}
	if mode != "wal" || level != 2 || vacuum != 2 {
		t.Errorf("journal_mode %s, synchronous %d, auto_vacuum %d", mode, level, vacuum)
	}
}
