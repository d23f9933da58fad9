package sandbox

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"slices"
	"strings"
)

// submit decides on a message that is complete, and answers. The transaction
// is over either way.
func (s *smtpSession) submit() {
	txn := s.txn
	s.txn = transaction{}
	if s.x.crowded(s) {
		s.reply(replyCrowded + hostname)
		return
	}
	h, ok := parseHeader(txn.data.Bytes())
	if !ok {
		s.reply(replyCorrupt + hostname)
		return
	}
	if address, ok := s.x.maySend(s.user, txn.from, h); !ok {
		s.reply(sendAsDenied(s.user, address) + hostname)
		return
	}
	if refusal := s.refused(atEnd); refusal != "" {
		s.reply(refusal + hostname)
		return
	}
	s.x.pace(s.user)
	id := fmt.Sprintf("<%s%s@%s>", strings.SplitN(mailboxHost, ".", 2)[0], randomHex(12), mailboxHost)
	s.x.tenant.Deliver(Message{
		ReceivedAt: s.x.o.Now(),
		User:       s.user,
		From:       txn.from,
		To:         txn.to,
		MessageID:  h.messageID,
		ExchangeID: id,
		Subject:    h.subject,
		Size:       txn.data.Len(),
		Turns:      s.wire.takeTurns(),
		Session:    s.number,
		First:      s.sent == 0,
		Data:       txn.data.Bytes(),
	})
	s.sent++
	s.reply("250 2.0.0 OK " + id + hostname)
}

// hostname is what ends a reply that the mailbox server gave.
const hostname = " [Hostname=" + mailboxHost + "]"

// header holds what Exchange wants to know of a message's header.
type header struct {
	from, sender       []string // addresses
	messageID, subject string
}

// parseHeader reads a message's header, which is over at the first line that
// cannot be part of one. It fails only if it names senders, but not so that
// they can be read.
func parseHeader(message []byte) (h header, ok bool) {
	parsed, err := mail.ReadMessage(bytes.NewReader(headerLines(message)))
	if err != nil {
		return header{}, false
	}
	addresses := func(field string) (list []string) {
		for _, value := range parsed.Header[field] {
			parsed, err := mail.ParseAddressList(value)
			if err != nil {
				ok = false
			}
			for _, address := range parsed {
				list = append(list, address.Address)
			}
		}
		return list
	}
	ok = true
	h.from, h.sender = addresses("From"), addresses("Sender")
	h.messageID = parsed.Header.Get("Message-Id")
	h.subject = parsed.Header.Get("Subject")
	if decoded, err := new(mime.WordDecoder).DecodeHeader(h.subject); err == nil {
		h.subject = decoded
	}
	return h, ok
}

// headerLines returns the lines of a message that are header fields, and an
// empty line.
func headerLines(message []byte) []byte {
	var lines []byte
	for line := range bytes.Lines(message) {
		name, _, isField := bytes.Cut(line, []byte(":"))
		isField = isField && len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
		isMore := len(lines) > 0 && (line[0] == ' ' || line[0] == '\t')
		if !isField && !isMore {
			break
		}
		lines = append(lines, line...)
	}
	return append(lines, "\r\n\r\n"...)
}

// maySend tells whether user may send a message with this envelope sender and
// header, and if not, which address is the first it may not use.
//
// The sender's addresses are its own or those of mailboxes that granted it
// Send As. From, and the envelope as it usually repeats From, may also be a
// mailbox that granted Send on Behalf: Exchange then shows the user as Sender,
// which the message may do itself. (That over SMTP is unverified on a live
// tenant, and what is stored here stays as it was sent.)
func (x *exchange) maySend(user, envelope string, h header) (refused string, ok bool) {
	x.tenant.View(func(t *Tenant) {
		for _, address := range append(h.from, envelope) {
			if address != "" && !granted(t, user, address, true) {
				refused = address
				return
			}
		}
		for _, address := range h.sender {
			if !granted(t, user, address, false) {
				refused = address
				return
			}
		}
	})
	return refused, refused == ""
}

// granted tells whether address is the user's own, or of a mailbox that
// granted the user Send As or, if that will do, Send on Behalf.
func granted(t *Tenant, user, address string, onBehalf bool) bool {
	is := func(name string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(name, other) }
	}
	if account := t.user(user); account != nil &&
		(is(user)(address) || slices.ContainsFunc(account.Proxies, is(address))) {
		return true
	}
	mailbox := t.mailbox(address)
	return mailbox != nil && (mailbox == t.mailbox(user) ||
		slices.ContainsFunc(mailbox.SendAs, is(user)) ||
		onBehalf && slices.ContainsFunc(mailbox.SendOnBehalf, is(user)))
}
