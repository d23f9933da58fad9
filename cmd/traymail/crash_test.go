package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"traymail/internal/mailer"
)

// faultVariable says where the program dies, as "delivered 2": when it is at
// that point, see queue.Options.Fault, for the second time.
const faultVariable = "TRAYMAIL_TEST_FAULT"

// leashVariable is set for a program that ends with the tests, however those
// end: they hold the other end of its standard input.
const leashVariable = "TRAYMAIL_TEST_LEASH"

// mortal is the program, which kills itself where the environment says.
func mortal() {
	if os.Getenv(leashVariable) != "" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			die()
		}()
	}
	var point string
	var nth int64
	if _, err := fmt.Sscan(os.Getenv(faultVariable), &point, &nth); err == nil {
		var seen atomic.Int64
		fault = func(at string) {
			if at == point && seen.Add(1) == nth {
				die()
			}
		}
	}
	main()
}

// die is kill -9, and what Windows has for it. The program gets no chance to
// close, flush or roll back anything.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // the rest of the program may not go on either
}

// A served is traymail serve as a process of its own.
type served struct {
	t       *testing.T
	cmd     *exec.Cmd
	ready   chan struct{} // closed when it serves
	ended   chan struct{} // closed when it is gone
	address string        // of its relay, once it serves

	mu  sync.Mutex
	log bytes.Buffer
	now bool // ready is closed
}

var listening = regexp.MustCompile(`msg=listening .*address=(\S+)`)

// Write takes the program's standard error.
func (s *served) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Write(b)
	if !s.now && bytes.Contains(s.log.Bytes(), []byte("traymail serves")) {
		s.now, s.address = true, string(listening.FindSubmatch(s.log.Bytes())[1])
		close(s.ready)
	}
	return len(b), nil
}

// said is the log without what goes well.
func (s *served) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.DeleteFunc(strings.Split(s.log.String(), "\n"), func(line string) bool {
		return strings.Contains(line, "message taken")
	}), "\n")
}

// program returns a command that runs the program for the home, with a fault or
// none.
func (b *bench) program(fault string, args ...string) *exec.Cmd {
	cmd := exec.Command("traymail", append([]string{"--home", b.home}, args...)...)
	cmd.Env = append(os.Environ(), faultVariable+"="+fault)
	return cmd
}

// spawn starts traymail serve and does not wait for anything.
func (b *bench) spawn(fault string) *served {
	b.t.Helper()
	s := &served{t: b.t, cmd: b.program(fault, "serve"), ready: make(chan struct{}), ended: make(chan struct{})}
	s.cmd.Env = append(s.cmd.Env, leashVariable+"=1")
	s.cmd.Stderr = s
	if _, err := s.cmd.StdinPipe(); err != nil {
		b.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	b.t.Cleanup(s.kill)
	return s
}

// serve starts traymail serve and returns when it serves.
func (b *bench) serve(fault string) *served {
	b.t.Helper()
	s := b.spawn(fault)
	select {
	case <-s.ready:
	case <-s.ended:
		b.t.Fatalf("traymail serve ended by itself: %s", s.said())
	case <-time.After(time.Minute):
		b.t.Fatalf("traymail serve does not serve: %s", s.said())
	}
	return s
}

func (s *served) kill() {
	s.cmd.Process.Kill()
	<-s.ended
}

// dies waits until the program has killed itself.
func (s *served) dies() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.t.Fatalf("the program never came to the fault: %s", s.said())
	}
	if code := s.cmd.ProcessState.ExitCode(); code == exitDone || code == 2 { // 2: a panic
		s.t.Fatalf("the program ended by itself, with exit code %d: %s", code, s.said())
	}
}

// newSignedIn is a bench whose account is signed in and whose program takes
// messages on a free port, without a password, and from a folder. Its home has
// a name short enough for a socket.
func newSignedIn(t *testing.T, scenario string) *bench {
	b := newBench(t, scenario)
	b.signIn()
	b.home = b.copyHome("")
	return b
}

// copyHome returns a copy of the home, with more settings.
func (b *bench) copyHome(settings string) string {
	home, err := os.MkdirTemp("", "traymail")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			b.t.Error(err)
		}
	})
	err = filepath.WalkDir(b.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(b.home, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, rel)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(home, rel), data, 0o600)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, "drop"), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "traymail.toml"), []byte(settings+takesEverything), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return home
}

