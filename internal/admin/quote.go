package admin

import (
	"strings"

	"traymail/internal/refusals"
)

// quote returns a PowerShell expression whose value is s, as the commands of the
// catalogue have it.
func quote(s string) string { return refusals.Quote(s) }

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
