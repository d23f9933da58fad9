package graph

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	maxParts   = 1000
	maxNesting = 20
)

// A part is one part of a MIME message. Offsets count from the start of the
// message's body, after the header's empty line.
type part struct {
	parent      *part
	first       bool  // of its parent
	children    int   // of a multipart
	delimiter   int64 // where the line with its boundary starts
	body, end   int64 // its content, without the line ending before the next boundary
	next        int64 // where the next boundary's line starts
	description       // what its header says

	boundary string // of a multipart, else ""
}

// parts are all parts of a message in their order, the message itself first.
type parts struct {
	list  []*part
	size  int64  // of the message's body
	vague string // why the message should not be taken apart, "" if it may be
}

// scanParts reads a message's body to its end and tells where its parts are.
// header is that of the message.
func scanParts(header []byte, r io.Reader) (*parts, error) {
	s := &scanner{parts: &parts{}}
	s.begin(nil, 0)
	s.header = header
	s.endHeader(0)
	br := bufio.NewReaderSize(r, 64<<10)
	var pos int64
	start := true // of a line
	for {
		line, err := br.ReadSlice('\n')
		if start {
			s.line(line, pos)
		} else if s.inHeader {
			s.header = append(s.header, line...)
		}
		pos += int64(len(line))
		start = err == nil
		if s.inHeader && len(s.header) > maxHeader {
			s.blame("one of its parts has a very long header")
			s.inHeader = false
		}
		if errors.Is(err, bufio.ErrBufferFull) || err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		break
	}
	s.finish(pos)
	return s.parts, nil
}

type scanner struct {
	*parts
	open     []*part // multiparts whose end has not come, the innermost last
	leaf     *part   // what the lines belong to, nil between parts
	inHeader bool    // of leaf
	header   []byte
}

func (s *scanner) blame(why string) {
	if s.vague == "" {
		s.vague = why
	}
}

func (s *scanner) line(line []byte, pos int64) {
	if bytes.HasPrefix(line, []byte("--")) && s.delimit(line, pos) {
		return
	}
	if !s.inHeader {
		return
	}
	if string(line) == "\r\n" {
		s.endHeader(pos + 2)
		return
	}
	s.header = append(s.header, line...)
}

// delimit looks whether the line is a boundary of a multipart that is open.
func (s *scanner) delimit(line []byte, pos int64) bool {
	text := strings.TrimRight(string(line[2:]), " \t\r\n")
	for i := len(s.open) - 1; i >= 0; i-- {
		p := s.open[i]
		last := text == p.boundary+"--"
		if !last && text != p.boundary {
			continue
		}
		if i < len(s.open)-1 {
			s.blame("one of its multiparts has no end")
		}
		s.open = s.open[:i+1]
		s.close(pos)
		if last {
			s.open = s.open[:i]
			if p.children == 0 {
				s.blame("one of its multiparts has no parts")
			}
			return true
		}
		p.children++
		s.begin(p, pos)
		return true
	}
	return false
}

func (s *scanner) begin(parent *part, pos int64) {
	if len(s.list) == maxParts {
		s.blame("it has too many parts")
		return
	}
	p := &part{parent: parent, delimiter: pos, first: parent != nil && parent.children == 1}
	s.list = append(s.list, p)
	s.leaf, s.inHeader, s.header = p, true, nil
}

// endHeader comes after the empty line of a part's header.
func (s *scanner) endHeader(pos int64) {
	p := s.leaf
	s.inHeader = false
	p.body = pos
	p.description = describe(s.header, p.parent == nil)
	if !strings.HasPrefix(p.mediaType, "multipart/") {
		return
	}
	p.boundary = strings.TrimRight(p.typeParams["boundary"], " ")
	if p.boundary == "" || len(s.open) == maxNesting {
		s.blame("one of its multiparts cannot be read")
		p.boundary = ""
		return
	}
	s.open = append(s.open, p)
}

// close ends the part that the lines belonged to.
func (s *scanner) close(pos int64) {
	for _, p := range s.list {
		if p.next == 0 && p.parent != nil && p.delimiter < pos && !s.contains(p) {
			p.next = pos
			p.end = max(pos-2, p.body)
		}
	}
	if s.inHeader && s.leaf != nil {
		s.leaf.body, s.leaf.end = pos, pos
		s.leaf.description = describe(s.header, s.leaf.parent == nil)
	}
	s.leaf, s.inHeader, s.header = nil, false, nil
}

// contains reports whether p is a multipart that goes on.
func (s *scanner) contains(p *part) bool {
	for _, o := range s.open {
		if o == p {
			return true
		}
	}
	return false
}

func (s *scanner) finish(pos int64) {
	if len(s.open) > 0 {
		s.blame("one of its multiparts has no end")
	}
	s.open = nil
	s.close(pos)
	s.list[0].end, s.list[0].next = pos, pos
	s.size = pos
}
