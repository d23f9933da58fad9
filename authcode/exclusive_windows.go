package authcode

import "syscall"

// exclusive keeps other programs of the user from listening on the same port:
// without it Windows lets one that asks for SO_REUSEADDR take the connections.
// SO_EXCLUSIVEADDRUSE is defined as the complement of SO_REUSEADDR.
func exclusive(_, _ string, c syscall.RawConn) error {
	var err error
	if controlErr := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, ^syscall.SO_REUSEADDR, 1)
	}); controlErr != nil {
		return controlErr
	}
	return err
}
