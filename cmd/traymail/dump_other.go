//go:build !linux && !windows

package main

import "golang.org/x/sys/unix"

// keepMemory keeps what is in this process's memory, tokens and messages, from
// core dumps. Who may attach to it is the system's to decide.
func keepMemory() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) // to lower one's own is always allowed
	}
}
