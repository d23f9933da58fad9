package smtp

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// dropIdle closes f's connections and waits until c knows of it.
func dropIdle(t *testing.T, c *Client, f *fake) {
	t.Helper()
	c.mu.Lock()
	idle := append([]*session(nil), c.idle...)
	c.mu.Unlock()
	if len(idle) == 0 {
		t.Fatal("no session is idle")
	}
	f.hangUp()
	for _, s := range idle {
		<-s.done
	}
}

func TestASessionThatDiedIdleIsReplaced(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	for i := range 3 {
		r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
		if err != nil || r.Reused {
			t.Fatalf("message %d: %+v, %v", i, r, err)
		}
		dropIdle(t, c, f)
	}
	if len(f.got()) != 3 || f.connections() != 3 {
		t.Errorf("%d messages over %d connections", len(f.got()), f.connections())
	}
}

// What happens to a message on a warm session that ends at some point of it.
func TestASessionThatDiesUnderAMessage(t *testing.T) {
	big := strings.Repeat("0123456789\r\n", maxSmall/10)
	tests := []struct {
		name    string
		ext     []string
		body    string
		at      string // the command at which the warm session ends
		how     string
		unknown bool
		fails   string // part of the error, "" for a message that arrives over another session
	}{
		{name: "421 in place of the first reply: the close crossed the message", ext: chunking, at: "MAIL", how: "421 4.4.1 Connection timed out"},
		{name: "the same with DATA", ext: pipelining, at: "MAIL", how: "421 4.4.1 Connection timed out"},
		{name: "no reply to an envelope without the message", ext: pipelining, at: "MAIL", how: drop},
		{name: "no reply to the first command", ext: lockstep, at: "MAIL", how: drop},
		{name: "no reply to the envelope of a large message", ext: chunking, body: big, at: "MAIL", how: drop},
		{name: "no reply to a flight with the whole message in it", ext: chunking, at: "MAIL", how: drop, unknown: true, fails: "may have been accepted"},
		{name: "no reply to the end of the data", ext: pipelining, at: ".", how: drop, unknown: true, fails: "may have been accepted"},
		{name: "no reply to the last chunk", ext: chunking, body: big, at: "LAST", how: drop, unknown: true, fails: "may have been accepted"},
		{name: "421 at the end of the data", ext: pipelining, at: ".", how: "421 4.3.2 Service not available", fails: "421 4.3.2 Service not available"},
		{name: "421 at a recipient", ext: lockstep, at: "RCPT", how: "421 4.3.2 Service not available", fails: "421 4.3.2 Service not available"},
		{name: "no reply to DATA, after the envelope was answered", ext: lockstep, at: "DATA", how: drop, fails: "closed the connection"},
		{name: "a reply that is none", ext: chunking, at: "RCPT", how: "what?", unknown: true, fails: "not an SMTP reply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := (&fake{ext: tt.ext}).start(t)
			warm := false
			f.reply = func(conn int, line string) string {
				if warm && conn == 1 && (strings.HasPrefix(line, tt.at) || strings.HasSuffix(line, tt.at)) {
					return tt.how
				}
				return ""
			}
			c, _ := f.client(t)
			if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
				t.Fatal(err)
			}
			warm = true
			body := hello
			if tt.body != "" {
				body = tt.body
			}
			r, err := c.Submit(t.Context(), message(body, "a@example.com"))
			if tt.fails == "" {
				if err != nil || r.Reused || f.connections() != 2 || len(f.got()) != 2 || f.got()[1].body != body {
					t.Errorf("%+v, %v; %d connections, %d messages", r, err, f.connections(), len(f.got()))
				}
				return
			}
			e := failure(t, err)
			if e.Unknown != tt.unknown || e.Temporary() == tt.unknown || !e.Connection() || !strings.Contains(e.Error(), tt.fails) {
				t.Errorf("got %+v: %v", e, e)
			}
			if f.connections() != 1 {
				t.Errorf("it was sent again over %d connections", f.connections())
			}
			if r, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil || r.Reused {
				t.Errorf("the next message: %+v, %v", r, err)
			}
		})
	}
}

