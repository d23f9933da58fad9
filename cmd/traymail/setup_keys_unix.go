//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// keysFrom is what a form reads from a terminal, which gives every key at once
// until end is called. Forms come one after another, and the library's own
// reader may outlive its form by a moment and swallow what is typed into the
// next one; nothing is read here after end has returned.
func keysFrom(terminal *os.File) (in io.Reader, end func() error, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	fd := int(terminal.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		r.Close()
		w.Close()
		return nil, nil, err
	}
	if err := mapNewlines(fd); err != nil {
		r.Close()
		w.Close()
		return nil, nil, errors.Join(err, term.Restore(fd, before))
	}
	k := &keys{terminal: fd, wake: int(r.Fd())}
	return k, func() error {
		k.over.Store(true)
		w.Close()
		k.mu.Lock() // whoever reads has noticed
		defer k.mu.Unlock()
		r.Close()
		return term.Restore(fd, before)
	}, nil
}

// mapNewlines has the terminal begin each line at its left again, which raw mode ends:
// the library counts on it where it did not set the terminal up itself.
func mapNewlines(fd int) error {
	t, err := unix.IoctlGetTermios(fd, readTermios)
	if err != nil {
		return err
	}
	t.Oflag |= unix.OPOST | unix.ONLCR
	return unix.IoctlSetTermios(fd, writeTermios, t)
}

type keys struct {
	terminal, wake int
	mu             sync.Mutex // held while the terminal is read
	over           atomic.Bool
}

// Read waits for keys, or for the end.
func (k *keys) Read(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for !k.over.Load() {
		var ready unix.FdSet
		ready.Set(k.terminal)
		ready.Set(k.wake)
		_, err := unix.Select(max(k.terminal, k.wake)+1, &ready, nil, nil, nil)
		switch {
		case err == unix.EINTR, err == nil && !ready.IsSet(k.terminal):
			continue
		case err != nil:
			return 0, err
		}
		if k.over.Load() {
			break
		}
		n, err := unix.Read(k.terminal, b)
		switch {
		case err == unix.EINTR:
			continue
		case n <= 0 && err == nil:
			return 0, io.EOF
		case err != nil:
			return 0, err
		}
		return n, nil
	}
	return 0, io.EOF
}
