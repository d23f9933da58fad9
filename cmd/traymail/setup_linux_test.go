package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"traymail/internal/apponly"
	"traymail/internal/sandbox"
)

// A screen is a program at a pseudo-terminal, with somebody who reads what it
// shows and types.
type screen struct {
	t      *testing.T
	master *os.File
	ended  chan error

	mu    sync.Mutex
	shown bytes.Buffer  // without what moves the cursor and colours
	more  chan struct{} // closed when there is more
	read  int           // how far the person has read
}

var (
	// forward is how a terminal is told to pass blanks; the rest of what has no
	// width is left out.
	forward = regexp.MustCompile(`\x1b\[[0-9]*[CX]`)
	noWidth = regexp.MustCompile(`\x1b(\[[0-9;:?<>=!$ ]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|P[^\x1b]*\x1b\\|[=>()78cDEHM][B0]?)`)
)

// atTerminal starts the program at a terminal.
func atTerminal(t *testing.T, env []string, args ...string) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	c := exec.Command("traymail", args...)
	c.Env = append(append(os.Environ(), "TERM=xterm-256color"), env...)
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, master: master, ended: make(chan error, 1), more: make(chan struct{})}
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		b := make([]byte, 64<<10)
		for {
			n, err := master.Read(b)
			s.mu.Lock()
			s.shown.Write(b[:n])
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
			if err != nil { // EIO: nobody holds the other end any more
				return
			}
		}
	}()
	go func() {
		err := c.Wait()
		<-drawn
		s.ended <- err
	}()
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
		}
		master.Close()
		<-drawn
	})
	return s
}

// text is what was shown, from behind what was read.
func (s *screen) text() string {
	return noWidth.ReplaceAllString(forward.ReplaceAllString(s.shown.String(), " "), "")
}

// sees waits until the program shows each of the texts, in order. A text is a
// word: a screen that is redrawn leaves out the blanks that are there already.
func (s *screen) sees(texts ...string) *screen {
	s.t.Helper()
	deadline := time.After(2 * time.Minute)
	for _, text := range texts {
		for {
			s.mu.Lock()
			all, more := s.text(), s.more
			i := strings.Index(all[min(s.read, len(all)):], text)
			if i >= 0 {
				s.read += i + len(text)
			}
			s.mu.Unlock()
			if i >= 0 {
				break
			}
			select {
			case <-more:
			case <-deadline:
				s.t.Fatalf("the terminal never showed %q behind\n%s", text, all)
			}
		}
	}
	return s
}

// types presses keys.
func (s *screen) types(keys ...string) *screen {
	s.t.Helper()
	for _, k := range keys {
		if _, err := io.WriteString(s.master, k); err != nil {
			s.t.Fatal(err)
		}
	}
	return s
}

// ends waits for the program's end and returns its exit code, and all that was
// shown.
func (s *screen) ends() (int, string) {
	s.t.Helper()
	select {
	case err := <-s.ended:
		s.mu.Lock()
		defer s.mu.Unlock()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			s.t.Fatal(err)
		}
		if failed != nil {
			return failed.ExitCode(), s.text()
		}
		return 0, s.text()
	case <-time.After(time.Minute):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.t.Fatalf("the program does not end:\n%s", s.text())
		return 0, ""
	}
}

// Keys of a terminal.
const (
	enter  = "\r"
	down   = "\x1b[B"
	home   = "\x1b[H"
	escape = "\x1b"
	ctrlC  = "\x03"
	erase  = "\x15" // Ctrl+U: the whole line
)

// pastes is how a terminal hands over what was pasted.
func pastes(text string) string { return "\x1b[200~" + text + "\x1b[201~" }

