package relay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
)

// A command line may have 12,288 octets, for AUTH (RFC 4954 §4).
const maxCommand = 12288

// wire stands between a connection, TLS included, and go-smtp, to which it is
// the connection. It hands over one command at a time, so that it always knows
// what the next octets are, and
//
//   - bounds commands, not the lines of a message: go-smtp has one limit for
//     both, and devices write long lines of HTML;
//   - ends a message at CRLF.CRLF only, and keeps every octet: go-smtp misses
//     the end after CR CR LF and drops a dot before a bare CR;
//   - keeps STARTTLS away from go-smtp, which would read beyond the wire
//     afterwards, and refuses commands sent along with it in the clear;
//   - ends the session after a BDAT it cannot read: where its chunk would end
//     and commands begin is not known;
//   - ends it after a message in chunks that was broken off: go-smtp may give the
//     result of that one to the next;
//   - ends it when go-smtp closes it, whatever commands came along, and after
//     more commands without a message than any client has use for;
//   - sends a reply of several lines at once, not in a packet each;
//   - corrects the replies for which go-smtp has another code than the RFC, and
//     says why the relay closes a connection.
//
// One goroutine reads; go-smtp writes from the same one.
type wire struct {
	net.Conn
	r        *bufio.Reader // nil while the client is waited for
	early    []byte        // what came after that wait, for r
	room     [512]byte     // of early
	stopping func() bool
	crowded  func() bool // the connection has to make room for another
	// busy is true from MAIL to the end of the transaction.
	busy atomic.Bool

	// idle counts the commands since the last message was taken; beyond most of
	// them the session ends.
	idle atomic.Int32
	most int

	maxSize   int64 // told with SIZE; go-smtp would refuse a message of exactly its limit
	offerTLS  bool  // intercept STARTTLS
	upgrade   bool  // STARTTLS was sent: go-smtp's part is over, the connection is not
	muted     bool  // swallow the greeting, which was sent before STARTTLS
	hangUp    bool  // read no more after the reply
	lastReply string
	held      []byte // lines of a reply of which more follow
	line      []byte // what of a command is still to be read
	chunk     int64  // octets of a BDAT chunk that follow line
	bdat      bool   // the last command was BDAT
	more      bool   // and not the last of its message
	chunked   bool   // a message in chunks has begun and not ended
	// unfinished is what to say of a chunk that could not be read to its end,
	// which go-smtp tells as a failure for good, with the system's error.
	unfinished string
	farewell   string // to be told at the next command
	data       *dataReader

	closing sync.Once
	closed  chan struct{}
}

func newWire(c net.Conn, stopping func() bool) *wire {
	return &wire{Conn: c, stopping: stopping, closed: make(chan struct{})}
}

func (w *wire) Read(p []byte) (int, error) {
	for {
		switch {
		case len(w.line) > 0:
			n := copy(p, w.line)
			w.line = w.line[n:]
			return n, nil
		case w.chunk > 0:
			n, err := w.r.Read(p[:min(int64(len(p)), w.chunk)])
			w.chunk -= int64(n)
			return n, w.cutOff(err)
		case w.data != nil:
			n, err := w.data.Read(p)
			if err != io.EOF {
				return n, w.cutOff(err)
			}
			w.data = nil
		case w.lastReply == "354":
			w.lastReply = ""
			w.data = newDataReader(w.r)
		default:
			if err := w.nextCommand(); err != nil {
				return 0, err
			}
		}
	}
}

// cutOff ends the session after a message that could not be read to its end.
// go-smtp would take what still comes of it for commands.
func (w *wire) cutOff(err error) error {
	if err == nil {
		return nil
	}
	w.hangUp, w.data, w.chunk = true, nil, 0
	w.unfinished = "421 4.4.2 the message did not come to its end; send it again"
	if w.crowded() {
		w.unfinished = errCrowded
	}
	return unexpected(err)
}

const errCrowded = "421 4.7.0 too many connections, and this one was of no use for too long; try again later"

