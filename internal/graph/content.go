package graph

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// A content is a message as Graph is to get it: the rewritten header, and the
// body, which is read from its source each time.
type content struct {
	source    func() (io.ReadCloser, error)
	envelope  *envelope
	header    []byte // without the empty line
	parts     *parts
	messageID string // with its brackets, "" if none
}

// newContent reads m once and rewrites its header.
func newContent(m *Message) (*content, error) {
	e, err := newEnvelope(m.To)
	if err != nil {
		return nil, &Error{Op: OpMessage, Err: err}
	}
	from := ""
	if m.From != "" {
		a, err := parseAddress(m.From)
		if err != nil {
			return nil, &Error{Op: OpMessage, Err: err}
		}
		from = a.String()
	}
	c := &content{source: m.Open, envelope: e}
	r, header, err := c.start()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c.header = rewriteHeader(header, e, from)
	fields, _ := splitHeader(c.header)
	c.messageID = firstValue(fields, "message-id")
	if c.parts, err = scanParts(c.header, r); err != nil {
		return nil, err
	}
	return c, nil
}

// start opens the message and reads its own header; what is left is the body.
func (c *content) start() (*source, []byte, error) {
	f, err := c.source()
	if err != nil {
		return nil, nil, &Error{Op: OpRead, Err: err}
	}
	s := &source{bufio.NewReaderSize(newCRLFReader(marked{f}), 32<<10), f}
	header, err := readHeader(s.Reader)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return s, header, nil
}

// marked makes errors of the message's own reader known as such, wherever they
// come out.
type marked struct{ io.Reader }

func (m marked) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &Error{Op: OpRead, Err: err}
	}
	return n, err
}

type source struct {
	*bufio.Reader
	io.Closer
}

// readCloser reads from one and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

// An edit takes a piece out of the body and puts another there.
type edit struct {
	from, to int64
	insert   string
}

// size is that of the whole message with these edits.
func (c *content) size(edits []edit) int64 {
	n := int64(len(c.header)) + 2 + c.parts.size
	for _, e := range edits {
		n += int64(len(e.insert)) - (e.to - e.from)
	}
	return n
}

// reader is the whole message with these edits, which are in order and apart.
func (c *content) reader(edits []edit) (io.ReadCloser, error) {
	body, _, err := c.start()
	if err != nil {
		return nil, err
	}
	// In pieces of known length: a source that has changed must not go out longer
	// than it was announced.
	pieces := []io.Reader{newPiece(string(c.header) + "\r\n")}
	pos := int64(0)
	for _, e := range edits {
		pieces = append(pieces, io.LimitReader(body, e.from-pos), &skip{body, e.to - e.from}, newPiece(e.insert))
		pos = e.to
	}
	pieces = append(pieces, io.LimitReader(body, c.parts.size-pos))
	return readCloser{io.MultiReader(pieces...), body}, nil
}

// section is a part's content as it stands in the message.
func (c *content) section(p *part) (io.ReadCloser, error) {
	body, _, err := c.start()
	if err != nil {
		return nil, err
	}
	return readCloser{io.MultiReader(&skip{body, p.body}, io.LimitReader(body, p.end-p.body)), body}, nil
}

// decoded is a part's content without its transfer encoding, from an offset.
func (c *content) decoded(p *part, offset int64) (io.ReadCloser, error) {
	r, err := c.section(p)
	if err != nil {
		return nil, err
	}
	plain, ok := decode(p.encoding, r)
	if !ok {
		r.Close()
		return nil, fmt.Errorf("the transfer encoding %q is not known", clip(p.encoding, 40))
	}
	return readCloser{io.MultiReader(&skip{plain, offset}, plain), r}, nil
}

// skip reads n octets of r away and has none itself.
type skip struct {
	r io.Reader
	n int64
}

func (s *skip) Read([]byte) (int, error) {
	n, err := io.CopyN(io.Discard, s.r, s.n)
	s.n -= n
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if s.n > 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return 0, io.EOF
}
