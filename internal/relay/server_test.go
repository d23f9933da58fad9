package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

func TestReloadKeepsConnectionsAndAppliesToTheNextMessage(t *testing.T) {
	c := testConfig()
	c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
	c.Listeners[0].Networks = nil
	r := newRig(t, c)
	before := r.Addr("local").String()
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	command(t, conn, 250, "HELO x")
	command(t, conn, 235, "AUTH PLAIN AHByaW50ZXIAb3BlbiBzZXNhbWU=")

	bad := c
	bad.Listeners = append(bad.Listeners, Listener{Name: "taken", Address: before, TLS: NoTLS})
	if err := r.Reload(bad); err == nil {
		t.Fatal("two listeners have one port")
	}
	bad.Default = "missing"
	if err := r.Reload(bad); err == nil {
		t.Fatal("a bad configuration went into force")
	}
	command(t, conn, 250, "MAIL FROM:<alex@contoso.com>")
	command(t, conn, 250, "RSET")

	c.Clients[0].AllowedSenders = []string{"printer@contoso.com"}
	c.Listeners = append([]Listener{{Name: "second", Address: "127.0.0.1:00", TLS: NoTLS}}, c.Listeners...)
	if err := r.Reload(c); err != nil {
		t.Fatal(err)
	}
	if len(r.logins.verified) > 0 {
		t.Error("a password from before is still remembered")
	}
	if got := r.Addr("local").String(); got != before {
		t.Errorf("the listener moved from %s to %s", before, got)
	}
	command(t, conn, 550, "MAIL FROM:<alex@contoso.com>")
	command(t, conn, 250, "MAIL FROM:<printer@contoso.com>")
	command(t, conn, 250, "RSET")

	second := textproto.NewConn(r.dial(t, "second"))
	expect(t, second, 220)
	c.Clients = []Client{{Name: "scanner", PasswordHash: cheapHash("x")}}
	c.Listeners = c.Listeners[1:]
	if err := r.Reload(c); err != nil {
		t.Fatal(err)
	}
	command(t, conn, 530, "MAIL FROM:<printer@contoso.com>")
	command(t, second, 250, "HELO x")
	if r.Addr("second") != nil {
		t.Error("the listener is still open")
	}
}

func TestShutdownFinishesMessagesAndTellsIdleClients(t *testing.T) {
	r := newRig(t, testConfig())
	idle := textproto.NewConn(r.dial(t, "local"))
	expect(t, idle, 220)
	command(t, idle, 250, "HELO idle")
	busy := textproto.NewConn(r.dial(t, "local"))
	expect(t, busy, 220)
	for _, line := range []string{"HELO busy", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
		command(t, busy, 250, line)
	}
	command(t, busy, 354, "DATA")

	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	expect(t, idle, 421)
	if _, err := net.Dial("tcp", idleAddr(r)); err == nil {
		t.Error("a new connection was let in")
	}
	command(t, busy, 250, "Subject: in flight\r\n\r\n.")
	expect(t, busy, 421)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(r.inbox.all()) != 1 {
		t.Error("the message in flight is lost")
	}
	if err := r.Reload(testConfig()); err == nil {
		t.Error("a closed relay was reloaded")
	}
}

// idleAddr is the address that the relay had; it is closed by now.
func idleAddr(r *rig) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.sockets {
		return l.Addr().String()
	}
	return "127.0.0.1:1"
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	started := make(chan struct{})
	r := newRigWith(t, testConfig(), newInbox(), func(ctx context.Context, _ Message, _ io.Reader) (string, error) {
		close(started)
		<-ctx.Done()
		return "", ctx.Err()
	})
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	for _, line := range []string{"HELO x", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
		command(t, conn, 250, line)
	}
	command(t, conn, 354, "DATA")
	if err := conn.PrintfLine("Subject: x\r\n\r\n."); err != nil {
		t.Fatal(err)
	}
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"421 4.7.0 too many connections;":                   func(c *Config) { c.MaxConnections = 1 },
		"421 4.7.0 too many connections from your address;": func(c *Config) { c.MaxPerAddress = 1 },
	} {
		c := testConfig()
		change(&c)
		r := newRig(t, c)
		first := textproto.NewConn(r.dial(t, "local"))
		expect(t, first, 220)
		got, _ := io.ReadAll(r.dial(t, "local"))
		if !strings.HasPrefix(string(got), name) {
			t.Errorf("got %q, want %s", got, name)
		}
		command(t, first, 221, "QUIT")
		if _, err := first.ReadLine(); err != io.EOF {
			t.Errorf("after QUIT: %v", err)
		}
	}
}

