package smtp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Waits for the server, by RFC 5321 §4.5.3.2. They are this long on purpose:
// Exchange holds each 5xx back for five seconds, and a server that scans a
// message before it answers may need minutes.
const (
	dialTimeout     = 30 * time.Second
	greetingTimeout = 5 * time.Minute
	commandTimeout  = 5 * time.Minute
	dataTimeout     = 2 * time.Minute
	chunkTimeout    = 3 * time.Minute
	finalTimeout    = 10 * time.Minute
	goodbyeTimeout  = 2 * time.Second
)

// A session is one connection. While it is set up its owner reads the replies
// one by one; from start on, a reader goroutine collects them, so that a flight
// of any length can be written without the server blocking on replies nobody
// reads, and so that the end of an idle session is noticed.
type session struct {
	server string
	log    *wireLog
	within func(time.Duration) time.Duration // the client's own timeout, where it is shorter
	flight *flight
	conn   io.ReadWriter // the flight, or TLS over it
	in     *bufio.Reader
	out    []byte // commands and body not yet given to conn
	unsent bool   // conn was written to since the last flush
	werr   error  // the first error of writing; nothing is written after it

	ext        extensions
	tlsVersion uint16
	tlsClose   func() error // says goodbye at the TLS level; nil without TLS

	pending   []step // commands sent, in order, whose replies are awaited
	needReset bool   // a transaction was left open; RSET goes before the next one
	buf, read []byte // of the message under way, kept for the next one
	reported  int    // of the flight's waits, those in an earlier message's receipt
	timer     *time.Timer
	idleSince time.Time
	idleTimer *time.Timer

	mu      sync.Mutex
	replies []Reply // arrived
	taken   int     // how many of them were taken
	owed    int     // commands sent and not yet answered
	dead    error   // why the session is of no more use
	arrived chan struct{}
	done    chan struct{} // closed when the reader has ended; nil before start
}

// A step is a command that was sent and what to do with its reply.
type step struct {
	op      string
	timeout time.Duration
	handle  func(Reply)
}

// name tells the session apart from others of its time.
func (s *session) name() string {
	return s.flight.LocalAddr().String() + " → " + s.flight.RemoteAddr().String()
}

func newSession(conn net.Conn, server string, log *wireLog) *session {
	s := &session{server: server, log: log, flight: &flight{Conn: conn, patience: chunkTimeout}, arrived: make(chan struct{}, 1)}
	s.within = func(d time.Duration) time.Duration { return d }
	s.use(s.flight)
	return s
}

// use makes conn what replies are read from and commands written to.
func (s *session) use(conn io.ReadWriter) {
	s.conn, s.in = conn, newReplyReader(conn)
}

// abort breaks the connection; whoever reads or writes gets an error at once,
// and the session is not alive any more. Any goroutine may call it.
func (s *session) abort() {
	s.die(net.ErrClosed)
	s.flight.Conn.Close()
}

// die notes why the session is of no more use, unless that is known.
func (s *session) die(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == nil {
		s.dead = err
	}
}

// close ends the session without a word and waits for its reader.
func (s *session) close() {
	s.abort()
	if s.done != nil {
		<-s.done
	}
}

// quit says goodbye, does not wait for the answer, and closes.
func (s *session) quit() {
	if s.alive() {
		s.flight.patience = goodbyeTimeout
		s.command("QUIT")
		s.write()
		if s.tlsClose != nil {
			s.tlsClose()
		}
		s.flight.flush()
	}
	s.close()
}

// alive is false once the server has closed the session, or it was given up.
func (s *session) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead == nil && s.werr == nil
}

// command adds a line to the flight.
func (s *session) command(line string) {
	s.log.client(line)
	s.out = append(append(s.out, line...), '\r', '\n')
}

// body adds octets of the message to the flight. Large ones go out as they come.
func (s *session) body(p []byte) {
	s.log.body(len(p))
	s.raw(p)
}

func (s *session) raw(p []byte) {
	if len(s.out)+len(p) > maxFlight {
		s.write()
		if len(p) > maxFlight {
			s.put(p)
			return
		}
	}
	s.out = append(s.out, p...)
}

// write gives the commands gathered so far to the connection below, which
// may keep them until flush.
func (s *session) write() {
	s.put(s.out)
	s.out = s.out[:0]
}

func (s *session) put(p []byte) {
	if s.werr == nil && len(p) > 0 {
		_, s.werr = s.conn.Write(p)
		s.unsent = true
	}
}