const takesEverything = `
[keystore]
kind = "file"
key_file = "key"
[[listener]]
name = "local"
address = "127.0.0.1:0"
networks = ["127.0.0.0/8"]
[[folder]]
name = "drop"
path = "drop"
settle = "100ms"
`

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

// settle waits until messages have arrived, nothing is in the drop folder and
// nothing waits. traymail serve must run.
func (b *bench) settle(ids ...string) {
	b.t.Helper()
	var missing []string
	var waiting string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		files, err := fs.Glob(os.DirFS(filepath.Join(b.home, "drop")), "*.eml")
		if err != nil {
			b.t.Fatal(err)
		}
		waiting = b.must(nil, "queue", "ls", "--json", "--limit", "5")
		arrived := b.arrivals()
		missing = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return arrived[id] > 0 })
		if len(files) == 0 && len(missing) == 0 && strings.TrimSpace(waiting) == "[]" {
			return
		}
	}
	b.t.Fatalf("%d messages never arrived: %.200q; there wait: %s\n%s", len(missing), missing, waiting, b.must(nil, "status"))
}

// arrivals counts what arrived in the sandbox, by Message-ID.
func (b *bench) arrivals() map[string]int {
	times := map[string]int{}
	for _, m := range b.sandbox.Tenant().Inbox() {
		times[strings.Trim(m.MessageID, "<>")]++
	}
	return times
}

// messages returns the record's messages, by Message-ID.
func (b *bench) messages() map[string][]mailer.Message {
	b.t.Helper()
	var list []mailer.Message
	if err := json.Unmarshal([]byte(b.must(nil, "queue", "ls", "--all", "--json", "--limit", "1000000")), &list); err != nil {
		b.t.Fatal(err)
	}
	messages := map[string][]mailer.Message{}
	for _, m := range list {
		id := strings.Trim(m.MessageID, "<>")
		messages[id] = append(messages[id], m)
	}
	return messages
}

// log returns the attempts that ended.
func (b *bench) log() (attempts []mailer.Attempt) {
	b.t.Helper()
	for line := range strings.Lines(b.must(nil, "log", "--json")) {
		var a mailer.Attempt
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			b.t.Fatal(err)
		}
		attempts = append(attempts, a)
	}
	return attempts
}

// attempts returns what traymail queue show has of a message: for each attempt
// whether it may have sent the message again.
func (b *bench) attempts(id string) (again []bool) {
	b.t.Helper()
	for _, m := range b.messages()[id] {
		var r mailer.Record
		if err := json.Unmarshal([]byte(b.must(nil, "queue", "show", "--json", m.ID)), &r); err != nil {
			b.t.Fatal(err)
		}
		for _, a := range r.Attempts {
			again = append(again, a.Resend)
		}
	}
	return again
}

func TestKillAtEachStepOfAMessage(t *testing.T) {
	const long = 5 << 19 // so that two parts are on disk before the rest
	once, twice := []bool{false}, []bool{false, true}
	for _, c := range []struct {
		name  string
		by    handover
		fault string
		size  int
		// taken is what the client was told, arrives how often the message came
		// to its recipient, and attempts are those of the record.
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
			if taken := c.by(b, s, "second@contoso.com", c.size); taken != c.taken {
				t.Errorf("taken: %v", taken)
			}
			s.dies()
			b.serve("")
			var must []string
			if c.arrives > 0 {
				must = append(must, "second@contoso.com")
			}
			b.settle(must...)
			b.checkArrival("first@contoso.com", 1, once)
			b.checkArrival("second@contoso.com", c.arrives, c.attempts)
		})
	}
}

