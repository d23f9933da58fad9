package sandbox

import (
	"net/netip"
	"strings"
)

// A param is an ESMTP parameter of MAIL or RCPT; its key is in upper case.
type param struct {
	key, value string
	hasValue   bool
}

// parsePath parses the argument of MAIL or RCPT: the keyword ("FROM:" or
// "TO:"), the address in angle brackets, which may be empty and is not looked
// at further, and parameters, each key once (RFC 5321 section 4.1.2).
func parsePath(arg, keyword string) (address string, params []param, ok bool) {
	if len(arg) < len(keyword) || !strings.EqualFold(arg[:len(keyword)], keyword) {
		return "", nil, false
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(arg[len(keyword):], " "), "<")
	if !ok {
		return "", nil, false
	}
	end := closingBracket(rest)
	if end < 0 {
		return "", nil, false
	}
	address, rest = rest[:end], rest[end+1:]
	if rest != "" && rest[0] != ' ' {
		return "", nil, false
	}
	seen := map[string]bool{}
	for _, field := range strings.Fields(rest) {
		key, value, hasValue := strings.Cut(field, "=")
		key = strings.ToUpper(key)
		if seen[key] {
			return "", nil, false
		}
		seen[key] = true
		params = append(params, param{key, value, hasValue})
	}
	return address, params, true
}

// closingBracket returns the index of the first ">" outside a quoted string,
// or -1.
func closingBracket(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		case '>':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

// validAddress tells whether an address has a local part and a domain or an
// address literal. Letters beyond ASCII need SMTPUTF8.
func validAddress(address string, utf8 bool) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || !validDomain(address[at+1:], utf8) {
		return false
	}
	local := address[:at]
	quoted := len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"'
	return !strings.ContainsFunc(local, func(r rune) bool {
		return r < ' ' || r == 0x7f || r > 0x7f && !utf8 ||
			!quoted && strings.ContainsRune(" \"(),:;<>@[\\]", r)
	})
}

// validDomain tells whether name is a domain or an address literal (RFC 5321
// section 4.1.3). Underscores are refused, as Exchange does in EHLO.
func validDomain(name string, utf8 bool) bool {
	if literal, ok := strings.CutPrefix(name, "["); ok {
		literal, closed := strings.CutSuffix(literal, "]")
		literal, isIPv6 := strings.CutPrefix(literal, "IPv6:")
		ip, err := netip.ParseAddr(literal)
		return closed && err == nil && ip.Is4() != isIPv6
	}
	if len(name) > 255 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			switch {
			case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-':
			case r > 0x7f && utf8:
			default:
				return false
			}
		}
	}
	return true
}
