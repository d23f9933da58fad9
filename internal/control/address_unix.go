//go:build !windows

package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// The names in HOME/state. The lock outlives the program and tells a dead one's
// socket from a living one's.
func (d door) socket() string { return string(d) + ".sock" }
func (d door) lock() string   { return string(d) + ".lock" }

// maxPath is how long a socket's path may be on every system: macOS has 104
// octets for it, with the NUL.
const maxPath = 103

// shortPrefix begins the name of the folder for a socket whose own path would
// be too long. The socket in HOME/state is then a link into that folder, so that
// it needs no name that others could guess and take first.
const shortPrefix = "traymail-"

// listen listens at a door of the home, which it creates. release ends that for good
// after the listener was closed: until then no other program gets the address.
func listen(home string, d door) (l net.Listener, release func() error, err error) {
	state, err := stateFolder(home)
	if err != nil {
		return nil, nil, err
	}
	lockPath := filepath.Join(state, d.lock())
	lock := flock.New(lockPath, flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, nil, d.closed(err)
	}
	if !locked {
		text, _ := os.ReadFile(lockPath)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, nil, &RunningError{PID: pid}
	}
	socket := filepath.Join(state, d.socket())
	release = func() error { return errors.Join(d.remove(socket), os.Truncate(lockPath, 0), lock.Close()) }
	err = d.remove(socket) // the program that made it is dead
	if err == nil {
		err = os.WriteFile(lockPath, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	}
	if err == nil {
		l, err = d.bind(socket)
	}
	if err != nil {
		return nil, nil, errors.Join(d.closed(err), lock.Close())
	}
	return l, release, nil
}

// stateFolder returns the folder for the socket, private to this user.
func stateFolder(home string) (string, error) {
	state := filepath.Join(home, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return "", err
	}
	home, err := resolve(home)
	if err != nil {
		return "", err
	}
	state = filepath.Join(home, "state")
	info, err := os.Stat(state)
	if err != nil {
		return "", err
	}
	if owner := ownerOf(info); owner != os.Geteuid() {
		return "", fmt.Errorf("%s belongs to the user with ID %d: run traymail as that user, or with another --home", state, owner)
	}
	if info.Mode().Perm() != 0o700 {
		err = os.Chmod(state, 0o700)
	}
	return state, err
}

func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// bind listens on the path, or on a shorter one that the path then links to.
// The folder is private, so that nobody connects before the mode is set.
func (d door) bind(path string) (net.Listener, error) {
	real := path
	if len(path) > maxPath {
		dir, err := d.shortFolder()
		if err != nil {
			return nil, err
		}
		real = filepath.Join(dir, d.socket())
		if err := os.Symlink(real, path); err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: real, Net: "unix"})
	if err != nil {
		return nil, errors.Join(err, d.remove(path))
	}
	if err := os.Chmod(real, 0o600); err != nil {
		return nil, errors.Join(err, l.Close(), d.remove(path))
	}
	return &ownersListener{l}, nil
}

// shortFolder makes a private folder whose path leaves room for a socket.
func (d door) shortFolder() (string, error) {
	dir := os.TempDir()
	// MkdirTemp adds up to ten digits.
	if len(dir)+len("/")+len(shortPrefix)+10+len("/")+len(d.socket()) > maxPath {
		dir = "/tmp"
	}
	return os.MkdirTemp(dir, shortPrefix)
}

// remove removes a socket, or the link to one with the folder that was
// made for it. It is no error that there is none; anything else stays.
func (d door) remove(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() == fs.ModeSocket:
		return os.Remove(path)
	case info.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("%s is no socket: move it away", path)
	}
	real, err := d.linked(path, os.Geteuid())
	if err == nil {
		if err := os.Remove(real); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Remove(filepath.Dir(real)); err != nil {
			return err
		}
	}
	return os.Remove(path) // a folder that is not ours is left alone
}

// linked returns the socket that a link leads to, when the folder it is in was
// made by shortFolder for that user and nobody else could put one there: the
// system may have cleared the temporary files, and another user taken the name.
func (d door) linked(link string, user int) (string, error) {
	real, err := os.Readlink(link)
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(real)
	if !filepath.IsAbs(real) || filepath.Base(real) != d.socket() || !strings.HasPrefix(filepath.Base(dir), shortPrefix) {
		return "", fmt.Errorf("%s was not made by traymail: remove it", link)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || ownerOf(info) != user || info.Mode().Perm() != 0o700 {
		return "", fmt.Errorf("%s, where %s leads, is not this user's alone: restart traymail serve", dir, link)
	}
	return real, nil
}

// locate returns the socket's path, and whom the program behind it must belong
// to: this user or, when this user is root, the owner of the home.
func locate(home string, d door) (path string, owner int, err error) {
	home, err = resolve(home)
	if err != nil {
		return "", 0, err
	}
	state, err := os.Stat(filepath.Join(home, "state"))
	if err != nil {
		return "", 0, err
	}
	path = filepath.Join(home, "state", d.socket())
	info, err := os.Lstat(path)
	if err != nil {
		return "", 0, err
	}
	owner = ownerOf(state)
	if me := os.Geteuid(); me != 0 && owner != me || ownerOf(info) != owner {
		return "", 0, fmt.Errorf("the traymail that runs for %s belongs to another user, the one with ID %d", home, ownerOf(info))
	}
	if info.Mode().Type() == fs.ModeSymlink {
		path, err = d.linked(path, owner)
	}
	return path, owner, err
}

// dial connects to a door of the program that runs for the home.
func dial(ctx context.Context, home string, d door) (net.Conn, error) {
	path, owner, err := locate(home, d)
	var c net.Conn
	if err == nil {
		c, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("the running traymail is not reached: %w", err)
	}
	if user, known := peer(c.(*net.UnixConn)); known && user != owner {
		c.Close()
		return nil, fmt.Errorf("the program at %s belongs to another user, the one with ID %d", path, user)
	}
	return c, nil
}

// An ownersListener takes no connection of another user: a second lock behind
// the socket's mode. Root may come, which can become the owner anyway.
type ownersListener struct{ *net.UnixListener }

func (l *ownersListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if user, known := peer(c); !known || user == os.Geteuid() || user == 0 {
			return c, nil
		}
		c.Close()
	}
}
