package smtp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a client of a server on a pipe that waits before it answers commands
// that start with at. It belongs into a synctest bubble, where time flies.
func slow(ext []string, at string, delay time.Duration, reply string) *Client {
	return &Client{Host: "localhost", Port: 25, TLS: Plaintext, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			br := bufio.NewReader(server)
			answer := func(command, usual string) {
				if strings.HasPrefix(command, at) {
					time.Sleep(delay)
					usual = reply
				}
				fmt.Fprintf(server, "%s\r\n", usual)
			}
			answer("greeting", "220 hi")
			for {
				line, err := br.ReadString('\n')
				if err != nil {
					return
				}
				switch line = strings.TrimSpace(line); line {
				case "EHLO localhost":
					answer(line, "250-hi\r\n250-"+strings.Join(ext, "\r\n250-")+"\r\n250 HELP")
				case "DATA":
					answer(line, "354 go")
					for line != "." {
						if line, err = br.ReadString('\n'); err != nil {
							return
						}
						line = strings.TrimSpace(line)
					}
					answer("final", "250 2.0.0 taken")
				default:
					answer(line, "250 2.0.0 ok")
				}
			}
		}()
		return client, nil
	}}
}

// RFC 5321 §4.5.3.2: a server that answers just in time is waited for.
func TestPatience(t *testing.T) {
	tests := []struct {
		name, at string
		limit    time.Duration
		op       string
		unknown  bool
	}{
		{"the greeting", "greeting", greetingTimeout, OpGreeting, false},
		{"EHLO", "EHLO", commandTimeout, OpEHLO, false},
		{"MAIL", "MAIL", commandTimeout, OpMAIL, false},
		{"RCPT", "RCPT", commandTimeout, OpRCPT, false},
		{"DATA", "DATA", dataTimeout, OpDATA, false},
		{"the end of the data", "final", finalTimeout, OpDATA, true},
	}
	for _, tt := range tests {
		for _, ext := range [][]string{lockstep, pipelining} {
			t.Run(fmt.Sprintf("%s is waited for %s, %s", tt.name, tt.limit, shape(ext)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := slow(ext, tt.at, tt.limit+time.Second, "250 2.0.0 late")
					defer c.Close()
					start := time.Now()
					_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
					e := failure(t, err)
					if e.Op != tt.op || e.Temporary() == tt.unknown || !e.Connection() || e.Unknown != tt.unknown {
						t.Errorf("got %+v: %v", e, e)
					}
					if waited := time.Since(start); waited != tt.limit {
						t.Errorf("gave up after %s, want %s", waited, tt.limit)
					}
					time.Sleep(time.Minute) // for the server to notice
				})
			})
		}
	}
}

func TestATimeoutOfItsOwnShortensEveryWaitButTheLast(t *testing.T) {
	const own = 20 * time.Second
	for at, limit := range map[string]time.Duration{"greeting": own, "EHLO": own, "MAIL": own, "RCPT": own, "DATA": own, "final": finalTimeout} {
		for _, ext := range [][]string{lockstep, pipelining} {
			t.Run(at+", "+shape(ext), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := slow(ext, at, limit+time.Second, "250 2.0.0 late")
					c.Timeout = own
					defer c.Close()
					start := time.Now()
					_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
					failure(t, err)
					if waited := time.Since(start); waited != limit {
						t.Errorf("gave up after %s, want %s", waited, limit)
					}
					time.Sleep(time.Minute) // for the server to notice
				})
			})
		}
	}
}

func TestExchangesTarpitIsNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := slow(pipelining, "RCPT", 5*time.Second, "550 5.7.1 no")
		defer c.Close()
		_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
		if e := failure(t, err); e.Code != 550 || e.Temporary() || e.Connection() {
			t.Errorf("got %v", e)
		}
		if r, err := c.Submit(t.Context(), message(hello, "a@example.com")); r == nil || !r.Reused {
			t.Errorf("the session was given up: %v", err)
		}
	})
}

func TestIdleSessionsAreClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := slow(pipelining, "none", 0, "")
		defer c.Close()
		for _, tt := range []struct {
			idle   time.Duration
			reused bool
		}{{0, false}, {defaultIdleTimeout - time.Second, true}, {defaultIdleTimeout - time.Second, true}, {defaultIdleTimeout + time.Second, false}} {
			time.Sleep(tt.idle)
			r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
			if err != nil || r.Reused != tt.reused {
				t.Fatalf("after %s: %+v, %v", tt.idle, r, err)
			}
		}
	})
}

func TestDialGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{Host: "mail.example.net", Port: 587, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done() // packets dropped by a firewall
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
		}}
		defer c.Close()
		start := time.Now()
		_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
		e := failure(t, err)
		if e.Op != OpDial || !e.Temporary() || !strings.Contains(e.Error(), "firewall") || time.Since(start) != dialTimeout {
			t.Errorf("after %s: %v", time.Since(start), e)
		}
	})
}

// RFC 5321 §4.5.3.2.5 gives each write its time, not the message.
func TestASlowNetworkIsNotADeadOne(t *testing.T) {
	body := strings.Repeat("0123456789\r\n", 85_000) // at this pace more than three minutes
	synctest.Test(t, func(t *testing.T) {
		c, writes := throttled(len(body), 5000)
		defer c.Close()
		start := time.Now()
		_, err := c.Submit(t.Context(), message(body, "a@example.com"))
		if took := time.Since(start); err != nil || took < chunkTimeout {
			t.Errorf("after %s: %v", took, err)
		}
		if *writes > maxFlight {
			t.Errorf("%d octets in one write", *writes)
		}
	})
}

func TestASilentNetworkIsNotTakenForAWrongPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := throttled(2<<20, 0)
		defer c.Close()
		_, err := c.Submit(t.Context(), message(strings.Repeat("0123456789\r\n", 50_000), "a@example.com"))
		if e := failure(t, err); !e.Temporary() || !e.Connection() || strings.Contains(e.Error(), "587") || !strings.Contains(e.Error(), "network connection") {
			t.Errorf("got %v", e)
		}
		time.Sleep(time.Hour) // for the server to end
	})
}

// throttled is a client of a server that takes the envelope and size octets of
// body in one flight, at octets a second, or stops reading if that is 0. It
// notes the longest write.
func throttled(size, pace int) (c *Client, longest *int) {
	longest = new(int)
	return &Client{Host: "localhost", Port: 25, TLS: Plaintext, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			br := bufio.NewReader(server)
			fmt.Fprint(server, "220 hi\r\n")
			br.ReadString('\n')
			fmt.Fprint(server, "250-hi\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
			for range 3 { // MAIL, RCPT, BDAT
				br.ReadString('\n')
			}
			if pace == 0 {
				time.Sleep(time.Hour)
				return
			}
			for ; size > 0; size -= pace {
				if _, err := io.CopyN(io.Discard, br, int64(min(size, pace))); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
			fmt.Fprint(server, "250 ok\r\n250 ok\r\n250 2.0.0 taken\r\n")
			io.Copy(io.Discard, br)
		}()
		return measured{client, longest}, nil
	}}, longest
}

type measured struct {
	net.Conn
	longest *int
}

func (m measured) Write(p []byte) (int, error) {
	*m.longest = max(*m.longest, len(p))
	return m.Conn.Write(p)
}
