package dsn

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

const (
	maxLine   = 998       // octets of a line without its CRLF (RFC 5322 §2.1.1)
	maxHeader = 256 << 10 // octets of a header that are returned
)

// what is returned of the message.
type what int

const (
	nothing    what = iota // it is gone
	headers                // its header
	tooLarge               // its header, although all was asked for
	everything             // all of it
)

// description is the Content-Description of the part.
func (w what) description() string {
	if w == everything {
		return "Original message"
	}
	return "Header of the original message"
}

// An original is the part that returns the message.
type original struct {
	io.Reader
	what
	contentType string
	eightBit    bool
	source      io.Closer // nil when there is nothing to give back, or no more
}

// Close gives the source back once.
func (o *original) Close() error {
	source := o.source
	o.source = nil
	if source == nil {
		return nil
	}
	return source.Close()
}

// closed is what is left of a reader: the error that it ended with.
type closed struct{ err error }

func (c closed) Read([]byte) (int, error) { return 0, c.err }

// returned opens the part that returns the message, or its header.
func (r *Report) returned() (*original, error) {
	if r.Original == nil {
		return &original{Reader: closed{io.EOF}}, nil
	}
	o, global, err := r.look()
	if err != nil || o.what != everything {
		return o, err
	}
	source, err := r.Original()
	if err != nil {
		return nil, err
	}
	o.Reader, o.source, o.contentType = newSafeReader(source), source, "message/rfc822"
	if global {
		o.contentType = "message/global"
	}
	return o, nil
}

// look reads the message's header and, if all of it may be returned, the rest
// as well, to decide on what is. It reports too whether the media types of RFC
// 6532 are needed.
func (r *Report) look() (o *original, global bool, err error) {
	source, err := r.Original()
	if err != nil {
		return nil, false, err
	}
	defer source.Close()
	seen := &meter{r: source}
	header, err := readHeader(bufio.NewReader(newSafeReader(seen)))
	if err != nil {
		return nil, false, err
	}
	o = &original{Reader: bytes.NewReader(header), what: headers, contentType: "text/rfc822-headers", eightBit: eightBit(header)}
	// Devices put 8-bit text into headers although they never heard of SMTPUTF8,
	// and people's programs show that best under the old media types.
	global = r.international() && o.eightBit && utf8.Valid(header)
	if global {
		o.contentType = "message/global-headers"
	}
	if r.Kind != Failed || !strings.EqualFold(r.Return, "FULL") {
		return o, global, nil
	}
	most := r.MaxOriginal
	if most <= 0 {
		most = math.MaxInt64 - 1
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(seen, most+1-seen.size)); err != nil {
		return nil, false, err
	}
	o.what = everything
	if seen.size > most {
		o.what = tooLarge
	} else {
		o.eightBit = seen.eightBit
	}
	return o, global, nil
}

// A meter notes the size of what comes through it, and whether it has 8-bit text.
type meter struct {
	r        io.Reader
	size     int64
	eightBit bool
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.size += int64(n)
	m.eightBit = m.eightBit || eightBit(p[:n])
	return n, err
}

// readHeader reads header fields from a safeReader up to the empty line, or to
// the first line that cannot be of a field: devices leave out the empty line, or
// all of the header. A header of unreasonable size is cut off.
func readHeader(safe *bufio.Reader) ([]byte, error) {
	var header []byte
	for {
		line, err := safe.ReadSlice('\n') // shorter than its buffer
		if err != nil && err != io.EOF {
			return nil, err
		}
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		if len(line) == 0 || !isFieldLine(line, len(header) > 0) || len(header)+len(line)+2 > maxHeader {
			return header, nil
		}
		header = append(append(header, line...), "\r\n"...)
		if err == io.EOF {
			return header, nil
		}
	}
}

func isFieldLine(line []byte, continues bool) bool {
	if line[0] == ' ' || line[0] == '\t' {
		return continues
	}
	name, _, found := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	return found && len(name) > 0 && bytes.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// A safeReader makes a message fit for 8-bit transport: it makes line endings
// CRLF, breaks lines that are too long, and replaces NULs. It leaves alone
// what a well-behaved program sends.
type safeReader struct {
	r        io.Reader
	in       []byte
	buf, out []byte // the storage, and what of it is still to be read
	err      error

	column int
	inBody bool // past the empty line
	cr     bool // CRs were seen, whose line ending is still to be written
}

func newSafeReader(r io.Reader) *safeReader {
	return &safeReader{r: r, in: make([]byte, 16<<10)}
}

func (s *safeReader) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		var n int
		n, s.err = s.r.Read(s.in)
		s.buf = s.buf[:0]
		for _, c := range s.in[:n] {
			s.add(c)
		}
		if s.err == io.EOF && s.cr {
			s.endLine()
		}
		s.out = s.buf
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

func (s *safeReader) add(c byte) {
	switch c {
	case '\r':
		s.cr = true // CR CR LF, which some programs write, ends one line
		return
	case '\n':
		s.endLine()
		return
	case 0:
		c = '?'
	}
	if s.cr {
		s.endLine()
	}
	if s.column+length(c) > maxLine {
		s.buf = append(s.buf, "\r\n"...)
		s.column = 0
		if !s.inBody {
			s.buf = append(s.buf, ' ')
			s.column = 1
		}
	}
	s.buf = append(s.buf, c)
	s.column++
}

func (s *safeReader) endLine() {
	s.inBody = s.inBody || s.column == 0
	s.buf = append(s.buf, "\r\n"...)
	s.column, s.cr = 0, false
}

// length is how many octets the character has whose first one is c, so that
// none is broken in two.
func length(c byte) int {
	switch {
	case c >= 0xf0:
		return 4
	case c >= 0xe0:
		return 3
	case c >= 0xc0:
		return 2
	}
	return 1
}
