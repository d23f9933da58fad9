package smtp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

const (
	maxSmall  = 1 << 20   // up to this a message goes out without waiting for the recipients' replies
	chunkSize = 256 << 10 // what a larger one is cut into
)

// A transaction is one message on one session.
type transaction struct {
	s    *session
	e    *envelope
	body bodyReader
	head []byte // the first piece of the body, all of it if body.done

	mail     Reply    // zero until the server has answered the message
	refused  []*Error // recipients
	accepted int
	failed   *Error // the first other refusal
	final    Reply  // the last word on the message, which counts for acceptance only if it is complete
	complete bool   // the whole message was handed to the network
}

// submit sends one message. The receipt is filled in as far as the server
// answered, also with an error. crossed says that the session ended before the
// server could take the message and before it answered anything to it.
func (s *session) submit(e *envelope) (r *Receipt, crossed bool, err error) {
	t := &transaction{s: s, e: e}
	err = t.run()
	if se, _ := errors.AsType[*Error](err); se != nil && se.Connection() {
		s.abort()
		switch lost := se.Code == 0 || se.Code == 421; {
		case !lost: // the error is the verdict
		case t.hopeless():
			err = t.verdict() // it was refused before the session was lost
		case t.complete && se.Code == 0:
			se.Unknown = true
		default:
			crossed = t.mail.Code == 0
		}
	}
	r = &Receipt{Reply: t.final, Refused: t.refused, Session: s.name(), DSN: s.ext.dsn, TLS: s.tlsVersion, RoundTrips: s.flight.waits - s.reported}
	s.reported = s.flight.waits
	return r, crossed, err
}

func (t *transaction) run() error {
	src, err := t.open()
	if err != nil {
		return err
	}
	defer src.Close()
	commands, err := t.commands()
	if err != nil {
		return err
	}
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

// open opens the message and reads its first piece: all of it when it is small.
func (t *transaction) open() (io.Closer, error) {
	s, m := t.s, t.e.Message
	src, err := m.Open()
	if err != nil {
		return nil, t.unreadable(err)
	}
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
	return src, nil
}

// commands returns MAIL and the RCPTs for the message as it turned out to be, or
// the reason why this server cannot take it.
func (t *transaction) commands() ([]string, error) {
	x := t.s.ext
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
	t.s.expect(op, commandTimeout, handle)
	return t.settleUnlessPipelining()
}

func (t *transaction) settleUnlessPipelining() error {
	if t.s.ext.pipelining {
		return nil
	}
	return t.s.settle()
}

// envelope adds MAIL and RCPT to the flight. When the server does not pipeline,
// it stops where going on makes no sense.
func (t *transaction) envelope(mail string, rcpt []string) error {
	s := t.s
	if s.needReset {
		s.needReset = false
		if err := t.do("RSET", "RSET", func(Reply) {}); err != nil {
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

// bdat sends the body with BDAT (RFC 3030). A large one waits for the replies to
// the envelope, and then does not wait for those to its pieces.
func (t *transaction) bdat() error {
	s := t.s
	if !t.body.done {
		if err := s.settle(); err != nil {
			return err
		}
	}
	if t.hopeless() {
		s.needReset = t.mail.ok()
		return nil
	}
	for piece := t.head; ; {
		line := "BDAT " + strconv.Itoa(len(piece))
		timeout := chunkTimeout
		if t.body.done {
			line += " LAST"
			timeout = finalTimeout
		}
		last := t.body.done
		s.expect(OpBDAT, timeout, func(r Reply) {
			t.check(OpBDAT, r)
			if last {
				t.final = r
			}
		})
		// Only now, for the reply may come while the piece is still being written.
		s.command(line)
		s.body(piece)
		if last {
			break
		}
		if err := t.settleUnlessPipelining(); err != nil {
			return err
		}
		if t.failed != nil || s.werr != nil || s.objected() {
			return t.abandon()
		}
		var err error
		if piece, err = t.body.fill(s.buf[:0]); err != nil {
			if lost := t.abandon(); lost != nil {
				return lost
			}
			return t.unreadable(err)
		}
	}
	return t.end()
}

// abandon leaves a message without its LAST chunk, which the server then drops.
func (t *transaction) abandon() error {
	t.s.needReset = true
	return t.s.settle()
}

// end sends the last flight of the message and takes its replies.
func (t *transaction) end() error {
	err := t.s.settle()
	t.complete = t.s.werr == nil // the one sign that the end of the message did not leave
	t.s.needReset = t.failed != nil || t.accepted == 0
	return err
}

// data sends the body with DATA.
func (t *transaction) data() error {
	s := t.s
	if t.hopeless() { // known already if the server does not pipeline
		s.needReset = t.mail.ok()
		return nil
	}
	s.command("DATA")
	s.expect(OpDATA, dataTimeout, func(r Reply) { t.final = r })
	if err := s.settle(); err != nil {
		return err
	}
	switch goAhead := t.final.Code == 354; {
	case !goAhead && t.final.Code < 400:
		s.abort() // whatever it means, its replies are out of step with our commands
		return nil
	case !goAhead:
		t.check(OpDATA, t.final)
		s.needReset = true
		return nil
	case t.hopeless():
		// RFC 2920 §3.1: a server that waits for a message nobody is to get must
		// be sent an empty one.
		s.raw([]byte(".\r\n"))
		s.expect(OpDATA, finalTimeout, func(Reply) {})
		s.needReset = true
		return s.settle()
	}
	s.expect(OpDATA, finalTimeout, func(r Reply) {
		t.check(OpDATA, r)
		t.final = r
	})
	var stuffing dots
	var stuffed []byte
	for piece := t.head; ; {
		stuffed = stuffing.append(stuffed[:0], piece)
		s.body(stuffed)
		if t.body.done || s.werr != nil || s.answered() {
			break
		}
		var err error
		if piece, err = t.body.fill(s.buf[:0]); err != nil {
			s.abort() // the one way to leave DATA without sending half a message as a whole one
			return t.unreadable(err)
		}
	}
	if s.answered() { // already, so a dot would make a message of what it did not want
		err := s.settle()
		s.abort()
		return err
	}
	s.raw([]byte(".\r\n"))
	return t.end()
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
	return nil
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
