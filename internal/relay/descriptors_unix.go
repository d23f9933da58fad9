//go:build unix

package relay

import (
	"net"
	"os"
	"syscall"
)

// spare is how many file descriptors clients do not get, of those that the
// process may have: the queue, deliveries and commands need some.
const spare = 64

// scarce reports whether a connection has one of the spare descriptors, which are
// the last: the system gives the lowest that is free.
func scarce(c net.Conn) bool {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return false
	}
	var number uintptr
	if raw.Control(func(fd uintptr) { number = fd }) != nil {
		return false
	}
	return isSpare(number)
}

// freed reports whether there is a descriptor for clients again.
func freed() bool {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return false
	}
	defer f.Close()
	return !isSpare(f.Fd())
}

func isSpare(number uintptr) bool {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return false
	}
	most := uint64(limit.Cur) // signed on some systems
	return uint64(number) >= most-min(spare, most/3)
}
