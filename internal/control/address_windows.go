package control

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// pipeName is the same for every spelling of a home that exists.
func pipeName(home string, d door) (string, error) {
	home, err := resolve(home)
	if err != nil {
		return "", err
	}
	prefix := ""
	if d != commands {
		prefix = string(d) + "-"
	}
	return fmt.Sprintf(`\\.\pipe\traymail-%s%x`, prefix, sha256.Sum256([]byte(strings.ToLower(home)))), nil
}

// listen listens at a door of the home, which it creates. The pipe is its user's alone:
// no one else is granted anything, administrators included, who can take
// ownership where they must. But a service that runs as LocalSystem has no user
// who could give it a command, so that the machine's administrators may; they
// own the service anyway. release has nothing left to do.
func listen(home string, d door) (l net.Listener, release func() error, err error) {
	if err := os.MkdirAll(filepath.Join(home, "state"), 0o700); err != nil {
		return nil, nil, err
	}
	name, err := pipeName(home, d)
	if err != nil {
		return nil, nil, err
	}
	me, err := currentUser()
	if err != nil {
		return nil, nil, err
	}
	may := fmt.Sprintf("(A;;GA;;;%s)", me)
	if me.IsWellKnown(windows.WinLocalSystemSid) {
		may += "(A;;GA;;;BA)"
	}
	l, err = winio.ListenPipe(name, &winio.PipeConfig{
		SecurityDescriptor: fmt.Sprintf("O:%[1]sG:%[1]sD:P%[2]s", me, may),
		InputBufferSize:    64 << 10,
		OutputBufferSize:   64 << 10,
	})
	if err == nil {
		return l, func() error { return nil }, nil
	}
	// The name is taken: by this user's program, or by somebody else's.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, dialErr := dial(ctx, home, d)
	if dialErr != nil {
		return nil, nil, d.closed(err)
	}
	defer c.Close()
	var pid uint32
	if windows.GetNamedPipeServerProcessId(handle(c), &pid) != nil {
		pid = 0
	}
	return nil, nil, &RunningError{PID: int(pid)}
}

func currentUser() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("the system does not tell which user this is: %w", err)
	}
	return user.User.Sid, nil
}

func handle(c net.Conn) windows.Handle {
	return windows.Handle(c.(interface{ Fd() uintptr }).Fd())
}

// dial connects to a door of the program that runs for the home, when it is this user's
// or the system's own: another one could have taken the pipe's name first.
func dial(ctx context.Context, home string, d door) (net.Conn, error) {
	name, err := pipeName(home, d)
	var c net.Conn
	if err == nil {
		c, err = winio.DialPipeContext(ctx, name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotRunning
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the traymail that runs for %s belongs to another user, or runs as administrator: %w", home, err)
	case err != nil:
		return nil, fmt.Errorf("the running traymail is not reached: %w", err)
	}
	if err := checkOwner(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func checkOwner(c net.Conn) error {
	me, err := currentUser()
	if err != nil {
		return err
	}
	sd, err := windows.GetSecurityInfo(handle(c), windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("the owner of the running traymail is not known: %w", err)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return fmt.Errorf("the owner of the running traymail is not known: %w", err)
	}
	if !owner.Equals(me) && !owner.IsWellKnown(windows.WinLocalSystemSid) {
		return fmt.Errorf("the pipe of traymail belongs to another user, %s", owner)
	}
	return nil
}
