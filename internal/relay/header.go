package relay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// A header is the only part of a message in memory: its octets and its fields
// are bounded, for a field takes more than its octets.
const (
	maxHeader = 256 << 10
	maxFields = 5000
)

var (
	errHeader = refuse(552, [3]int{5, 3, 4}, "the header of the message is larger than 256 KiB")
	errFields = refuse(552, [3]int{5, 3, 4}, "the header of the message has more than %d fields", maxFields)
)

// A field is one header field as it stands in the message.
type field struct {
	name string // in lower case
	raw  []byte // all its lines with their CRLFs
}

// value returns what stands after the colon, unfolded (RFC 5322 §2.2.3).
func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte(":"))
	return strings.TrimSpace(string(bytes.ReplaceAll(v, []byte("\r\n"), nil)))
}

func newField(name, value string) field {
	return field{strings.ToLower(name), []byte(name + ": " + value + "\r\n")}
}

// A header is the fields in their order.
type header []field

// readHeader reads a header whose lines end with CRLF, and the empty line
// after it, and holds the memory for it. A line that cannot be a field ends the header as well and is given
// back as the start of the body: devices leave out the empty line, or all of
// the header.
func readHeader(r *bufio.Reader, held *holding) (h header, body []byte, err error) {
	size := 0
	for {
		line, err := readLine(r, maxHeader-size, len(h) > 0, held)
		if err != nil {
			return nil, nil, err
		}
		size += len(line)
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		switch name := fieldName(line); {
		case len(line) == 0, string(line) == "\r\n":
			return h, nil, nil
		case folded && len(h) > 0:
			h[len(h)-1].raw = append(h[len(h)-1].raw, line...)
		case name != "" && len(h) == maxFields:
			return nil, nil, errFields
		case name != "":
			h = append(h, field{name, line})
		case len(h) == 0 && isMboxFrom(line): // of a message out of an mbox file
		default:
			return h, line, nil
		}
	}
}

// readLine returns a line with its ending, "" at the end of the message. Of a
// line that is no part of a header it may return the beginning only.
func readLine(r *bufio.Reader, limit int, mayFold bool, held *holding) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		isHeader := fieldName(line) != "" || mayFold && len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		switch {
		case isHeader && len(line) > limit:
			return nil, errHeader
		case !held.add(2*len(part) + fieldCost): // it is written together once more
			return nil, errHeld
		case err == nil, err == io.EOF:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case !isHeader:
			return line, nil
		}
	}
}

// fieldName returns the name in lower case if the line starts a field, else "".
func fieldName(line []byte) string {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return ""
	}
	name := bytes.TrimRight(line[:colon], " \t")
	for _, c := range name {
		if c < '!' || c > '~' {
			return ""
		}
	}
	return strings.ToLower(string(name))
}

func isMboxFrom(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

func (h header) count(name string) (n int) {
	for _, f := range h {
		if f.name == name {
			n++
		}
	}
	return n
}

// values returns the values of all fields of a name.
func (h header) values(name string) []string {
	var values []string
	for _, f := range h {
		if f.name == name {
			values = append(values, f.value())
		}
	}
	return values
}

// get returns the first value, "" if there is no such field.
func (h header) get(name string) string {
	if v := h.values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (h *header) remove(names ...string) {
	kept := (*h)[:0]
	for _, f := range *h {
		if !listed(names, f.name) {
			kept = append(kept, f)
		}
	}
	*h = kept
}

// set puts a field at the place of the first of its name, or at the end, and
// removes the others.
func (h *header) set(name, value string) {
	key := strings.ToLower(name)
	for i, f := range *h {
		if f.name == key {
			rest := (*h)[i+1:]
			rest.remove(key)
			(*h)[i] = newField(name, value)
			*h = (*h)[:i+1+len(rest)]
			return
		}
	}
	*h = append(*h, newField(name, value))
}

// bytes returns the header with the empty line after it.
func (h header) bytes() []byte {
	var b bytes.Buffer
	for _, f := range h {
		b.Write(f.raw)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
