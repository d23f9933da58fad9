package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// A pipe is a warm session that messages are put on one behind the other, while
// the server keeps its answers to the first one's end back.
type pipe struct {
	f       *fake
	c       *Client
	counts  *wireCounts
	gate    chan struct{}
	results []chan result
}

type result struct {
	*Receipt
	err error
}

// newPipe is a pipe on a server that answers as script says.
func newPipe(t *testing.T, script func(conn int, line string) string) *pipe {
	p := &pipe{f: &fake{}, gate: make(chan struct{})}
	p.f.reply = func(conn int, line string) string {
		if strings.HasPrefix(line, "BDAT") {
			<-p.gate
		}
		if script == nil {
			return ""
		}
		return script(conn, line)
	}
	p.f.start(t)
	p.c, p.counts = p.f.client(t)
	p.c.MaxSessions, p.c.Pipeline = 1, 8
	if err := p.c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.counts.waits.Store(0)
	p.counts.wrote = make(chan struct{}, 10)
	return p
}

// send begins to submit a message, and returns when it is written.
func (p *pipe) send(ctx context.Context, m *Message) {
	done := make(chan result, 1)
	p.results = append(p.results, done)
	go func() {
		r, err := p.c.Submit(ctx, m)
		done <- result{r, err}
	}()
	<-p.counts.wrote
}

// answers lets the server answer, and returns how it went for each message.
func (p *pipe) answers() (all []result) {
	close(p.gate)
	for _, r := range p.results {
		all = append(all, <-r)
	}
	return all
}

// numbered is a message to some of the recipients of its number.
func numbered(n int, to ...string) *Message {
	m := message(fmt.Sprintf("Subject: message %d\r\n\r\nx\r\n", n))
	m.From = fmt.Sprintf("from%d@example.com", n)
	for _, name := range to {
		m.To = append(m.To, Recipient{Address: fmt.Sprintf("%s%d@example.com", name, n)})
	}
	return m
}

// arrived is what f has got, as "number: recipients".
func (f *fake) arrived() (all []string) {
	for _, m := range f.got() {
		var n int
		fmt.Sscanf(m.body, "Subject: message %d", &n)
		s := fmt.Sprint(n, ":")
		if from := fmt.Sprintf("FROM:<from%d@example.com>", n); !strings.HasPrefix(m.mail, from) {
			s += " from " + m.mail
		}
		for _, to := range m.rcpt {
			s += " " + strings.TrimSuffix(strings.TrimPrefix(to, "TO:<"), "@example.com>")
		}
		all = append(all, s)
	}
	return all
}

// The messages are 1, 2 and 3, to a and b each; 2 is refused in some way.
func TestARefusedMessageDoesNotHarmItsNeighbours(t *testing.T) {
	tests := []struct {
		name, golden string
		reply        map[string]string
		code         int // of message 2, 0 for one that arrives
		arrived      string
	}{
		{name: "its sender", golden: "pipeline-sender-refused", reply: map[string]string{"MAIL FROM:<from2": "550 5.7.60 no"}, code: 550},
		{name: "all its recipients", golden: "pipeline-all-refused", reply: map[string]string{"RCPT TO:<a2": noUser, "RCPT TO:<b2": noUser}, code: 550},
		{name: "one of its recipients", golden: "pipeline-partial", reply: map[string]string{"RCPT TO:<a2": noUser}, arrived: "2: b2"},
		{name: "one of its recipients and its end", reply: map[string]string{"RCPT TO:<a2": noUser, "BDAT 32": "552 5.3.4 too large"}, code: 552},
		{name: "its end", golden: "pipeline-refused", reply: map[string]string{"BDAT 32": "554 5.2.252 SendAsDenied"}, code: 554},
		{name: "its end, for now", reply: map[string]string{"BDAT 32": "452 4.3.1 no room"}, code: 452},
		{name: "nothing", golden: "pipeline", arrived: "2: a2 b2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPipe(t, answers(tt.reply))
			for n := 1; n <= 3; n++ {
				m := numbered(n, "a", "b")
				if n == 2 {
					m.Open = opener("Subject: message 2\r\n\r\nlonger\r\n\r\n")
				}
				p.send(t.Context(), m)
			}
			all := p.answers()
			want := []string{"1: a1 b1", "3: a3 b3"}
			if tt.code == 0 {
				want = []string{"1: a1 b1", tt.arrived, "3: a3 b3"}
			}
			if got := p.f.arrived(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("arrived %q, want %q", got, want)
			}
			for i, r := range all {
				if i == 1 && tt.code != 0 {
					if e := failure(t, r.err); e.Code != tt.code || e.Unknown || e.Connection() {
						t.Errorf("message 2: %+v", e)
					}
				} else if r.err != nil {
					t.Errorf("message %d: %v", i+1, r.err)
				}
				if want := map[bool]int{true: 5, false: 1}[i == 0]; r.RoundTrips != want || !r.Reused { // the setup is in the first one
					t.Errorf("message %d: receipt %+v", i+1, r.Receipt)
				}
			}
			if waits := p.counts.waits.Load(); waits != 1 {
				t.Errorf("%d waits for three messages", waits)
			}
			if tt.golden != "" {
				golden(t, tt.golden, afterSetup(p.f.dialog()))
			}
			if r, err := p.c.Submit(t.Context(), numbered(4, "a")); err != nil || !r.Reused || p.f.connections() != 1 {
				t.Errorf("the next message: %+v, %v; %d connections", r, err, p.f.connections())
			}
		})
	}
}

