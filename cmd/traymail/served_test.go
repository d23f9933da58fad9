package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
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

// clockVariable names a file that says by how much the program's clock is wrong.
const clockVariable = "TRAYMAIL_TEST_CLOCK"

// wrongClock is a clock that somebody sets by writing to the file. Like the time
// that a disk keeps it has no reading beside it.
func wrongClock(file string) func() time.Time {
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		wrong, err := time.ParseDuration(string(text))
		if err != nil {
			panic(err)
		}
		return time.Now().Round(0).Add(wrong)
	}
}

// mortal is the program, which kills itself where the environment says.
func mortal() {
	if os.Getenv(leashVariable) != "" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			die()
		}()
	}
	if file := os.Getenv(clockVariable); file != "" {
		clock = wrongClock(file)
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
func (b *bench) spawn(fault string) *served { return b.begin(b.program(fault, "serve")) }

// begin is spawn for a command that is traymail serve.
func (b *bench) begin(serve *exec.Cmd) *served {
	b.t.Helper()
	s := &served{t: b.t, cmd: serve, ready: make(chan struct{}), ended: make(chan struct{})}
	if s.cmd.Env == nil {
		s.cmd.Env = os.Environ()
	}
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
	s.serves()
	return s
}

// serves waits until it does.
func (s *served) serves() {
	s.t.Helper()
	select {
	case <-s.ready:
	case <-s.ended:
		s.t.Fatalf("traymail serve ended by itself: %s", s.said())
	case <-time.After(time.Minute):
		s.t.Fatalf("traymail serve does not serve: %s", s.said())
	}
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
	b.copyTo(home, settings)
	return home
}

// copyTo copies the home, with more settings, to a folder that is empty.
func (b *bench) copyTo(home, settings string) {
	b.t.Helper()
	err := filepath.WalkDir(b.home, func(path string, d fs.DirEntry, err error) error {
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