// setUpAt is traymail setup for a home folder and a sandbox, at a terminal.
func setUpAt(t *testing.T, folder string, s *sandbox.Sandbox, args ...string) *screen {
	t.Helper()
	r := s.Ready()
	ca := filepath.Join(folder, "ca.pem")
	if err := errors.Join(os.WriteFile(ca, []byte(r.CAPEM), 0o600), os.MkdirAll(filepath.Join(folder, "home"), 0o700),
		os.WriteFile(filepath.Join(folder, "home", "traymail.toml"), []byte("[keystore]\nkind = \"file\"\nkey_file = \"key\"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	env := []string{"TRAYMAIL_HOME=" + filepath.Join(folder, "home"), "CA=" + ca, "PERSON=" + r.Users[0].Username, "PASSWORD=" + r.Users[0].Password, "DISPLAY=:0", "SSH_CONNECTION="}
	return atTerminal(t, env, append([]string{"setup", "--authority-url", r.Authority, "--graph-url", r.GraphURL, "--exchange-url", r.GraphURL,
		"--smtp-host", "localhost", "--smtp-port", strconv.Itoa(r.SMTPPort), "--ca-file", ca}, args...)...)
}

func theApp(t *testing.T, s *sandbox.Sandbox, kind string) sandbox.ReadyApp {
	t.Helper()
	for _, a := range s.Ready().Apps {
		if string(a.Platform) == kind {
			return a
		}
	}
	t.Fatalf("the sandbox has no app of the kind %s", kind)
	return sandbox.ReadyApp{}
}

func TestAPersonAtATerminalSetsAnAccountUpToTheTestEmail(t *testing.T) {
	t.Parallel()
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	app := theApp(t, s, "public")
	page := fmt.Sprintf("Display name\n:\ntraymail\nApplication (client) ID\n:\n%s\nObject ID\n:\n66666666-7777-4888-9999-aaaaaaaaaaaa\nDirectory (tenant) ID\n:\n%s\n", app.ClientID, s.Ready().TenantID)

	at := setUpAt(t, t.TempDir(), s)
	at.sees("recommended", "guide").types(enter)
	at.sees("┃ Username").types("svc@contoso", enter).sees("domain").types(".com", enter)
	at.sees("┃ Sender").types(enter).sees("┃ Test").types("ops@contoso.com", enter)
	at.sees("registered", "recommended").types(enter)
	at.sees("portal", "Register").types(down, enter).sees("ApplicationsListBlade", "Tick").types(enter)
	at.sees("[x]").types(home, enter)
	at.sees("Application").types("1234").sees("form").types(erase, pastes(page)).sees("Found").types(enter)
	at.sees("Directory", app0(s.Ready().TenantID)).types(enter).sees("┃ Redirect").types(enter)
	at.sees("saved", "browser").types(enter)
	at.sees("Signed in as svc@contoso.com", "configuration", "smtp-auth", "Everything works", "test").types(enter)
	at.sees("Sent to ops@contoso.com", "tool").types(enter)
	at.sees("Name").types(enter)
	at.sees("password", "server", "127.0.0.1", "End").types(enter)
	code, shown := at.ends()
	if code != 0 || holdsSecret([]byte(shown), s) {
		t.Errorf("it ended with %d:\n%s", code, shown)
	}
	if n := len(s.Tenant().Inbox()); n != 1 {
		t.Errorf("%d test emails arrived", n)
	}
	if strings.Contains(shown, "/ filter") {
		t.Error("it offers to filter its short lists")
	}
	if stairs := regexp.MustCompile(`[^\r]\n`).FindAllStringIndex(at.shown.String(), -1); len(stairs) > 0 {
		t.Errorf("%d lines do not begin at the left of the terminal", len(stairs))
	}
}

func TestASetupThatWasLeftWithCtrlCGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	app, folder := theApp(t, s, "web"), t.TempDir()

	// Endpoint Central's guide, the secret of the app, and away.
	at := setUpAt(t, folder, s)
	at.sees("recommended", "guide").types(strings.Repeat(down, 7), enter).sees("Endpoint Central").types(enter)
	at.sees("┃ Username").types("svc@contoso.com", enter).sees("┃ Sender").types(enter).sees("┃ Test").types(enter)
	at.sees("portal").types(enter)
	at.sees("┃ Application").types(app.ClientID, enter)
	at.sees("┃ Directory").types(enter).sees("┃ Redirect").types(enter)
	at.sees("┃ Client").types(app.ClientID, enter).sees("client ID").types(erase, app.ClientSecret, enter).sees("┃ Day").types("2028-01-31", ctrlC)
	code, shown := at.ends()
	if code != exitFailed || !strings.Contains(shown, "go on with: traymail setup") || holdsSecret([]byte(shown), s) {
		t.Fatalf("it ended with %d:\n%s", code, shown)
	}

	// Nothing is typed again, the secret neither; Escape goes back.
	at = setUpAt(t, folder, s)
	at.sees("unfinished", "svc@contoso.com").types(enter)
	at.sees("portal").types(escape).sees("┃ Username").types(escape).sees("┃ How").types(enter).sees("┃ Whose").types(enter)
	at.sees("┃ Username").types(enter).sees("┃ Sender").types(enter).sees("┃ Test").types(enter)
	at.sees("portal").types(enter).sees("┃ Application").types(enter)
	at.sees("┃ Directory").types(enter).sees("┃ Redirect").types(enter).sees("┃ Client").types(enter).sees("┃ Day").types(enter)
	at.sees("saved", "browser").types(enter)
	at.sees("Signed in as svc@contoso.com", "Everything works", "test").types(ctrlC)
	if code, shown := at.ends(); code != exitFailed || holdsSecret([]byte(shown), s) {
		t.Fatalf("it ended with %d:\n%s", code, shown)
	}

	// Behind the sign-in, there is no second one.
	at = setUpAt(t, folder, s)
	at.sees("unfinished").types(enter).sees("Step 5", "Everything works", "test").types(enter)
	at.sees("Sent to svc@contoso.com", "tool").types(enter).sees("┃ Name").types(enter).sees("password", "End").types(enter)
	if code, shown := at.ends(); code != 0 || strings.Contains(shown, "Signed in as") || holdsSecret([]byte(shown), s) {
		t.Errorf("it ended with %d:\n%s", code, shown)
	}
}

func TestAnApplicationsCertificateIsTakenFromItsFile(t *testing.T) {
	t.Parallel()
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	folder, app := t.TempDir(), "11111111-2222-4333-8444-555555555555"
	cert, err := apponly.MakeCertificate("payroll", time.Now(), 30*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := cert.PEM()
	if err != nil {
		t.Fatal(err)
	}
	public, both := filepath.Join(folder, "public.pem"), filepath.Join(folder, "both.pem")
	if err := errors.Join(os.WriteFile(public, []byte(cert.PublicPEM()), 0o600), os.WriteFile(both, []byte(whole.Reveal()), 0o600)); err != nil {
		t.Fatal(err)
	}
	at := setUpAt(t, folder, s)
	at.sees("recommended").types(down, enter)
	at.sees("┃ Sender").types("ops@contoso.com", enter).sees("┃ Test").types(enter)
	at.sees("prove itself").types(down, enter)
	at.sees("portal", "certificate uploaded").types(enter)
	at.sees("┃ Application").types(app, enter)
	at.sees("┃ Directory").types(enter).sees("┃ Object").types(enter)
	at.sees("┃ File").types(public, enter).sees("private key").types(erase, both, enter)
	at.sees("Account ops is saved", "configuration").types(ctrlC)
	if code, shown := at.ends(); code != exitFailed || strings.Contains(shown, "-----BEGIN") || !strings.Contains(shown, "go on with: traymail setup") {
		t.Fatalf("it ended with %d:\n%s", code, shown)
	}
	file, err := os.ReadFile(filepath.Join(folder, "home", "accounts", "ops.toml"))
	if err != nil || !strings.Contains(string(file), "credential = 'certificate'") {
		t.Errorf("%v, the account is\n%s", err, file)
	}

	// It is kept: nobody asks for the file again.
	at = setUpAt(t, folder, s)
	at.sees("unfinished").types(enter).sees("Step 5", "configuration").types(ctrlC)
	if code, shown := at.ends(); code != exitFailed {
		t.Errorf("it ended with %d:\n%s", code, shown)
	}
}

// app0 is the part of an ID that is on the screen whatever was there before.
func app0(id string) string { return id[:8] }
