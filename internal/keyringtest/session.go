//go:build linux

package keyringtest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	login       = secretsPath + "/collection/login"

	// password is the one of the login keyring of every session.
	password = "correct horse"
)

// busConfig has no <servicedir>, so that nothing of the machine is ever started
// on this bus: no second keyring daemon and no window that asks for a password.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Session is a session bus with an unlocked login keyring on it.
type Session struct {
	dir    string
	bus    *process
	daemon *process
	conn   *dbus.Conn
}

// Start starts a session which ends with the test. It fails the test when the
// programs are not installed.
func Start(t testing.TB) *Session {
	t.Helper()
	// Not t.TempDir: the path of a socket may have no more than 107 bytes.
	dir, err := os.MkdirTemp("", "keyring")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &Session{dir: dir}
	s.startBus(t)
	s.startDaemon(t)
	return s
}

// Env returns the environment in which a program finds this session and
// nothing of the user's.
func (s *Session) Env() []string {
	env := []string{
		"HOME=" + s.dir,
		"XDG_RUNTIME_DIR=" + s.dir,
		"DBUS_SESSION_BUS_ADDRESS=" + s.Address(),
	}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "HOME", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "GNOME_KEYRING_CONTROL":
		default:
			if !strings.HasPrefix(name, "XDG_") {
				env = append(env, v)
			}
		}
	}
	return env
}

// Address returns the address of the session bus.
func (s *Session) Address() string { return "unix:path=" + filepath.Join(s.dir, "bus") }

// Kill kills the keyring daemon at once, as a crash would.
func (s *Session) Kill() { s.daemon.kill() }

// Restart starts the keyring daemon again after Kill, unlocked.
func (s *Session) Restart(t testing.TB) {
	t.Helper()
	s.startDaemon(t)
}

// KillBus kills the session bus, as a logout does; the keyring daemon ends
// with it.
func (s *Session) KillBus() { s.bus.kill() }

// Pause stops the keyring daemon from answering until Resume.
func (s *Session) Pause(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Resume lets a paused keyring daemon answer again.
func (s *Session) Resume(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Session) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.daemon.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func (s *Session) startBus(t testing.TB) {
	t.Helper()
	config := filepath.Join(s.dir, "bus.conf")
	text := strings.Replace(busConfig, "SOCKET", filepath.Join(s.dir, "bus"), 1)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	ready, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.bus = start(t, bus)
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		t.Fatalf("the private session bus did not start: %v", err)
	}
	if s.conn, err = dbus.Connect(s.Address()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
}

// startDaemon returns when the daemon owns its name and has its login keyring.
// Now and then a daemon dies as it starts, for reasons of its own; then another
// one is started.
func (s *Session) startDaemon(t testing.TB) {
	t.Helper()
	for tries := 1; ; tries++ {
		s.launchDaemon(t)
		locked, err := s.locked()
		switch {
		case err == nil && locked:
			t.Fatal("the private keyring did not start unlocked")
		case err == nil:
			return
		case tries == 3:
			t.Fatalf("the private keyring does not answer: %v", err)
		}
		s.daemon.kill()
	}
}

// launchDaemon returns when the daemon owns its name.
func (s *Session) launchDaemon(t testing.TB) {
	t.Helper()
	signals := make(chan *dbus.Signal, 8)
	s.conn.Signal(signals)
	defer s.conn.RemoveSignal(signals)
	err := s.conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName))
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground")
	daemon.Env = s.Env()
	daemon.Stdin = strings.NewReader(password)
	s.daemon = start(t, daemon)
	late := time.After(30 * time.Second)
	for owned := false; !owned; {
		select {
		case signal := <-signals:
			// The third value is the new owner, none when a daemon has died.
			owned = signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(signal.Body) == 3 && signal.Body[2] != ""
		case <-s.daemon.done:
			t.Fatalf("the private keyring did not start: %v", s.daemon.cmd.ProcessState)
		case <-late:
			t.Fatalf("the private keyring has not taken the name %s within 30 seconds", secretsName)
		}
	}
}

// process is a child that is waited for as soon as it ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	// Nothing may outlive a test binary that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{cmd, make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The signal comes when the thread ends that started the child, so that
		// one is kept as long as the child (golang/go#27505).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ends by a signal, as a rule
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("%v; run make setup, which installs gnome-keyring and dbus", err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill returns when the process is gone; it may have been killed before.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}
