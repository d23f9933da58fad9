package smtp

import (
	"bytes"
	"errors"
	"io"
)

// newlines turns every line ending, be it CRLF, a bare LF or a bare CR, into
// CRLF. Servers differ in what a bare one means, and a message that two of them
// read differently can carry a second message (SMTP smuggling).
// The zero value is at the start of a message.
type newlines struct {
	cr      bool // a CR was seen, its line ending is still to be written
	partial bool // the last line has no ending yet
}

// append adds src to dst, at most twice as long and one line ending more.
func (n *newlines) append(dst, src []byte) []byte {
	for len(src) > 0 {
		if n.cr {
			n.cr = false
			dst = append(dst, '\r', '\n')
			if src[0] == '\n' {
				src = src[1:]
				continue
			}
		}
		line := src
		lf := bytes.IndexByte(src, '\n')
		if lf >= 0 {
			line = src[:lf]
		}
		if cr := bytes.IndexByte(line, '\r'); cr >= 0 {
			dst = append(dst, line[:cr]...)
			n.cr, n.partial = true, false
			src = src[cr+1:]
			continue
		}
		dst = append(dst, line...)
		n.partial = lf < 0
		if lf < 0 {
			return dst
		}
		dst = append(dst, '\r', '\n')
		src = src[lf+1:]
	}
	return dst
}

// finish ends the last line. An empty message stays empty.
func (n *newlines) finish(dst []byte) []byte {
	if n.cr || n.partial {
		dst = append(dst, '\r', '\n')
	}
	*n = newlines{}
	return dst
}

// dots doubles each dot that starts a line (RFC 5321 §4.5.2), for DATA.
// The zero value is at the start of a message.
type dots struct{ inLine bool }

func (d *dots) append(dst, src []byte) []byte {
	for len(src) > 0 {
		if !d.inLine && src[0] == '.' {
			dst = append(dst, '.')
		}
		end := bytes.IndexByte(src, '\n') + 1
		d.inLine = end == 0
		if end == 0 {
			end = len(src)
		}
		dst = append(dst, src[:end]...)
		src = src[end:]
	}
	return dst
}

// A bodyReader normalises a message piece by piece.
type bodyReader struct {
	src      io.Reader
	in       []byte
	lines    newlines
	eightBit bool // an octet above 127 was read
	done     bool // the source has ended, and the last line with it
}

// Less room than this in the output ends a piece: small reads cost more than a
// piece that is not quite full.
const minRead = 512

// fill appends to buf, within its capacity, until that is used up or the
// message has ended.
func (b *bodyReader) fill(buf []byte) ([]byte, error) {
	for idle := 0; !b.done; {
		// What is read may double, and a line ending may be pending.
		room := (cap(buf) - len(buf) - 2) / 2
		if room < minRead {
			break
		}
		n, err := b.src.Read(b.in[:min(room, len(b.in))])
		b.eightBit = b.eightBit || !ascii(b.in[:n])
		buf = b.lines.append(buf, b.in[:n])
		if idle++; n > 0 {
			idle = 0
		}
		switch {
		case errors.Is(err, io.EOF):
			buf = b.lines.finish(buf)
			b.done = true
		case err != nil:
			return buf, err
		case idle == 100:
			return buf, io.ErrNoProgress
		}
	}
	return buf, nil
}

// asciiHeader reports whether a message that begins with p, its lines ended by CRLF,
// has a header in ASCII, all of which is in p.
func asciiHeader(p []byte) bool {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	return end >= 0 && ascii(p[:end])
}

func ascii[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
