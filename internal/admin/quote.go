package admin

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// quote returns a PowerShell expression whose value is s, whatever s holds, in
// printable ASCII on one line. It can stand where an argument stands.
//
// Inside single quotes PowerShell expands nothing, and only a quote ends the
// string; doubled, it stands for itself. PowerShell takes the curly quotes
// U+2018 to U+201B for quotes too, and Windows PowerShell 5.1 reads a script
// without a byte order mark in the system's code page: so whatever is not
// ASCII, and every control character, is written by its number and is outside
// the quotes. Bytes that are no UTF-8 become U+FFFD.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	inside, plain := true, true
	for _, u := range utf16.Encode([]rune(s)) {
		if u < 0x20 || u > 0x7e {
			if inside {
				b.WriteByte('\'')
			}
			fmt.Fprintf(&b, " + [char]0x%04X", u)
			inside, plain = false, false
			continue
		}
		if !inside {
			b.WriteString(" + '")
			inside = true
		}
		if u == '\'' {
			b.WriteByte('\'')
		}
		b.WriteByte(byte(u))
	}
	if inside {
		b.WriteByte('\'')
	}
	if plain {
		return b.String()
	}
	return "(" + b.String() + ")"
}

// odata writes a string of an OData filter, which doubles its quotes as well.
func odata(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// comment returns text as a line, or lines, of a script that do nothing:
// nothing in it ends a comment early, and it is printable ASCII.
func comment(text string) string {
	text = strings.NewReplacer("→", "->", "…", "...").Replace(text)
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7e {
				return '?'
			}
			return r
		}, line)
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	return b.String()
}
