package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
)

// headerEnvelope takes the envelope from a message's header: the sender is the
// first author, the recipients are those of To, Cc and Bcc.
func headerEnvelope(r io.Reader) (Message, error) {
	h, _, err := readHeader(bufio.NewReader(&crlfReader{r: r}))
	if err != nil {
		return Message{}, err
	}
	var m Message
	if authors, err := mail.ParseAddressList(h.get("from")); err == nil {
		m.From = authors[0].Address
	}
	for _, name := range []string{"to", "cc", "bcc"} {
		for _, v := range h.values(name) {
			if err := m.addRecipients(v); err != nil {
				return Message{}, fmt.Errorf("the field %s: %w", name, err)
			}
		}
	}
	return m, m.complete()
}

// sidecarEnvelope reads an envelope from a file of fields, as a header has
// them: X-Envelope-From once, "<>" being the null sender, and X-Envelope-To with
// one address or several, as often as needed.
func sidecarEnvelope(r io.Reader) (Message, error) {
	h, rest, err := readHeader(bufio.NewReader(&crlfReader{r: r}))
	if err != nil {
		return Message{}, err
	}
	if len(rest) > 0 {
		return Message{}, fmt.Errorf("%q is not a field such as X-Envelope-To: name@example.com", printable(string(rest[:min(len(rest), 60)])))
	}
	var m Message
	for _, f := range h {
		switch f.name {
		case "x-envelope-from":
			if h.count(f.name) > 1 {
				return Message{}, errors.New("there is more than one X-Envelope-From")
			}
			if f.value() == "<>" {
				continue
			}
			a, err := mail.ParseAddress(f.value())
			if err != nil {
				return Message{}, fmt.Errorf("X-Envelope-From: %w", err)
			}
			m.From = a.Address
		case "x-envelope-to":
			if err := m.addRecipients(f.value()); err != nil {
				return Message{}, fmt.Errorf("X-Envelope-To: %w", err)
			}
		default:
			return Message{}, fmt.Errorf("the field %q is neither X-Envelope-From nor X-Envelope-To", printable(f.name))
		}
	}
	if h.count("x-envelope-from") == 0 {
		return Message{}, errors.New("there is no X-Envelope-From; <> stands for none")
	}
	return m, m.complete()
}

// addRecipients adds each address once, those of groups included.
func (m *Message) addRecipients(list string) error {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	addresses, err := mail.ParseAddressList(list)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		same := func(r Recipient) bool { return r.Address == a.Address }
		if !slices.ContainsFunc(m.Recipients, same) {
			m.Recipients = append(m.Recipients, Recipient{Address: a.Address})
		}
	}
	return nil
}

func (m *Message) complete() error {
	if len(m.Recipients) == 0 {
		return errors.New("there is no recipient")
	}
	for _, a := range append([]Recipient{{Address: m.From}}, m.Recipients...) {
		m.SMTPUTF8 = m.SMTPUTF8 || strings.ContainsFunc(a.Address, func(r rune) bool { return r >= 0x80 })
	}
	return nil
}
