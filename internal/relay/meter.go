package relay

import (
	"errors"
	"net"
	"sync"
	"time"
)

// minRate is how fast a message has to come in: octets a second, on average.
const minRate = 1 << 10

// meter is the socket. It ends sessions that make no progress: from each reply
// on, the client has the timeout, and a second more for each KiB it sends. So
// a large message over a slow line is fine, and a client that sends an octet a
// minute is not. Nor is one that never stops sending: a message far beyond the
// limit is not read to its end before it is refused. go-smtp knows only a deadline from the last command on, which
// a large message would miss.
type meter struct {
	net.Conn
	timeout time.Duration
	most    int64 // octets without a reply

	mu       sync.Mutex
	since    time.Time
	received int64
	woken    bool
}

var errEndless = errors.New("the client sends without end")

// newMeter returns a meter for messages of at most maxSize octets, which may
// take twice as many on the way: each line may start with a doubled dot.
func newMeter(c net.Conn, timeout time.Duration, maxSize int64) *meter {
	return &meter{Conn: c, timeout: timeout, most: 2*maxSize + 1<<20, since: time.Now()}
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.allowRead(); err != nil {
		return 0, err
	}
	n, err := m.Conn.Read(p)
	m.mu.Lock()
	m.received += int64(n)
	m.mu.Unlock()
	return n, err
}

func (m *meter) allowRead() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.woken {
		return nil // wake's deadline stays
	}
	if m.received > m.most {
		return errEndless
	}
	extra := time.Duration(m.received/minRate) * time.Second
	return m.SetReadDeadline(m.since.Add(m.timeout + extra))
}

func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	m.since, m.received = time.Now(), 0
	m.mu.Unlock()
	if err := m.SetWriteDeadline(m.since.Add(m.timeout)); err != nil {
		return 0, err
	}
	return m.Conn.Write(p)
}

// wake ends a Read that waits, and all that follow, with a timeout.
func (m *meter) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.woken = true
	_ = m.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed connection
}
