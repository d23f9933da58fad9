package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// letter is a message with that Message-ID and about that many octets.
func letter(id string, size int) []byte {
	head := "From: svc@contoso.com\r\nTo: ops@contoso.com\r\nSubject: " + id + "\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <" + id + ">\r\n\r\n"
	return append([]byte(head), bytes.Repeat([]byte("a line of sixty-four octets, of which a message has a lot more\r\n"), size/64)...)
}

// mailBySMTP hands over messages on one connection until next has no more or
// the connection is lost, and calls acknowledged for each that the relay took.
func mailBySMTP(address string, next func() (id string, message []byte, more bool), acknowledged func(id string)) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return err
	}
	for id, message, more := next(); more; id, message, more = next() {
		if err := c.Mail("svc@contoso.com"); err != nil {
			return err
		}
		if err := c.Rcpt("ops@contoso.com"); err != nil {
			return err
		}
		w, err := c.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(message); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		acknowledged(id)
	}
	return nil
}

// A handover gives the program one message and tells whether it was taken.
type handover func(b *bench, s *served, id string, size int) (taken bool)

func overSMTP(_ *bench, s *served, id string, size int) (taken bool) {
	sent := false
	err := mailBySMTP(s.address, func() (string, []byte, bool) {
		defer func() { sent = true }()
		return id, letter(id, size), !sent
	}, func(string) { taken = true })
	if taken != (err == nil) {
		s.t.Errorf("the client got its answer, and then: %v", err)
	}
	return taken
}

func byCommand(b *bench, _ *served, id string, size int) (taken bool) { return b.send("", id, size) }

// send runs traymail send as a process of its own.
func (b *bench) send(fault, id string, size int) (taken bool) {
	cmd := b.program(fault, "send", "-i", "-f", "svc@contoso.com", "ops@contoso.com")
	cmd.Stdin = bytes.NewReader(letter(id, size))
	out, err := cmd.CombinedOutput()
	b.t.Logf("traymail send: %v: %s", err, bytes.TrimSpace(out))
	return err == nil
}

// byFolder drops a file, about which nobody is told anything.
func byFolder(b *bench, _ *served, id string, size int) (taken bool) {
	part := filepath.Join(b.home, "drop", id+".part")
	if err := os.WriteFile(part, letter(id, size), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(part, filepath.Join(b.home, "drop", id+".eml")); err != nil {
		b.t.Fatal(err)
	}
	return false
}

func TestKillAtEachStepOfAMessage(t *testing.T) {
	const long = 5 << 19 // so that two parts are on disk before the rest
	once, twice := []bool{false}, []bool{false, true}
	for _, c := range []struct {
		name  string
		by    handover
		fault string
		size  int
		// taken is whether the client may have been told that it was: the delivery
		// begins beside the reply, and may be killed before that has left. arrives is
		// how often the message came to its recipient, and attempts are those of the
		// record.
		taken    bool
		arrives  int
		attempts []bool
	}{
		{"while a long message comes by SMTP", overSMTP, "part 4", long, false, 0, nil},
		{"before a message by SMTP is accepted", overSMTP, "staged 2", 0, false, 0, nil},
		{"before a client by SMTP is told", overSMTP, "accepted 2", 0, false, 1, once},
		{"while a long message comes from a command", byCommand, "part 4", long, false, 0, nil},
		{"before a message from a command is accepted", byCommand, "staged 2", 0, false, 0, nil},
		{"before a command is told", byCommand, "accepted 2", 0, false, 1, once},
		{"while a long message comes from a folder", byFolder, "part 4", long, false, 1, once},
		{"before a message from a folder is accepted", byFolder, "staged 2", 0, false, 1, once},
		// The file is there still, and nothing in it tells that it was taken.
		{"before a file that was accepted is removed", byFolder, "accepted 2", 0, false, 2, []bool{false, false}},
		// Nobody knows whether the server was spoken to, so the attempt is marked.
		{"before the server is spoken to", overSMTP, "begun 2", 0, true, 1, twice},
		{"between the server's answer and the record", overSMTP, "delivered 2", 0, true, 2, twice},
		{"after the record", overSMTP, "recorded 2", 0, true, 1, once},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newSignedIn(t, "")
			s := b.serve(c.fault)
			c.by(b, s, "first@contoso.com", c.size)
			b.settle("first@contoso.com")
			if taken := c.by(b, s, "second@contoso.com", c.size); taken && !c.taken {
				t.Error("the client was told that it was taken")
			}
			s.dies()
			b.serve("")
			var must []string
			if c.arrives > 0 {
				must = append(must, "second@contoso.com")
			}
			b.emptied()
			b.settle(must...)
			b.checkArrival("first@contoso.com", 1, once)
			if strings.HasPrefix(c.fault, "accepted") && slices.Contains(b.attempts("second@contoso.com"), true) {
				// Its delivery had begun when the program was killed, as it may.
				c.attempts = append(slices.Clone(c.attempts), true)
				if b.arrivals()["second@contoso.com"] == c.arrives+1 {
					c.arrives++
				}
			}
			b.checkArrival("second@contoso.com", c.arrives, c.attempts)
		})
	}
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// emptied waits until nothing waits in the drop folder, where there is one.
func (b *bench) emptied() {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(b.home, "drop", "*"))
		if err != nil || len(files) == 0 {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("left in the folder: %v", files)
		}
	}
}

