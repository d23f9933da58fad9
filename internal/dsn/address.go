package dsn

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nowhere are the domains that end at the edge of somebody's network, or exist
// for other ends than mail: special-use names (RFC 6761, 6762 with its appendix
// G, 7686, 8375, 9476), and what machines without a domain call themselves.
// example.com and its like are not among them, for they are domains in the DNS.
var nowhere = []string{
	"localhost", "localdomain", "local", "lan", "home", "corp", "intranet", "internal", "private",
	"home.arpa", "invalid", "test", "example", "onion", "alt",
}

// robots begin the local parts behind which nobody reads, without the
// characters that people put between the words.
var robots = []string{"mailerdaemon", "noreply", "donotreply"}

// CanReceive reports whether it makes sense to send a notice to an address, as
// it stood in MAIL: it is a mailbox in a domain that the Internet may know, and
// not one whose name says that nobody reads it. The null sender is none.
func CanReceive(address string) bool {
	if !isMailbox(address) {
		return false
	}
	at := strings.LastIndexByte(address, '@')
	local, domain := strings.ToLower(address[:at]), strings.ToLower(address[at+1:])
	local = strings.NewReplacer("-", "", "_", "", ".", "", `"`, "").Replace(local)
	if slices.ContainsFunc(robots, func(name string) bool { return strings.HasPrefix(local, name) }) {
		return false
	}
	dot := strings.LastIndexByte(domain, '.')
	if dot < 0 || domain[0] == '[' || strings.Trim(domain[dot+1:], "0123456789") == "" {
		return false // a bare host name, an address literal, an IP address
	}
	return !slices.ContainsFunc(nowhere, func(name string) bool {
		return domain == name || strings.HasSuffix(domain, "."+name)
	})
}

// isMailbox reports whether s is a Mailbox of RFC 5321 §4.1.2 or RFC 6531 §3.3.
func isMailbox(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 || !utf8.ValidString(s) {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		ip, err := netip.ParseAddr(strings.TrimPrefix(literal, "IPv6:"))
		return ok && err == nil && ip.Zone() == "" && isLocal(local)
	}
	return isHost(domain) && isLocal(local)
}

// isLocal reports whether s is a Dot-string or a Quoted-string that is not empty.
func isLocal(s string) bool {
	if s[0] != '"' {
		for atom := range strings.SplitSeq(s, ".") {
			if atom == "" || strings.ContainsAny(atom, `()<>[]:;@\," `) || strings.ContainsFunc(atom, isControl) {
				return false
			}
		}
		return true
	}
	if len(s) < 3 || s[len(s)-1] != '"' || strings.ContainsFunc(s, isControl) {
		return false
	}
	inner := s[1 : len(s)-1]
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			return false
		case '\\':
			if i++; i == len(inner) {
				return false
			}
		}
	}
	return true
}

// isHost reports whether s is a host name, of one label or several. Underscores
// are let pass: machines have them in their names, and the DNS has them.
func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r < utf8.RuneSelf && r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
				return false
			}
			if isControl(r) {
				return false
			}
		}
	}
	return len(s) <= 253 && utf8.ValidString(s)
}

// isControl is true for control characters, line separators and all white space
// but the space itself.
func isControl(r rune) bool { return unicode.IsControl(r) || r != ' ' && unicode.IsSpace(r) }
