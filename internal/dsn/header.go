package dsn

import (
	"bytes"
	"mime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// wide is where lines are folded (RFC 5322 §2.1.1, without the CRLF).
	wide = 78
	// maxWord is how much of a line a word may take before it is cut up. The name
	// of a field, or what text is indented by, goes before it; 998 is the limit.
	maxWord = 900
	// maxSubject bounds the subject that is repeated, in characters.
	maxSubject = 200
)

// dateFormat is that of RFC 5322 §3.3.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 -0700"

// writeHeader writes the notice's header and the empty line after it.
func (r *Report) writeHeader(b *bytes.Buffer, boundary string, eightBit bool) {
	writeField(b, "Date", date(r.Date))
	writeField(b, "From", "Mail delivery via traymail <"+r.From+">")
	writeField(b, "To", "<"+r.To+">")
	writeField(b, "Subject", r.Kind.words().subject+": "+mime.QEncoding.Encode("utf-8", r.subject()))
	writeField(b, "Message-ID", r.MessageID)
	if id := r.originalID(); id != "" {
		writeField(b, "In-Reply-To", id)
		writeField(b, "References", id)
	}
	writeField(b, "Auto-Submitted", "auto-replied")
	writeField(b, "MIME-Version", "1.0")
	writeField(b, "Content-Type", `multipart/report; report-type=delivery-status; boundary="`+boundary+`"`)
	writeField(b, "Content-Transfer-Encoding", bitness(eightBit))
	b.WriteString("\r\n")
}

// subject is the subject of the message as one line of moderate length.
func (r *Report) subject() string {
	s := strings.Join(strings.Fields(clean(r.OriginalSubject)), " ")
	if s == "" {
		return "(no subject)"
	}
	if c := []rune(s); len(c) > maxSubject {
		s = string(c[:maxSubject-1]) + "…"
	}
	return s
}

// originalID is the message's Message-ID, or "" when what it has is none.
func (r *Report) originalID() string {
	id := r.OriginalMessageID
	if id != "" && id[0] != '<' {
		id = "<" + id + ">"
	}
	if !isMessageID(id) {
		return ""
	}
	return id
}

// isMessageID reports whether s can stand where RFC 5322 §3.6.4 has a msg-id.
// It asks for less than the RFC, for programs send less.
func isMessageID(s string) bool {
	inner, open := strings.CutPrefix(s, "<")
	inner, shut := strings.CutSuffix(inner, ">")
	return open && shut && inner != "" && len(s) <= maxWord &&
		!strings.ContainsFunc(inner, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' })
}

// writeField writes a header field, folded (RFC 5322 §2.2.3). A line break
// within the value becomes a fold, so that nothing in it can become a field.
func writeField(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	column, first := len(name)+1, true
	for line := range strings.SplitSeq(clean(value), "\n") {
		for i, word := range words(line) {
			if !first && (i == 0 || column+1+utf8.RuneCountInString(word) > wide) {
				b.WriteString("\r\n")
				column = 0
			}
			b.WriteString(" " + word)
			column += 1 + utf8.RuneCountInString(word)
			first = false
		}
	}
	b.WriteString("\r\n")
}

// words splits a line at its spaces, and what is too long for a line as well.
func words(line string) []string {
	fields := strings.Fields(line)
	split := fields[:0:0]
	for _, f := range fields {
		for len(f) > maxWord {
			cut := maxWord
			for !utf8.RuneStart(f[cut]) {
				cut--
			}
			split = append(split, f[:cut])
			f = f[cut:]
		}
		split = append(split, f)
	}
	return split
}

// clean leaves of outside text valid UTF-8, with LF as its only line ending and
// no other control character.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
}

// toASCII replaces what a field of RFC 3464 cannot hold. The text for people has it all.
func toASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '?'
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// date is a time as header fields have it.
func date(t time.Time) string { return t.Format(dateFormat) }
