package relay

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// A guesser changes the name each time, from one address. Who signs in from
// another does not wait, nor does a tool beside it whose password was right
// before.
func TestGuessingOneNameAfterTheOtherIsSlowed(t *testing.T) {
	c := &clock{testNow}
	l := newLogins(func() time.Time { return c.now }, c.sleep)
	client := &Client{Name: "printer", PasswordHash: cheapHash("right")}
	l.dummy = cheapHash("nobody's")
	try := func(from, name string, who *Client, password string) time.Duration {
		t.Helper()
		before := c.now
		if ok, err := l.check(t.Context(), netip.MustParseAddr(from), name, who, password); err != nil || ok != (password == "right") {
			t.Fatalf("%s from %s: %t, %v", name, from, ok, err)
		}
		return c.now.Sub(before)
	}
	try("192.0.2.1", "printer", client, "right")
	total := time.Duration(0)
	for i := range 40 {
		wait := try("192.0.2.1", fmt.Sprint("name", i), nil, "guess")
		if total += wait; i < maxNames && wait > 0 {
			t.Errorf("the %dth waits %s", i+1, wait)
		}
	}
	if total < 10*time.Minute {
		t.Errorf("40 names took %s", total)
	}
	if wait := try("192.0.2.1", "printer", client, "right"); wait > 0 {
		t.Errorf("the tool beside it waits %s", wait)
	}
	if wait := try("192.0.2.2", "printer", client, "right"); wait > 0 {
		t.Errorf("the tool elsewhere waits %s", wait)
	}
	if wait := try("192.0.2.3", "scanner", nil, "guess"); wait > 0 {
		t.Errorf("another address waits %s", wait)
	}
}

// The guesses of one address are hashed one at a time, so that another address
// waits for one of them and not for all.
func TestGuessesOfOneAddressStandInOneLine(t *testing.T) {
	l := newLogins(func() time.Time { return testNow }, (&clock{testNow}).sleep)
	l.busy = make(chan struct{}, 1)
	guesser, tool := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	first, err := l.queue(t.Context(), guesser)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []string
	var wg sync.WaitGroup
	next := func(network netip.Prefix) {
		wg.Go(func() {
			done, err := l.queue(t.Context(), network)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, network.Addr().String())
			mu.Unlock()
			done()
		})
	}
	for range 50 {
		next(guesser)
	}
	l.waiting(t, guesser, 51)
	next(tool)
	l.waiting(t, tool, 1)
	first()
	wg.Wait()
	place := 0
	for order[place] != "192.0.2.2" {
		place++
	}
	if place > 10 {
		t.Errorf("the tool came after %d guesses", place)
	}
	if len(l.lines) > 0 || len(l.busy) > 0 {
		t.Errorf("%d lines and %d hashes are left", len(l.lines), len(l.busy))
	}
}

// waiting waits until so many of a network are in its line.
func (l *logins) waiting(t *testing.T, network netip.Prefix, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		line := l.lines[network]
		got := line != nil && line.waiting == n
		l.mu.Unlock()
		if got {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d do not wait", n)
		}
	}
}

func TestGuessingTakesLittleMemoryAndFewLogLines(t *testing.T) {
	c := testConfig()
	c.Listeners[0].Networks = nil
	c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
	r := newRig(t, c)
	r.logins.dummy = cheapHash("nobody's")
	long := strings.Repeat("n", 8000)
	for i := range 40 {
		conn := textproto.NewConn(r.dialFrom(t, fmt.Sprintf("127.0.0.%d", 2+i%7)))
		expect(t, conn, 220)
		command(t, conn, 250, "EHLO x")
		command(t, conn, 535, "AUTH PLAIN "+base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "\x00%02d%s\x00hunter2", i, long)))
		command(t, conn, 221, "QUIT")
	}
	r.logins.mu.Lock()
	for s := range r.logins.suspects {
		if len(s.name) > maxName {
			t.Errorf("a name of %d octets is remembered", len(s.name))
		}
	}
	r.logins.mu.Unlock()
	if len(r.in.seen.all()) > 0 {
		t.Error("names that nobody has are remembered as clients")
	}
	conn := textproto.NewConn(r.dialFrom(t, "127.0.0.1"))
	expect(t, conn, 220)
	command(t, conn, 250, "EHLO x")
	command(t, conn, 235, "AUTH PLAIN AHByaW50ZXIAb3BlbiBzZXNhbWU=")
	command(t, conn, 221, "QUIT")
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := r.log.String()
	if n := strings.Count(log, "wrong name or password"); n != 21 || !strings.Contains(log, "more=20 addresses=7 most_from=127.0.0.") {
		t.Errorf("%d lines: %s", n, log)
	}
	if strings.Contains(log, "hunter2") || len(log) > 10_000 {
		t.Errorf("the log has %d octets", len(log))
	}
}
