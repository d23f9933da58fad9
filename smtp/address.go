package smtp

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits of RFC 5321 §4.5.3.1, without the brackets of a path.
const (
	maxLocalPart = 64
	maxDomain    = 255
	maxAddress   = 254
)

// A mailbox is an address that is safe to put between angle brackets.
// The zero value is the null sender.
type mailbox struct{ local, domain string }

// parseMailbox checks an address by RFC 5321 §4.1.2 and RFC 6531 §3.3. It is
// strict about everything that could change the command the address ends up in,
// and lenient about dots in the local part, which real mailboxes have where
// they should not.
func parseMailbox(addr string) (mailbox, error) {
	if len(addr) > maxAddress {
		return mailbox{}, fmt.Errorf("the address %q is longer than %d octets", clip(addr, 60), maxAddress)
	}
	if strings.EqualFold(addr, "postmaster") {
		return mailbox{local: addr}, nil // the only name without a domain, RFC 5321 §4.5.1
	}
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return mailbox{}, fmt.Errorf("the address %q has no @", addr)
	}
	m := mailbox{addr[:at], addr[at+1:]}
	if err := checkLocalPart(m.local); err != nil {
		return mailbox{}, fmt.Errorf("the address %q %w", addr, err)
	}
	if err := checkDomain(m.domain); err != nil {
		return mailbox{}, fmt.Errorf("the address %q %w", addr, err)
	}
	return m, nil
}

func checkLocalPart(s string) error {
	switch {
	case s == "":
		return errors.New("has nothing before the @")
	case len(s) > maxLocalPart:
		return fmt.Errorf("has more than %d octets before the @", maxLocalPart)
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case s[0] == '"':
		return checkQuoted(s)
	}
	for _, r := range s {
		if !atext(r) && r != '.' {
			return fmt.Errorf("has %q before the @, which is not allowed there", r)
		}
	}
	return nil
}

func checkQuoted(s string) error {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return errors.New("has an unfinished quoted string before the @")
	}
	in := s[1 : len(s)-1]
	for i := 0; i < len(in); i++ {
		if in[i] == '\\' {
			if i++; i == len(in) {
				return errors.New("has an unfinished quoted string before the @")
			}
		} else if in[i] == '"' {
			return errors.New("has a bare quote before the @")
		}
	}
	for _, r := range in {
		if r != ' ' && unprintable(r) {
			return fmt.Errorf("has %q before the @, which is not allowed there", r)
		}
	}
	return nil
}

func checkDomain(s string) error {
	switch {
	case s == "":
		return errors.New("has nothing after the @")
	case len(s) > maxDomain:
		return fmt.Errorf("has more than %d octets after the @", maxDomain)
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case s[0] == '[':
		if s[len(s)-1] != ']' || strings.Trim(s[1:len(s)-1], "0123456789abcdefABCDEFIPv:.") != "" {
			return errors.New("has a malformed address literal after the @")
		}
		return nil
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return errors.New("has an empty or too long label after the @")
		}
		for _, r := range label {
			if !letterDigit(r) && r != '-' && r != '_' && (r < 0x80 || unprintable(r)) {
				return fmt.Errorf("has %q after the @, which is not allowed there", r)
			}
		}
	}
	return nil
}

func atext(r rune) bool {
	return letterDigit(r) || r < 0x80 && strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) || r >= 0x80 && !unprintable(r)
}

func letterDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError
}

// needsUTF8 says that the address cannot be written in ASCII: its domain could
// be converted, its local part cannot.
func (m mailbox) needsUTF8() bool { return !ascii(m.local) }

// inASCII returns m with its domain as A-labels (RFC 5890).
func (m mailbox) inASCII() (mailbox, error) {
	if ascii(m.domain) {
		return m, nil
	}
	d, err := idna.Lookup.ToASCII(m.domain)
	if err != nil {
		return m, fmt.Errorf("the domain %q cannot be written in ASCII: %w", m.domain, err)
	}
	return mailbox{m.local, d}, nil
}

func (m mailbox) String() string {
	if m.domain == "" {
		return m.local
	}
	return m.local + "@" + m.domain
}
