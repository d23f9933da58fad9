package smtp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"
)

const (
	maxSmall  = 1 << 20   // up to this a message goes out without waiting for the recipients' replies
	chunkSize = 256 << 10 // what a larger one is cut into
)

// A transaction is one message on one session.
type transaction struct {
	s    *session
	e    *envelope
	src  io.Closer // the message, while it is open
	body bodyReader
	head []byte // the first piece of the body, all of it if body.done

	steps   []step // commands sent, in order, whose replies are awaited
	settled int    // how many of them were answered
	first   bool   // of its session
	reset   bool   // RSET has to go before it
	waits   int
	writes  bool // it is the one that is written to the session

	before chan struct{} // closed when the message before it is answered; nil: none is under way
	done   chan struct{} // closed when this one is

	mail      Reply    // zero until the server has answered the message
	refused   []*Error // recipients
	accepted  int
	failed    *Error // the first other refusal
	final     Reply  // the last word on the message, which counts for acceptance only if it is complete
	complete  bool   // the whole message was handed to the network
	needReset bool   // it leaves its transaction open
	unreset   bool   // the server refused the RSET before it
	misplaced bool   // its verdict is in doubt, since other messages are on the session
	left      bool   // its caller has gone, and replies are still to come
}

// A step is a command that was sent and what to do with its reply.
type step struct {
	op      string
	timeout time.Duration
	handle  func(Reply)
}

// conclude makes a receipt and an error of how the message went. The receipt is
// filled in as far as the server answered, also with an error. crossed says that
// the message is for another session: this one ended before the server could take
// it and before it answered anything to it, or it cannot be cleared of what was
// there before the message.
func (t *transaction) conclude(err error) (r *Receipt, crossed bool, _ error) {
	s := t.s
	se, _ := errors.AsType[*Error](err)
	if se != nil && se.Connection() {
		lost := se.Code == 0 || se.Code == 421
		switch {
		case t.left:
		case lost:
			s.abort()
		default:
			s.spend() // there may be messages behind this one
		}
		switch {
		case !lost: // the error is the verdict
		case t.hopeless():
			err = t.verdict() // it was refused before the session was lost
		case t.complete && se.Code == 0:
			se.Unknown = true
		default:
			crossed = t.mail.Code == 0 && !t.first
		}
	}
	if t.unreset && se != nil && se.Code != 0 && !se.Unknown {
		// What it was refused for may be the message before it, whose recipients
		// have it if its end was taken.
		se.Unknown = t.complete && t.final.ok()
		crossed = !se.Unknown
	}
	r = &Receipt{Reply: t.final, Refused: t.refused, Session: s.name(), Reused: !t.first, DSN: s.ext.dsn, TLS: s.tlsVersion, RoundTrips: t.waits}
	return r, crossed, err
}

// alone sends the message over a session that no other message is on.
func (t *transaction) alone() error {
	commands, err := t.open()
	if err != nil {
		return err
	}
	defer t.src.Close()
	t.begin()
	defer t.finish()
	defer t.count()
	if err := t.envelope(commands[0], commands[1:]); err != nil {
		return err
	}
	if t.s.ext.chunking {
		err = t.bdat()
	} else {
		err = t.data()
	}
	if err != nil {
		return err
	}
	return t.verdict()
}

// begin comes before the first command.
func (t *transaction) begin() {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	t.first, s.warm = !s.warm, true
	t.reset = s.needReset || s.unsettled > 0 // how one ends that is under way is not known yet
	s.unsettled++
	t.steps, s.spare = s.spare, nil
}

// finish comes when no reply to the message is awaited any more.
func (t *transaction) finish() {
	s := t.s
	s.mu.Lock()
	s.unsettled--
	s.needReset = t.needReset
	s.spare = t.steps[:0]
	s.mu.Unlock()
	if t.done != nil {
		close(t.done)
	}
}

// count takes the waits since the last message over. It is called by the one who
// writes.
func (t *transaction) count() {
	t.waits += t.s.flight.waits - t.s.reported
	t.s.reported = t.s.flight.waits
}

