package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// peer returns the user that the other end of a connection runs as.
func peer(c *net.UnixConn) (user int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	var cred *unix.Xucred
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err != nil || controlErr != nil {
		return 0, false
	}
	return int(cred.Uid), true
}
