package relay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// newlines turns every line ending into CRLF: a bare LF, a bare CR, and the
// CR CR LF of programs that write text twice over. From here on all readers of
// a message agree where its lines are, which is what SMTP smuggling and hidden
// header fields live from. The zero value is at the start of a message.
type newlines struct {
	cr     bool // CRs were seen, their line ending is still to be written
	inLine bool // the current line has an octet already
	stuff  bool // double the dot at the start of a line (RFC 5321 §4.5.2)
}

// append adds src to dst, at most twice as long and one line ending more.
func (n *newlines) append(dst, src []byte) []byte {
	for len(src) > 0 {
		switch {
		case src[0] == '\r':
			n.cr = true
			src = src[1:]
			continue
		case src[0] == '\n':
			dst = n.end(dst)
			src = src[1:]
			continue
		case n.cr:
			dst = n.end(dst)
		}
		if n.stuff && !n.inLine && src[0] == '.' {
			dst = append(dst, '.')
		}
		n.inLine = true
		text := len(src)
		if i := bytes.IndexByte(src, '\n'); i >= 0 {
			text = i
		}
		if i := bytes.IndexByte(src[:text], '\r'); i >= 0 {
			text = i
		}
		dst = append(dst, src[:text]...)
		src = src[text:]
	}
	return dst
}

func (n *newlines) end(dst []byte) []byte {
	n.cr, n.inLine = false, false
	return append(dst, '\r', '\n')
}

// finish ends the last line if it has no ending.
func (n *newlines) finish(dst []byte) []byte {
	if n.cr || n.inLine {
		return n.end(dst)
	}
	return dst
}

// crlfReader reads a message with all its line endings made CRLF.
type crlfReader struct {
	r   io.Reader
	n   newlines
	in  [16 << 10]byte
	buf []byte // its storage
	out []byte // what of buf is still to be read
	err error
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var n int
		n, c.err = c.r.Read(c.in[:])
		c.buf = c.n.append(c.buf[:0], c.in[:n])
		if c.err == io.EOF {
			c.buf = c.n.finish(c.buf)
		}
		c.out = c.buf
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// lineReaders are shared by all messages that come in.
var lineReaders = sync.Pool{New: func() any {
	l := &lineReader{}
	l.br = bufio.NewReader(&l.crlf)
	return l
}}

// A lineReader is what reads one message's lines, and then another's.
type lineReader struct {
	crlf crlfReader
	br   *bufio.Reader
}

func (l *lineReader) read(r io.Reader) *bufio.Reader {
	l.crlf.r, l.crlf.n, l.crlf.out, l.crlf.err = r, newlines{}, nil, nil
	l.br.Reset(&l.crlf)
	return l.br
}

func (l *lineReader) giveBack() {
	l.crlf.r = nil
	lineReaders.Put(l)
}

// dataReader reads what follows a DATA command. The message ends at
// CRLF.CRLF and nowhere else, and reaches go-smtp with clean line endings and
// its dots doubled anew, the end included.
type dataReader struct {
	r        *bufio.Reader
	n        newlines
	inLine   bool // the line has not ended with CRLF: a bare LF is no end here
	cr       bool // the last octet was a CR
	finished bool
	// bareDot says that a line of one dot stood between bare line endings: the
	// client may believe that it ended the message.
	bareDot  bool
	bareLine bool
	buf      []byte
	out      []byte
}

func newDataReader(r *bufio.Reader) *dataReader {
	return &dataReader{r: r, n: newlines{stuff: true}}
}

func (d *dataReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.finished {
			return 0, io.EOF
		}
		d.buf = d.buf[:0]
		for more := true; more; more = !d.finished && len(d.buf) < 2048 && d.lineBuffered() {
			line, err := d.r.ReadSlice('\n')
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return 0, d.cutOff(err)
			}
			d.take(line)
		}
		d.out = d.buf
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// cutOff is the error of a message that has no end.
func (d *dataReader) cutOff(err error) error {
	if d.bareDot {
		return fmt.Errorf("%w; there was a line of one dot, but between bare line endings: the client has to end the message with CRLF, a dot and CRLF", unexpected(err))
	}
	return unexpected(err)
}

// lineBuffered reports whether a line can be had without waiting for it.
func (d *dataReader) lineBuffered() bool {
	b, _ := d.r.Peek(d.r.Buffered()) // cannot fail
	return bytes.IndexByte(b, '\n') >= 0
}

// take adds a line, or the part of one that filled the buffer.
func (d *dataReader) take(line []byte) {
	if !d.inLine && string(line) == ".\r\n" {
		d.buf = append(d.n.finish(d.buf), ".\r\n"...)
		d.finished = true
		return
	}
	d.bareDot = d.bareDot || d.bareLine && string(bytes.TrimRight(line, "\r\n")) == "."
	d.bareLine = bytes.HasSuffix(line, []byte("\n")) && !bytes.HasSuffix(line, []byte("\r\n"))
	text := line
	if !d.inLine && line[0] == '.' {
		text = line[1:]
	}
	d.buf = d.n.append(d.buf, text)

	last := len(line) - 1
	cr := d.cr
	if last > 0 {
		cr = line[last-1] == '\r'
	}
	d.inLine = line[last] != '\n' || !cr
	d.cr = line[last] == '\r'
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
