package main

import "golang.org/x/sys/unix"

// keepMemory keeps what is in this process's memory, tokens and messages, from
// core dumps and from other processes of the same user, which could else attach
// to it. It cannot fail for a process about itself. Programs that are started
// from here are as any other.
func keepMemory() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
