package smtp

import (
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Enough for a flight with an ordinary message in it; a longer one takes more
// than one write, each with a deadline of its own (RFC 5321 §4.5.3.2.5), so that
// a slow network is not taken for a dead one.
const maxFlight = 64 << 10

// A flight gathers what is written to the network until somebody is going to
// wait for the answer. It lies under TLS, so that the records of a flight, and
// the last message of a handshake with the command after it, leave in one write:
// one packet where it fits, and nothing for Nagle's algorithm to hold back.
type flight struct {
	net.Conn

	// handshaking makes Read send what was written first, as crypto/tls does not
	// know that it has to. It is off when a reader runs beside the writer.
	handshaking bool
	waits       int           // flights sent that somebody waited for the answer of
	patience    time.Duration // for one write
	over        atomic.Bool   // nothing more is to be written

	mu  sync.Mutex // crypto/tls writes alerts from its reading side too
	buf []byte
}

// Write never fails for what it keeps; the network's error comes from flush.
func (f *flight) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.buf) > 0 && len(f.buf)+len(p) > maxFlight {
		if err := f.send(); err != nil {
			return 0, err
		}
	}
	if len(p) >= maxFlight {
		return len(p), f.put(p)
	}
	f.buf = append(f.buf, p...)
	return len(p), nil
}

func (f *flight) Read(p []byte) (int, error) {
	if f.handshaking {
		sent, err := f.flush()
		if err != nil {
			return 0, err
		}
		if sent {
			f.waits++
		}
	}
	return f.Conn.Read(p)
}

// flush sends what is left of the flight, if anything is. After a nil error
// every octet written is with the kernel; after another the last one is not.
func (f *flight) flush() (sent bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.buf) == 0 {
		return false, nil
	}
	return true, f.send()
}

func (f *flight) send() error {
	err := f.put(f.buf)
	f.buf = f.buf[:0]
	return err
}

// stop ends the write under way and all that would follow; reading goes on. Any
// goroutine may call it.
func (f *flight) stop() {
	f.over.Store(true)
	f.Conn.SetWriteDeadline(time.Unix(1, 0))
}

func (f *flight) put(p []byte) error {
	for piece := range slices.Chunk(p, maxFlight) {
		f.Conn.SetWriteDeadline(time.Now().Add(f.patience))
		if f.over.Load() { // after the deadline, for stop sets it too
			return os.ErrDeadlineExceeded
		}
		if _, err := f.Conn.Write(piece); err != nil {
			return err
		}
	}
	return nil
}