// flush ends a flight, for whose answer the caller will wait.
func (s *session) flush() error {
	s.write()
	if s.werr == nil {
		_, s.werr = s.flight.flush()
	}
	if s.unsent {
		s.flight.waits++
		s.unsent = false
	}
	return s.werr
}

// converse sends what is gathered and reads one reply, while the session is
// set up.
func (s *session) converse(op string, timeout time.Duration) (Reply, error) {
	s.flight.SetReadDeadline(time.Now().Add(s.within(timeout)))
	err := s.flush()
	var r Reply
	if err == nil {
		r, err = readReply(s.in)
	}
	if err != nil {
		return r, s.lost(op, err)
	}
	s.log.server(r)
	return r, nil
}

// start ends the setup: replies are read by a goroutine from here on.
func (s *session) start() {
	s.flight.SetReadDeadline(time.Time{})
	s.timer = time.NewTimer(time.Hour)
	s.done = make(chan struct{})
	go s.listen()
}

// listen reads replies until the connection ends. One that answers nothing is
// the farewell (421) of a server about to close, and ends the session as well.
func (s *session) listen() {
	defer close(s.done)
	for {
		r, err := readReply(s.in)
		if err == nil {
			s.log.server(r)
		}
		s.mu.Lock()
		if err == nil && s.owed == 0 {
			err = fmt.Errorf("the server closed the idle session: %s", r)
		}
		if err == nil {
			s.owed--
			s.replies = append(s.replies, r)
		}
		s.mu.Unlock()
		if err != nil {
			s.die(err)
			s.abort()
		}
		select {
		case s.arrived <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// expect notes that a command will be answered. It comes before whatever may
// already go to the network, since a reply nobody expects is a farewell.
func (s *session) expect(op string, timeout time.Duration, handle func(Reply)) {
	if timeout != finalTimeout {
		timeout = s.within(timeout)
	}
	s.pending = append(s.pending, step{op, timeout, handle})
	s.mu.Lock()
	s.owed++
	s.mu.Unlock()
}

// settle ends the flight and hands each reply to its step. When the session is
// lost on the way, or the server ends it with 421, the error says so; the session
// is of no use then.
func (s *session) settle() error {
	if len(s.pending) == 0 {
		return nil
	}
	if s.flush() != nil {
		// The server may have said why it closed before the write failed.
		s.flight.SetReadDeadline(time.Now().Add(goodbyeTimeout))
	}
	steps := s.pending
	s.pending = s.pending[:0]
	for _, st := range steps {
		if err := s.settleOne(st); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) settleOne(st step) error {
	r, err := s.await(st.timeout)
	switch {
	case err != nil:
		if s.werr != nil {
			err = s.werr
		}
		s.abort()
		return s.lost(st.op, err)
	case r.Code == 421:
		s.abort()
		return s.refused(st.op, r)
	}
	st.handle(r)
	return nil
}

// await takes the next reply.
func (s *session) await(timeout time.Duration) (Reply, error) {
	s.timer.Reset(timeout)
	defer s.timer.Stop()
	for {
		s.mu.Lock()
		if s.taken < len(s.replies) {
			r := s.replies[s.taken]
			if s.taken++; s.taken == len(s.replies) {
				s.replies, s.taken = s.replies[:0], 0
			}
			s.mu.Unlock()
			return r, nil
		}
		dead := s.dead
		s.mu.Unlock()
		if dead != nil {
			return Reply{}, dead
		}
		select {
		case <-s.arrived:
		case <-s.timer.C:
			return Reply{}, fmt.Errorf("no answer within %s", timeout)
		}
	}
}

// objected reports whether a reply other than 2xx lies unread: reason to send no
// more of a message.
func (s *session) objected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.replies[s.taken:] {
		if !r.ok() {
			return true
		}
	}
	return s.dead != nil
}

// answered reports whether nothing that was expected is still to arrive.
func (s *session) answered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owed == 0
}

// refused is the error for a reply.
func (s *session) refused(op string, r Reply) *Error {
	return &Error{Op: op, Server: s.server, Code: r.Code, Enhanced: r.Enhanced, Text: r.Text}
}

// lost is the error for a connection that failed.
func (s *session) lost(op string, err error) *Error {
	if s.done != nil || s.tlsVersion != 0 {
		return &Error{Op: op, Server: s.server, Err: explainLoss(err)}
	}
	return &Error{Op: op, Server: s.server, Err: explain(err)}
}
