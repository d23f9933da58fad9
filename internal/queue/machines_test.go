package queue

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"traymail/internal/postgrestest"
)

func TestDeadMachinesMessageIsTakenOver(t *testing.T) {
	o := Options{PostgreSQL: postgrestest.Start(t), lease: time.Second}
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

// submit hands a message to a counter.
func submit(ctx context.Context, d *Delivery, task childTask) Outcome {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", task.Server)
	if err != nil {
		return Outcome{Reply: err.Error()}
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, task.Machine, d.ID, d.Account); err != nil {
		return Outcome{Reply: err.Error()}
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		return Outcome{Reply: err.Error()}
	}
	return allAccepted(ctx, d)
}

// counter is a mail server that sees what all machines do together.
type counter struct {
	net.Listener
	handlers sync.WaitGroup
	// took is called when a message was taken and not answered yet.
	took func(machine int)

	mu     sync.Mutex
	sent   map[string]int // by message
	flying map[string]int // by account
	most   map[string]int // that were flying at once
}

func newCounter(t *testing.T, took func(machine int)) *counter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{Listener: l, took: took, sent: map[string]int{}, flying: map[string]int{}, most: map[string]int{}}
	c.handlers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.handlers.Go(func() {
				defer conn.Close()
				c.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		c.handlers.Wait()
	})
	return c
}

func (c *counter) serve(conn net.Conn) {
	var machine int
	var id, account string
	if _, err := fmt.Fscanln(conn, &machine, &id, &account); err != nil {
		return
	}
	c.mu.Lock()
	c.sent[id]++
	c.flying[account]++
	c.most[account] = max(c.most[account], c.flying[account])
	c.mu.Unlock()
	c.took(machine)
	began := time.Now()
	// Long enough for the other machines to look for work, and for an account to have
	// two in flight for once.
	for two := false; !two && time.Since(began) < 5*time.Second; {
		time.Sleep(20 * time.Millisecond)
		c.mu.Lock()
		two = c.most[account] > 1
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.flying[account]--
	c.mu.Unlock()
	fmt.Fprintln(conn, "ok")
}

func TestThreeMachinesShareOneQueueAndOneOfThemIsKilled(t *testing.T) {
	ctx := context.Background()
	o := Options{PostgreSQL: postgrestest.Start(t)}
	q := open(t, o) // accepts and looks, and delivers nothing
	const steady, paced = 60, 45
	pace := map[string]Pace{"steady": {AtOnce: 3}, "paced": {AtOnce: 2, PerMinute: 20}}
	ids := map[string][]string{}
	for i := range steady {
		ids["steady"] = append(ids["steady"], accept(t, q, message("steady", "a@x"), "body"))
		if i < paced {
			ids["paced"] = append(ids["paced"], accept(t, q, message("paced", "a@x"), "body"))
		}
	}
	var machines []*exec.Cmd
	// Whichever machine has the 25th of the eighty messages that the first minute has
	// room for.
	var taken atomic.Int64
	victim, dead := make(chan int), make(chan struct{})
	server := newCounter(t, func(machine int) {
		if taken.Add(1) == 25 {
			victim <- machine
			<-dead // so that it has no answer
		}
	})
	for n := range 3 {
		cmd := command(t, childTask{PostgreSQL: o.PostgreSQL, Deliver: true, Machine: n, Server: server.Addr().String(), Lease: 5 * time.Second, Pace: pace})
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		machines = append(machines, cmd)
		t.Cleanup(func() {
			cmd.Process.Kill()
			in.Close()
			cmd.Wait()
		})
	}
	killed := machines[<-victim]
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed.Wait()
	close(dead)

	resends := 0
	for _, id := range ids["steady"] {
		r := untilState(t, q, id, Delivered)
		marked := 0
		for _, a := range r.Attempts {
			if a.Resend {
				marked++
			}
		}
		resends += marked
		if n := server.times(id); n < 1 || n > 1+marked {
			t.Errorf("%s was sent %d times, with %d resends marked", id, n, marked)
		}
	}
	// The paced mailbox has had its minute's share when each living machine has
	// jobs that were refused a turn, and none is in flight. A minute is not over
	// yet: the share is 20 however many machines ask.
	var begun, flying, asking int
	for limit := time.Now().Add(30 * time.Second); begun < 20 || flying > 0 || asking < 4; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d begun, %d in flight, %d asking", begun, flying, asking)
		}
		err := q.engine.view().row(ctx, `SELECT count(*), COALESCE(sum(CASE WHEN finished = 0 THEN 1 ELSE 0 END), 0),
			(SELECT count(*) FROM river_job WHERE queue = $1 AND state = 'running') FROM mail_attempt WHERE account = 'paced'`,
			riverQueue("paced")).Scan(&begun, &flying, &asking)
		if err != nil {
			t.Fatal(err)
		}
	}
	var starts []time.Time
	for _, id := range ids["paced"] {
		r := get(t, q, id)
		for _, a := range r.Attempts {
			starts = append(starts, a.Started)
			if a.Resend || a.Outcome == "unknown" { // its next turn may be a minute away
				resends++
			}
		}
		if n := server.times(id); n > len(r.Attempts) {
			t.Errorf("%s was sent %d times in %d attempts", id, n, len(r.Attempts))
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	for i := range starts {
		if i >= 20 && starts[i].Sub(starts[i-20]) < time.Minute {
			t.Errorf("21 messages were begun within %v", starts[i].Sub(starts[i-20]))
		}
	}
	if resends == 0 {
		t.Error("the machine that was killed had nothing in flight")
	}
	if m := server.most; m["steady"] > 3 || m["paced"] > 2 || m["steady"] < 2 {
		t.Errorf("in flight at once: %v", m)
	}
}

func (c *counter) times(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent[id]
}

func TestMachinesShareMessagesAndPace(t *testing.T) {
	o := Options{PostgreSQL: postgrestest.Start(t)}
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

// Attempts that begin and attempts that pause the account meet on several
// machines, and must not lock each other out.
func TestMachinesThatPauseAnAccountDoNotLockEachOtherOut(t *testing.T) {
	var said logged
	dsn := postgrestest.Start(t)
	pace := func(string) Pace { return Pace{AtOnce: 20} }
	var machines []*Queue
	for range 3 {
		q := open(t, Options{PostgreSQL: dsn, Pace: pace, Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError}))})
		machines = append(machines, q)
	}
	var ids []string
	for range 60 {
		ids = append(ids, accept(t, machines[0], message("busy", "a@x"), "body"))
	}
	var tries atomic.Int64
	for _, q := range machines {
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			if tries.Add(1) < 200 {
				return Outcome{Pause: &Pause{Cause: "throttled", Reason: "wait", Until: time.Now()}}
			}
			return allAccepted(ctx, d)
		})
	}
	ended := make(chan struct{})
	var resuming sync.WaitGroup
	resuming.Go(func() { // at once, so that much is begun while much is paused
		for {
			select {
			case <-ended:
				return
			default:
				if err := machines[1].Resume(context.Background(), "busy"); err != nil {
					t.Error(err)
				}
			}
		}
	})
	defer resuming.Wait()
	defer close(ended)
	for _, id := range ids {
		untilState(t, machines[0], id, Delivered)
	}
	if text := said.String(); strings.Contains(text, "deadlock") {
		t.Errorf("the database broke off:\n%s", text)
	}
}

// logged is a log that several write to.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
