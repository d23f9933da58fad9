package relay

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"
)

var (
	errAddress     = errors.New("this is not an address of the form name@domain")
	errAddressUTF8 = errors.New("an address with characters beyond ASCII needs SMTPUTF8")
)

// checkAddress reports whether an address, its local part without quotes, is
// one that can be sent on (RFC 5321 §4.1.2, RFC 6531 §3.3). go-smtp takes
// nearly every character in both parts.
func checkAddress(address string, utf8Allowed bool) error {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > 64 || len(address) > 254 || !utf8.ValidString(address) {
		return errAddress
	}
	local, domain := address[:at], address[at+1:]
	for _, r := range address {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return errAddress
		}
		if r >= 0x80 && !utf8Allowed {
			return errAddressUTF8
		}
	}
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		literal = strings.TrimPrefix(literal, "IPv6:")
		if _, err := netip.ParseAddr(literal); !ok || err != nil {
			return errAddress
		}
		return nil
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return errAddress
		}
		for _, r := range label {
			if r < 0x80 && r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
				return errAddress
			}
		}
	}
	if local == "" {
		return errAddress
	}
	return nil
}

// quoteLocal gives the local part its quotes back, which go-smtp takes off.
func quoteLocal(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || isDotAtom(address[:at]) {
		return address
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range at {
		if address[i] == '"' || address[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(address[i])
	}
	b.WriteByte('"')
	b.WriteString(address[at:])
	return b.String()
}

// unquoteLocal takes the quotes off again that quoteLocal gave.
func unquoteLocal(address string) string {
	local, ok := strings.CutPrefix(address, `"`)
	end := strings.LastIndex(local, `"@`)
	if !ok || end < 0 {
		return address
	}
	var b strings.Builder
	for i := 0; i < end; i++ {
		if local[i] == '\\' && i+1 < end {
			i++
		}
		b.WriteByte(local[i])
	}
	return b.String() + local[end+1:]
}

func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsAny(atom, "()<>[]:;@\\,\" \t") {
			return false
		}
	}
	return true
}