// nextCommand reads a line into w.line. It returns io.EOF when the session is
// over, having told the client why.
func (w *wire) nextCommand() error {
	if w.hangUp || w.upgrade {
		return io.EOF
	}
	if w.stopping() && !w.busy.Load() {
		return w.bye("421 4.3.2 the relay is closing; try again later")
	}
	if w.farewell != "" {
		return w.bye(w.farewell)
	}
	if int(w.idle.Load()) > w.most {
		return w.bye("421 4.7.0 too many commands without a message; connect anew for the next one")
	}
	if w.bdat {
		w.chunked = w.more && w.lastReply == "250"
		w.bdat = false
	}
	var err error
	if w.line, err = w.readLine(); err != nil {
		var timeout net.Error
		switch {
		case errors.Is(err, errLongLine):
			return w.bye("500 5.5.2 the line is too long")
		case w.stopping():
			return w.bye("421 4.3.2 the relay is closing; try again later")
		case w.crowded():
			return w.bye(errCrowded)
		case errors.As(err, &timeout) && timeout.Timeout():
			return w.bye("421 4.4.2 no command for too long")
		}
		return io.EOF
	}
	if w.lastReply == "334" { // not a command, but the answer to a challenge
		return nil
	}
	// What does not start at the start of the line go-smtp takes for no command.
	command := strings.ToUpper(strings.TrimRightFunc(string(w.line), unicode.IsSpace))
	if !strings.HasPrefix(command, "BDAT") {
		w.idle.Add(1) // a large message may come in as many chunks as it likes
	}
	switch {
	case isRequest(command):
		return w.bye("554 5.5.1 this is a mail server: no web page may send through it")
	case strings.HasPrefix(command, "STARTTLS") && w.offerTLS:
		w.line = nil
		if w.r.Buffered() > 0 {
			return w.bye("501 5.5.2 nothing may follow STARTTLS before its reply")
		}
		w.upgrade = true
		return io.EOF
	case strings.HasPrefix(command, "MAIL"):
		w.line = clampSize(onePath(w.line))
	case strings.HasPrefix(command, "RCPT"):
		w.line = onePath(w.line)
	case w.chunked && resets(command):
		w.farewell = "421 4.3.0 the message was broken off; connect anew for the next one"
	case strings.HasPrefix(command, "BDAT"):
		w.bdat, w.more = true, !strings.HasSuffix(command, "LAST")
		if w.chunk, w.hangUp = chunkSize(command); w.hangUp {
			w.chunk = 0
		}
	}
	return nil
}

// isRequest reports whether a command is a request of HTTP. A web page can make
// a browser send one to any port of this machine, with commands of SMTP in its
// body, where a client may be known by the address alone.
func isRequest(command string) bool {
	words := strings.Fields(command)
	return len(words) > 1 && strings.HasPrefix(words[len(words)-1], "HTTP/")
}

// resets reports whether go-smtp forgets the transaction at a command.
func resets(command string) bool {
	verb, _, _ := strings.Cut(command, " ")
	return verb == "RSET" || verb == "HELO" || verb == "EHLO"
}

// chunkSize reads a BDAT command (RFC 3030 §2) as go-smtp does.
func chunkSize(command string) (size int64, broken bool) {
	args := strings.Fields(strings.TrimPrefix(command, "BDAT"))
	if !strings.HasPrefix(command, "BDAT ") || len(args) < 1 || len(args) > 2 || len(args) == 2 && args[1] != "LAST" {
		return 0, true
	}
	n, err := strconv.ParseUint(args[0], 10, 32)
	return int64(n), err != nil
}

// bye tells the client why the session ends.
func (w *wire) bye(reply string) error {
	w.hangUp = true
	w.line = nil
	_, _ = w.Conn.Write([]byte(reply + "\r\n")) // the session is over either way
	return io.EOF
}

// corrections are go-smtp's replies that a client would misread: a 5xx for
// broken base64 stops a device from trying for ever (RFC 4954 §4), and 503
// stands for commands out of order (RFC 5321 §4.2.3).
var corrections = strings.NewReplacer(
	"454 4.7.0 Invalid base64 data", "501 5.5.2 the base64 cannot be read",
	"502 5.5.1 Please introduce", "503 5.5.1 Please introduce",
	"502 5.5.1 Missing", "503 5.5.1 Missing",
	"523 5.7.10 TLS is required", "538 5.7.11 a password needs TLS here",
)

// Write takes one line, and sends the reply when that was its last.
func (w *wire) Write(p []byte) (int, error) {
	if w.muted {
		w.muted = false
		return len(p), nil
	}
	w.lastReply = string(p[:min(3, len(p))])
	reply := readable(p)
	if bytes.HasSuffix(reply, []byte("SIZE\r\n")) && w.lastReply == "250" {
		reply = fmt.Appendf(nil, "%s %d\r\n", bytes.TrimSpace(reply), w.maxSize)
	}
	if w.lastReply >= "4" {
		reply = []byte(corrections.Replace(string(reply)))
		if w.unfinished != "" && bytes.HasPrefix(reply, []byte("554 5.0.0 Error: transaction failed")) {
			reply = []byte(w.unfinished + "\r\n")
		}
		if bytes.HasPrefix(reply, []byte("421 ")) {
			w.hangUp = true
		}
	}
	if w.held = append(w.held, reply...); len(reply) > 3 && reply[3] == '-' {
		return len(p), nil
	}
	_, err := w.Conn.Write(w.held)
	w.held = w.held[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// readable returns a line without the control characters of a client's that
// go-smtp repeats in it.
func readable(line []byte) []byte {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.IndexFunc(text, control) < 0 {
		return line
	}
	return append(bytes.Map(func(r rune) rune {
		if control(r) {
			return '?'
		}
		return r
	}, text), "\r\n"...)
}

// Close leaves the connection open for the TLS that follows STARTTLS. Commands
// that were read already are dropped otherwise.
func (w *wire) Close() error {
	defer w.closing.Do(func() { close(w.closed) })
	if w.upgrade {
		return nil
	}
	w.hangUp = true
	return w.Conn.Close()
}
