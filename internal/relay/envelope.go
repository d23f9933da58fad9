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
// first author, the recipients are those of To, Cc and Bcc. Without an author
// who has an address, as in "From: root (Cron Daemon)", the sender is own. It is
// never the null sender, whose messages nobody is told the failure of.
func headerEnvelope(h header, own string) (Message, error) {
	m := Message{From: own}
	if authors, err := mail.ParseAddressList(h.get("from")); err == nil && len(authors) > 0 && checkAddress(authors[0].Address, true) == nil {
		m.From = authors[0].Address
	}
	if m.From == "" {
		return Message{}, errors.New("the From field has no address, and no account is named whose sender could stand for it; name the folder's account, or a default account")
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
// them. The values are those of sendmail's command line:
//
//	X-Envelope-From: bounces@example.com      once; <> is the null sender
//	X-Envelope-To: a@example.com, b@example.com   one or several, as often as needed
//	X-Envelope-Orcpt: alias@example.com       the original of the one address of the X-Envelope-To before it
//	X-Envelope-Notify: failure,delay          sendmail -N, for all recipients: never, or some of success, failure and delay
//	X-Envelope-Ret: hdrs                      sendmail -R: full or hdrs
//	X-Envelope-Envid: order-4711              sendmail -V
//
// The last four are the parameters of DSN (RFC 3461 §4) and may be left out.
func sidecarEnvelope(r io.Reader) (Message, error) {
	h, rest, err := readHeader(bufio.NewReader(&crlfReader{r: r}), nil)
	if err != nil {
		return Message{}, err
	}
	if len(rest) > 0 {
		return Message{}, fmt.Errorf("%q is not a field such as X-Envelope-To: name@example.com", printable(string(rest[:min(len(rest), 60)])))
	}
	s := sidecar{previous: -1}
	for _, f := range h {
		name, _, _ := strings.Cut(string(f.raw), ":")
		if f.name != "x-envelope-to" && f.name != "x-envelope-orcpt" && h.count(f.name) > 1 {
			return Message{}, fmt.Errorf("there is more than one %s", printable(name))
		}
		if err := s.field(f); err != nil {
			return Message{}, fmt.Errorf("%s: %w", printable(name), err)
		}
	}
	if h.count("x-envelope-from") == 0 {
		return Message{}, errors.New("there is no X-Envelope-From; <> stands for none")
	}
	for i := range s.m.Recipients {
		s.m.Recipients[i].Notify = s.notify
	}
	if err := s.m.checkDSN(); err != nil {
		return Message{}, err
	}
	return s.m, s.m.complete()
}

// A sidecar is an envelope in the making.
type sidecar struct {
	m        Message
	notify   []string
	previous int // the recipient of the X-Envelope-To before, -1 if it was not one
}

var errSidecarField = errors.New("this is none of X-Envelope-From, -To, -Orcpt, -Notify, -Ret and -Envid")

func (s *sidecar) field(f field) error {
	previous := s.previous
	s.previous = -1
	switch f.name {
	case "x-envelope-from":
		if f.value() == "<>" {
			return nil
		}
		a, err := mail.ParseAddress(f.value())
		if err != nil {
			return err
		}
		s.m.From = a.Address
	case "x-envelope-to":
		before := len(s.m.Recipients)
		if err := s.m.addRecipients(f.value()); err != nil {
			return err
		}
		if len(s.m.Recipients) == before+1 {
			s.previous = before
		}
	case "x-envelope-orcpt":
		if previous < 0 {
			return errors.New("it has to follow an X-Envelope-To with one address, which was not there before")
		}
		a, err := mail.ParseAddress(f.value())
		if err != nil {
			return err
		}
		s.m.Recipients[previous].OriginalRecipient = a.Address
	case "x-envelope-notify":
		for when := range strings.SplitSeq(f.value(), ",") {
			s.notify = append(s.notify, strings.ToUpper(strings.TrimSpace(when)))
		}
	case "x-envelope-ret":
		s.m.Return = strings.ToUpper(f.value())
	case "x-envelope-envid":
		s.m.EnvelopeID = f.value()
	default:
		return errSidecarField
	}
	return nil
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
	m.SMTPUTF8 = m.needsUTF8()
	return nil
}
