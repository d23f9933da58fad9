package checks

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// plainWord needs no quotes in sh nor in PowerShell, wherever it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./:@+=-]*$`)

// traymail is a command line of the program's that is right in sh and in
// PowerShell alike: command with a value for each of its %s. Values may come
// from anywhere: one that no quotes make safe in both has no command, which is
// "".
func traymail(command string, values ...string) string {
	words := make([]any, len(values))
	for i, value := range values {
		word, ok := argument(value)
		if !ok {
			return ""
		}
		words[i] = word
	}
	return "traymail " + fmt.Sprintf(command, words...)
}

// argument is a value as an argument. Within double quotes both shells expand
// what begins with a dollar sign; sh besides what stands in backticks, and
// after a backslash or, when people type, an exclamation mark; PowerShell takes
// three curly quotes for double ones.
func argument(value string) (string, bool) {
	switch {
	case plainWord.MatchString(value):
		return value, true
	case value == "", strings.HasPrefix(value, "-"), strings.ContainsAny(value, "$`\"\\!\u201c\u201d\u201e"),
		strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) || unicode.Is(unicode.Bidi_Control, c) }):
		return "", false
	}
	return `"` + value + `"`, true
}
