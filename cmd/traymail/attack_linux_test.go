//go:build !race

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
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

	mu  sync.Mutex
	log bytes.Buffer
}

func (f *fortress) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

// said counts the lines of the log with a text.
func (f *fortress) said(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Count(f.log.String(), text)
}

func newFortress(t *testing.T) *fortress {
	b := newBench(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000")
	b.signIn()
	f := &fortress{station: &station{bench: b, listeners: map[string]string{}}}
	f.settings("[[listener]]\nname = \"open\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n\n" +
		"[[listener]]\nname = \"tls\"\naddress = \"127.0.0.1:00\"\ntls = \"implicit\"\nnetworks = [\"127.0.0.0/8\"]\n")
	program := filepath.Join("..", "..", "bin", "traymail-headless")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	serve := exec.Command(program, "--home", b.home, "serve")
	serve.Stderr = f
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	f.pid = serve.Process.Pid
	t.Cleanup(func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
	})
	f.listening()
	return f
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

// resident is what the program has in memory now, in octets.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func TestTenThousandConnectionsKeepNoToolOut(t *testing.T) {
	const attackers, connections, messages = 20, 10_000, 20
	f := newFortress(t)
	if err := f.send("127.0.0.1"); err != nil { // so that nothing is for the first time
		t.Fatal(err)
	}
	f.arrived(1)
	before, files := memory(t, f.pid, "VmHWM:"), descriptors(t, f.pid)

	var held sync.Map
	var refused, got atomic.Int64
	var wg sync.WaitGroup
	for a := range attackers {
		from := "127.0.1." + strconv.Itoa(a+1)
		wg.Go(func() {
			for range connections / attackers {
				c, err := f.dial(from, "open")
				if err != nil {
					t.Errorf("attacker %s: %v", from, err)
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
				held.Store(c, true)
			}
		})
	}
	attack := make(chan struct{})
	go func() { wg.Wait(); close(attack) }()
	most, sent := 0, 0
	for over := false; !over || sent < messages; {
		select {
		case <-attack:
			over = true
		default:
		}
		most = max(most, descriptors(t, f.pid))
		if err := f.send("127.0.0.1"); err != nil {
			t.Fatalf("message %d, with %d connections: %v", sent, most, err)
		}
		sent++
	}
	f.arrived(1 + sent)
	held.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	grown := memory(t, f.pid, "VmHWM:") - before
	t.Logf("%d connections were let in and %d refused, while %d messages were sent; %d descriptors at most, %d before; %d KiB more memory",
		got.Load(), refused.Load(), sent, most, files, grown>>10)
	if most > files+250+10 {
		t.Errorf("%d descriptors were open", most)
	}
	if grown > 24<<20 {
		t.Errorf("it grew by %d KiB", grown>>10)
	}
	if n := f.said("connection refused"); n == 0 || n > 4 {
		t.Errorf("the log tells %d times of refused connections", n)
	}
	if n := f.said("connection ended to make room"); n == 0 || n > 4 {
		t.Errorf("the log tells %d times that room was made", n)
	}
}

func TestTwoHundredIdleConnectionsTakeLittleMemory(t *testing.T) {
	f := newFortress(t)
	var conns []net.Conn
	connect := func(listener string, n int) {
		t.Helper()
		for i := range n {
			c, err := f.dial("127.0.1."+strconv.Itoa(1+i%5), listener)
			if err != nil {
				t.Fatal(err)
			}
			if listener == "tls" {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			conns = append(conns, c)
			line := make([]byte, 200)
			if _, err := c.Read(line); err != nil || !bytes.HasPrefix(line, []byte("220 ")) {
				t.Fatalf("connection %d: %q, %v", i, line, err)
			}
			if _, err := c.Write([]byte("EHLO x\r\n")); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(line); err != nil || !bytes.HasPrefix(line, []byte("250")) {
				t.Fatalf("connection %d: %q, %v", i, line, err)
			}
		}
	}
	connect("tls", 1)
	before := resident(t, f.pid)
	connect("tls", 199)
	after := resident(t, f.pid)
	t.Logf("%d KiB with one connection, %d KiB with %d: %d KiB each", before>>10, after>>10, len(conns), (after-before)>>10/int64(len(conns)-1))
	for _, c := range conns {
		c.Close()
	}
}
