package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/postgrestest"
)

// A crowd hands messages over until it is told to stop, and sends what is taken.
type crowd struct {
	t *testing.T
	q *Queue

	mu      sync.Mutex
	taken   []string
	refused []error
	sent    map[string]int
	news    *sync.Cond

	stop chan bool
	busy sync.WaitGroup
}

func newCrowd(t *testing.T, dsn string) *crowd {
	c := &crowd{t: t, sent: map[string]int{}, stop: make(chan bool)}
	c.news = sync.NewCond(&c.mu)
	c.q = open(t, Options{PostgreSQL: dsn, Pace: func(string) Pace { return Pace{AtOnce: 3} }})
	start(t, c.q, func(ctx context.Context, d *Delivery) Outcome {
		if _, err := readBody(ctx, d); err != nil {
			return answer(d, Result{Reply: err.Error(), After: time.Millisecond})
		}
		c.mu.Lock()
		c.sent[d.ID]++
		c.news.Broadcast()
		c.mu.Unlock()
		return allAccepted(ctx, d)
	})
	for n := range 3 {
		c.busy.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
				}
				id, err := c.q.Accept(context.Background(), message(fmt.Sprintf("acct%d", n), "a@x"), strings.NewReader("body"))
				c.mu.Lock()
				if err == nil {
					c.taken = append(c.taken, id)
				} else {
					c.refused = append(c.refused, err)
				}
				c.news.Broadcast()
				c.mu.Unlock()
				time.Sleep(20 * time.Millisecond) // as a client's next connection
			}
		})
	}
	return c
}

// wait waits until so many more messages were taken, sent and refused.
func (c *crowd) wait(taken, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken, refused = taken+len(c.taken), refused+len(c.refused)
	for len(c.taken) < taken || len(c.refused) < refused || len(c.sent) < len(c.taken)/4 {
		c.news.Wait()
	}
}

// settle ends the handing over, and checks that each message that was taken is
// sent, more than once only with a mark, and that none has an attempt less for it.
func (c *crowd) settle() {
	c.t.Helper()
	close(c.stop)
	c.busy.Wait()
	marked := 0
	looked := time.Now()
	for _, id := range c.taken {
		r := until(c.t, c.q, id, "the end", func(r *Record) bool {
			// What River could not write down is found by the minute: here sooner.
			if now := time.Now(); now.Sub(looked) > 5*time.Second {
				looked = now
				_ = c.q.rewakeLost(context.Background(), new(lookout))
			}
			return r.State == Delivered
		})
		again := 0
		for _, a := range r.Attempts {
			if a.Resend {
				again++
			}
		}
		marked += again
		for _, to := range r.Recipients {
			if to.Tries > 0 {
				c.t.Errorf("%s has used up %d attempts", id, to.Tries)
			}
		}
		c.mu.Lock()
		if n := c.sent[id]; n < 1 || n > 1+again {
			c.t.Errorf("%s was sent %d times, with %d marks", id, n, again)
		}
		c.mu.Unlock()
	}
	c.t.Logf("%d taken, %d refused, %d marked as sent again", len(c.taken), len(c.refused), marked)
	for _, err := range c.refused {
		if !errors.Is(err, ErrUnreachable) {
			c.t.Errorf("a message was refused with: %v", err)
		}
	}
}

func TestPostgreSQLIsRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	s := postgrestest.Own(t)
	c := newCrowd(t, s.Connection())
	for range 2 {
		c.wait(20, 0)
		s.Stop(t)
		c.wait(0, 3)
		s.Start(t)
	}
	c.wait(20, 0)
	c.settle()
}

func TestPostgreSQLFailsOverToItsStandby(t *testing.T) {
	t.Parallel()
	first := postgrestest.Own(t)
	second := first.Standby(t)
	c := newCrowd(t, fmt.Sprintf("host=%s,%s port=5432,5432 user=postgres dbname=queue target_session_attrs=read-write", first.Dir, second.Dir))
	c.wait(20, 0)
	first.Stop(t)
	c.wait(0, 3)
	second.Promote(t)
	c.wait(20, 0)
	c.settle()
}

// A line is what is between the queue and its server: slow, and cut at will.
type line struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	delay time.Duration
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: target}
	l.done.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", l.target)
			if err != nil {
				client.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, client, server)
			l.mu.Unlock()
			l.done.Go(func() { l.carry(server, client) })
			l.done.Go(func() { l.carry(client, server) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.cut()
		l.done.Wait()
	})
	return l
}

func (l *line) carry(to io.WriteCloser, from io.ReadCloser) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		delay := l.delay
		l.mu.Unlock()
		time.Sleep(delay)
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (l *line) slow(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = delay
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}

func TestPostgreSQLIsSlowAndConnectionsAreCut(t *testing.T) {
	t.Parallel()
	s := postgrestest.Own(t)
	l := newLine(t, filepath.Join(s.Dir, ".s.PGSQL.5432"))
	host, port, err := net.SplitHostPort(l.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(t, fmt.Sprintf("host=%s port=%s user=postgres dbname=queue sslmode=disable", host, port))
	for range 3 {
		c.wait(10, 0)
		l.cut()
	}
	l.slow(30 * time.Millisecond)
	c.wait(4, 0)
	l.cut()
	c.wait(4, 0)
	l.slow(0)
	c.settle()
}
