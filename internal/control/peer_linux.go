package control

import (
	"net"
	"syscall"
)

// peer returns the user that the other end of a connection runs as.
func peer(c *net.UnixConn) (user int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	var cred *syscall.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || controlErr != nil {
		return 0, false
	}
	return int(cred.Uid), true
}
