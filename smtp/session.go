package smtp

import (
	"bufio"
	"errors"
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
//
// Several messages may share it, see pipeline.go: what is for writing belongs to
// the one that is being written, what is for reading to the one whose turn it is
// to be answered.
type session struct {
	server string
	log    *wireLog
	within func(time.Duration) time.Duration // the client's own timeout, where it is shorter
	flight *flight
	conn   io.ReadWriter // the flight, or TLS over it
	in     *bufio.Reader
	out    []byte // commands and body not yet given to conn
	unsent bool   // conn was written to since the last flush

	ext        extensions
	tlsVersion uint16
	tlsClose   func() error // says goodbye at the TLS level; nil without TLS

	writing   chan struct{} // is full while a message is being written
	buf, read []byte        // of the message being written, kept for the next one
	reported  int           // of the flight's waits, those in an earlier message's receipt
	tail      chan struct{} // closed when the message that was written last is answered; nil: none was
	timer     *time.Timer   // for the answer awaited

	pooled // the client's

	mu        sync.Mutex
	replies   []Reply // arrived
	taken     int     // how many of them were taken
	owed      int     // commands sent and not yet answered
	werr      error   // the first error of writing; nothing is written after it
	dead      error   // why the connection is of no more use
	spent     bool    // no further message is to be written
	farewell  *Reply  // the 421 that ended the session
	surplus   *Reply  // a reply that nothing was awaited for
	warm      bool    // a message was written, or the session waited for one
	unsettled int     // messages of which something was written, and whose replies are awaited
	needReset bool    // a transaction was left open; RSET goes before the next one
	spare     []step  // for the next message's
	arrived   chan struct{}
	done      chan struct{} // closed when the reader has ended; nil before start
}

// name tells the session apart from others of its time.
func (s *session) name() string {
	return s.flight.LocalAddr().String() + " → " + s.flight.RemoteAddr().String()
}

func newSession(conn net.Conn, server string, log *wireLog) *session {
	s := &session{server: server, log: log, flight: &flight{Conn: conn, patience: chunkTimeout}, arrived: make(chan struct{}, 1), writing: make(chan struct{}, 1)}
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
	if s.connected() {
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

// alive reports whether the session is good for another message. It is false
// once the server has closed it, or it was given up.
func (s *session) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead == nil && s.werr == nil && !s.spent
}

// connected reports whether the server can still be told something.
func (s *session) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead == nil && s.werr == nil
}

// spend keeps further messages from the session. Those that were written are
// still answered.
func (s *session) spend() {
	s.mu.Lock()
	s.spent = true
	s.mu.Unlock()
}

func (s *session) writeError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.werr
}

// wrote notes how writing went.
func (s *session) wrote(err error) {
	if err != nil {
		s.mu.Lock()
		s.werr = err
		s.mu.Unlock()
	}
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
	if len(p) > 0 && s.writeError() == nil {
		_, err := s.conn.Write(p)
		s.wrote(err)
		s.unsent = true
	}
}

// flush ends a flight, for whose answer the caller will wait.
func (s *session) flush() error {
	s.write()
	err := s.writeError()
	if err == nil {
		_, err = s.flight.flush()
		s.wrote(err)
	}
	if s.unsent {
		s.flight.waits++
		s.unsent = false
	}
	return err
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
		if err == nil {
			err = s.deal(r)
		}
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

// deal gives a reply to whoever awaits it. When none is awaited any more, and one
// came together with it, that is known before anybody has the reply.
func (s *session) deal(r Reply) (err error) {
	s.mu.Lock()
	awaited := s.owed > 0
	if awaited {
		s.owed--
	}
	last := s.owed == 0
	s.mu.Unlock()
	extra := r
	if awaited && last && s.lineAtHand() {
		if extra, err = readReply(s.in); err == nil {
			s.log.server(extra)
		}
	} else {
		last = !awaited
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if awaited {
		s.replies = append(s.replies, r)
	}
	if last && err == nil {
		s.surplus = &extra
		err = fmt.Errorf("the server closed the idle session: %s", extra)
	}
	return err
}

// errLeft means that the caller has gone before the answer came.
var errLeft = errors.New("nobody waits for the answer any more")

// await takes the next reply. When leave is closed before it comes, the error is
// errLeft.
func (s *session) await(timeout time.Duration, leave <-chan struct{}) (Reply, error) {
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
		case <-leave:
			return Reply{}, errLeft
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
