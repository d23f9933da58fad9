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
	program := filepath.Join("..", "..", "bin", "traymail-headless")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	serve := exec.Command(program, "--home", b.home, "serve")
	serve.Stderr = io.Discard
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
	})
	s.listening()
	if err := clienttest.SMTPSource(t, s.server("open"), toolMail(), 1, 1); err != nil { // so that nothing is for the first time
		t.Fatal(err)
	}
	s.arrived(1)
	before := peak(t, serve.Process.Pid)
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
	after := peak(t, serve.Process.Pid)
	t.Logf("the program had %d KiB before and at most %d KiB with the message", before>>10, after>>10)
	if after-before > most {
		t.Errorf("it grew by %d KiB", (after-before)>>10)
	}
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

// peak is the most memory that a process ever had resident, in octets.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
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
