package autostart

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// maxRun is how long Windows lets a command line of the Run key be, in UTF-16.
const maxRun = 260

// runLine writes a command line as Windows' programs read it: backslashes count
// only before a quotation mark, and the program's own name has none.
func runLine(command []string) (string, error) {
	line := `"` + command[0] + `"`
	for _, c := range command[1:] {
		line += " " + runArgument(c)
	}
	if n := len(utf16.Encode([]rune(line))); n > maxRun {
		return "", fmt.Errorf("a command that starts with Windows may have %d characters, and this has %d: move traymail to a shorter path", maxRun, n)
	}
	return line, nil
}

func runArgument(c string) string {
	if c != "" && !strings.ContainsAny(c, " \t\"") {
		return c
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for i := range len(c) {
		switch c[i] {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1)) // those before it twice, and one for itself
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteByte(c[i])
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}

// approved reports whether the person left an entry of the Run key switched on
// in the Task Manager or in the settings, which keep that in a binary value of
// their own: an odd first byte is off.
func approved(value []byte) bool { return len(value) == 0 || value[0]&1 == 0 }
