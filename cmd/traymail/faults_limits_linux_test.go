package main

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"golang.org/x/sys/unix"
)

// limit sets a limit of a process that runs.
func limit(t *testing.T, pid, resource int, to uint64) {
	t.Helper()
	if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: to, Max: to}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestClientsWaitWhenThereAreNoFileDescriptors(t *testing.T) {
	t.Parallel()
	const clients, few = 40, 24
	b := newSignedIn(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000")
	s := b.serve("")
	if !overSMTP(b, s, "before@contoso.com", 0) {
		t.Fatal("not taken")
	}
	b.settle("before@contoso.com")
	pid := s.cmd.Process.Pid
	// The first clients get some of the few; the rest is kept for deliveries, and
	// the other clients wait in line.
	limit(t, pid, unix.RLIMIT_NOFILE, uint64(descriptors(t, pid)+few))
	var all []net.Conn
	for range clients {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all = append(all, c)
	}
	said := func() string { s.mu.Lock(); defer s.mu.Unlock(); return s.log.String() }
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said(), "too many open files"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing tells of the files: %s", said())
		}
	}
	// Whoever is in is served to the end, and then whoever waited.
	var mu sync.Mutex
	var taken []string
	send := func(n int) error {
		id := fmt.Sprintf("client-%d@contoso.com", n)
		c := gosmtp.NewClient(all[n])
		err := c.SendMail("svc@contoso.com", []string{"ops@contoso.com"}, strings.NewReader(string(letter(id, 100))))
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			taken = append(taken, id)
		}
		c.Close() // which makes room for another one
		return err
	}
	var group sync.WaitGroup
	for n := range clients {
		group.Go(func() {
			if err := send(n); err != nil {
				t.Errorf("client %d: %v", n, err)
			}
		})
	}
	group.Wait()
	if n := strings.Count(said(), "clients wait until others have left"); n > 2 {
		t.Errorf("the log says it %d times", n)
	}
	// Each client is served by now, and so is whoever comes next.
	if !overSMTP(b, s, "after@contoso.com", 0) {
		t.Error("a later client is not served")
	}
	taken = append(taken, "after@contoso.com")
	b.settle(taken...)
	arrived := b.arrivals()
	for _, id := range taken {
		if arrived[id] != 1 {
			t.Errorf("%s arrived %d times", id, arrived[id])
		}
	}
}

// TestMemoryThatIsLimitedIsEnoughAndItsEndLosesNothing gives the program, as it is
// built, little more memory than it has; and then none.
func TestMemoryThatIsLimitedIsEnoughAndItsEndLosesNothing(t *testing.T) {
	t.Parallel()
	const large, more = 60_000_000, 48 << 20
	b := newSignedIn(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000", "--max-size-mb", "150")
	s := b.begin(exec.Command(built(t), "--home", b.home, "serve"))
	s.serves()
	l := newLoad("memory")
	hand := func(id string, size int) error {
		sent := false
		return mailBySMTP(s.address, func() (string, []byte, bool) {
			defer func() { sent = true }()
			l.last.Add(1)
			return id, letter(id, size), !sent
		}, l.took)
	}
	if err := hand("first@contoso.com", 0); err != nil {
		t.Fatal(err)
	}
	b.settle("first@contoso.com")
	pid := s.cmd.Process.Pid
	limit(t, pid, unix.RLIMIT_DATA, uint64(memory(t, pid, "VmData:"))+more)

	var clients sync.WaitGroup
	clients.Go(func() {
		if err := hand("large@contoso.com", large); err != nil {
			t.Errorf("a large message with little memory: %v", err)
		}
	})
	for n := range 20 {
		clients.Go(func() {
			for i := range 3 {
				if err := hand(fmt.Sprintf("small-%d-%d@contoso.com", n, i), 25<<10); err != nil {
					t.Errorf("one of many clients with little memory: %v", err)
				}
			}
		})
	}
	clients.Wait()
	b.settle(l.acknowledged...)
	t.Logf("with %d octets, many clients among them with a large message, it had up to %d KiB", large, memory(t, pid, "VmHWM:")>>10)

	limit(t, pid, unix.RLIMIT_DATA, uint64(memory(t, pid, "VmData:")))
	for round := 0; ; round++ {
		for n := range 45 {
			clients.Go(func() { _ = hand(fmt.Sprintf("last-%d-%d@contoso.com", round, n), 3<<20/2) }) // its end is the program's
		}
		clients.Wait()
		select {
		case <-s.ended:
		default:
			if round < 5 {
				continue
			}
			t.Fatal("the program goes on without any memory")
		}
		break
	}
	said := s.said()
	t.Logf("it ended: %.200s", said[max(0, strings.Index(said, "fatal error")):])
	b.serve("")
	b.settle(l.acknowledged...)
	l.check(b)
}
