package smtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestMessagesAreSpreadOverTheSessionsBeforeTheyShareOne(t *testing.T) {
	var mu sync.Mutex
	on := map[int]int{} // messages by session
	came := make(chan struct{}, 10)
	gate := make(chan struct{})
	f := (&fake{}).start(t)
	f.reply = func(conn int, line string) string {
		if strings.HasPrefix(line, "MAIL") {
			mu.Lock()
			on[conn]++
			mu.Unlock()
			came <- struct{}{}
			<-gate
		}
		return ""
	}
	c, counts := f.client(t)
	c.Pipeline = 2
	counts.wrote = make(chan struct{}, 100)
	var wg sync.WaitGroup
	for i := range 7 {
		wg.Go(func() {
			if _, err := c.Submit(t.Context(), numbered(i, "a")); err != nil {
				t.Error(err)
			}
		})
		switch {
		case i < 3:
			<-came
			for range 5 { // EHLO, STARTTLS, TLS, EHLO, and the message
				<-counts.wrote
			}
		case i < 6:
			<-counts.wrote
		}
	}
	c.mu.Lock()
	for _, s := range c.inUse {
		if s.users != 2 {
			t.Errorf("%d messages on a session", s.users)
		}
	}
	c.mu.Unlock()
	mu.Lock()
	if len(on) != 3 || c.Sessions() != 3 {
		t.Errorf("by session: %v", on)
	}
	mu.Unlock()
	close(gate)
	wg.Wait()
	if len(f.got()) != 7 || f.connections() != 3 {
		t.Errorf("%d messages over %d connections", len(f.got()), f.connections())
	}
}

// A server that offers too little for it gets one message after the other.
func TestSharingASessionNeedsPipeliningAndChunking(t *testing.T) {
	for name, ext := range shapes {
		t.Run(name, func(t *testing.T) {
			f := (&fake{ext: ext}).start(t)
			c, _ := f.client(t)
			c.MaxSessions, c.Pipeline = 1, 4
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					if _, err := c.Submit(t.Context(), numbered(i, "a")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if len(f.got()) != 8 || f.connections() != 1 {
				t.Errorf("%d messages over %d connections", len(f.got()), f.connections())
			}
			if shared := name == "chunking"; c.idle[0].shared != shared || !shared && strings.Contains(f.dialog(), "RSET") {
				t.Errorf("the session was shared:\n%s", f.dialog())
			}
		})
	}
}

// Of what was not handed over completely nothing is in doubt: it goes over another
// session.
func TestAMessageThatWasCutOffGoesOverAnotherSession(t *testing.T) {
	for name, answered := range map[string]bool{"after the answers to the one before it": true, "and the one before it is in doubt": false} {
		t.Run(name, func(t *testing.T) {
			f := (&fake{}).start(t)
			var dials atomic.Int64
			read := make(chan struct{}) // the first message
			c := &Client{Host: "localhost", Port: 25, TLS: Plaintext, LocalName: "c", MaxSessions: 1, Pipeline: 2}
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				if dials.Add(1) > 1 {
					f.wg.Go(func() { defer server.Close(); f.serve(server, 2) })
					return client, nil
				}
				go func() {
					defer server.Close()
					br := bufio.NewReader(server)
					fmt.Fprint(server, "220 hi\r\n")
					br.ReadString('\n')
					fmt.Fprint(server, "250-hi\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
					for line := ""; !strings.HasPrefix(line, "x"); {
						line, _ = br.ReadString('\n')
					}
					close(read)
					br.ReadString('\n') // some of the second, which was written as one
					if answered {
						fmt.Fprint(server, strings.Repeat("250 2.0.0 OK\r\n", 3))
					}
				}()
				return client, nil
			}
			defer c.Close()
			first := make(chan error, 1)
			go func() {
				_, err := c.Submit(t.Context(), numbered(1, "a"))
				first <- err
			}()
			<-read
			second := numbered(2, "a")
			second.Size = 100_000 // more than bufio reads
			second.Open = opener("Subject: message 2\r\n\r\n" + strings.Repeat("0123456789\r\n", 8000))
			if _, err := c.Submit(t.Context(), second); err != nil {
				t.Errorf("message 2: %v", err)
			}
			err := <-first
			if answered && err != nil || !answered && !failure(t, err).Unknown {
				t.Errorf("message 1: %v", err)
			}
			if got := strings.Join(f.arrived(), ", "); got != "2: a2" {
				t.Errorf("arrived %s", got)
			}
		})
	}
}

// Many callers, a server that refuses some messages and ends some sessions: each
// caller is told what became of its own message.
func TestManyCallersAreEachToldTheirOwn(t *testing.T) {
	const messages = 600
	draw := func(line string) uint32 {
		h := fnv.New32a()
		io.WriteString(h, line)
		return h.Sum32() % 100
	}
	var resets atomic.Int64
	f := &fake{quiet: true, reply: func(_ int, line string) string {
		switch verb, _, _ := strings.Cut(line, " "); {
		case verb == "MAIL" && draw(line) < 5:
			return "550 5.7.60 no"
		case verb == "RCPT" && draw(line) < 20:
			return noUser
		case verb == "RSET" && resets.Add(1)%97 == 0:
			return "421 4.3.2 Service not available"
		case verb == "RSET" && resets.Load()%89 == 0:
			return drop
		}
		return ""
	}}
	f.start(t)
	c, _ := f.client(t)
	c.Pipeline = 8
	type outcome struct {
		r   *Receipt
		err error
	}
	outcomes := make([]outcome, messages)
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 30 {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= messages; n = int(next.Add(1)) {
				r, err := c.Submit(t.Context(), numbered(n, "a", "b"))
				outcomes[n-1] = outcome{r, err}
			}
		})
	}
	wg.Wait()
	arrived := map[int][]string{}
	for _, s := range f.arrived() {
		var n int
		fmt.Sscanf(s, "%d:", &n)
		arrived[n] = append(arrived[n], s)
	}
	doubtful := 0
	for i, o := range outcomes {
		n := i + 1
		var e *Error
		switch errors.As(o.err, &e); {
		case o.err == nil:
			want := fmt.Sprint(n, ":")
			for _, to := range []string{"a", "b"} {
				address := fmt.Sprintf("%s%d@example.com", to, n)
				if !slices.ContainsFunc(o.r.Refused, func(e *Error) bool { return e.Recipient == address }) {
					want += fmt.Sprintf(" %s%d", to, n)
				}
			}
			if len(arrived[n]) != 1 || arrived[n][0] != want {
				t.Errorf("message %d was taken, and arrived %q, want %q", n, arrived[n], want)
			}
		case e == nil:
			t.Errorf("message %d: %v", n, o.err)
		case e.Unknown:
			doubtful++
			if len(arrived[n]) > 1 {
				t.Errorf("message %d arrived %q", n, arrived[n])
			}
		case len(arrived[n]) > 0 || e.Code != 550:
			t.Errorf("message %d arrived %q, and %v", n, arrived[n], e)
		}
	}
	if doubtful > messages/4 || len(arrived) < messages/2 {
		t.Errorf("%d messages arrived, %d are in doubt", len(arrived), doubtful)
	}
}

