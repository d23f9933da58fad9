package checks

import "syscall"

// Winsock's numbers, most of which package syscall does not name.
const (
	errRefused      = syscall.Errno(10061) // WSAECONNREFUSED
	errUnreachable  = syscall.Errno(10051) // WSAENETUNREACH
	errNoHost       = syscall.Errno(10065) // WSAEHOSTUNREACH
	errNoAddress    = syscall.Errno(10049) // WSAEADDRNOTAVAIL: no address of the other's family here
	errForbidden    = syscall.Errno(10013) // WSAEACCES
	errNotPermitted = syscall.ERROR_ACCESS_DENIED
	errReset        = syscall.Errno(10054) // WSAECONNRESET
	errAborted      = syscall.Errno(10053) // WSAECONNABORTED
	errPipe         = syscall.ERROR_BROKEN_PIPE
)
