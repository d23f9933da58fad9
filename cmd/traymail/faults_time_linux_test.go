package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/natefinch/atomic"

	"traymail/internal/mailer"
)

// serveByClock starts traymail serve with a clock that set makes wrong.
func (b *bench) serveByClock() (s *served, set func(wrong time.Duration)) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "clock")
	set = func(wrong time.Duration) {
		b.t.Helper()
		if err := atomic.WriteFile(file, strings.NewReader(wrong.String())); err != nil {
			b.t.Fatal(err)
		}
	}
	set(0)
	cmd := b.program("", "serve")
	cmd.Env = append(cmd.Env, clockVariable+"="+file)
	s = b.begin(cmd)
	s.serves()
	return s, set
}

// TestAClockThatIsSetWhileItServesStopsNoMail sets the program's clock, and not the
// provider's.
func TestAClockThatIsSetWhileItServesStopsNoMail(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--notice-to", "ops@contoso.com")
	s, set := b.serveByClock()
	for n, wrong := range []time.Duration{0, 26 * time.Hour, 0, -26 * time.Hour, 20 * 24 * time.Hour, 0} {
		set(wrong)
		id := fmt.Sprintf("clock-%d@contoso.com", n)
		if !overSMTP(b, s, id, 100) {
			t.Errorf("with the clock %v off nothing is taken", wrong)
		}
		b.settle(id)
	}
	var status mailer.Status
	if err := json.Unmarshal([]byte(b.must(nil, "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	if a := status.Accounts[0]; a.State != mailer.Ready || len(a.Alerts) > 0 {
		t.Errorf("the account is %s, with the alerts %+v", a.State, a.Alerts)
	}
	for id, n := range b.arrivals() {
		if !strings.HasPrefix(id, "clock-") || n != 1 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
}

// A line leads to the sandbox's SMTP server, until it is cut.
type line struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
	ends sync.WaitGroup
}

func newLine(b *bench) *line {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	way := &line{Listener: l}
	way.ends.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(b.ready.SMTPPort)))
			if err != nil {
				client.Close()
				continue
			}
			way.mu.Lock()
			way.open = append(way.open, client, server)
			way.mu.Unlock()
			way.ends.Go(func() { io.Copy(server, client); server.Close() })
			way.ends.Go(func() { io.Copy(client, server); client.Close() })
		}
	})
	b.t.Cleanup(func() {
		l.Close()
		way.cut()
		way.ends.Wait()
	})
	return way
}

// cut ends all connections, as a server does with those that are silent for long.
func (l *line) cut() (sessions int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.Close()
	}
	sessions = len(l.open) / 2
	l.open = nil
	return sessions
}

// TestMailGoesOnAfterAMachineHasSlept stops the program while a client is amid a
// message and its own sessions are warm; all of them end, and hours pass.
func TestMailGoesOnAfterAMachineHasSlept(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "unpaced")
	way := newLine(b)
	b.must(nil, "account", "edit", "demo", "--smtp-port", fmt.Sprint(way.Addr().(*net.TCPAddr).Port))
	s, set := b.serveByClock()
	if !overSMTP(b, s, "before@contoso.com", 0) {
		t.Fatal("not taken")
	}
	b.settle("before@contoso.com")
	c, err := smtp.Dial(s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.Mail("svc@contoso.com"), c.Rcpt("ops@contoso.com")); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	message := letter("amid@contoso.com", 100_000)
	if _, err := w.Write(message[:50_000]); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("it is not stopped: %s, %v", stat, err)
		}
		if strings.Contains(string(stat), ") T ") {
			break
		}
	}
	if n := way.cut(); n == 0 {
		t.Error("no session was warm")
	}
	set(9 * time.Hour)
	// Who comes meanwhile waits in the system's line.
	later := make(chan bool, 1)
	go func() { later <- overSMTP(b, s, "meanwhile@contoso.com", 0) }()
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(message[50_000:])
	if err := errors.Join(err, w.Close()); err != nil {
		t.Errorf("the client amid a message: %v", err)
	}
	if !<-later {
		t.Error("a client that came meanwhile is not served")
	}
	if !overSMTP(b, s, "after@contoso.com", 0) {
		t.Error("afterwards nothing is taken")
	}
	b.settle("amid@contoso.com", "meanwhile@contoso.com", "after@contoso.com")
	for id, n := range b.arrivals() {
		if n != 1 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
	for _, a := range b.log() {
		if a.Resend {
			t.Errorf("an attempt was repeated: %+v", a)
		}
	}
}
