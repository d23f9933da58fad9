package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"traymail/internal/control"
	"traymail/internal/mailer"
)

// A disk is a file system of its own, in memory, with a home on it. It needs a
// process in namespaces of its own, see alone.
type disk struct {
	t    *testing.T
	path string
}

// newDisk moves the home to a disk with room, and its log too.
func newDisk(b *bench) *disk {
	b.t.Helper()
	path, err := os.MkdirTemp("", "traymail")
	if err != nil {
		b.t.Fatal(err)
	}
	if err := unix.Mount("traymail", path, "tmpfs", 0, "size=64m,mode=0700"); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		// Lazily: a program that is being killed may still have files there.
		if err := errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path)); err != nil {
			b.t.Error(err)
		}
	})
	b.copyTo(path, "[log]\nfile = \"log/traymail.log\"\n")
	b.home = path
	return &disk{b.t, path}
}

func (d *disk) resize(octets int64) {
	d.t.Helper()
	if err := unix.Mount("traymail", d.path, "", unix.MS_REMOUNT, fmt.Sprintf("size=%d", octets)); err != nil {
		d.t.Fatal(err)
	}
}

// leave has the disk full but for so many octets, or fewer.
func (d *disk) leave(octets int64) {
	d.t.Helper()
	var s unix.Statfs_t
	// The program may write in between, and a disk cannot have less than is on it.
	for range 100 {
		if err := unix.Statfs(d.path, &s); err != nil {
			d.t.Fatal(err)
		}
		used := int64(s.Blocks-s.Bfree) * s.Bsize
		err := unix.Mount("traymail", d.path, "", unix.MS_REMOUNT, fmt.Sprintf("size=%d", used+octets/s.Bsize*s.Bsize))
		if err == nil {
			return
		}
	}
	d.t.Fatal("the disk cannot be made smaller")
}

func (d *disk) free() { d.resize(64 << 20) }

// say runs a command that may fail, and returns what it says then.
func (b *bench) say(stdin []byte, args ...string) (said string, code int) {
	var errs bytes.Buffer
	_, code = b.run(bytes.NewReader(stdin), &errs, args...)
	return errs.String(), code
}

// serveWithLog starts traymail serve, which logs to a file.
func (b *bench) serveWithLog() *served {
	b.t.Helper()
	s := b.spawn("")
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var status mailer.Status
		if err := json.Unmarshal([]byte(b.must(nil, "status", "--json")), &status); err != nil {
			b.t.Fatal(err)
		}
		if status.Running && len(status.Listeners) > 0 {
			s.address = status.Listeners[0].Address
			return s
		}
	}
	b.t.Fatalf("traymail serve does not serve: %s", s.said())
	return nil
}