func (b *bench) checkArrival(id string, times int, attempts []bool) {
	b.t.Helper()
	if n := b.arrivals()[id]; n != times {
		b.t.Errorf("%s arrived %d times, want %d", id, n, times)
	}
	again := b.attempts(id)
	slices.SortFunc(again, falseFirst)
	if !slices.Equal(again, attempts) {
		b.t.Errorf("the attempts at %s are marked as repeated: %v, want %v", id, again, attempts)
	}
}

func TestCommandIsKilledWhileNothingElseRuns(t *testing.T) {
	for _, c := range []struct {
		name, fault string
		arrives     int
		attempts    []bool
	}{
		{"while it writes a long message", "part 2", 0, nil},
		{"before the message is accepted", "staged 1", 0, nil},
		{"before it says so", "accepted 1", 1, []bool{false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newSignedIn(t, "")
			if b.send(c.fault, "lost@contoso.com", 5<<19) {
				t.Error("the command was not killed")
			}
			if !b.send("", "taken@contoso.com", 0) {
				t.Error("the next command failed")
			}
			b.serve("")
			b.settle("taken@contoso.com")
			b.checkArrival("lost@contoso.com", c.arrives, c.attempts)
			b.checkArrival("taken@contoso.com", 1, []bool{false})
		})
	}
}

func TestKilledByAClientRightAfterItsAnswer(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "")
	s := b.serve("")
	if !overSMTP(b, s, "one@contoso.com", 0) {
		t.Fatal("not taken")
	}
	s.kill()
	b.serve("")
	b.settle("one@contoso.com")
	// How far the message was is chance.
	n, again := b.arrivals()["one@contoso.com"], b.attempts("one@contoso.com")
	if n > 2 || n == 2 && !slices.Equal(again, []bool{false, true}) {
		t.Errorf("arrived %d times, by attempts marked %v", n, again)
	}
}

// A deafLine leads to the sandbox's SMTP server and goes dead with the answer
// to the nth message.
type deafLine struct {
	net.Listener
	b    *bench
	nth  int
	dead chan struct{} // closed when the server has the message, and the client no answer
	once sync.Once
	ends sync.WaitGroup
}

func newDeafLine(b *bench, nth int) *deafLine {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	d := &deafLine{Listener: l, b: b, nth: nth, dead: make(chan struct{})}
	d.ends.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(b.ready.SMTPPort)))
			if err != nil {
				b.t.Error(err)
				client.Close()
				return
			}
			d.ends.Go(func() {
				defer server.Close()
				io.Copy(server, client)
			})
			d.ends.Go(func() {
				defer client.Close()
				d.answer(client, server)
			})
		}
	})
	return d
}

func (d *deafLine) answer(client, server net.Conn) {
	buffer, mine := make([]byte, 16<<10), false
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if len(d.b.sandbox.Tenant().Inbox()) >= d.nth {
			d.once.Do(func() { mine = true; close(d.dead) })
		}
		if mine {
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestKilledBeforeTheServersAnswerArrives(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "")
	line := newDeafLine(b, 2)
	b.must(nil, "account", "edit", "demo", "--smtp-port", fmt.Sprint(line.Addr().(*net.TCPAddr).Port))
	s := b.serve("")
	overSMTP(b, s, "first@contoso.com", 0)
	b.settle("first@contoso.com")
	if !overSMTP(b, s, "second@contoso.com", 0) {
		t.Error("not taken")
	}
	<-line.dead
	s.kill()
	s = b.serve("")
	b.settle("second@contoso.com")
	b.checkArrival("first@contoso.com", 1, []bool{false})
	b.checkArrival("second@contoso.com", 2, []bool{false, true})
	s.kill()
	line.Close()
	line.ends.Wait()
}