// Whatever the server answers, a message that is said to be taken has arrived with
// its own recipients, once, and one that is said to be refused has not.
func FuzzPipeline(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 0, 1, 1, 1})
	f.Add([]byte{0, 1, 1, 0, 0, 7, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 3, 0, 0, 5, 0, 0, 0, 4})
	f.Add([]byte{2, 0, 0, 0, 6, 0, 0, 6})
	replies := []string{"", noUser, greylist, "421 4.3.2 bye", drop, "432 4.3.2 too many", "500 5.5.1 what", "554-5.0.0 one\n554 5.0.0 two"}
	f.Fuzz(func(t *testing.T, script []byte) {
		var mu sync.Mutex
		server := &fake{quiet: true, noTLS: true, ext: exchange, banner: "220 hi", reply: func(_ int, line string) string {
			mu.Lock()
			defer mu.Unlock()
			if len(script) == 0 || strings.HasPrefix(line, "EHLO") || line == "QUIT" {
				return ""
			}
			reply := replies[int(script[0])%len(replies)]
			script = script[1:]
			return reply
		}}
		c := &Client{Host: "localhost", Port: 25, TLS: Plaintext, LocalName: "c", MaxSessions: 2, Pipeline: 3}
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, conn := net.Pipe()
			server.wg.Go(func() { defer conn.Close(); server.serve(conn, 1) })
			return client, nil
		}
		const messages = 6
		var results [messages]error
		var receipts [messages]*Receipt
		var wg sync.WaitGroup
		for n := range messages {
			wg.Go(func() { receipts[n], results[n] = c.Submit(t.Context(), numbered(n, "a", "b")) })
		}
		wg.Wait()
		c.Close()
		server.wg.Wait()
		arrived := server.arrived()
		for n, err := range results {
			var got []string
			for _, s := range arrived {
				if strings.HasPrefix(s, fmt.Sprint(n, ":")) {
					got = append(got, s)
				}
			}
			var e *Error
			switch errors.As(err, &e); {
			case err == nil:
				want := fmt.Sprintf("%d: a%d b%d", n, n, n)
				for _, e := range receipts[n].Refused {
					name, _, _ := strings.Cut(e.Recipient, "@")
					want = strings.Replace(want, " "+name, "", 1)
				}
				if len(got) != 1 || got[0] != want {
					t.Errorf("message %d was taken, and arrived %q, want %q", n, got, want)
				}
			case e == nil:
				t.Errorf("message %d: %v", n, err)
			case !e.Unknown && len(got) > 0:
				t.Errorf("message %d: %v; and arrived %q", n, e, got)
			}
		}
	})
}
