package sandbox

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The tests here are about time, and run in synctest's, over pipes.

// A pipeListener accepts the other ends of what dial returns.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return nil }

// startTimedExchange serves within a synctest bubble; dial returns a client
// that has read the banner.
func startTimedExchange(t *testing.T, tenant *Tenant, o exchangeOptions) (dial func() *smtpClient) {
	l := newPipeListener()
	serveExchange(t, tenant, o, l)
	return func() *smtpClient {
		c := newSMTPClient(t, l.dial())
		c.banner()
		return c
	}
}

// took returns how long f takes.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func TestEvery5xxWaitsInTheTarpit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := startTimedExchange(t, newExchangeTenant(), exchangeOptions{Tarpit: 5 * time.Second})
		c := dial()
		for _, test := range []struct {
			command, reply string
			wait           time.Duration
		}{
			{"NOOP", "250 ", 0},
			{"XYZZY", "500 ", 5 * time.Second},
			{"EHLO client.contoso.com", "250-", 0},
			{"MAIL FROM:<svc@contoso.com>", "451 ", 0},
		} {
			if d := took(func() { c.send(test.command); c.expect(test.reply) }); d != test.wait {
				t.Errorf("%s took %v, want %v", test.command, d, test.wait)
			}
		}
		c.startTLS()
		if d := took(func() { c.send("AUTH XOAUTH2 " + xoauth2("svc@contoso.com", "graph")); c.expect("535 ") }); d != 5*time.Second {
			t.Errorf("a refused token took %v", d)
		}
	})
}

func TestASilentSessionTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := startTimedExchange(t, newExchangeTenant(), exchangeOptions{})
		c := dial()
		time.Sleep(4 * time.Minute)
		c.send("NOOP")
		c.expect("250")
		if d := took(func() { c.expect("421 4.4.1 Connection timed out") }); d != 5*time.Minute {
			t.Errorf("the session ended after %v", d)
		}
		if line := c.line(); line != "EOF" {
			t.Errorf("after 421: %q", line)
		}
	})
}

func TestMessagesBeyondTheRateAreCarriedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := newExchangeTenant()
		dial := startTimedExchange(t, tenant, exchangeOptions{RatePerMinute: 30})
		c := dial()
		c.signIn()
		start := time.Now()
		for range 61 {
			c.send("MAIL FROM:<svc@contoso.com>", "RCPT TO:<ann@fabrikam.com>", "BDAT 0 LAST")
			for range 3 {
				c.expect("250 ")
			}
		}
		for i, m := range tenant.Inbox() {
			if got, want := m.ReceivedAt.Sub(start), time.Duration(i/30)*time.Minute; got != want {
				t.Errorf("message %d came after %v, want %v", i+1, got, want)
			}
		}
		if n := len(tenant.Inbox()); n != 61 {
			t.Errorf("%d delivered", n)
		}
		other := dial()
		other.startTLS()
		other.send("AUTH XOAUTH2 " + xoauth2("admin@contoso.com", "admin"))
		other.expect("235")
		if d := took(func() { other.submit("admin@contoso.com", "ann@fabrikam.com", "hi\r\n") }); d != 0 {
			t.Errorf("another mailbox waited %v", d)
		}
	})
}

func TestClosingDoesNotWaitForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		x := serveExchange(t, newExchangeTenant(), exchangeOptions{RatePerMinute: 1}, l)
		c := newSMTPClient(t, l.dial())
		c.banner()
		c.signIn()
		c.submit("svc@contoso.com", "ann@fabrikam.com", "hi\r\n")
		c.send("MAIL FROM:<svc@contoso.com>", "RCPT TO:<ann@fabrikam.com>", "BDAT 0 LAST")
		synctest.Wait()
		if d := took(func() { x.Close() }); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

// A client that is at a distance of 50 ms, and how its pauses count.
func TestTurnsOverTime(t *testing.T) {
	const rtt = 50 * time.Millisecond
	hi := "From: svc@contoso.com\r\n\r\nhi\r\n"
	envelope := "MAIL FROM:<svc@contoso.com>\r\nRCPT TO:<ann@fabrikam.com>\r\n"
	chunk := fmt.Sprintf("BDAT %d LAST\r\n", len(hi))
	tests := []struct {
		name   string
		pieces []string // written with a pause between
		pause  time.Duration
		turns  int
	}{
		{"one write", []string{envelope + chunk + hi}, 0, 1},
		{"cut between two commands, a pause below the round trip", []string{envelope, chunk + hi}, rtt - 1, 1},
		{"cut between two commands, a pause of the round trip", []string{envelope, chunk + hi}, rtt + 1, 2},
		{"cut within a command", []string{envelope[:40], envelope[40:] + chunk + hi}, time.Second, 1},
		{"cut before the chunk's octets", []string{envelope + chunk, hi}, time.Second, 1},
		{"cut within the chunk", []string{envelope + chunk + hi[:10], hi[10:]}, time.Second, 1},
		{"a client that wants its replies before the chunk's octets", []string{envelope + chunk, hi}, patience + 1, 2},
		{"octet by octet", strings.Split(envelope+chunk+hi, ""), rtt / 2, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := newExchangeTenant()
				c := startTimedExchange(t, tenant, exchangeOptions{RTT: rtt})()
				c.signIn()
				received := make(chan string, 3)
				go func() { // the server may reply before all is written
					defer close(received)
					for range 3 {
						received <- c.reply()
					}
				}()
				c.write(test.pieces[0])
				for _, piece := range test.pieces[1:] {
					time.Sleep(test.pause)
					c.write(piece)
				}
				if d := took(func() {
					for reply := range received {
						if !strings.HasPrefix(reply, "250 ") {
							t.Error(reply)
						}
					}
				}); d != rtt {
					t.Errorf("the reply came after %v", d)
				}
				// EHLO, STARTTLS, ClientHello, EHLO behind Finished, AUTH
				if got := tenant.Inbox()[0].Turns - 5; got != test.turns {
					t.Errorf("%d turns, want %d", got, test.turns)
				}
			})
		})
	}
}

func TestAClientThatDoesNotWaitForTheBannerStillWaitsForTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, l := newExchangeTenant(), newPipeListener()
		serveExchange(t, tenant, exchangeOptions{RTT: 50 * time.Millisecond}, l)
		c := newSMTPClient(t, l.dial())
		c.send("EHLO client.contoso.com")
		c.banner()
		c.expect("250")
		c.send("STARTTLS")
		c.expect("220")
		c.upgrade(0)
		c.send("EHLO client.contoso.com")
		c.expect("250")
		c.send("AUTH XOAUTH2 " + xoauth2("svc@contoso.com", "good"))
		c.expect("235")
		c.submit("svc@contoso.com", "ann@fabrikam.com", "hi\r\n")
		if got := tenant.Inbox()[0].Turns; got != 6 {
			t.Errorf("%d turns", got)
		}
	})
}

func TestRepliesAreNotHeldWithoutBound(t *testing.T) {
	conn := &cannedConn{}
	w := newWire(conn, time.Hour)
	for range heldLimit {
		w.Write([]byte("x"))
	}
	if n := conn.w.Len(); n != 0 {
		t.Errorf("%d octets were sent early", n)
	}
	w.Write([]byte("x"))
	if n := conn.w.Len(); n != heldLimit+1 {
		t.Errorf("%d octets were sent", n)
	}
}
