package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A load is what clients hand over without end.
type load struct {
	name string // of the run, in the Message-IDs
	last atomic.Int64

	mu           sync.Mutex
	acknowledged []string
	heard        sync.Cond // of mu: there is one more
}

func newLoad(name string) *load {
	l := &load{name: name}
	l.heard.L = &l.mu
	return l
}

func (l *load) took(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged = append(l.acknowledged, id)
	l.heard.Broadcast()
}

// await waits until n more are acknowledged and returns how many were before.
func (l *load) await(n int) (before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = len(l.acknowledged)
	for len(l.acknowledged) < before+n {
		l.heard.Wait()
	}
	return before
}

// next makes a message; now and then a long one.
func (l *load) next() (id string, message []byte) {
	n := l.last.Add(1)
	size := rand.IntN(4 << 10)
	if n%100 == 0 {
		size = 5 << 18
	}
	id = fmt.Sprintf("%s-%d@contoso.com", l.name, n)
	return id, letter(id, size)
}

// bySMTP hands over messages to a program for as long as it lives, or until ctx
// ends, with a pause of up to that long between two.
func (l *load) bySMTP(ctx context.Context, s *served, pause time.Duration) {
	select {
	case <-s.ready:
	case <-s.ended:
		return
	}
	// Its error is the program's death.
	_ = mailBySMTP(s.address, func() (string, []byte, bool) {
		select {
		case <-ctx.Done():
			return "", nil, false
		case <-time.After(rand.N(pause)):
		}
		id, message := l.next()
		return id, message, true
	}, l.took)
}

// byCommands does so with one command after the other, which take the messages
// into the queue themselves while no program runs, with a pause of up to that
// long before each: to start one costs more than all else.
func (l *load) byCommands(b *bench, s *served, pause time.Duration) {
	for {
		select {
		case <-s.ended:
			return
		case <-time.After(rand.N(pause)):
		}
		id, message := l.next()
		cmd := b.program("", "send", "-i", "-f", "svc@contoso.com", "ops@contoso.com")
		cmd.Stdin = bytes.NewReader(message)
		if err := cmd.Run(); err == nil {
			l.took(id)
		}
	}
}

// check compares what was acknowledged with what arrived: nothing is missing,
// and what came more than once did so by attempts that are marked. It returns
// how many messages came again.
func (l *load) check(b *bench) (duplicates int) {
	b.t.Helper()
	arrived := b.arrivals()
	for _, id := range l.acknowledged {
		if arrived[id] == 0 {
			b.t.Errorf("%s was acknowledged and never arrived", id)
		}
	}
	marked := map[string]int{} // by the queue's ID
	for _, a := range b.log() {
		if a.Resend {
			marked[a.ID]++
		}
	}
	record := b.messages()
	for id, n := range arrived {
		if len(record[id]) != 1 {
			b.t.Errorf("%s is in the record %d times", id, len(record[id]))
			continue
		}
		duplicates += n - 1
		if n-1 > marked[record[id][0].ID] {
			b.t.Errorf("%s arrived %d times, with %d attempts marked", id, n, marked[record[id][0].ID])
		}
	}
	b.t.Logf("%d handed over, %d acknowledged, %d arrived, %d of them again, %d messages had a marked attempt",
		l.last.Load(), len(l.acknowledged), len(arrived), duplicates, len(marked))
	return duplicates
}

// restarts is how often the program dies under load: 100 times in make test,
// and as often as it says in make torture.
var restarts = flag.Int("kills", 100, "how often the program is killed under load")

// TestKillsAtRandomUnderLoadLoseNothing is make torture, too.
func TestKillsAtRandomUnderLoadLoseNothing(t *testing.T) {
	t.Parallel()
	const (
		sessions = 3
		longest  = 300 * time.Millisecond // from when it serves to when it dies
	)
	b := newSignedIn(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000", "--recipients-per-day", "1000000", "--sessions", fmt.Sprint(sessions))
	l := newLoad("load")
	serving := 0 // when they were killed
	for n := range *restarts {
		s := b.spawn("")
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() { l.bySMTP(t.Context(), s, 20*time.Millisecond) })
		}
		clients.Go(func() { l.byCommands(b, s, 4*longest) })
		if n%5 > 0 { // the others die at any moment of their start
			select {
			case <-s.ready:
				serving++
			case <-s.ended:
				t.Fatalf("traymail serve ended by itself: %s", s.said())
			}
		}
		select {
		case <-time.After(rand.N(longest)):
		case <-s.ended:
			t.Fatalf("traymail serve ended by itself: %s", s.said())
		}
		s.kill()
		clients.Wait()
		if (n+1)%100 == 0 {
			t.Logf("killed %d times", n+1)
		}
	}
	b.serve("")
	b.settle(l.acknowledged...)
	t.Logf("killed %d times, %d of them while it served", *restarts, serving)
	if n := l.check(b); n > *restarts*sessions {
		t.Errorf("%d messages arrived again, with %d sessions and %d kills", n, sessions, *restarts)
	}
}
