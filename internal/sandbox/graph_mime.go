package sandbox

import (
	"bytes"
	"encoding/base64"
	"mime"
	"slices"
	"strings"
)

// A mimeField is a field of a header: its name, and what stands behind the
// colon, still folded, in CRLF lines without the last line's end.
type mimeField struct{ name, value string }

// A mimePart is a message, or a part of one: its header and what follows.
type mimePart struct {
	fields []mimeField
	body   []byte
}

// get returns the value of the first field of a name, unfolded; "" when there
// is none.
func (p mimePart) get(name string) string {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			return f.unfolded()
		}
	}
	return ""
}

func (f mimeField) unfolded() string {
	return strings.TrimSpace(strings.ReplaceAll(f.value, "\r\n", ""))
}

// drop takes every field of these names away.
func (p *mimePart) drop(names ...string) {
	p.fields = slices.DeleteFunc(p.fields, func(f mimeField) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, f.name) })
	})
}

// put gives a field a new value, in its old place or at the end.
func (p *mimePart) put(name, value string) {
	at := slices.IndexFunc(p.fields, func(f mimeField) bool { return strings.EqualFold(f.name, name) })
	if at < 0 {
		p.fields = append(p.fields, mimeField{name, " " + value})
		return
	}
	p.fields[at].value = " " + value
	rest := mimePart{fields: p.fields[at+1:]}
	rest.drop(name)
	p.fields = p.fields[:at+1+len(rest.fields)]
}

// write appends the part as it travels.
func (p mimePart) write(b *bytes.Buffer) {
	for _, f := range p.fields {
		b.WriteString(f.name + ":" + f.value + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(p.body)
}

// parseMIME takes a message apart. Its header is over at an empty line or at
// the first line that cannot be part of one; such a line begins the body. A
// message whose first line ends in a bare LF has all its lines made CRLF.
func parseMIME(message []byte) mimePart {
	if end := bytes.IndexByte(message, '\n'); end >= 0 && (end == 0 || message[end-1] != '\r') {
		message = bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n"))
		message = bytes.ReplaceAll(message, []byte("\n"), []byte("\r\n"))
	}
	var p mimePart
	for len(message) > 0 {
		line, rest, _ := bytes.Cut(message, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		name, value, isField := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) == 0:
			p.body = rest
			return p
		case (line[0] == ' ' || line[0] == '\t') && len(p.fields) > 0:
			last := &p.fields[len(p.fields)-1]
			last.value += "\r\n" + string(line)
		case isField && len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
			p.fields = append(p.fields, mimeField{string(name), string(value)})
		default:
			p.body = message
			return p
		}
		message = rest
	}
	return p
}

// decodeMIME decodes a request's body of MIME in base64, with white space
// anywhere; nothing is not MIME.
func decodeMIME(body []byte) ([]byte, bool) {
	packed := bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, body)
	message := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Decode(message, packed)
	return message[:n], err == nil && n > 0
}

// A graphAddress is Graph's emailAddress.
type graphAddress struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// addresses lists the addresses in every field of a name, in their order.
func (p mimePart) addresses(name string) (list []graphRecipient) {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			for _, a := range parseAddresses(f.unfolded()) {
				list = append(list, graphRecipient{a})
			}
		}
	}
	return list
}

// parseAddresses reads a list of addresses (RFC 5322 section 3.4) and takes
// what it can get: what stands in angle brackets is an address whatever stands
// before, an "@" in an unquoted name too; without brackets the whole is one,
// and need not be a good one. The names of groups and comments are left out.
func parseAddresses(value string) (list []graphAddress) {
	var text, inside strings.Builder
	var quoted, angle, hadAngle, literal bool
	comment := 0
	flush := func() {
		name, address := strings.TrimSpace(text.String()), strings.TrimSpace(inside.String())
		if !hadAngle {
			name, address = "", name
		}
		if address != "" || hadAngle {
			name = strings.TrimSpace(unquote(name))
			if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
				name = decoded
			}
			list = append(list, graphAddress{name, address})
		}
		text.Reset()
		inside.Reset()
		angle, hadAngle, literal = false, false, false
	}
	for i := 0; i < len(value); i++ {
		c := value[i]
		to := &text
		if angle {
			to = &inside
		}
		switch {
		case c == '\\' && (quoted || comment > 0) && i+1 < len(value):
			i++
			if comment == 0 {
				to.WriteString(value[i-1 : i+1])
			}
		case quoted:
			quoted = c != '"'
			to.WriteByte(c)
		case comment > 0 || c == '(':
			switch c {
			case '(':
				comment++
			case ')':
				comment--
			}
		case c == '"':
			quoted = true
			to.WriteByte(c)
		case literal || c == '[':
			literal = c != ']'
			to.WriteByte(c)
		case c == '<':
			angle, hadAngle = true, true
			inside.Reset()
		case c == '>':
			angle = false
		case angle:
			to.WriteByte(c)
		case c == ',' || c == ';':
			flush()
		case c == ':':
			text.Reset() // a group's name
		default:
			to.WriteByte(c)
		}
	}
	flush()
	return list
}

// unquote takes the quotes from a name and what they quote.
func unquote(name string) string {
	if !strings.Contains(name, `"`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '"' {
			continue
		}
		if name[i] == '\\' && i+1 < len(name) {
			i++
		}
		b.WriteByte(name[i])
	}
	return b.String()
}
