package queue

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestDeadMachinesMessageIsTakenOver(t *testing.T) {
	o := Options{PostgreSQL: newDatabase(t), lease: time.Second}
	cmd := command(t, childTask{PostgreSQL: o.PostgreSQL, Deliver: true, Hang: true, Accept: 5})
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	flying, ids := map[string]bool{}, []string{}
	for lines := bufio.NewScanner(out); (len(flying) < 3 || len(ids) < 5) && lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "delivering "); ok {
			flying[id] = true
		} else {
			ids = append(ids, lines.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()

	q := open(t, o)
	path := filepath.Join(t.TempDir(), "ledger")
	start(t, q, ledger(path))
	for _, id := range ids {
		r := untilState(t, q, id, Delivered)
		if last := r.Attempts[len(r.Attempts)-1]; last.Resend != flying[id] {
			t.Errorf("%s was in flight: %v; marked: %v", id, flying[id], last.Resend)
		}
		if n := readLedger(t, path)[id]; n != 1 {
			t.Errorf("%s was sent %d times by the heir", id, n)
		}
	}
}

func TestMachinesShareMessagesAndPace(t *testing.T) {
	o := Options{PostgreSQL: newDatabase(t)}
	o.Pace = func(string) Pace {
		return Pace{PerMinute: 1000, AtOnce: 2, RecipientsPerDay: 1000, RecipientsPerMessage: 10}
	}
	var mu sync.Mutex
	sent, flying, most := map[string]int{}, 0, 0
	var machines []*Queue
	for range 3 {
		q := open(t, o)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			mu.Lock()
			sent[d.ID]++
			flying++
			most = max(most, flying)
			mu.Unlock()
			// Long enough for another machine to look for work.
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			flying--
			mu.Unlock()
			return allAccepted(ctx, d)
		})
		machines = append(machines, q)
	}
	var ids []string
	for i := range 30 {
		ids = append(ids, accept(t, machines[i%3], message("acct", fmt.Sprintf("a%d@x", i)), "body"))
	}
	for _, id := range ids {
		untilState(t, machines[0], id, Delivered)
	}
	for _, id := range ids {
		if sent[id] != 1 {
			t.Errorf("%s was sent %d times", id, sent[id])
		}
	}
	if most > 2 {
		t.Errorf("%d messages were in flight at once", most)
	}
}
