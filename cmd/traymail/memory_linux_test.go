package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"traymail/internal/clienttest"
)

// TestALargeMessageTakesNoMemory relays 150 MB with the program as it is
// built, and asks the system how large it ever was.
func TestALargeMessageTakesNoMemory(t *testing.T) {
	t.Parallel()
	const size, most = 150_000_000, 16 << 20
	b := newBench(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--max-size-mb", "150")
	b.signIn()
	s := &station{bench: b, listeners: map[string]string{}}
	s.settings("[[listener]]\nname = \"open\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n")
	serve := s.serveAsBuilt()
	if err := clienttest.SMTPSource(t, s.server("open"), toolMail(), 1, 1); err != nil { // so that nothing is for the first time
		t.Fatal(err)
	}
	s.arrived(1)
	before := memory(t, serve, "VmHWM:")
	c, err := gosmtp.Dial(s.listeners["open"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	line := strings.Repeat("0123456789abcdef", 4) + "\r\n"
	header := "From: svc@contoso.com\r\nDate: Fri, 20 Nov 2026 09:00:00 +0000\r\nMessage-ID: <large@contoso.com>\r\n\r\n"
	body := io.LimitReader(&endless{line: line}, size)
	if err := c.SendMail("svc@contoso.com", []string{"ops@contoso.com"}, io.MultiReader(strings.NewReader(header), body)); err != nil {
		t.Fatal(err)
	}
	if got := s.arrived(2); got.Size < size || got.MessageID != "<large@contoso.com>" {
		t.Errorf("arrived: %d octets of %s", got.Size, got.MessageID)
	}
	after := memory(t, serve, "VmHWM:")
	t.Logf("the program had %d KiB before and at most %d KiB with the message", before>>10, after>>10)
	if after-before > most {
		t.Errorf("it grew by %d KiB", (after-before)>>10)
	}
}

// TestAProgramThatRestsGivesItsMemoryBack asks the system how large the program
// is, as it is built, once it has nothing to do.
func TestAProgramThatRestsGivesItsMemoryBack(t *testing.T) {
	t.Parallel()
	const most = 30 << 20
	b := newBench(t, "unpaced")
	b.signIn()
	s := &station{bench: b, listeners: map[string]string{}}
	s.settings("[[listener]]\nname = \"open\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n")
	serve := s.serveAsBuilt()
	high := memory(t, serve, "VmHWM:")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		now := memory(t, serve, "VmRSS:")
		if now < most {
			t.Logf("the program had up to %d KiB and rests with %d KiB", high>>10, now>>10)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the program has %d KiB", now>>10)
		}
	}
	if err := clienttest.SMTPSource(t, s.server("open"), toolMail(), 1, 1); err != nil {
		t.Fatal(err)
	}
	s.arrived(1)
}

// serveAsBuilt runs traymail serve as users have it, and not as a part of this
// test, until the test ends. It returns its process ID when it listens.
func (s *station) serveAsBuilt() int {
	s.t.Helper()
	serve := exec.Command(built(s.t), "--home", s.home, "serve")
	serve.Stderr = io.Discard
	if err := serve.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
	})
	s.listening()
	return serve.Process.Pid
}

// built is the program as users have it.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join("..", "..", "bin", "traymail-headless")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	return program
}

// endless repeats a line.
type endless struct {
	line string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.line[e.at:])
	e.at = (e.at + n) % len(e.line)
	return n, nil
}

// memory is what the system says of a process's memory under a name, in octets.
func memory(t *testing.T, pid int, name string) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the system does not tell")
	return 0
}