func TestAClientThatMakesNoProgressIsSentAway(t *testing.T) {
	c := testConfig()
	c.Timeout = 100 * time.Millisecond
	r := newRig(t, c)
	conn := r.dial(t, "local")
	br := bufio.NewReader(conn)
	if _, err := br.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	go func() { // an octet now and then is no progress; ends when the relay closes
		for {
			if _, err := conn.Write([]byte("N")); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if line, err := br.ReadString('\n'); err != nil || !strings.HasPrefix(line, "421 4.4.2") {
		t.Errorf("got %q, %v", line, err)
	}
	conn.Close()
}

// deadlines is a connection that records them.
type deadlines struct {
	net.Conn
	read time.Time
	n    int
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(time.Time) error  { return nil }
func (d *deadlines) Write(p []byte) (int, error)       { return len(p), nil }
func (d *deadlines) Read(p []byte) (int, error)        { return d.n, nil }

func TestTheDeadlineGrowsWithWhatComesIn(t *testing.T) {
	d := &deadlines{n: 60 * minRate}
	m := newMeter(d, time.Minute, 1<<20)
	for _, want := range []time.Duration{1, 2, 3} {
		if _, err := m.Read(nil); err != nil || !d.read.Equal(m.since.Add(want*time.Minute)) {
			t.Errorf("%s after the last reply, %v; want %d minutes", d.read.Sub(m.since), err, want)
		}
	}
	if _, err := m.Write([]byte("250\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Read(nil); err != nil || !d.read.Equal(m.since.Add(time.Minute)) {
		t.Errorf("after a reply: %s", d.read.Sub(m.since))
	}
}

func TestWhoIsAClientWithoutAPassword(t *testing.T) {
	c := testConfig()
	c.Listeners[0].Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	c.Clients = []Client{
		{Name: "press", Networks: []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24")}},
		{Name: "plant", Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
		{Name: "elsewhere", Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
	}
	for addr, want := range map[string]string{"10.1.2.3": "press", "10.1.9.9": "plant", "10.9.9.9": "local", "192.0.2.1": "elsewhere", "198.51.100.1": "", "127.0.0.1": ""} {
		got := ""
		if client := c.clientAt(&c.Listeners[0], netip.MustParseAddr(addr)); client != nil {
			got = client.Name
		}
		if got != want {
			t.Errorf("%s is %q, want %q", addr, got, want)
		}
	}
	r := newRig(t, c)
	m := newMeter(&deadlines{}, time.Minute, 1)
	if refused := r.admit(r.state.Load(), r.state.Load().listener(c.Listeners[0].Address), m, netip.MustParseAddr("198.51.100.1"), func() {}); refused == nil || refused.Code != 554 {
		t.Errorf("an address that may never send was let in: %v", refused)
	}
}

// A message that were kept in memory would show. go-smtp reads DATA octet by
// octet, for which the race detector takes half a minute.
func TestALargeMessageDoesNotGrowTheRelay(t *testing.T) {
	block := strings.Repeat(strings.Repeat("x", 76)+"\r\n", 1<<14)
	chunk := fmt.Sprintf("BDAT %d\r\n%s", len(block), block)
	t.Run("150 MB with BDAT", func(t *testing.T) { sendLarge(t, 150<<20/len(block), "", chunk, "BDAT 0 LAST") })
	t.Run("150 MB with DATA", func(t *testing.T) { sendLarge(t, 150<<20/len(block), "DATA", block, ".") })
}

func sendLarge(t *testing.T, n int, start, block, end string) {
	const limit = 16 << 20
	var grown uint64
	var taken int64
	before := memory()
	accept := func(_ context.Context, _ Message, body io.Reader) (string, error) {
		for {
			n, err := io.CopyN(io.Discard, body, 4<<20)
			taken += n
			if now := memory(); now > before {
				grown = max(grown, now-before)
			}
			if err == io.EOF {
				return "large", nil
			} else if err != nil {
				return "", err
			}
		}
	}
	c := testConfig()
	c.MaxSize = 200 << 20
	r := newRigWith(t, c, newInbox(), accept)
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	for _, line := range []string{"EHLO x", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
		command(t, conn, 250, line)
	}
	if start != "" {
		command(t, conn, 354, start)
	}
	for range n {
		if _, err := io.WriteString(conn.W, block); err != nil {
			t.Fatal(err)
		}
		if start == "" {
			command(t, conn, 250, "")
		}
	}
	command(t, conn, 250, end)
	command(t, conn, 221, "QUIT")
	if size := int64(n * 78 << 14); taken < size || grown > limit {
		t.Errorf("%d of %d octets were taken, and memory grew by %d", taken, size, grown)
	}
}

// memory returns what the process has from the system.
func memory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

func TestOldTLSIsServedOnlyWhereItIsAllowed(t *testing.T) {
	c := testConfig()
	cert := Certificate{Folder: t.TempDir()}
	c.Listeners = []Listener{
		{Name: "new", Address: "127.0.0.1:0", TLS: ImplicitTLS, Certificate: cert, Networks: loopback},
		{Name: "old", Address: "localhost:0", TLS: ImplicitTLS, Certificate: cert, Networks: loopback, AllowTLS10: true},
	}
	r := newRig(t, c)
	for name, want := range map[string]bool{"new": false, "old": true} {
		for _, suite := range []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA} {
			conn := tls.Client(r.dial(t, name), &tls.Config{
				InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{suite},
			})
			_, err := conn.Read(make([]byte, 1))
			if (err == nil) != want {
				t.Errorf("TLS 1.0 and %s on the listener %q: %v", tls.CipherSuiteName(suite), name, err)
			}
		}
	}
	conn := tls.Client(r.dial(t, "old"), insecure)
	if err := conn.Handshake(); err != nil || conn.ConnectionState().Version != tls.VersionTLS13 {
		t.Errorf("a new client on the listener for old ones: %v", err)
	}
}
