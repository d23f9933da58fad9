package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// from is a connection of a client at another address.
type from struct {
	net.Conn
	ip net.IP
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: f.ip, Port: 4711} }

// dialFrom connects as a client at another address does. One listener is all
// that the configuration has.
func (r *rig) dialFrom(t testing.TB, ip string) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	served, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	address := r.state.Load().Listeners[0].Address
	r.wg.Go(func() { r.serve(address, from{served, net.ParseIP(ip)}) })
	return c
}

// handOver sends a message as a tool does.
func handOver(t testing.TB, conn net.Conn) {
	t.Helper()
	c := textproto.NewConn(conn)
	expect(t, c, 220)
	for _, line := range []string{"EHLO tool", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
		command(t, c, 250, line)
	}
	command(t, c, 354, "DATA")
	command(t, c, 250, "Subject: x\r\n\r\n.")
	command(t, c, 221, "QUIT")
}

// age makes all connections look as if they had been of no use for that long.
func (r *rig) age(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for m := range r.conns {
		m.mu.Lock()
		m.useful = m.useful.Add(-d)
		m.mu.Unlock()
	}
}

// Slow clients hold every connection there is, each at the same step, and the
// next octet never comes.
func TestSlowClientsKeepNoToolOut(t *testing.T) {
	const envelope = "EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n"
	tests := []struct {
		name, says, hears string // hears is the last that the client reads
		passwords         bool
	}{
		{name: "before the first command", hears: "220 "},
		{name: "in HELO", says: "EHL", hears: "220 "},
		{name: "in AUTH", says: "EHLO x\r\nAUTH PLAIN AHBy", hears: "LIMITS", passwords: true},
		{name: "in the answer to a challenge", says: "EHLO x\r\nAUTH LOGIN\r\ncHJp", hears: "334 ", passwords: true},
		{name: "in the envelope", says: envelope + "RCPT TO:", hears: "I'll make sure"},
		{name: "in the header", says: envelope + "DATA\r\nSubj", hears: "354 "},
		{name: "in the body", says: envelope + "DATA\r\nSubject: x\r\n\r\nhell", hears: "354 "},
		{name: "in a chunk", says: envelope + "BDAT 1000 LAST\r\nSubject: x\r\n\r\nhell", hears: "I'll make sure"},
		{name: "between two chunks", says: envelope + "BDAT 5\r\nSubje", hears: "Continue"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := testConfig()
			c.MaxConnections = 20
			if test.passwords {
				c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
			}
			r := newRig(t, c)
			var slow []*bufio.Reader
			for range c.MaxConnections {
				conn := r.dialFrom(t, "127.0.0.66")
				if _, err := io.WriteString(conn, test.says); err != nil {
					t.Fatal(err)
				}
				br := bufio.NewReader(conn)
				for line := ""; !strings.Contains(line, test.hears); {
					var err error
					if line, err = br.ReadString('\n'); err != nil {
						t.Fatalf("%q: %v", line, err)
					}
				}
				slow = append(slow, br)
			}
			for range 3 {
				handOver(t, r.dialFrom(t, "127.0.0.1"))
			}
			if n := len(r.inbox.all()); n != 3 {
				t.Errorf("%d messages were taken", n)
			}
			if got, _ := io.ReadAll(slow[0]); !strings.Contains(string(got), "421 4.7.0 too many connections, and this one") && !strings.Contains(string(got), "451 4.3.0 the message could not be taken now") {
				t.Errorf("who had to make room is told %q", got)
			}
			if n := strings.Count(r.log.String(), "connection ended to make room for another"); n != 1 {
				t.Errorf("it is logged %d times: %s", n, r.log)
			}
		})
	}
}

func TestSlowHandshakesKeepNoToolOut(t *testing.T) {
	c := testConfig()
	c.MaxConnections = 8
	c.Listeners[0].TLS, c.Listeners[0].Certificate = ImplicitTLS, Certificate{Folder: t.TempDir()}
	r := newRig(t, c)
	var slow []net.Conn
	for range c.MaxConnections {
		conn := r.dialFrom(t, "127.0.0.66")
		if _, err := conn.Write([]byte{22, 3, 1}); err != nil { // the start of a ClientHello
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	r.counted(t, c.MaxConnections)
	handOver(t, tls.Client(r.dialFrom(t, "127.0.0.1"), insecure))
	if _, err := io.ReadAll(slow[0]); err != nil && !isReset(err) {
		t.Error(err)
	}
}

// counted waits until so many connections are counted in.
func (r *rig) counted(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		got := len(r.conns)
		r.mu.Unlock()
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are counted, want %d", got, n)
		}
	}
}