func TestAFarewellEndsAnIdleSession(t *testing.T) {
	f := (&fake{}).start(t)
	f.reply = func(conn int, line string) string {
		if conn == 1 && strings.HasPrefix(line, "BDAT") {
			return "250 2.0.0 OK\n421 4.4.1 Connection timed out"
		}
		return ""
	}
	c, _ := f.client(t)
	for range 2 {
		r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
		if err != nil || r.Reused {
			t.Fatalf("%+v, %v", r, err)
		}
		for _, s := range c.idle {
			if f.connections() == 1 {
				<-s.done
			}
		}
	}
}

func TestNoMoreThanMaxSessionsAreOpen(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	c.MaxSessions = 2
	c.Auth = xoauth2Auth
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if f.connections() > 2 || len(f.got()) != 20 {
		t.Errorf("%d messages over %d connections", len(f.got()), f.connections())
	}
}

func TestAMachineThatSleptDoesNotTrustItsSessions(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	now := time.Now()
	c.Now = func() time.Time { return now }
	for range 2 {
		if r, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil || r.Reused {
			t.Fatalf("%+v, %v", r, err)
		}
		now = now.Add(3 * time.Minute)
	}
}

func TestCloseSaysQuitAndEndsSubmission(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	f.ln.Close()
	f.wg.Wait() // the server has read all that was sent
	if !strings.Contains(f.dialog(), "C: QUIT") {
		t.Error("no QUIT")
	}
	if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// A context that ends interrupts the wait it finds the message in.
func TestCancellation(t *testing.T) {
	stop := errors.New("stopped by hand")
	for _, at := range []string{"greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "LAST", "."} {
		t.Run("at "+at, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			f := &fake{}
			if at == "." {
				f.ext = pipelining
			}
			quiet := make(chan struct{})
			f.reply = func(_ int, line string) string {
				if strings.HasPrefix(line, at) || strings.HasSuffix(line, at) {
					cancel(stop)
					<-quiet
				}
				return ""
			}
			f.start(t)
			defer close(quiet)
			c, _ := f.client(t)
			c.Auth = xoauth2Auth
			if at == "greeting" {
				c.Dial = func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					t.Cleanup(func() { server.Close() })
					cancel(stop)
					return client, nil
				}
			}
			_, err := c.Submit(ctx, message(hello, "a@example.com"))
			e := failure(t, err)
			if !errors.Is(e, stop) || e.Temporary() == e.Unknown || e.Unknown != (at == "." || at == "LAST" || at == "MAIL") {
				t.Errorf("got %+v: %v", e, e)
			}
		})
	}
	t.Run("while waiting for a session", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		f := (&fake{}).start(t)
		c, _ := f.client(t)
		c.MaxSessions = 1
		m := message(hello, "a@example.com")
		m.Open = func() (io.ReadCloser, error) { // the one session is in use
			cancel(stop)
			if _, err := c.Submit(ctx, message(hello, "b@example.com")); !errors.Is(err, stop) {
				t.Errorf("got %v", err)
			}
			return opener(hello)()
		}
		if _, err := c.Submit(t.Context(), m); err != nil {
			t.Error(err)
		}
	})
}

func TestReadyWarmsASessionThatTheNextMessageUses(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	for range 2 {
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c.Sessions() != 1 || f.connections() != 1 {
		t.Errorf("%d sessions over %d connections", c.Sessions(), f.connections())
	}
	r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if err != nil || !r.Reused || r.Session == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	f.hangUp()
	c.Close()
	if err := c.Ready(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestReadyTellsWhyNoSessionCanBeHad(t *testing.T) {
	f := (&fake{}).start(t)
	f.reply = func(_ int, line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return "421 4.3.2 Service not available"
		}
		return ""
	}
	c, _ := f.client(t)
	err := c.Ready(t.Context())
	if se, ok := errors.AsType[*Error](err); !ok || se.Code != 421 || c.Sessions() != 0 {
		t.Errorf("%v, %d sessions", err, c.Sessions())
	}
}
