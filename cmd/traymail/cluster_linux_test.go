package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/mailer"
	"traymail/internal/postgrestest"
)

// It takes the half minute after which a silent machine counts as dead.
func TestThreeMachinesShareAQueueAndOneIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "unpaced")
	const sessions = 3
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000", "--recipients-per-day", "1000000", "--sessions", fmt.Sprint(sessions))
	settings := fmt.Sprintf("[queue]\npostgresql = %q\n", postgrestest.Start(t))
	var benches []*bench
	var machines []*served
	for n := range 3 {
		own := *b
		own.home = b.copyHome(settings)
		// The first one dies with a message in flight at least.
		machines = append(machines, own.serve([]string{"delivered 20", "", ""}[n]))
		benches = append(benches, &own)
	}
	l := newLoad("cluster")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for _, s := range machines {
		for range 2 {
			clients.Go(func() { l.bySMTP(ctx, s, 200*time.Millisecond) })
		}
	}
	machines[0].dies()
	before := l.await(60)
	stop()
	clients.Wait()
	t.Logf("%d were acknowledged when the first machine died, and %d later", before, len(l.acknowledged)-before)

	survivor := benches[1]
	survivor.settle(l.acknowledged...)
	if n := l.check(survivor); n > sessions {
		t.Errorf("%d messages arrived again, with %d sessions and one kill", n, sessions)
	}
	checkTakeover(t, survivor.log())
	// A provider counts the sessions of all machines together. One that stays
	// open after its message takes another machine's turn.
	for _, m := range b.sandbox.Tenant().Inbox() {
		if !m.First {
			t.Errorf("%s came in a session that was kept for it", m.MessageID)
		}
	}
}

// checkTakeover checks that what one machine had in flight when it died was
// sent by another, marked.
func checkTakeover(t *testing.T, attempts []mailer.Attempt) {
	next := map[string]mailer.Attempt{} // by message and number
	outcomes := map[string]int{}
	for _, a := range attempts {
		next[fmt.Sprint(a.ID, a.N)] = a
		code, _, _ := strings.Cut(a.Reply, " ")
		outcomes[a.Machine+" "+a.Outcome+" "+code]++
	}
	t.Log("attempts:", outcomes)
	cut := 0
	for _, a := range attempts {
		if a.Outcome != "unknown" {
			continue
		}
		cut++
		if heir := next[fmt.Sprint(a.ID, a.N+1)]; !heir.Resend || heir.Machine == a.Machine {
			t.Errorf("the attempt at %s was cut short on %s, and the next is %+v", a.ID, a.Machine, heir)
		}
	}
	if cut == 0 {
		t.Error("no attempt was cut short")
	}
}

// Two machines share a queue, and now one and now the other is killed: a tenth as
// often as TestKillsAtRandomUnderLoadLoseNothing kills. It ends half a minute after
// the last, when that counts as dead.
func TestKillsAtRandomUnderLoadLoseNothingOnPostgreSQL(t *testing.T) {
	t.Parallel()
	// What a machine had in flight holds its sessions until it counts as dead.
	const sessions, longest = 50, 600 * time.Millisecond
	kills := max(*restarts/10, 1)
	b := newSignedIn(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000", "--recipients-per-day", "1000000", "--sessions", fmt.Sprint(sessions))
	settings := fmt.Sprintf("[queue]\npostgresql = %q\n", postgrestest.Start(t))
	l := newLoad("kills")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	var benches []*bench
	machines := make([]*served, 2)
	begin := func(n int) {
		machines[n] = benches[n].spawn("")
		s := machines[n]
		for range 2 {
			clients.Go(func() { l.bySMTP(ctx, s, 20*time.Millisecond) })
		}
	}
	for n := range machines {
		own := *b
		own.home = b.copyHome(settings)
		benches = append(benches, &own)
		begin(n)
		machines[n].serves()
	}
	for range kills {
		n := rand.IntN(len(machines))
		select {
		case <-time.After(rand.N(longest)):
		case <-machines[n].ended:
			t.Fatalf("traymail serve ended by itself: %s", machines[n].said())
		}
		machines[n].kill()
		begin(n)
	}
	for _, s := range machines {
		s.serves()
	}
	l.await(20)
	stop()
	clients.Wait()
	benches[0].settle(l.acknowledged...)
	if n := l.check(benches[0]); n > kills*sessions {
		t.Errorf("%d messages arrived again, with %d sessions and %d kills", n, sessions, kills)
	}
	outcomes := map[string]int{}
	for _, a := range benches[0].log() {
		outcomes[a.Outcome]++
	}
	t.Logf("killed %d times; attempts: %v", kills, outcomes)
}
