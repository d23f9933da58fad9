package smtp

import "syscall"

// Winsock's numbers, which package syscall does not name.
const (
	errRefused     = syscall.Errno(10061) // WSAECONNREFUSED
	errUnreachable = syscall.Errno(10051) // WSAENETUNREACH
	errNoHost      = syscall.Errno(10065) // WSAEHOSTUNREACH
	errReset       = syscall.WSAECONNRESET
)
