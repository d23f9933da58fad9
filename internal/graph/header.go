package graph

import (
	"bytes"
	"strings"
)

// A field is one header field: all its lines, each ending in CRLF.
type field struct {
	name string // lower-case, "" for something that is no field
	raw  string
}

// value is the field's unfolded value.
func (f field) value() string {
	_, v, _ := strings.Cut(f.raw, ":")
	return strings.TrimSpace(strings.ReplaceAll(v, "\r\n", ""))
}

// splitHeader cuts a header, whose lines end in CRLF and which has no empty
// line, into its fields. clean says that each of them is one beyond doubt, so
// that no parser finds the header's end before it, or a field inside another.
func splitHeader(header []byte) (fields []field, clean bool) {
	clean = true
	for len(header) > 0 {
		end := bytes.Index(header, []byte("\r\n")) + 2
		if end < 2 {
			end = len(header)
		}
		for end < len(header) && (header[end] == ' ' || header[end] == '\t') {
			more := bytes.Index(header[end:], []byte("\r\n")) + 2
			if more < 2 {
				more = len(header) - end
			}
			if len(bytes.TrimSpace(header[end:end+more])) == 0 {
				clean = false // some take a blank line for the empty one
			}
			end += more
		}
		f := field{raw: string(header[:end])}
		header = header[end:]
		first, _, _ := strings.Cut(f.raw, "\r\n")
		name, _, isField := strings.Cut(first, ":")
		if isField && name != "" && strings.Trim(name, fieldName) == "" {
			f.name = strings.ToLower(name)
		} else {
			clean = false
			// What a forgiving parser could still take for a field's name.
			loose, _, _ := strings.Cut(f.raw, ":")
			if loose = lettersOf(loose); namesRecipients(loose) {
				f.name = loose
			}
		}
		fields = append(fields, f)
	}
	return fields, clean
}

const fieldName = alphanumeric + "!\"#$%&'()*+,-./;<=>?@[\\]^_`{|}~"

func lettersOf(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || strings.ContainsRune(alphanumeric, r) {
			return r
		}
		return -1
	}, s))
}

// namesRecipients reports whether Graph may take a field of that name for one
// with recipients.
func namesRecipients(name string) bool {
	switch name {
	case "to", "cc", "bcc", "apparently-to":
		return true
	}
	return strings.HasPrefix(name, "resent-")
}

// firstValue is the value of the first field of that name, "" if there is none.
func firstValue(fields []field, name string) string {
	for _, f := range fields {
		if f.name == name {
			return f.value()
		}
	}
	return ""
}

// withoutFields is a header without the fields of those names.
func withoutFields(header []byte, names ...string) []byte {
	fields, _ := splitHeader(header)
	var b bytes.Buffer
next:
	for _, f := range fields {
		for _, n := range names {
			if f.name == n {
				continue next
			}
		}
		b.WriteString(f.raw)
	}
	return b.Bytes()
}
