package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A transaction is what MAIL begins and RSET, or the end of the message, ends.
type transaction struct {
	open    bool // MAIL was accepted
	from    string
	to      []string
	utf8    bool // SMTPUTF8: addresses may have any letters
	binary  bool // BODY=BINARYMIME, which DATA cannot carry
	chunked bool // a BDAT was accepted
	data    bytes.Buffer
}

// mail answers MAIL. Whether the user may send from this address is asked
// only once the message is there, as Exchange does.
func (s *smtpSession) mail(arg string) {
	switch {
	case !s.greeted:
		s.refuse(replyNeedHello)
		return
	case !s.secure:
		s.refuse(replyNeedTLS)
		return
	case s.user == "":
		text := replyNeedAuth
		if s.refusal != "" && !s.x.google {
			text += " Error: " + s.refusal
		}
		s.refuse(text)
		return
	case s.txn.open:
		s.refuse(replyHasSender)
		return
	}
	from, params, ok := parsePath(arg, "FROM:")
	if !ok {
		s.refuse(replyBadSender)
		return
	}
	txn := transaction{open: true, from: from}
	if refusal := s.mailParams(&txn, params); refusal != "" {
		s.refuse(refusal)
		return
	}
	if from != "" && !validAddress(from, txn.utf8) {
		s.refuse(replyBadSender)
		return
	}
	if refusal := s.refused(atMail); refusal != "" {
		s.refuse(refusal)
		return
	}
	s.txn = txn
	s.say(replySenderOK)
}

// mailParams applies MAIL's parameters to txn, or returns the refusal of one.
func (s *smtpSession) mailParams(txn *transaction, params []param) (refusal string) {
	o := s.x.options()
	for _, p := range params {
		value := strings.ToUpper(p.value)
		var known bool
		switch p.key {
		case "SIZE": // RFC 1870
			size, err := strconv.ParseUint(value, 10, 63)
			if errors.Is(err, strconv.ErrRange) || err == nil && int64(size) > o.SizeLimit {
				return replyTooLarge
			}
			known = err == nil
		case "BODY": // RFC 6152, RFC 3030
			txn.binary = value == "BINARYMIME" && !s.x.google
			known = !o.No8BitMIME && (value == "7BIT" || value == "8BITMIME" || txn.binary)
		case "SMTPUTF8": // RFC 6531
			txn.utf8 = true
			known = !o.No8BitMIME && !p.hasValue
		case "RET": // RFC 3461
			known = !s.x.google && (value == "FULL" || value == "HDRS")
		case "ENVID": // RFC 3461
			known = !s.x.google && value != ""
		case "AUTH": // RFC 4954
			known = value != ""
		}
		if !known {
			return replyBadParameter
		}
	}
	return ""
}

// rcpt answers RCPT. Exchange takes any recipient here; a bounce tells of
// those that do not exist.
func (s *smtpSession) rcpt(arg string) {
	switch {
	case !s.txn.open:
		s.refuse(replyNeedMail)
		return
	case s.txn.chunked:
		s.refuse(replyBadSequence)
		return
	}
	to, params, ok := parsePath(arg, "TO:")
	if !ok || !validAddress(to, s.txn.utf8) {
		s.refuse(replyBadRecipient)
		return
	}
	for _, p := range params {
		if s.x.google || !validRcptParam(p) {
			s.refuse(replyBadParameter)
			return
		}
	}
	if len(s.txn.to) >= s.x.options().RecipientLimit {
		s.refuse(replyRecipLimit)
		return
	}
	s.txn.to = append(s.txn.to, to)
	s.say(replyRecipientOK)
}

// validRcptParam accepts the parameters of DSN (RFC 3461 section 4).
func validRcptParam(p param) bool {
	switch p.key {
	case "ORCPT":
		kind, address, _ := strings.Cut(p.value, ";")
		return kind != "" && address != ""
	case "NOTIFY":
		events := strings.Split(strings.ToUpper(p.value), ",")
		if slices.Contains(events, "NEVER") {
			return len(events) == 1
		}
		return !slices.ContainsFunc(events, func(event string) bool {
			return event != "SUCCESS" && event != "FAILURE" && event != "DELAY"
		})
	}
	return false
}

// misplaced returns the refusal of message content that nobody is to get, or "".
func (s *smtpSession) misplaced() string {
	switch {
	case !s.txn.open:
		return replyNeedMail
	case len(s.txn.to) == 0:
		return replyNeedRcpt
	}
	return ""
}

// data answers DATA and what follows it. An error ends the session.
func (s *smtpSession) data() error {
	refusal := s.misplaced()
	if refusal == "" && (s.txn.chunked || s.txn.binary) { // RFC 3030 section 2
		refusal = replyBadSequence
	}
	if refusal != "" {
		s.refuse(refusal)
		return nil
	}
	s.say(replyStartMail)
	size, err := readDotted(&s.txn.data, s.r, s.x.options().SizeLimit)
	if err != nil {
		return err
	}
	if size > s.x.options().SizeLimit {
		s.txn = transaction{}
		s.refuse(replyTooLarge)
		return nil
	}
	s.submit()
	return nil
}

// readDotted reads up to the line with a lone dot (RFC 5321 section 4.5.2),
// takes away the dots that were stuffed, and writes the first limit octets of
// the rest. It returns how many octets there were. Only CRLF ends a line:
// a dot between bare LFs is content, or else a message could smuggle another.
func readDotted(w *bytes.Buffer, r *bufio.Reader, limit int64) (size int64, err error) {
	lineStart := true
	var last byte // of the piece before
	for {
		piece, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return size, err
		}
		if lineStart && piece[0] == '.' {
			if string(piece) == ".\r\n" {
				return size, nil
			}
			piece = piece[1:]
		}
		lineStart = bytes.HasSuffix(piece, []byte("\r\n")) || last == '\r' && string(piece) == "\n"
		if len(piece) > 0 {
			last = piece[len(piece)-1]
		}
		if size += int64(len(piece)); size <= limit {
			w.Write(piece)
		}
	}
}

// bdat answers BDAT (RFC 3030) and takes its octets, wanted or not: they are
// on their way before the client can know. An error ends the session.
func (s *smtpSession) bdat(arg string) error {
	count, last, _ := strings.Cut(arg, " ")
	n, err := strconv.ParseUint(count, 10, 63)
	if err != nil || last != "" && !strings.EqualFold(last, "LAST") {
		s.refuse(replyBadParameter)
		return nil
	}
	refusal := s.misplaced()
	if refusal == "" && int64(n) > s.x.options().SizeLimit-int64(s.txn.data.Len()) {
		refusal = replyTooLarge
	}
	var w io.Writer = &s.txn.data
	if refusal != "" {
		w = io.Discard
	}
	s.inChunk = true
	_, err = io.CopyN(w, s.r, int64(n))
	s.inChunk = false
	switch {
	case err != nil:
		return err
	case refusal != "":
		// The chunks to come are refused too: the message has a hole.
		s.txn = transaction{}
		s.refuse(refusal)
	case last != "":
		s.submit()
	default:
		s.txn.chunked = true
		s.say(fmt.Sprintf(replyOctets, n))
	}
	return nil
}
