package sandbox

import (
	"errors"
	"net"
	"os"
	"time"
)

const (
	// idleTimeout ends a silent session. It is the one of Exchange on premises:
	// Exchange Online's is not documented.
	idleTimeout = 5 * time.Minute
	// writeTimeout is how long a client may leave its replies unread.
	writeTimeout = time.Minute
	// patience is how long a client may rest in the middle of a line or of a
	// chunk, having had no reply, before it gets the ones due so far.
	patience = 2 * time.Second
	// heldLimit bounds what is held for a client that never falls silent.
	heldLimit = 64 << 10
)

// wire is the server's end of a connection, held at a distance, under TLS as
// well as plain. It counts turns: how often the client spoke after something
// was delivered to it, and so may have waited for it.
//
// Writes are not sent but held until the client has been silent for rtt,
// which only Read can tell. A client that sends a flight and waits sees every
// answer rtt later, as over a long line. A client that is still sending is
// never interrupted by a reply, however the network cut its flight; so a flight
// counts as one turn. Only a pause longer than rtt between two commands, or
// in the TLS record that begins a flight, looks like a wait: in the middle of a
// command (midway) the client plainly is not waiting, and the pause may be as
// long as patience.
//
// The session's goroutine alone calls the methods; another may close Conn.
type wire struct {
	net.Conn
	rtt       time.Duration
	midway    bool   // the client owes the rest of a line or of a chunk
	held      []byte // written, not sent
	delivered bool   // something was sent since the client last spoke
	turns     int    // since takeTurns
}

// newWire holds conn at a distance of rtt. The first words of the client are a
// turn even if it does not wait for the banner: it waits for their answer.
func newWire(conn net.Conn, rtt time.Duration) *wire {
	return &wire{Conn: conn, rtt: rtt, delivered: true}
}

// Write holds a copy of p. Beyond heldLimit it sends, and may block.
func (w *wire) Write(p []byte) (int, error) {
	w.held = append(w.held, p...)
	if len(w.held) > heldLimit {
		return len(p), w.deliver()
	}
	return len(p), nil
}

// Read returns what the client says next. Once the client was silent for rtt
// it sends what is held; it fails after idleTimeout.
func (w *wire) Read(p []byte) (int, error) {
	silence := w.rtt
	if w.midway {
		silence = max(patience, w.rtt)
	}
	if len(w.held) > 0 && silence > 0 {
		n, err := w.readWithin(silence, p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
	if err := w.deliver(); err != nil {
		return 0, err
	}
	return w.readWithin(idleTimeout, p)
}

func (w *wire) readWithin(d time.Duration, p []byte) (int, error) {
	w.Conn.SetReadDeadline(time.Now().Add(d))
	n, err := w.Conn.Read(p)
	if n > 0 && w.delivered {
		w.turns++
		w.delivered = false
	}
	return n, err
}

func (w *wire) deliver() error {
	if len(w.held) == 0 {
		return nil
	}
	w.delivered = true
	w.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := w.Conn.Write(w.held)
	w.held = w.held[:0]
	return err
}

// Close sends what is held and closes the connection.
func (w *wire) Close() error {
	return errors.Join(w.deliver(), w.Conn.Close())
}

// takeTurns returns the turns since it was last called.
func (w *wire) takeTurns() int {
	n := w.turns
	w.turns = 0
	return n
}
