package sandbox

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"strings"
)

// submit decides on a message that is complete, and answers. The transaction
// is over either way.
func (s *smtpSession) submit() {
	txn := s.txn
	s.txn = transaction{}
	if s.x.crowded(s) {
		s.conclude(replyCrowded)
		return
	}
	message := txn.data.Bytes()
	h, ok := parseHeader(message)
	if s.x.google {
		txn.from, message = s.x.asGoogleSends(s.user, txn.from, message, h, ok)
	} else if !ok {
		s.conclude(replyCorrupt)
		return
	} else if address, ok := s.x.maySend(s.identity, txn.from, h); !ok {
		s.conclude(sendAsDenied(s.user, address))
		return
	}
	if refusal := s.refused(atEnd); refusal != "" {
		s.conclude(strings.ReplaceAll(refusal, "{to}", printable(strings.Join(txn.to, ", "))))
		return
	}
	s.x.pace(s.mailbox)
	id, reply := s.accepted()
	s.x.tenant.Deliver(Message{
		ReceivedAt: s.x.options().Now(),
		Over:       "smtp",
		App:        s.app,
		User:       s.user,
		From:       txn.from,
		To:         txn.to,
		MessageID:  h.messageID,
		ExchangeID: id,
		Subject:    h.subject,
		Size:       len(message),
		Turns:      s.wire.takeTurns(),
		Session:    s.number,
		First:      s.sent == 0,
		Data:       message,
	})
	s.sent++
	s.conclude(reply)
}

// accepted returns a new ID of the provider for a message, and the reply that
// tells the client of it. Google's has the time and the session only.
func (s *smtpSession) accepted() (id, reply string) {
	if s.x.google {
		return s.id, fmt.Sprintf("250 2.0.0 OK  %d", s.x.options().Now().Unix())
	}
	host := s.x.front.mailbox
	machine, _, _ := strings.Cut(host, ".")
	id = fmt.Sprintf("<%s%s@%s>", machine, randomHex(12), host)
	return id, "250 2.0.0 OK " + id
}

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

// maySend tells whether id may send a message with this envelope sender and
// header, and if not, which address is the first it may not use.
//
// The sender's addresses are its own or those of mailboxes that granted it
// Send As. From, and the envelope as it usually repeats From, may also be a
// mailbox that granted Send on Behalf: Exchange then shows the user as Sender,
// which the message may do itself. (That over SMTP is unverified on a live
// tenant, and what is stored here stays as it was sent.)
//
// An app sends as the mailbox that it signed in to: what that was granted
// counts, and what the app's service principal was granted does not. For it
// only Send As will do.
func (x *exchange) maySend(id identity, envelope string, h header) (refused string, ok bool) {
	x.tenant.enforced(func(t *Tenant) {
		for _, address := range append(h.from, envelope) {
			if address != "" && !granted(t, id.user, address, id.app == "") {
				refused = address
				return
			}
		}
		for _, address := range h.sender {
			if !granted(t, id.user, address, false) {
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
	if owns(t, user, address) {
		return true
	}
	mailbox := t.mailbox(address)
	return mailbox != nil && (contains(mailbox.SendAs, user) || onBehalf && contains(mailbox.SendOnBehalf, user))
}

// owns tells whether address is the user's own or an alias.
func owns(t *Tenant, user, address string) bool {
	if strings.EqualFold(user, address) {
		return true
	}
	if account := t.user(user); account != nil && contains(account.Proxies, address) {
		return true
	}
	mailbox := t.mailbox(address)
	return mailbox != nil && mailbox == t.mailbox(user)
}