// What becomes of three messages when the session ends amid the second one.
func TestASessionThatEndsUnderSeveralMessages(t *testing.T) {
	const bye = "421 4.3.2 Service not available"
	tests := []struct {
		name, golden string
		at, how      string // the command and what is answered
		code         int    // of message 2, 0 for one that arrives
		unknown      string // the messages that may have been taken
		connections  int
		arrived      string
	}{
		{name: "421 before it: it and the next go over another session", golden: "pipeline-421", at: "RSET", how: bye, connections: 2, arrived: "1: a1, 2: a2, 3: a3"},
		{name: "421 in place of its first reply: the same", at: "MAIL FROM:<from2", how: bye, connections: 2, arrived: "1: a1, 2: a2, 3: a3"},
		{name: "421 amid: it was refused, and the next goes over another session", at: "RCPT TO:<a2", how: bye, code: 421, connections: 2, arrived: "1: a1, 3: a3"},
		{name: "421 at its end: the same", golden: "pipeline-421-end", at: "BDAT 32", how: bye, code: 421, connections: 2, arrived: "1: a1, 3: a3"},
		{name: "no reply to what was sent whole: nobody knows", at: "MAIL FROM:<from2", how: drop, unknown: "2 3", connections: 1, arrived: "1: a1"},
		{name: "no reply to its end: the same", at: "BDAT 32", how: drop, unknown: "2 3", connections: 1, arrived: "1: a1"},
		{name: "no reply that is one: the same", at: "RSET", how: "what?", unknown: "2 3", connections: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPipe(t, func(conn int, line string) string {
				if conn == 1 && strings.HasPrefix(line, tt.at) {
					return tt.how
				}
				return ""
			})
			for n := 1; n <= 3; n++ {
				m := numbered(n, "a")
				if n == 2 {
					m.Open = opener("Subject: message 2\r\n\r\nlonger\r\n\r\n")
				}
				p.send(t.Context(), m)
			}
			for i, r := range p.answers() {
				switch n := i + 1; {
				case strings.Contains(tt.unknown, fmt.Sprint(n)):
					if e := failure(t, r.err); !e.Unknown || e.Temporary() {
						t.Errorf("message %d: %+v", n, e)
					}
				case n == 2 && tt.code != 0:
					if e := failure(t, r.err); e.Code != tt.code || e.Unknown || !e.Temporary() {
						t.Errorf("message %d: %+v", n, e)
					}
				case r.err != nil:
					t.Errorf("message %d: %v", n, r.err)
				}
			}
			arrived := p.f.arrived()
			slices.Sort(arrived) // those for another session go in any order
			if got := strings.Join(arrived, ", "); tt.arrived != "" && got != tt.arrived || p.f.connections() != tt.connections {
				t.Errorf("arrived %s over %d connections, want %s over %d", got, p.f.connections(), tt.arrived, tt.connections)
			}
			if tt.golden != "" {
				// Which of the others opens the next session is open.
				first, _, _ := strings.Cut(afterSetup(p.f.dialog()), "S: 220")
				golden(t, tt.golden, first)
			}
		})
	}
}