func TestAConnectionOfNoUseMakesRoomWhenThereIsNone(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"of the relay":   func(c *Config) { c.MaxConnections = 2 },
		"of the address": func(c *Config) { c.MaxPerAddress = 2 },
	} {
		c := testConfig()
		change(&c)
		r := newRig(t, c)
		idle, working := textproto.NewConn(r.dial(t, "local")), textproto.NewConn(r.dial(t, "local"))
		expect(t, idle, 220)
		expect(t, working, 220)
		r.age(staleAfter)
		for _, line := range []string{"EHLO tool", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
			command(t, working, 250, line)
		}
		command(t, working, 354, "DATA")
		command(t, working, 250, "Subject: x\r\n\r\n.")
		next := textproto.NewConn(r.dial(t, "local"))
		expect(t, next, 220)
		expect(t, idle, 421)
		late := textproto.NewConn(r.dial(t, "local"))
		if line, err := late.ReadLine(); err != nil || !strings.HasPrefix(line, "421 4.7.0 too many connections") {
			t.Errorf("%s: beside two that are not idle: %q, %v", name, line, err)
		}
		command(t, working, 250, "NOOP")
		command(t, next, 250, "NOOP")
	}
}

func TestAMessageThatIsBeingStoredIsAnsweredFirst(t *testing.T) {
	c := testConfig()
	c.MaxConnections = 1
	started, store := make(chan struct{}, 2), make(chan struct{})
	b := newInbox()
	r := newRigWith(t, c, b, func(ctx context.Context, m Message, body io.Reader) (string, error) {
		id, err := b.accept(ctx, m, body)
		started <- struct{}{}
		<-store
		return id, err
	})
	first := textproto.NewConn(r.dial(t, "local"))
	expect(t, first, 220)
	for _, line := range []string{"EHLO tool", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
		command(t, first, 250, line)
	}
	command(t, first, 354, "DATA")
	if err := first.PrintfLine("Subject: x\r\n\r\n."); err != nil {
		t.Fatal(err)
	}
	<-started
	r.age(staleAfter)
	second := textproto.NewConn(r.dial(t, "local"))
	expect(t, second, 220)
	close(store)
	expect(t, first, 250)
	expect(t, first, 421)
	if n := len(b.all()); n != 1 {
		t.Errorf("%d messages were taken", n)
	}
	command(t, second, 221, "QUIT")
}

// A client that reads no reply keeps the relay writing.
func TestAClientThatReadsNothingMakesRoom(t *testing.T) {
	c := testConfig()
	c.MaxConnections = 1
	r := newRig(t, c)
	deaf := r.dial(t, "local")
	go io.WriteString(deaf, strings.Repeat("EHLO "+strings.Repeat("x", 2000)+"\r\n", 20_000)) // until the relay closes
	expect(t, textproto.NewConn(deaf), 220)
	r.age(time.Hour)
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	r.counted(t, 1)
	command(t, conn, 221, "QUIT")
}

func TestWhatStrangersCauseIsLoggedOnceAndThenCounted(t *testing.T) {
	c := testConfig()
	c.MaxConnections = 1
	r := newRig(t, c)
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	const n = 300
	for i := range n {
		got, _ := io.ReadAll(r.dialFrom(t, fmt.Sprintf("127.0.0.%d", 1+i%3)))
		if !strings.HasPrefix(string(got), "421 ") {
			t.Fatalf("got %q", got)
		}
	}
	if lines := strings.Count(r.log.String(), "connection refused"); lines != 1 {
		t.Errorf("%d lines", lines)
	}
	command(t, conn, 221, "QUIT")
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`msg="connection refused" more=%d addresses=3 most_from=127.0.0.`, n-1)
	if log := r.log.String(); strings.Count(log, "connection refused") != 2 || !strings.Contains(log, want) {
		t.Errorf("the log says %s", log)
	}
}

func TestCommandsWithoutAMessageComeToAnEnd(t *testing.T) {
	for _, junk := range []string{"NOOP", "RSET", "EHLO x", "VRFY x", "RCPT TO:<a@b.c>", "MAIL FROM:<>", "AUTH PLAIN"} {
		r := newRig(t, testConfig())
		conn := r.dial(t, "local")
		go io.WriteString(conn, strings.Repeat(junk+"\r\n", 5000)) // until the relay closes
		got, err := io.ReadAll(conn)
		if err != nil && !isReset(err) {
			t.Fatal(err)
		}
		if n := strings.Count(string(got), "\r\n"); n > 30_000 || !strings.Contains(string(got), "421 4.7.0 too many commands") && err == nil {
			t.Errorf("%s: %d lines came, ending with %q", junk, n, got[max(0, len(got)-100):])
		}
	}
}
