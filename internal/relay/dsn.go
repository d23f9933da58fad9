package relay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The values of NOTIFY and RET (RFC 3461 §4.1, §4.3).
const (
	notifyNever = "NEVER"
	returnFull  = "FULL"
	returnHdrs  = "HDRS"
)

var notifyWhen = []string{"SUCCESS", "FAILURE", "DELAY"}

// checkDSN reports whether the DSN parameters are of the kind that go-smtp lets
// through, for envelopes that did not come over SMTP.
func (m *Message) checkDSN() error {
	if m.Return != "" && m.Return != returnFull && m.Return != returnHdrs {
		return fmt.Errorf("a bounce can return %s or %s, and not %q", returnFull, returnHdrs, m.Return)
	}
	if len(m.EnvelopeID) > 100 || strings.ContainsFunc(m.EnvelopeID, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("the envelope ID is longer than 100 characters, or has others than printable ASCII")
	}
	for _, to := range m.Recipients {
		if err := checkNotify(to.Notify); err != nil {
			return err
		}
		if to.OriginalRecipient == "" {
			continue
		}
		if err := checkAddress(to.OriginalRecipient, true); err != nil {
			return fmt.Errorf("original recipient %q: %w", to.OriginalRecipient, err)
		}
	}
	return nil
}

func checkNotify(notify []string) error {
	if len(notify) == 1 && notify[0] == notifyNever {
		return nil
	}
	for i, n := range notify {
		if !slices.Contains(notifyWhen, n) || slices.Contains(notify[:i], n) {
			return fmt.Errorf("notify %q: it can be %s, or some of %s", strings.Join(notify, ","), notifyNever, strings.Join(notifyWhen, ", "))
		}
	}
	return nil
}

// needsUTF8 reports whether an address has characters beyond ASCII (RFC 6531).
func (m *Message) needsUTF8() bool {
	beyond := func(r rune) bool { return r >= 0x80 }
	for _, to := range m.Recipients {
		if strings.ContainsFunc(to.Address, beyond) || strings.ContainsFunc(to.OriginalRecipient, beyond) {
			return true
		}
	}
	return strings.ContainsFunc(m.From, beyond)
}
