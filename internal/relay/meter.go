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
//
// It also knows how long the client has been of no use: that decides who goes
// when there is no room for another.
type meter struct {
	net.Conn
	timeout time.Duration
	most    int64 // octets without a reply

	mu       sync.Mutex
	since    time.Time // of the last reply
	useful   time.Time // of the last use, and later for what came in at a good rate
	received int64     // since the last reply
	woken    bool
}

var errEndless = errors.New("the client sends without end")

// newMeter returns a meter for messages of at most maxSize octets, which may
// take twice as many on the way: each line may start with a doubled dot.
func newMeter(c net.Conn, timeout time.Duration, maxSize int64) *meter {
	now := time.Now()
	return &meter{Conn: c, timeout: timeout, most: 2*maxSize + 1<<20, since: now, useful: now}
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
	if err := m.allowWrite(); err != nil {
		return 0, err
	}
	return m.Conn.Write(p)
}

func (m *meter) allowWrite() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, timeout := time.Now(), m.timeout
	if m.useful = m.credited(); m.useful.After(now) {
		m.useful = now
	}
	m.since, m.received = now, 0
	if m.woken {
		timeout = min(timeout, farewellTimeout)
	}
	return m.SetWriteDeadline(now.Add(timeout))
}

// credited is useful with what has come in since the last reply.
func (m *meter) credited() time.Time {
	return m.useful.Add(time.Duration(m.received/minRate) * time.Second)
}

// progress notes that the client has been of use: it signed in, or handed over
// a message.
func (m *meter) progress() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.useful = time.Now()
}

// idle returns how long the client has been of no use, negative when it is
// ahead of its time.
func (m *meter) idle() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.credited())
}

// farewellTimeout is how long the last replies of a connection that was woken
// may take: a client that reads nothing shall not stay for that.
const farewellTimeout = 5 * time.Second

// wake ends a Read that waits, and all that follow, with a timeout.
func (m *meter) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.woken = true
	_ = m.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed connection
	_ = m.SetWriteDeadline(time.Now().Add(min(m.timeout, farewellTimeout)))
}