// expect notes that a command will be answered. It comes before whatever may
// already go to the network, since a reply nobody expects is a farewell.
func (t *transaction) expect(op string, timeout time.Duration, handle func(Reply)) {
	s := t.s
	if timeout != finalTimeout {
		timeout = s.within(timeout)
	}
	t.steps = append(t.steps, step{op, timeout, handle})
	s.mu.Lock()
	s.owed++
	s.mu.Unlock()
}

// settle ends the flight and hands each reply to its step. When the session is
// lost on the way, or the server ends it with 421, the error says so; the session
// is of no use then.
func (t *transaction) settle() error {
	if len(t.steps) == 0 {
		return nil
	}
	t.s.flush() // collect knows how it went
	return t.collect(nil)
}

// collect hands each reply to its step. When leave is closed before all came, the
// error is errLeft.
func (t *transaction) collect(leave <-chan struct{}) error {
	if t.s.writeError() != nil {
		// The server may have said why it closed before the write failed.
		t.s.flight.SetReadDeadline(time.Now().Add(goodbyeTimeout))
	}
	for ; t.settled < len(t.steps); t.settled++ {
		if err := t.s.settle(t.steps[t.settled], leave); err != nil {
			return err
		}
	}
	t.steps, t.settled = t.steps[:0], 0
	return nil
}

// settle awaits the reply to one command.
func (s *session) settle(st step, leave <-chan struct{}) error {
	if s.farewell != nil {
		return s.refused(st.op, *s.farewell) // the server did nothing of what came after it
	}
	r, err := s.await(st.timeout, leave)
	switch {
	case err == errLeft:
		return err
	case err != nil:
		err = s.cause(err)
		s.abort()
		return s.lost(st.op, err)
	case r.Code == 421:
		s.farewell = &r
		s.abort()
		return s.refused(st.op, r)
	}
	st.handle(r)
	return nil
}

// cause is why a session ended whose reading ended with err: that tells more than
// what the writing met, unless it was our own doing, or the system had told the
// writing already that the connection was reset.
func (s *session) cause(err error) error {
	werr := s.writeError()
	ours := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed)
	if werr != nil && (ours || errors.Is(err, io.EOF) && errors.Is(werr, errReset)) {
		return werr
	}
	return err
}

// open opens the message, reads its first piece, which is all of it when it is
// small, and returns MAIL and the RCPTs for it. After an error it is closed.
func (t *transaction) open() (commands []string, err error) {
	s, m := t.s, t.e.Message
	src, err := m.Open()
	if err != nil {
		return nil, t.unreadable(err)
	}
	t.src = src
	if s.read == nil {
		s.read = make([]byte, 32<<10)
	}
	t.body = bodyReader{src: src, in: s.read}
	piece := chunkSize
	if m.Size <= maxSmall && m.Size > 0 {
		piece = min(maxSmall, 2*int(m.Size)+2*minRead) // line endings may double
	}
	s.buf = slices.Grow(s.buf[:0], piece)
	if t.head, err = t.body.fill(s.buf); err == nil && !t.body.done && m.Size <= maxSmall {
		s.buf = slices.Grow(t.head, maxSmall-len(t.head)) // more than was announced
		t.head, err = t.body.fill(s.buf)
	}
	if err != nil {
		src.Close()
		return nil, t.unreadable(err)
	}
	s.buf = t.head
	if commands, err = t.commands(); err != nil {
		src.Close()
	}
	return commands, err
}

