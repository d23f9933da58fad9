package refusals

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxInput is how many bytes of a text Explain reads.
const MaxInput = 1 << 20

var (
	ansi      = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b[\\]PX^_][^\x07\x1b]{0,400}(?:\x07|\x1b\\\\)|\x1b[ -/]{0,4}[0-~]")
	caretANSI = regexp.MustCompile(`(?:\^\[|␛)\[[0-9;?]{0,12}[A-Za-z]`)
	softBreak = regexp.MustCompile(`=[ \t]*\n`)
	octet     = regexp.MustCompile(`(?:=[0-9A-F]{2})+`)
	percent   = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)
	escape    = regexp.MustCompile(`\\+(?:r\\+n|[rnt"'/]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-3][0-7]{2})`)
	tag       = regexp.MustCompile(`</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]{0,400})?/?>|<!--[^<>]{0,400}-->|<!\[CDATA\[|\]\]>`)
	// The beginning of an element whose text is a secret.
	secretTag = regexp.MustCompile(`<(?:[A-Za-z0-9_-]+:)?([A-Za-z0-9_.-]*` + anyLabel + `)(?:\s[^<>]*)?>`)
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
	text = withoutElements(text)
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

// withoutElements returns text without the secrets that are the text of an
// element. Where its end is missing, its name stays, or what follows would be no
// secret without the tag.
func withoutElements(text string) string {
	const cdata, most = "<![CDATA[", 400
	var b strings.Builder
	at := 0
	for _, m := range secretTag.FindAllStringSubmatchIndex(text, -1) {
		if m[0] < at {
			continue
		}
		b.WriteString(text[at:m[0]] + " " + text[m[2]:m[3]] + ": ")
		at = m[1]
		value := text[at:min(len(text), at+most)]
		inner := strings.TrimPrefix(strings.TrimLeft(value, " \n"), cdata)
		if i := strings.IndexByte(inner, '<'); i > 0 && strings.HasPrefix(inner[i:], "</") {
			b.WriteString(removed)
			at += len(value) - len(inner) + i
		}
	}
	return b.String() + text[at:]
}

// unstyled is text without the colours of a terminal.
func unstyled(text string) string {
	if strings.ContainsAny(text, "\x1b\u009b") {
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
	case r == '\n':
		return r
	case r == '\t', unicode.Is(unicode.Zs, r), r == 0x2028, r == 0x2029, r == 0x85:
		return ' '
	case r == '‐', r == '‑', r == '‒', r == '–', r == '—', r == '−':
		return '-'
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r): // soft hyphens, marks of direction
		return -1
	case unicode.IsControl(r):
		return ' '
	}
	return r
}
