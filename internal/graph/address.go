package graph

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// An address is one that every parser reads the same way in a header.
type address struct {
	local  string // without quotes
	domain string // A-labels, lower-case
}

// parseAddress reads an address of the envelope, without brackets. What needs a
// quoted local part is refused, but for dots in odd places: parsers differ over
// the rest, and one that differs would mail somebody else.
func parseAddress(s string) (address, error) {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || len(s) > 254 {
		return address{}, fmt.Errorf("the address %q is not of the form name@domain", clip(s, 80))
	}
	local, domain := s[:at], s[at+1:]
	if n := len(local); n > 2 && local[0] == '"' && local[n-1] == '"' {
		local = local[1 : n-1]
	}
	if !utf8.ValidString(s) {
		return address{}, fmt.Errorf("the address %q is not valid UTF-8", s)
	}
	for _, r := range local {
		if !atext(r) && r != '.' {
			return address{}, fmt.Errorf("the address %q has %q before the @, which Graph cannot be told beyond doubt: send it over SMTP", s, r)
		}
	}
	domain, err := asciiDomain(domain)
	if err != nil {
		return address{}, fmt.Errorf("the address %q %w", s, err)
	}
	return address{local, domain}, nil
}

func asciiDomain(s string) (string, error) {
	if !ascii(s) {
		a, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return "", fmt.Errorf("has a domain that cannot be written in ASCII: %w", err)
		}
		s = a
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.Trim(label, alphanumeric+"-_") != "" {
			return "", errors.New("has something after the @ that is not a domain")
		}
	}
	return strings.ToLower(s), nil
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func atext(r rune) bool {
	if r >= utf8.RuneSelf {
		return r != utf8.RuneError && unicode.IsPrint(r)
	}
	return strings.ContainsRune(alphanumeric+"!#$%&'*+-/=?^_`{|}~", r)
}

// key is the same for addresses that Exchange takes for one. Only ASCII letters
// are folded: beyond them two letters may fold to one and be two mailboxes.
func (a address) key() string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, a.local) + "@" + a.domain
}

func (a address) String() string {
	if strings.HasPrefix(a.local, ".") || strings.HasSuffix(a.local, ".") || strings.Contains(a.local, "..") {
		return `"` + a.local + `"@` + a.domain
	}
	return a.local + "@" + a.domain
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// clip is s as far as an error should repeat it.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
