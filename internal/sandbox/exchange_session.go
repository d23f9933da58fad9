package sandbox

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const (
	// commandLimit is the longest command but AUTH, in octets with its CRLF:
	// more than RFC 5321's 512, to have room for parameters.
	commandLimit = 4096
	// lineLimit is the longest line looked at; the rest of a longer one is
	// read and dropped.
	lineLimit = 64 << 10
)

// An smtpSession is one connection of a client, served by one goroutine.
type smtpSession struct {
	x      *exchange
	number int    // among all sessions of the server, from 1
	id     string // in the banner and in refusals

	wire *wire
	conn net.Conn // wire, or TLS over it
	r    *bufio.Reader
	w    *bufio.Writer

	secure  bool // TLS is on
	greeted bool // EHLO or HELO was accepted, on this side of STARTTLS
	identity
	refusal string // of the latest AUTH, which Exchange's MAIL repeats
	over    bool   // a 421 was said, after which there is nothing
	inChunk bool   // the octets of a BDAT are being read
	sent    int    // messages accepted
	txn     transaction
}

func newSMTPSession(x *exchange, conn net.Conn, number int) *smtpSession {
	s := &smtpSession{
		x:      x,
		number: number,
		id:     "08DE" + randomHex(6),
		wire:   newWire(conn, x.options().RTT),
	}
	if x.google {
		s.id = googleID(number)
	}
	s.use(s.wire)
	return s
}

// use makes conn what the session talks over. Nothing that was buffered from
// the connection before is carried over.
func (s *smtpSession) use(conn net.Conn) {
	s.conn = conn
	s.r = bufio.NewReaderSize(input{s}, lineLimit)
	s.w = bufio.NewWriter(conn)
}

// input is where the session's reader gets more from. That happens only when
// no input is at hand, and that is when pipelined replies go out (RFC 2920
// section 3.2).
type input struct{ s *smtpSession }

func (in input) Read(p []byte) (int, error) {
	s := in.s
	if err := s.w.Flush(); err != nil {
		return 0, err
	}
	s.wire.midway = s.inChunk || s.r.Buffered() > 0
	return s.conn.Read(p)
}

// serve talks until QUIT, a 421, an error of the connection, or Close. With
// implicitTLS it waits for the client's handshake first.
func (s *smtpSession) serve(implicitTLS bool) {
	defer s.close()
	if o := s.x.options(); o.Silent || o.Reset {
		s.keepShut(o.Reset)
		return
	}
	if implicitTLS && s.handshake() != nil {
		return
	}
	if s.x.full() {
		s.say(replyUnavailable)
		return
	}
	s.reply(s.banner())
	for !s.over {
		if err := s.command(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				s.say(replyTimedOut)
			}
			return
		}
	}
}

func (s *smtpSession) banner() string {
	if s.x.google {
		return fmt.Sprintf("220 %s ESMTP %s - gsmtp", s.x.front.host, s.id)
	}
	return fmt.Sprintf("220 %s Microsoft ESMTP MAIL Service ready at %s [%s]",
		s.x.front.host, s.x.options().Now().UTC().Format(time.RFC1123Z), s.id)
}

func (s *smtpSession) close() {
	if s.user != "" {
		s.x.signOut(s)
	}
	s.w.Flush()
	s.conn.Close()
}

// Reasons to end a session, beside errors of the connection.
var (
	errQuit       = errors.New("the client quit")
	errPlaintext  = errors.New("plaintext after STARTTLS")
	errLineLength = errors.New("line too long")
)

// command reads one command and answers it. An error ends the session.
func (s *smtpSession) command() error {
	line, err := s.readLine()
	if errors.Is(err, errLineLength) {
		s.refuse(replyLongLine)
		return nil
	}
	if err != nil {
		return err
	}
	verb, arg, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	limit := commandLimit
	if verb == "AUTH" {
		limit = s.x.options().AuthLineLimit
	}
	switch {
	case len(line)+len("\r\n") > limit:
		s.refuse(replyLongLine)
		return nil
	case strings.ContainsAny(line, "\r\n\x00"), // a bare CR or LF ends nothing
		verb == "BDAT" && s.x.options().NoChunking,
		verb == "STARTTLS" && s.x.options().NoStartTLS:
		verb = ""
	}
	switch verb {
	case "EHLO", "HELO":
		s.hello(verb, arg)
	case "STARTTLS":
		return s.startTLS()
	case "AUTH":
		return s.auth(arg)
	case "MAIL":
		s.mail(arg)
	case "RCPT":
		s.rcpt(arg)
	case "DATA":
		return s.data()
	case "BDAT":
		return s.bdat(arg)
	case "RSET":
		s.txn = transaction{}
		s.say(replyReset)
	case "NOOP":
		s.say(replyOK)
	case "VRFY":
		s.say(replyNoVerify)
	case "QUIT":
		s.say(replyClosing)
		return errQuit
	default:
		word, _, _ := strings.Cut(line, " ")
		s.refuse(fmt.Sprintf(replyUnrecognized, printable(word)))
	}
	return nil
}

