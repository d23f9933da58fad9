package queue

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// childEnv holds a childTask when this test binary runs as a program to be
// killed.
const childEnv = "TRAYMAIL_QUEUE_CHILD"

type childTask struct {
	Path, PostgreSQL string
	Ledger           string // file that stands for the server: a line a delivery
	Fault            string // where to die, at the Nth time
	Nth              int64
	Accept           int  // messages to accept
	Large            bool // of several parts
	Deliver          bool
	Hang             bool   // never answer a delivery
	Machine          int    // with Server: its number
	Server           string // instead of Ledger: address of a counter
	Lease            time.Duration
	Pace             map[string]Pace // of accounts; others are unpaced
}

// child accepts, printing the IDs it answers for, and delivers, until it is
// killed; without a fault, until its input ends.
func child() {
	var task childTask
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &task); err != nil {
		panic(err)
	}
	ctx := context.Background()
	var seen atomic.Int64
	pace := func(account string) Pace {
		if p, ok := task.Pace[account]; ok {
			return p
		}
		return Pace{AtOnce: 3}
	}
	q, err := Open(ctx, Options{Path: task.Path, PostgreSQL: task.PostgreSQL, Pace: pace, lease: task.Lease, Fault: func(point string) {
		if point == task.Fault && seen.Add(1) == task.Nth {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err != nil {
				panic(err)
			}
			select {} // the rest of the program may not go on either
		}
	}})
	if err != nil {
		panic(err)
	}
	body := "Subject: x\r\n\r\nhello\r\n"
	if task.Large {
		body = strings.Repeat("0123456789abcde\n", 3*partSize/16)
	}
	if task.Deliver {
		err := q.Start(ctx, func(ctx context.Context, d *Delivery) Outcome {
			if task.Hang {
				fmt.Println("delivering", d.ID)
				<-ctx.Done()
				return Outcome{}
			}
			if task.Server != "" {
				return submit(ctx, d, task)
			}
			return ledger(task.Ledger)(ctx, d)
		})
		if err != nil {
			panic(err)
		}
	}
	for range task.Accept {
		id, err := q.Accept(ctx, message("acct", "ann@example.net"), strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// ledger is a server that writes down what it takes.
func ledger(path string) Deliver {
	return func(ctx context.Context, d *Delivery) Outcome {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return Outcome{Reply: err.Error()}
		}
		defer f.Close()
		if _, err := fmt.Fprintln(f, d.ID); err != nil {
			return Outcome{Reply: err.Error()}
		}
		return allAccepted(ctx, d)
	}
}

// command runs child with a task.
func command(t *testing.T, task childTask) *exec.Cmd {
	t.Helper()
	env, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(env))
	cmd.Stderr = os.Stderr
	return cmd
}

// killed runs a task to its death and returns the IDs it answered for.
func killed(t *testing.T, task childTask) []string {
	t.Helper()
	cmd := command(t, task)
	var out bytes.Buffer
	cmd.Stdout = &out
	// Its input stays open, so that only the fault can end it.
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	cmd.Wait()
	if !limit.Stop() {
		t.Fatalf("the program never came to %q", task.Fault)
	}
	if code := cmd.ProcessState.ExitCode(); code == 0 || code == 2 {
		t.Fatalf("the program ended by itself (%d), before %q", code, task.Fault)
	}
	return strings.Fields(out.String())
}

func readLedger(t *testing.T, path string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, id := range strings.Fields(string(b)) {
		times[id]++
	}
	return times
}

func TestKilled(t *testing.T) {
	for _, c := range []struct {
		name   string
		task   childTask
		stored int // messages in the queue after the death
		// twice and marked are messages that the server got twice, and whose
		// second attempt says that it may be one.
		twice, marked int
	}{
		{"while a body arrives leaves nothing", childTask{Fault: "part", Nth: 2, Accept: 1, Large: true}, 0, 0, 0},
		{"before the commit leaves nothing", childTask{Fault: "staged", Nth: 1, Accept: 1, Large: true}, 0, 0, 0},
		{"before the answer keeps the message", childTask{Fault: "accepted", Nth: 1, Accept: 1}, 1, 0, 0},
		{"after some answers keeps them all", childTask{Fault: "accepted", Nth: 20, Accept: 30}, 20, 0, 0},
		// By the journal, what may begin at once is accepted and begun in one sync.
		{"before the answer keeps what has begun, marked", childTask{Fault: "accepted", Nth: 1, Accept: 1, Deliver: true}, 1, 0, 1},
		{"after some answers keeps what waits in the journal", childTask{Fault: "accepted", Nth: 20, Accept: 30, Deliver: true, Hang: true}, 20, 0, 3},
		{"before the server is spoken to marks and sends once", childTask{Fault: "begun", Nth: 1, Accept: 1, Deliver: true}, 1, 0, 1},
		{"between the server's answer and the record sends twice, marked", childTask{Fault: "delivered", Nth: 1, Accept: 1, Deliver: true}, 1, 1, 1},
		{"after the record sends once", childTask{Fault: "recorded", Nth: 1, Accept: 1, Deliver: true}, 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := sqliteOptions(t)
			c.task.Path, c.task.Ledger = o.Path, filepath.Join(t.TempDir(), "ledger")
			answered := killed(t, c.task)

			q := open(t, o)
			list, err := q.List(context.Background(), Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != c.stored {
				t.Errorf("%d messages are in the queue, want %d", len(list), c.stored)
			}
			var chunks int
			if err := q.engine.view().row(context.Background(), `SELECT count(DISTINCT message) FROM mail_chunk`).Scan(&chunks); err != nil {
				t.Fatal(err)
			}
			if chunks > c.stored {
				t.Errorf("bodies of %d messages are left", chunks)
			}
			for _, id := range answered {
				if isID(id) {
					get(t, q, id)
				}
			}
			start(t, q, ledger(c.task.Ledger))
			marked := 0
			for _, s := range list {
				r := untilState(t, q, s.ID, Delivered)
				if last := r.Attempts[len(r.Attempts)-1]; last.Resend {
					marked++
					if r.Attempts[0].Outcome != "unknown" {
						t.Errorf("the attempt that was cut short is recorded as %q", r.Attempts[0].Outcome)
					}
				}
			}
			twice := 0
			for _, s := range list {
				switch n := readLedger(t, c.task.Ledger)[s.ID]; n {
				case 1:
				case 2:
					twice++
				default:
					t.Errorf("%s was sent %d times", s.ID, n)
				}
			}
			if twice != c.twice || marked != c.marked {
				t.Errorf("%d were sent twice and %d marked, want %d and %d", twice, marked, c.twice, c.marked)
			}
		})
	}
}
