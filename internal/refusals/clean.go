package refusals

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxInput is how many bytes of a text Explain reads.
const MaxInput = 1 << 20

var (
	ansi      = regexp.MustCompile("\x1b" + `(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|` + "\x1b" + `\\)|[@-Z\\-_])`)
	caretANSI = regexp.MustCompile(`(?:\^\[|␛)\[[0-9;?]{0,12}[A-Za-z]`)
	softBreak = regexp.MustCompile(`=[ \t]*\n`)
	octet     = regexp.MustCompile(`(?:=[0-9A-F]{2})+`)
	percent   = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)
	escape    = regexp.MustCompile(`\\+(?:r\\+n|[rnt"'/]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-3][0-7]{2})`)
	tag       = regexp.MustCompile(`</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]{0,400})?/?>|<!--[^<>]{0,400}-->|<!\[CDATA\[|\]\]>`)
	bytesMark = regexp.MustCompile(`\bb(['"])`)
	query     = regexp.MustCompile(`(?i)(?:error_description|error|message|msg)=[^\s&"'<>]*\+[^\s&"'<>]*`)
	encoded   = regexp.MustCompile(`%(?:20|3[aA]|0[dDaA]|27|2[cC])`)
	quotedP   = regexp.MustCompile(`=(?:3D|20?\n|E[0-9]=|C[23]=|0D=0A)`)
)

// clean returns what a text says without what programs put around it on the
// way: colours, escapes, entities, tags, encodings of mail and addresses, and
// other forms of the same characters.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.ReplaceAll(text, "\x00", "") // UTF-16 of a redirected PowerShell
	text = strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n").Replace(text)
	text = unstyled(text)
	if soft := strings.Contains(text, "=\n"); quotedP.MatchString(text) || soft && octet.MatchString(text) {
		text = softBreak.ReplaceAllString(text, "")
		text = octet.ReplaceAllStringFunc(text, func(s string) string { return octets(s, '=') })
	} else if soft {
		text = softBreak.ReplaceAllString(text, "")
	}
	if strings.Contains(text, "+") {
		text = query.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, "+", " ") })
	}
	if encoded.MatchString(text) {
		text = percent.ReplaceAllStringFunc(text, func(s string) string { return octets(s, '%') })
	}
	text = unescaped(text)
	if strings.Contains(text, "&") {
		text = html.UnescapeString(text)
		if strings.Contains(text, "&quot;") || strings.Contains(text, "&#39;") || strings.Contains(text, "&lt;") || strings.Contains(text, "&#x27;") {
			text = html.UnescapeString(text)
		}
		text = unescaped(text)
	}
	text = unstyled(text)
	text = tag.ReplaceAllStringFunc(text, func(s string) string {
		switch strings.ToLower(strings.Trim(s, "</> ")) {
		case "br", "p", "div", "li", "tr", "pre":
			return "\n"
		}
		return " "
	})
	text = bytesMark.ReplaceAllString(text, "$1")
	return strings.Map(fold, strings.ToValidUTF8(text, "\uFFFD"))
}

// unstyled is text without the colours of a terminal.
func unstyled(text string) string {
	if strings.Contains(text, "\x1b") {
		text = ansi.ReplaceAllString(text, "")
	}
	if strings.Contains(text, "^[[") || strings.Contains(text, "␛[") {
		text = caretANSI.ReplaceAllString(text, "")
	}
	return text
}

func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	return escape.ReplaceAllStringFunc(text, unescape)
}

// octets decodes bytes that are written in hexadecimal after a mark. What does
// not become readable text stays.
func octets(s string, mark byte) string {
	var b []byte
	for i := 0; i+2 < len(s); i += 3 {
		if s[i] != mark {
			return s
		}
		b = append(b, hexByte(s[i+1])<<4|hexByte(s[i+2]))
	}
	if !utf8.Valid(b) {
		return s
	}
	return string(b)
}

func hexByte(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// unescape decodes one escape of JSON, Go, Python or C, however often the
// backslash was doubled.
func unescape(s string) string {
	s = strings.TrimLeft(s, `\`)
	switch {
	case s[0] == 'r' || s[0] == 'n':
		return "\n"
	case s[0] == 't':
		return "\t"
	case s[0] == 'u' && len(s) == 5, s[0] == 'x' && len(s) == 3:
		var r rune
		for i := 1; i < len(s); i++ {
			r = r<<4 | rune(hexByte(s[i]))
		}
		if !utf8.ValidRune(r) {
			return " "
		}
		return string(r)
	case len(s) == 3:
		return string(rune(s[0]-'0')<<6 | rune(s[1]-'0')<<3 | rune(s[2]-'0'))
	}
	return s
}

// fold brings the forms of a character together, and drops what is invisible.
func fold(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E: // full width
		return r - 0xFEE0
	case r == '\n', r == '\x1b':
		return r
	case r == '\t', unicode.Is(unicode.Zs, r), r == 0x2028, r == 0x2029, r == 0x85:
		return ' '
	case r == '‐', r == '‑', r == '‒', r == '–', r == '—', r == '−':
		return '-'
	case r == 0xFEFF, r >= 0x200B && r <= 0x200F, r == 0x00AD, r == 0x2060, unicode.Is(unicode.Mn, r):
		return -1
	case unicode.IsControl(r):
		return ' '
	}
	return r
}

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