func TestADiskThatIsFullAtAnyWriteLosesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	b := newBench(t, "unpaced")
	b.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000")
	b.signIn()
	d := newDisk(b)
	s := b.serveWithLog()
	var taken, refused, dropped []string
	handed := map[string]int{}
	hand := func(n, size int) {
		t.Helper()
		id := fmt.Sprintf("disk-%d-%d@contoso.com", n, len(taken)+len(refused))
		sent := false
		err := mailBySMTP(s.address, func() (string, []byte, bool) {
			defer func() { sent = true }()
			return id, letter(id, size), !sent
		}, func(id string) { taken = append(taken, id) })
		reply, _ := errors.AsType[*textproto.Error](err)
		switch {
		case err == nil:
			handed["taken"]++
			return
		case reply == nil || reply.Code != 452 || !strings.HasPrefix(reply.Msg, "4.3.1 "):
			t.Errorf("with %d octets: %v", size, err)
		}
		refused = append(refused, id)
		handed["refused"]++
	}
	command := func(n int) {
		t.Helper()
		id := fmt.Sprintf("command-%d@contoso.com", n)
		said, code := b.say(letter(id, 10<<10), "send", "-i", "-f", "svc@contoso.com", "ops@contoso.com")
		switch code {
		case exitDone:
			taken = append(taken, id)
		case exitTryLater:
			refused = append(refused, id)
		default:
			t.Errorf("traymail send: exit %d: %s", code, said)
		}
		handed[fmt.Sprintf("send exit %d", code)]++
	}
	for n := range 14 {
		// Some pages, and then parts of a long body.
		left, size := int64(n)*2*4096, 8<<10
		if n >= 8 {
			left, size = rand.Int64N(7<<20), 5<<19
		}
		d.leave(left)
		before := len(refused)
		for i := 0; len(refused) == before && i < 10; i++ {
			hand(n, size)
		}
		if n%3 == 0 {
			command(n)
			id := fmt.Sprintf("dropped-%d@contoso.com", n)
			// The program that drops it needs room too.
			d.resize(64 << 20)
			byFolder(b, s, id, 100)
			dropped = append(dropped, id)
			d.leave(0)
		}
		for range 2 { // it stays full for a while
			hand(n, size)
		}
		d.free()
	}
	t.Logf("%v", handed)
	b.emptied()
	b.settle(append(slices.Clone(taken), dropped...)...)
	arrived := b.arrivals()
	for _, id := range slices.Concat(taken, dropped) {
		if arrived[id] != 1 {
			t.Errorf("%s arrived %d times", id, arrived[id])
		}
	}
	for _, id := range refused {
		if arrived[id] != 0 {
			t.Errorf("%s was refused, and arrived", id)
		}
	}
	if record := b.messages(); len(record) != len(taken)+len(dropped) {
		t.Errorf("the record has %d messages, of %d", len(record), len(taken)+len(dropped))
	}
	if len(refused) < 14 || len(taken) == 0 {
		t.Errorf("%d were taken and %d refused: the disk was not full, or always", len(taken), len(refused))
	}
	if said := s.said(); !strings.Contains(said, "the log cannot be written, and goes on here") {
		t.Errorf("nothing tells of the log's disk:\n%.2000s", said)
	}
	log, err := os.ReadFile(filepath.Join(b.home, "log", "traymail.log"))
	if err != nil || !bytes.Contains(log, []byte("free the disk")) && !strings.Contains(s.said(), "free the disk") {
		t.Errorf("the log does not name the cause: %v", err)
	}
	select {
	case <-s.ended:
		t.Errorf("the program ended: %s", s.said())
	default:
	}

	// It dies on a full disk, and is started there.
	hand(99, 100)
	d.leave(0)
	s.kill()
	s = b.spawn("")
	select {
	case <-s.ended:
		if said := s.said(); !strings.Contains(said, "no space left on device") && !strings.Contains(said, "disk is full") {
			t.Errorf("the program does not start, and does not say why: %s", said)
		}
	case <-time.After(3 * time.Second): // it serves all the same
		s.kill()
	}
	d.free()
	b.serveWithLog()
	b.settle(taken...)
}

func TestSettingsThatFindNoRoomStayWhatTheyWere(t *testing.T) {
	if !alone(t) {
		return
	}
	b := newBench(t, "unpaced")
	b.signIn()
	d := newDisk(b)
	s := b.serveWithLog()
	m, err := control.Dial(t.Context(), b.home)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	files := func() map[string]string {
		all := map[string]string{}
		for _, pattern := range []string{"*.toml", "accounts/*", "clients/*", "*.age", "state/*.age", "keystore*"} {
			names, err := filepath.Glob(filepath.Join(b.home, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all[name] = string(data)
			}
		}
		return all
	}
	was := files()
	change := map[string]func() string{
		"the settings": func() string {
			settings, err := m.Settings(t.Context())
			if err == nil {
				settings.Relay.MaxConnections = 77
				err = m.SaveSettings(t.Context(), settings)
			}
			return fmt.Sprint(err)
		},
		"an account": func() string {
			said, code := b.say(nil, "account", "edit", "demo", "--label", strings.Repeat("a long name ", 2000))
			return fmt.Sprint(code, said)
		},
		"a client": func() string {
			said, code := b.say(nil, "client", "add", "scanner")
			return fmt.Sprint(code, said)
		},
		"a pause": func() string {
			said, code := b.say(nil, "pause", "demo")
			return fmt.Sprint(code, said)
		},
		"the keystore": func() string {
			said, code := b.say([]byte("x"), "account", "add", "other", "--provider", "custom", "--sign-in", "password", "--username", "u@contoso.com", "--smtp-host", "localhost", "--secret-stdin")
			return fmt.Sprint(code, said)
		},
	}
	for name, change := range change {
		d.leave(0)
		said := change()
		d.free()
		if !strings.Contains(said, "no space left on device") {
			t.Errorf("%s: %s", name, said)
		}
		if now := files(); fmt.Sprint(now) != fmt.Sprint(was) {
			t.Errorf("%s: the files are others: %d, and were %d", name, len(now), len(was))
		}
		if said = change(); strings.Contains(said, "no space") {
			t.Errorf("%s, with room: %s", name, said)
		}
		was = files()
	}

	s.kill()
	if err := unix.Mount("traymail", d.path, "", unix.MS_REMOUNT|unix.MS_RDONLY, "size=64m"); err != nil {
		t.Fatal(err)
	}
	s = b.spawn("")
	<-s.ended
	if said := s.said(); !strings.Contains(said, "read-only file system") || !strings.Contains(said, "\nthe disk is mounted read-only") || s.cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("on a disk that cannot be written it ends with %d: %s", s.cmd.ProcessState.ExitCode(), said)
	}
}
