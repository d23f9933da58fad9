package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// A fortress is the program as it is built, with a listener that needs no
// password and one with TLS, in front of a sandbox.
type fortress struct {
	*station
	pid int
	log string // its file
}

func newFortress(t *testing.T) *fortress {
	b := newBench(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000")
	b.signIn()
	f := &fortress{station: &station{bench: b, listeners: map[string]string{}}, log: filepath.Join(b.home, "attack.log")}
	f.settings("[log]\nfile = \"attack.log\"\n\n[[listener]]\nname = \"open\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n\n" +
		"[[listener]]\nname = \"tls\"\naddress = \"127.0.0.1:00\"\ntls = \"implicit\"\nnetworks = [\"127.0.0.0/8\"]\n")
	f.pid = f.serveAsBuilt()
	return f
}

// said counts the lines of the log with a text.
func (f *fortress) said(text string) int {
	f.t.Helper()
	log, err := os.ReadFile(f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Count(string(log), text)
}

// dial connects from an address of this machine.
func (f *fortress) dial(from, listener string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Minute}
	return d.Dial("tcp", f.listeners[listener])
}

// send hands over a message from an address of its own, as a tool does.
func (f *fortress) send(from string) error {
	conn, err := f.dial(from, "open")
	if err != nil {
		return err
	}
	c := gosmtp.NewClient(conn)
	defer c.Close()
	if err := c.SendMail("svc@contoso.com", []string{"ops@contoso.com"}, bytes.NewReader(toolMail().Message)); err != nil {
		return err
	}
	return c.Quit()
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// attacker is an address of this machine.
func attacker(i int) string { return "127.0.1." + strconv.Itoa(1+i) }

// TestTheProgramUnderAttack has its limits as they are by default, and a tool
// that sends meanwhile.
func TestTheProgramUnderAttack(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	sent := 0
	tool := func(t *testing.T) {
		t.Helper()
		if err := f.send("127.0.0.1"); err != nil {
			t.Fatalf("message %d: %v", sent, err)
		}
		sent++
	}
	tool(t) // so that nothing is for the first time
	f.arrived(1)
	files := descriptors(t, f.pid)
	t.Run("two hundred idle connections with TLS", func(t *testing.T) { f.idle(t) })
	t.Run("ten thousand connections", func(t *testing.T) { f.tenThousand(t, files, func() { tool(t) }) })
	t.Run("headers without end", func(t *testing.T) {
		f.hold(t, 5, strings.Repeat("X-Field: "+strings.Repeat("x", 100)+"\r\n", 250<<10/111), 48<<20, func() { tool(t) })
	})
	t.Run("bodies without end", func(t *testing.T) {
		f.hold(t, 3, "Subject: x\r\n\r\n"+strings.Repeat(strings.Repeat("x", 98)+"\r\n", 9000), 96<<20, func() { tool(t) })
	})
	f.arrived(sent)
	t.Run("fields from the command line", func(t *testing.T) {
		const evil = "x\r\nBcc: victim@contoso.com\r\n\r\n"
		for _, args := range [][]string{{"-f", "svc@contoso.com" + evil, "ops@contoso.com"}, {"ops@contoso.com" + evil}, {"-V", evil, "ops@contoso.com"}, {"-R", "full" + evil, "ops@contoso.com"}} {
			if out, code := f.run(strings.NewReader("Subject: x\n\nx\n"), io.Discard, append([]string{"send"}, args...)...); code == exitDone {
				t.Errorf("%q was taken: %s", args, out)
			}
		}
		f.must(strings.NewReader("Subject: x\r\rBcc: victim@contoso.com\n\nx\n"), "send", "-F", evil, "ops@contoso.com")
		if got := f.arrived(sent + 1); bytes.Contains(got.Data, []byte("Bcc")) && !bytes.Contains(got.Data, []byte("=?utf-8?")) || bytes.Contains(got.Data, []byte("\nBcc")) || len(got.To) != 1 {
			t.Errorf("it arrived as %q, to %q", got.Data, got.To)
		}
	})
}

func (f *fortress) idle(t *testing.T) {
	var conns []net.Conn
	connect := func() {
		t.Helper()
		c, err := f.dial(attacker(len(conns)%5), "tls")
		if err != nil {
			t.Fatal(err)
		}
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		conns = append(conns, c)
		line := make([]byte, 200)
		if _, err := c.Read(line); err != nil || !bytes.HasPrefix(line, []byte("220 ")) {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := c.Write([]byte("EHLO x\r\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(line); err != nil || !bytes.HasPrefix(line, []byte("250")) {
			t.Fatalf("%q, %v", line, err)
		}
	}
	connect()
	before := memory(t, f.pid, "VmRSS:")
	for len(conns) < 200 {
		connect()
	}
	each := (memory(t, f.pid, "VmRSS:") - before) / 199
	t.Logf("%d KiB with one connection, %d KiB for each of 199 more", before>>10, each>>10)
	if each > 96<<10 {
		t.Errorf("a connection takes %d KiB", each>>10)
	}
	for _, c := range conns {
		c.Close()
	}
}

func (f *fortress) tenThousand(t *testing.T, files int, tool func()) {
	const attackers, connections = 20, 10_000
	before := memory(t, f.pid, "VmHWM:")
	var mu sync.Mutex
	var held []net.Conn
	var refused, got atomic.Int64
	var wg sync.WaitGroup
	for a := range attackers {
		wg.Go(func() {
			for range connections / attackers {
				c, err := f.dial(attacker(a), "open")
				if err != nil {
					t.Errorf("attacker %d: %v", a, err)
					return
				}
				reply := make([]byte, 4)
				if _, err := io.ReadFull(c, reply); err != nil || string(reply) != "220 " {
					refused.Add(1)
					c.Close()
					continue
				}
				got.Add(1)
				c.Write([]byte("E")) // and no more
				mu.Lock()
				held = append(held, c)
				mu.Unlock()
			}
		})
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(over) }()
	most, sent := 0, 0
	for going := true; going || sent < 10; sent++ {
		select {
		case <-over:
			going = false
		default:
		}
		most = max(most, descriptors(t, f.pid))
		tool()
	}
	<-over
	for _, c := range held {
		c.Close()
	}
	grown := memory(t, f.pid, "VmHWM:") - before
	t.Logf("%d connections were let in and %d refused, while %d messages were sent; %d descriptors at most, %d before; %d KiB more memory",
		got.Load(), refused.Load(), sent, most, files, grown>>10)
	if most > files+250+20 {
		t.Errorf("%d descriptors were open", most)
	}
	if grown > 24<<20 {
		t.Errorf("it grew by %d KiB", grown>>10)
	}
	if n := f.said("connection refused"); n == 0 || n > 6 {
		t.Errorf("the log tells %d times of refused connections", n)
	}
	if n := f.said("connection ended to make room"); n == 0 || n > 6 {
		t.Errorf("the log tells %d times that room was made", n)
	}
}

// hold begins a message on 39 connections of each attacker, and does not go on
// with any.
func (f *fortress) hold(t *testing.T, attackers int, message string, most int64, tool func()) {
	before := memory(t, f.pid, "VmHWM:")
	var wg sync.WaitGroup
	for a := range attackers {
		wg.Go(func() {
			for range 39 {
				c, err := f.dial(attacker(a), "open")
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { c.Close() })
				if _, err := io.WriteString(c, "EHLO x\r\nMAIL FROM:<svc@contoso.com>\r\nRCPT TO:<ops@contoso.com>\r\nDATA\r\n"+message); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for range 10 {
		tool()
	}
	grown := memory(t, f.pid, "VmHWM:") - before
	t.Logf("%d KiB more memory, %d KiB now", grown>>10, memory(t, f.pid, "VmRSS:")>>10)
	if grown > most {
		t.Errorf("it grew by %d KiB", grown>>10)
	}
}