// A server that does not know RSET would mix messages up: it gets one at a time.
func TestAServerWithoutRSETGetsOneMessageAtATime(t *testing.T) {
	t.Run("after a message that was refused", func(t *testing.T) {
		p := newPipe(t, func(conn int, line string) string {
			switch {
			case line == "RSET":
				return "502 5.5.1 Command not implemented"
			case conn == 1 && strings.HasPrefix(line, "RCPT TO:<a1"):
				return noUser
			case conn == 1 && strings.HasPrefix(line, "RCPT"):
				return "503 5.5.2 Need mail command"
			}
			return ""
		})
		for n := 1; n <= 3; n++ {
			p.send(t.Context(), numbered(n, "a"))
		}
		all := p.answers()
		if e := failure(t, all[0].err); e.Code != 550 {
			t.Errorf("message 1: %v", e)
		}
		if all[1].err != nil || all[2].err != nil {
			t.Errorf("messages 2 and 3: %v, %v", all[1].err, all[2].err)
		}
		if got := p.f.arrived(); len(got) != 2 || !p.c.lone.Load() {
			t.Errorf("arrived %q", got)
		}
	})
	t.Run("after a message that was taken, where nothing was left to be reset", func(t *testing.T) {
		p := newPipe(t, answers(map[string]string{"RSET": "502 5.5.1 Command not implemented"}))
		p.send(t.Context(), numbered(1, "a"))
		p.send(t.Context(), numbered(2, "a"))
		for i, r := range p.answers() {
			if r.err != nil {
				t.Errorf("message %d: %v", i+1, r.err)
			}
		}
		if got := strings.Join(p.f.arrived(), ", "); got != "1: a1, 2: a2" {
			t.Errorf("arrived %s", got)
		}
	})
	t.Run("what it took into the message before it is in doubt", func(t *testing.T) {
		p := newPipe(t, answers(map[string]string{"RSET": "502 5.5.1 Command not implemented", "RCPT TO:<a1": noUser, "RCPT TO:<b1": noUser}))
		p.send(t.Context(), numbered(1, "a", "b"))
		p.send(t.Context(), numbered(2, "a"))
		all := p.answers()
		if e := failure(t, all[1].err); !e.Unknown {
			t.Errorf("message 2: %+v", e)
		}
	})
}

func TestALargeMessageHoldsNobodysAnswerUp(t *testing.T) {
	p := newPipe(t, nil)
	p.send(t.Context(), numbered(1, "a"))
	body, feed := io.Pipe()
	large := numbered(2, "a")
	large.Size = 2 << 20
	large.Open = func() (io.ReadCloser, error) { return body, nil }
	line := strings.Repeat("x", 1022) + "\r\n"
	fed := make(chan error, 1)
	more := make(chan struct{})
	go func() {
		_, err := io.WriteString(feed, strings.Repeat(line, 1<<10))
		<-more
		if err == nil {
			_, err = io.WriteString(feed, strings.Repeat(line, 1<<10))
		}
		feed.Close()
		fed <- err
	}()
	p.send(t.Context(), large) // its envelope
	close(p.gate)
	if first := <-p.results[0]; first.err != nil {
		t.Fatal(first.err)
	}
	third := make(chan result, 1)
	go func() {
		r, err := p.c.Submit(t.Context(), numbered(3, "a"))
		third <- result{r, err}
	}()
	close(more)
	if second := <-p.results[1]; second.err != nil || <-fed != nil {
		t.Error(second.err)
	}
	if r := <-third; r.err != nil || p.f.connections() != 1 {
		t.Errorf("%v; %d connections", r.err, p.f.connections())
	}
	if got := p.f.got(); len(got) != 3 || len(got[1].body) != 2<<20 {
		t.Errorf("%d messages arrived", len(got))
	}
}

func TestACallerThatGoesDoesNotHarmItsNeighbours(t *testing.T) {
	stop := errors.New("stopped by hand")
	p := newPipe(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	p.send(t.Context(), numbered(1, "a"))
	p.send(ctx, numbered(2, "a"))
	p.send(t.Context(), numbered(3, "a"))
	cancel(stop)
	// It returns while the server has answered nothing.
	if r := <-p.results[1]; !errors.Is(r.err, stop) || !failure(t, r.err).Unknown {
		t.Errorf("got %v", r.err)
	}
	p.results = append(p.results[:1], p.results[2])
	for _, r := range p.answers() {
		if r.err != nil {
			t.Error(r.err)
		}
	}
	if got := strings.Join(p.f.arrived(), ", "); got != "1: a1, 2: a2, 3: a3" || p.f.connections() != 1 {
		t.Errorf("arrived %s over %d connections", got, p.f.connections())
	}
}

func TestASessionThatNobodyWaitsForIsGivenUp(t *testing.T) {
	p := newPipe(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	for n := range 3 {
		p.send(ctx, numbered(n, "a"))
	}
	cancel()
	for _, r := range p.results {
		if r := <-r; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %v", r.err)
		}
	}
	p.c.Close() // does not wait for answers
	close(p.gate)
}
