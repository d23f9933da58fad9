package refusals

import (
	"regexp"
	"slices"
	"strings"
)

// linePrefix is what a program puts before each line of a log, in parts.
var linePrefix = regexp.MustCompile(`^(?:` +
	`[ ]+` +
	`|[>|│┃║┆]+[ ]?` + // quotes and tables
	`|[#;*+][ ]+` +
	`|\d{4}[-/.]\d\d?[-/.]\d\d?(?:[T ,_-]+\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:[ ]?(?:Z|UTC|GMT|[AP]M|[+-]\d\d:?\d\d))?[\])]?[: ,;|-]*` + // 2026-01-09T16:12:30.678Z
	`|\d\d?[-/.](?:\d\d?|[A-Z][a-z]{2})[-/.]\d{2,4}[T ,:]+\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:[ ]?[AP]M)?[\])]?[: ,;|-]*` +
	`|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ ]?\d\d? (?:\d{4} )?\d\d:\d\d:\d\d(?:[.,]\d+)?[ ](?:[A-Za-z0-9_.-]{1,64} [A-Za-z0-9_./@-]{1,48}: )?` + // syslog
	`|\d\d:\d\d:\d\d(?:[.,]\d+)?[\])]?[: |-]*` +
	`|(?i:std(?:out|err)) [FP] ` +
	`|[A-Za-z0-9_.-]{1,64} [A-Za-z0-9_./@-]{1,48}\[\d+\]: ` + // host program[pid]:
	`|[A-Za-z0-9_./-]{1,48}\[\d+\]: ` +
	`|<\d{1,3}>\d? ?` + // priority
	`|\[[^\[\]\n]{0,64}\][:]?[ ]` +
	`|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|Trace|Debug|Info|Warning|Error|trce|dbug|info|warn|fail|crit)(?:[ ]+SMTPS?)?(?:[ ]*[:|-]+[ ]*|[ ]+)` +
	`|(?:[A-Za-z0-9_.-]{1,48}[-_]\d{1,3}|[a-z0-9_.-]{1,48})[ ]{1,20}\| ?` + // docker compose
	`|<~[*]? |<\*\* |<[-=]+ |[-=]+> |<<<? |>>>? |~> |<~ | ?-> |<- ` + // swaks and others
	`|[SCsc]: |SMTP[<>] |(?:SERVER|CLIENT) -> (?:SERVER|CLIENT): |(?:reply|retcode|send): ` +
	`)`)

// unprefixed returns text without the prefixes of its lines.
func unprefixed(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.SplitSeq(text, "\n") {
		for range 8 {
			n := len(linePrefix.FindString(line))
			if n == 0 {
				break
			}
			line = line[n:]
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// uncommon returns text without what neighbouring lines have in common at their
// beginning, whatever the digits in it.
func uncommon(text string) string {
	lines := strings.Split(text, "\n")
	cut := make([]int, len(lines))
	for i := 1; i < len(lines); i++ {
		n := commonPrefix(lines[i-1], lines[i])
		cut[i-1], cut[i] = max(cut[i-1], n), max(cut[i], n)
	}
	for i, n := range cut {
		lines[i] = lines[i][n:]
	}
	return strings.Join(lines, "\n")
}

// commonPrefix is how long the prefix is that two lines share but for digits. It
// ends after a mark and blanks.
func commonPrefix(a, b string) int {
	const most = 200
	n, end := min(len(a), len(b), most), 0
	for i := range n {
		x, y := a[i], b[i]
		if x != y && !(isDigit(x) && isDigit(y)) {
			break
		}
		if x == ' ' && i > 0 && strings.IndexByte(":|>])-*#", a[i-1]) >= 0 {
			end = i + 1
		}
	}
	return end
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

var replyStart = regexp.MustCompile(`^([245]\d\d)([- ])(?:([245]\.\d{1,3}\.\d{1,3})[ ]+)?`)

// joined returns text with the codes taken out that SMTP repeats in every line
// of a reply.
func joined(text string) string {
	if !strings.Contains(text, "-") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	code, enhanced := "", ""
	for line := range strings.SplitSeq(text, "\n") {
		m := replyStart.FindStringSubmatch(line)
		if m == nil {
			code = ""
		} else {
			continues := m[1] == code
			if continues {
				if m[3] == enhanced || m[3] == "" {
					line = line[len(m[0]):]
				} else {
					line = line[len(m[1])+len(m[2]):]
				}
			} else {
				enhanced = m[3]
			}
			code = ""
			if m[2] == "-" {
				code = m[1]
			}
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// variants are the readings of a text, the likeliest first.
func variants(text string) []string {
	text = clean(text)
	plain := joined(unprefixed(text))
	all := []string{plain}
	for _, other := range []string{joined(unprefixed(uncommon(text))), joined(text)} {
		if !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	return all
}
