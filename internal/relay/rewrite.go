package relay

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"io"
	"mime"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// maxReceived is the number of Received fields that tells a loop.
const maxReceived = 50

var errLoop = refuse(554, [3]int{5, 4, 6}, "the message goes round in a loop: it has passed too many servers")

// A rewriting is all that the header of one message depends on.
type rewriting struct {
	account *Account
	client  *Client
	origin
	now time.Time
}

// apply changes a header as the account's policy and RFC 5322 want it, and
// fills in what m says of the message.
func (rw rewriting) apply(h *header, m *Message) error {
	if h.count("received") > maxReceived {
		return errLoop
	}
	h.remove("bcc", "resent-bcc", "return-path")
	if err := rw.from(h, m); err != nil {
		return err
	}
	if h.count("date") == 0 {
		h.set("Date", rw.now.Format(time.RFC1123Z))
	}
	m.MessageID = h.get("message-id")
	if m.MessageID == "" {
		m.MessageID = rw.newMessageID()
		h.set("Message-ID", m.MessageID)
	}
	m.Subject = decodeWords(h.get("subject"))
	if rw.received != "" {
		*h = append(header{newField("Received", rw.received)}, *h...)
	}
	return nil
}

// from applies the policy to From, Reply-To and Sender.
func (rw rewriting) from(h *header, m *Message) error {
	authors, former := rw.authors(h)
	own := rw.account.Sender
	if rw.account.From == Force || rw.account.From == Rewrite {
		rw.replaceFrom(h, authors, former)
		if m.From != "" {
			m.From = quoteLocal(own)
		}
		return nil
	}
	if former != "" {
		// A server refuses it as it is, so that keeping it helps nobody.
		if !rw.client.maySend(own) {
			return refuse(550, [3]int{5, 7, 1}, "the From field cannot be read, and this client may send from some addresses only")
		}
		rw.replaceFrom(h, nil, former)
		return nil
	}
	if len(authors) == 0 {
		sender := unquoteLocal(m.From)
		or(&sender, own)
		h.set("From", (&mail.Address{Address: sender}).String())
		authors = []*mail.Address{{Address: sender}}
	}
	for _, a := range authors {
		if !rw.client.maySend(a.Address) {
			return refuse(550, [3]int{5, 7, 1}, "the client may not send as %s, which is in From", printable(a.Address))
		}
	}
	rw.setSender(h, authors)
	return nil
}

// Rewrite applies the account's policy to a header, as to that of a message that comes
// over SMTP with the envelope sender from. It returns the envelope sender that the
// message goes out with, and the header with CRLF and without the empty line after
// it, or nil when there is nothing to change. Whatever follows the header is dropped.
func (a *Account) Rewrite(raw io.Reader, from string) (rewritten []byte, sender string, err error) {
	h, _, err := readHeader(bufio.NewReader(&crlfReader{r: raw}), nil)
	if err != nil {
		return nil, "", err
	}
	before, m := h.bytes(), Message{From: from}
	if err := (rewriting{account: a, client: &Client{Name: CommandClient}}).from(&h, &m); err != nil {
		return nil, "", err
	}
	after := h.bytes()
	if bytes.Equal(before, after) {
		return nil, m.From, nil
	}
	return bytes.TrimSuffix(after, []byte("\r\n")), m.From, nil
}

// authors returns the mailboxes of all From fields, and the text of the first
// that has none or cannot be read, such as "root (Cron Daemon)".
func (rw rewriting) authors(h *header) (authors []*mail.Address, unreadable string) {
	for _, v := range h.values("from") {
		if v == "" {
			continue
		}
		list, err := mail.ParseAddressList(v)
		if err != nil || len(list) == 0 {
			or(&unreadable, v)
		}
		authors = append(authors, list...)
	}
	return authors, unreadable
}

// replaceFrom puts the account's sender in the place of the authors, with the
// display name of the only one, or with the text that could not be read.
func (rw rewriting) replaceFrom(h *header, authors []*mail.Address, unreadable string) {
	own := mail.Address{Address: rw.account.Sender}
	var original []string
	for _, a := range authors {
		if !strings.EqualFold(a.Address, own.Address) {
			original = append(original, a.String())
		}
	}
	// An address in the display name makes Exchange refuse the sender.
	if unreadable != "" {
		own.Name = displayName(unreadable)
	} else if len(authors) == 1 && !strings.Contains(authors[0].Name, "@") {
		own.Name = authors[0].Name
	}
	h.set("From", own.String())
	h.remove("sender")
	rw.setSender(h, []*mail.Address{&own})
	if rw.account.From == Rewrite && len(original) > 0 && h.count("reply-to") == 0 {
		h.set("Reply-To", strings.Join(original, ", "))
	}
}

// displayName makes a name of what should have been an address: no address in
// it, and short enough for one line however it is encoded.
func displayName(text string) string {
	text = printable(strings.ToValidUTF8(decodeWords(text), "?"))
	text = strings.NewReplacer("@", " at ", `"`, "", `\`, "", "<", "", ">", "").Replace(text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), 60)]))
}

// setSender names who sends, if it is not the one author (RFC 5322 §3.6.2).
func (rw rewriting) setSender(h *header, authors []*mail.Address) {
	agent := rw.account.OnBehalf
	alone := len(authors) == 1 && strings.EqualFold(authors[0].Address, agent)
	switch {
	case alone:
		h.remove("sender")
	case agent != "":
		h.set("Sender", (&mail.Address{Address: agent}).String())
	case len(authors) > 1 && h.count("sender") == 0:
		h.set("Sender", (&mail.Address{Address: rw.account.Sender}).String())
	}
}

// newMessageID makes one of ASCII alone, which needs no SMTPUTF8: with the
// domain's A-labels, or the relay's name if it has none.
func (rw rewriting) newMessageID() string {
	domain, err := strings.TrimPrefix(domainOf(rw.account.Sender), "@"), error(nil)
	if strings.ContainsFunc(domain, func(r rune) bool { return r >= 0x80 }) {
		if domain, err = idna.Lookup.ToASCII(domain); err != nil {
			domain = rw.hostname
		}
	}
	or(&rw.unique, rand.Text())
	return "<" + strings.ToLower(rw.unique) + "@" + domain + ">"
}

// decodeWords decodes encoded words (RFC 2047) as far as it can.
func decodeWords(s string) string {
	var d mime.WordDecoder
	if decoded, err := d.DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}

// printable makes text of a client safe for a reply or a header field.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
