//go:build !windows

package checks

import "syscall"

const (
	errRefused      = syscall.ECONNREFUSED
	errUnreachable  = syscall.ENETUNREACH
	errNoHost       = syscall.EHOSTUNREACH
	errNoAddress    = syscall.EADDRNOTAVAIL // no address of the other's family here
	errForbidden    = syscall.EACCES
	errNotPermitted = syscall.EPERM
	errReset        = syscall.ECONNRESET
	errAborted      = syscall.ECONNABORTED
	errPipe         = syscall.EPIPE
)