// readLine returns the next line without its CRLF; a bare LF does not end it.
// It returns errLineLength, having read all of the line, when that is longer
// than lineLimit.
func (s *smtpSession) readLine() (string, error) {
	var line []byte
	long := false
	for !bytes.HasSuffix(line, []byte("\r\n")) {
		piece, err := s.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		line = append(line, piece...)
		if len(line) > lineLimit {
			long = true
			line = line[len(line)-2:] // its end, or the CR of it
		}
	}
	if long {
		return "", errLineLength
	}
	return string(line[:len(line)-2]), nil
}

// reply puts a reply in the buffer, after the tarpit when it is a 5xx. Errors
// of the connection show at the next read.
func (s *smtpSession) reply(text string) {
	if s.x.options().Tarpit > 0 && text[0] == '5' {
		s.x.wait(s.x.options().Tarpit)
	}
	s.over = s.over || strings.HasPrefix(text, "421")
	s.w.WriteString(text + "\r\n")
}

// say replies with one of Exchange's texts, or what the provider says instead.
func (s *smtpSession) say(text string) {
	if s.x.google {
		text = inGooglesWords(text, s.id)
	}
	s.reply(text)
}

// refuse says text and what support will ask for.
func (s *smtpSession) refuse(text string) {
	if !s.x.google {
		now := s.x.options().Now().UTC().Format("2006-01-02T15:04:05.000Z")
		text = fmt.Sprintf("%s [%s %s %s]", text, s.x.front.host, now, s.id)
	}
	s.say(text)
}

// conclude says text, which is about a whole message, and whose server says so.
func (s *smtpSession) conclude(text string) {
	if !s.x.google {
		text += " [Hostname=" + s.x.front.mailbox + "]"
	}
	s.say(text)
}

func (s *smtpSession) hello(verb, name string) {
	if !validDomain(name, false) {
		s.refuse(replyBadDomain)
		return
	}
	s.greeted = true
	s.txn = transaction{}
	client, _, err := net.SplitHostPort(s.conn.RemoteAddr().String())
	if err != nil {
		client = "unknown"
	}
	greeting := "%s Hello [%s]"
	if s.x.google {
		greeting = "%s at your service, [%s]"
	}
	lines := []string{fmt.Sprintf(greeting, s.x.front.host, client)}
	if verb == "EHLO" {
		lines = append(lines, s.extensions()...)
	}
	for _, line := range lines[:len(lines)-1] {
		s.reply("250-" + line)
	}
	s.reply("250 " + lines[len(lines)-1])
}

func (s *smtpSession) extensions() []string {
	o := s.x.options()
	var list []string
	offer := func(name string, offered bool) {
		if offered {
			list = append(list, name)
		}
	}
	if s.x.google {
		s.googleExtensions(offer)
		return list
	}
	offer(fmt.Sprint("SIZE ", o.SizeLimit), true)
	offer("PIPELINING", !o.NoPipelining)
	offer("DSN", true)
	offer("ENHANCEDSTATUSCODES", true)
	offer("STARTTLS", !s.secure && !o.NoStartTLS)
	offer("AUTH "+s.x.front.mechanisms, s.secure)
	offer("8BITMIME", !o.No8BitMIME)
	offer("BINARYMIME", !o.No8BitMIME)
	offer("CHUNKING", !o.NoChunking)
	offer("SMTPUTF8", !o.No8BitMIME)
	return list
}

// startTLS answers STARTTLS and shakes hands. Commands that were pipelined
// behind it came from someone in the middle, or are the client's own mistake:
// they are neither obeyed nor kept (RFC 3207 section 4.2).
func (s *smtpSession) startTLS() error {
	switch {
	case !s.greeted:
		s.refuse(replyNeedHello)
		return nil
	case s.secure:
		s.refuse(replyBadSequence)
		return nil
	case s.r.Buffered() > 0:
		s.refuse(replyBadSequence)
		return errPlaintext
	}
	s.say(replyTLSReady)
	if err := s.w.Flush(); err != nil {
		return err
	}
	return s.handshake()
}

// handshake waits for the client to begin TLS, and goes on within it.
func (s *smtpSession) handshake() error {
	s.wire.midway = false
	conn := tls.Server(s.wire, s.x.tlsConfig())
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	s.use(conn)
	s.secure, s.greeted = true, false
	return nil
}
