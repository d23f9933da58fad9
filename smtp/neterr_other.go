//go:build !windows

package smtp

import "syscall"

const (
	errRefused     = syscall.ECONNREFUSED
	errUnreachable = syscall.ENETUNREACH
	errNoHost      = syscall.EHOSTUNREACH
	errReset       = syscall.ECONNRESET
)
