package graph

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxHeader is how large a header may be, in octets; it is Exchange's limit.
const maxHeader = 256 << 10

// crlfReader turns every line ending, be it CRLF, a bare LF or a bare CR, into
// CRLF: a message that two parsers cut into lines differently has two headers.
type crlfReader struct {
	src  *bufio.Reader
	rest []byte // of the current piece, with room in out
	out  []byte
	cr   bool // the last octet was a CR, its line ending is written already
	err  error
}

func newCRLFReader(r io.Reader) *crlfReader {
	return &crlfReader{src: bufio.NewReaderSize(r, 32<<10)}
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if _, err := c.src.Peek(1); err != nil {
			c.err = err
			continue
		}
		in, _ := c.src.Peek(c.src.Buffered())
		c.rest = c.convert(in)
		_, _ = c.src.Discard(len(in))
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *crlfReader) convert(in []byte) []byte {
	c.out = c.out[:0]
	for len(in) > 0 {
		if c.cr {
			c.cr = false
			if in[0] == '\n' {
				in = in[1:]
				continue
			}
		}
		i := bytes.IndexAny(in, "\r\n")
		if i < 0 {
			return append(c.out, in...)
		}
		c.out = append(append(c.out, in[:i]...), '\r', '\n')
		c.cr = in[i] == '\r'
		in = in[i+1:]
	}
	return c.out
}

// readHeader reads a message's header up to and with the empty line, and returns
// it without that.
func readHeader(r *bufio.Reader) ([]byte, error) {
	var header []byte
	for {
		line, err := r.ReadSlice('\n')
		header = append(header, line...)
		switch {
		case len(header) > maxHeader:
			return nil, &Error{Op: OpMessage, Err: fmt.Errorf("its header is longer than %d KiB", maxHeader>>10)}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		}
		if n := len(header) - 2; err == nil && string(line) == "\r\n" && (n == 0 || header[n-1] == '\n') {
			return header[:n], nil
		}
		if err != nil {
			if len(header) > 0 && header[len(header)-1] != '\n' {
				header = append(header, '\r', '\n')
			}
			return header, nil
		}
	}
}
