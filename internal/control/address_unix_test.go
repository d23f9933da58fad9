//go:build !windows

package control

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestTheSocketIsItsOwnersAlone(t *testing.T) {
	for name, home := range map[string]string{"short": t.TempDir(), "long": longHome(t)} {
		t.Run(name, func(t *testing.T) {
			state := filepath.Join(home, "state")
			if err := os.MkdirAll(state, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(state, 0o777); err != nil {
				t.Fatal(err)
			}
			s := serve(t, home, &program{}, os.Stderr)
			path, owner, err := locate(home, commands)
			if err != nil || owner != os.Geteuid() {
				t.Fatal(owner, err)
			}
			for path, want := range map[string]fs.FileMode{state: fs.ModeDir | 0o700, path: fs.ModeSocket | 0o600,
				filepath.Dir(path): fs.ModeDir | 0o700, filepath.Join(state, commands.lock()): 0o600} {
				if got := mode(t, path); got != want {
					t.Errorf("%s is %v, want %v", path, got, want)
				}
			}
			if name == "long" && filepath.Dir(path) == state || len(path) > maxPath {
				t.Errorf("the path has %d octets: %s", len(path), path)
			}
			shutdown(t, s)
			for _, gone := range []string{path, filepath.Join(state, commands.socket())} {
				if _, err := os.Lstat(gone); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is still there: %v", gone, err)
				}
			}
			elsewhere := filepath.Dir(path) != state
			if _, err := os.Lstat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) != elsewhere {
				t.Errorf("the folder of %s: %v", path, err)
			}
		})
	}
}

// unlistened makes a socket that nobody listens on, as a crash leaves it.
func unlistened(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestWhatACrashLeftIsReplacedAndRemoved(t *testing.T) {
	home := longHome(t)
	pid, kill := another(t, home)
	left, _, err := locate(home, commands)
	if err != nil || pid == 0 {
		t.Fatal(err)
	}
	kill()
	if got := mode(t, left).Type(); got != fs.ModeSocket {
		t.Fatalf("%s is %v", left, got)
	}
	shutdown(t, serve(t, home, &program{}, os.Stderr))
	if _, err := os.Lstat(filepath.Dir(left)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", filepath.Dir(left), err)
	}
	// And also when the system cleared the temporary files.
	if err := os.Symlink(left, filepath.Join(home, "state", commands.socket())); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Dial returned %v", err)
	}
	serve(t, home, &program{}, os.Stderr)
	dialed(t, home)
}

func TestWhatIsNoSocketStays(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "state", commands.socket())
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(home, &program{}, discard); err == nil || !strings.Contains(err.Error(), "is no socket: move it away") {
		t.Errorf("Serve returned %v", err)
	}
	if text, err := os.ReadFile(file); string(text) != "mine" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	serve(t, home, &program{}, os.Stderr) // the refusal kept no lock
}

// A short folder in the temporary files has a name that others see. Once it is
// gone, another user may take the name and listen there.
func TestASocketInAFolderThatOthersMadeIsNotUsed(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, dir string){
		"others may write": func(t *testing.T, dir string) { folder(t, dir, 0o777) },
		"others may read":  func(t *testing.T, dir string) { folder(t, dir, 0o755) },
		"a link": func(t *testing.T, dir string) {
			folder(t, dir+"x", 0o700)
			if err := os.Symlink(dir+"x", dir); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			home := longHome(t)
			link := filepath.Join(home, "state", commands.socket())
			tmp, err := os.MkdirTemp("", "t") // short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(tmp) })
			dir := filepath.Join(tmp, shortPrefix+"1")
			make(t, dir)
			hostile := filepath.Join(dir, commands.socket())
			unlistened(t, hostile)
			folder(t, filepath.Dir(link), 0o700)
			if err := os.Symlink(hostile, link); err != nil {
				t.Fatal(err)
			}
			_, err = Dial(t.Context(), home)
			if err == nil || !strings.Contains(err.Error(), "is not this user's alone") {
				t.Errorf("Dial returned %v", err)
			}
			serve(t, home, &program{}, os.Stderr)
			dialed(t, home)
			if got := mode(t, hostile).Type(); got != fs.ModeSocket {
				t.Errorf("%s is %v now", hostile, got)
			}
		})
	}
}

func folder(t *testing.T, path string, perm fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(path, perm); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, perm); err != nil {
		t.Fatal(err)
	}
}

func TestALinkThatTraymailDidNotMakeIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	for _, target := range []string{"/tmp/other/" + commands.socket(), commands.socket(), "/tmp/traymail-1/other", "../traymail-1/" + commands.socket()} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if path, err := commands.linked(link, os.Geteuid()); err == nil || !strings.Contains(err.Error(), "was not made by traymail") {
			t.Errorf("%s led to %q, %v", target, path, err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	own := filepath.Join(dir, shortPrefix+"1")
	folder(t, own, 0o700)
	if err := os.Symlink(filepath.Join(own, commands.socket()), link); err != nil {
		t.Fatal(err)
	}
	if path, err := commands.linked(link, os.Geteuid()+1); err == nil || !strings.Contains(err.Error(), "not this user's alone") {
		t.Errorf("another user's folder led to %q, %v", path, err)
	}
}

func TestBothEndsKnowTheOther(t *testing.T) {
	home := t.TempDir()
	l, release, err := listen(home, commands)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(t.Context(), home, commands)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []net.Conn{c, s} {
		if user, known := peer(end.(*net.UnixConn)); known && user != os.Geteuid() {
			t.Errorf("the other end is user %d", user)
		}
	}
	if err := errors.Join(c.Close(), s.Close(), l.Close(), release()); err != nil {
		t.Error(err)
	}
}
