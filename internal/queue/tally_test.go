package queue

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestNumbersStayRightWhileMachinesFoldThem(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		machines := []*Queue{open(t, o)}
		if o.PostgreSQL != "" {
			machines = append(machines, open(t, o))
		}
		var all sync.WaitGroup
		for _, q := range machines {
			for worker := range 3 {
				all.Go(func() {
					for i := range 30 {
						m := message(fmt.Sprint("account ", i%4), "a@x")
						id := accept(t, q, m, "some body")
						for range rand.IntN(4) {
							if err := q.Hold(t.Context(), id); err != nil {
								t.Error(err)
							}
							if err := q.Release(t.Context(), id); err != nil {
								t.Error(err)
							}
						}
						if i%3 == 0 {
							if err := q.Remove(t.Context(), id); err != nil {
								t.Error(err)
							}
						}
						if worker == 0 && i%10 == 0 {
							if err := q.fold(t.Context()); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
		}
		all.Wait()
		q := machines[0]
		countAgain(t, q)
		for q.rowsOf(t, "mail_tally") < 2*foldAt {
			accept(t, q, message("account 1", "a@x"), "body")
		}
		if err := q.fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		countAgain(t, q)
		if n := q.rowsOf(t, "mail_tally"); n > 4 {
			t.Errorf("4 accounts have %d rows", n)
		}
		accounts, err := q.Accounts(t.Context())
		if err != nil || len(accounts) != 4 {
			t.Fatalf("%+v, %v", accounts, err)
		}
		for _, a := range accounts {
			if a.Waiting == 0 || a.Sending != 0 || a.Held != 0 || a.Bytes == 0 || a.Oldest.IsZero() {
				t.Errorf("%+v", a)
			}
		}
	})
}

func (q *Queue) rowsOf(t *testing.T, table string) (n int) {
	t.Helper()
	if err := q.engine.view().row(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