// commands returns MAIL and the RCPTs for the message as it turned out to be, or
// the reason why this server cannot take it.
func (t *transaction) commands() ([]string, error) {
	x := t.s.ext
	if t.e.UTF8 && !asciiHeader(t.head) {
		t.e.utf8 = true
	}
	size := t.e.Size
	if t.body.done {
		size = int64(len(t.head))
	} else if size <= maxSmall {
		size = -1
	}
	eightBit := t.body.eightBit
	if !t.body.done && x.eightBit {
		eightBit = true // it may have, and 8BITMIME allows it to have none
	} else if !t.body.done && !eightBit {
		var err error
		if eightBit, err = t.e.hasEightBit(); err != nil {
			return nil, t.unreadable(err)
		}
	}
	switch {
	case x.maxSize > 0 && size > x.maxSize:
		return nil, t.unfit(fmt.Errorf("it has %d octets, and the server takes no more than %d", size, x.maxSize))
	case t.e.utf8 && !x.utf8:
		return nil, t.unfit(errors.New("it has UTF-8 in its addresses or header, and the server does not offer SMTPUTF8: use addresses and header fields in ASCII"))
	case eightBit && !x.eightBit:
		return nil, t.unfit(errors.New("it has 8-bit octets, and the server does not offer 8BITMIME: encode the text as quoted-printable or base64"))
	}
	mail, err := t.e.mailCommand(x, size, eightBit)
	commands := append(make([]string, 0, 1+len(t.e.to)), mail)
	for i := range t.e.to {
		if err == nil {
			var rcpt string
			rcpt, err = t.e.rcptCommand(x, i)
			commands = append(commands, rcpt)
		}
	}
	if err != nil {
		return nil, t.unfit(err)
	}
	return commands, nil
}

func (t *transaction) unfit(err error) *Error {
	return &Error{Op: OpMessage, Server: t.s.server, Err: err}
}

func (t *transaction) unreadable(err error) *Error {
	return &Error{Op: OpRead, Server: t.s.server, Err: err}
}

// hasEightBit reads the whole message, for a server to which that matters and a
// message that is too large to have been read already.
func (e *envelope) hasEightBit() (bool, error) {
	r, err := e.Open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if !ascii(buf[:n]) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// do adds a command, and waits for its reply if the server does not pipeline.
func (t *transaction) do(op, line string, handle func(Reply)) error {
	t.s.command(line)
	t.expect(op, commandTimeout, handle)
	return t.settleUnlessPipelining()
}

func (t *transaction) settleUnlessPipelining() error {
	if t.s.ext.pipelining {
		return nil
	}
	return t.settle()
}

// envelope adds MAIL and RCPT to the flight. When the server does not pipeline,
// it stops where going on makes no sense.
func (t *transaction) envelope(mail string, rcpt []string) error {
	s := t.s
	if t.reset {
		if err := t.do("RSET", "RSET", t.cleared); err != nil {
			return err
		}
	}
	if err := t.do(OpMAIL, mail, func(r Reply) {
		t.mail = r
		t.check(OpMAIL, r)
	}); err != nil || t.failed != nil {
		return err
	}
	for i, line := range rcpt {
		if err := t.do(OpRCPT, line, func(r Reply) {
			if r.ok() {
				t.accepted++
				return
			}
			e := s.refused(OpRCPT, r)
			e.Recipient = t.e.To[i].Address
			t.refused = append(t.refused, e)
		}); err != nil {
			return err
		}
	}
	return nil
}

// cleared takes the reply to RSET. Without it, what follows would go to the
// recipients of the message before it, so the session takes no more.
func (t *transaction) cleared(r Reply) {
	if !r.ok() {
		t.unreset = true
		t.s.spend()
	}
}

func (t *transaction) check(op string, r Reply) {
	if !r.ok() && t.failed == nil {
		t.failed = t.s.refused(op, r)
	}
}

// hopeless says that the server has refused the sender or every recipient.
// With replies outstanding it is not known yet.
func (t *transaction) hopeless() bool {
	return t.failed != nil || len(t.refused) == len(t.e.to)
}

// verdict makes one error of the replies, or none if the server took the message.
func (t *transaction) verdict() error {
	taken := t.complete && t.final.ok()
	switch {
	case taken && t.accepted > 0 && t.failed != nil:
		t.s.abort()
		e := t.failed
		e.Unknown, e.Err = true, errors.New("and yet it accepted the message at its end")
		return e
	case !t.mail.ok():
		t.refused = nil // for lack of a sender only
		return t.failed
	case t.accepted == 0:
		return t.noRecipient()
	case t.failed != nil:
		return t.failed
	case !taken:
		return t.s.lost(OpDATA, fmt.Errorf("the server answered %q before it had the message", t.final))
	}
	return t.confirmed()
}

// noRecipient is the error of a message that every recipient refused: the first
// temporary refusal, since then trying again makes sense, else the first.
func (t *transaction) noRecipient() error {
	for _, e := range t.refused {
		if e.Temporary() {
			return e
		}
	}
	return t.refused[0]
}