func (b *bench) checkArrival(id string, times int, attempts []bool) {
	b.t.Helper()
	if n := b.arrivals()[id]; n != times {
		b.t.Errorf("%s arrived %d times, want %d", id, n, times)
	}
	if again := b.attempts(id); !slices.Equal(again, attempts) {
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

// A load is what clients hand over without end.
type load struct {
	name string // of the run, in the Message-IDs
	last atomic.Int64

	mu           sync.Mutex
	acknowledged []string
	heard        sync.Cond // of mu: there is one more
}

func newLoad(name string) *load {
	l := &load{name: name}
	l.heard.L = &l.mu
	return l
}

func (l *load) took(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged = append(l.acknowledged, id)
	l.heard.Broadcast()
}

// await waits until n more are acknowledged and returns how many were before.
func (l *load) await(n int) (before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = len(l.acknowledged)
	for len(l.acknowledged) < before+n {
		l.heard.Wait()
	}
	return before
}

// next makes a message; now and then a long one.
func (l *load) next() (id string, message []byte) {
	n := l.last.Add(1)
	size := rand.IntN(4 << 10)
	if n%100 == 0 {
		size = 5 << 18
	}
	id = fmt.Sprintf("%s-%d@contoso.com", l.name, n)
	return id, letter(id, size)
}

// bySMTP hands over messages to a program for as long as it lives, or until ctx
// ends, with a pause of up to that long between two.
func (l *load) bySMTP(ctx context.Context, s *served, pause time.Duration) {
	select {
	case <-s.ready:
	case <-s.ended:
		return
	}
	// Its error is the program's death.
	_ = mailBySMTP(s.address, func() (string, []byte, bool) {
		select {
		case <-ctx.Done():
			return "", nil, false
		case <-time.After(rand.N(pause)):
		}
		id, message := l.next()
		return id, message, true
	}, l.took)
}

// byCommands does so with one command after the other, which take the messages
// into the queue themselves while no program runs.
func (l *load) byCommands(b *bench, s *served) {
	for {
		select {
		case <-s.ended:
			return
		default:
		}
		id, message := l.next()
		cmd := b.program("", "send", "-i", "-f", "svc@contoso.com", "ops@contoso.com")
		cmd.Stdin = bytes.NewReader(message)
		if err := cmd.Run(); err == nil {
			l.took(id)
		}
	}
}

// check compares what was acknowledged with what arrived: nothing is missing,
// and what came more than once did so by attempts that are marked. It returns
// how many messages came again.
func (l *load) check(b *bench) (duplicates int) {
	b.t.Helper()
	arrived := b.arrivals()
	for _, id := range l.acknowledged {
		if arrived[id] == 0 {
			b.t.Errorf("%s was acknowledged and never arrived", id)
		}
	}
	marked := map[string]int{} // by the queue's ID
	for _, a := range b.log() {
		if a.Resend {
			marked[a.ID]++
		}
	}
	record := b.messages()
	for id, n := range arrived {
		if len(record[id]) != 1 {
			b.t.Errorf("%s is in the record %d times", id, len(record[id]))
			continue
		}
		duplicates += n - 1
		if n-1 > marked[record[id][0].ID] {
			b.t.Errorf("%s arrived %d times, with %d attempts marked", id, n, marked[record[id][0].ID])
		}
	}
	b.t.Logf("%d handed over, %d acknowledged, %d arrived, %d of them again, %d messages had a marked attempt",
		l.last.Load(), len(l.acknowledged), len(arrived), duplicates, len(marked))
	return duplicates
}

func TestFiftyKillsAtRandomUnderLoad(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "unpaced")
	const kills, sessions = 50, 3
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000", "--recipients-per-day", "1000000", "--sessions", fmt.Sprint(sessions))
	l := newLoad("load")
	serving := 0 // when they were killed
	for n := range kills {
		s := b.spawn("")
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() { l.bySMTP(t.Context(), s, 20*time.Millisecond) })
		}
		clients.Go(func() { l.byCommands(b, s) })
		if n%5 > 0 { // the others die at any moment of their start
			select {
			case <-s.ready:
				serving++
			case <-s.ended:
				t.Fatalf("traymail serve ended by itself: %s", s.said())
			}
		}
		select {
		case <-time.After(rand.N(500 * time.Millisecond)):
		case <-s.ended:
			t.Fatalf("traymail serve ended by itself: %s", s.said())
		}
		s.kill()
		clients.Wait()
	}
	b.serve("")
	b.settle(l.acknowledged...)
	t.Logf("killed %d times, %d of them while it served", kills, serving)
	if n := l.check(b); n > kills*sessions {
		t.Errorf("%d messages arrived again, with %d sessions and %d kills", n, sessions, kills)
	}
}
