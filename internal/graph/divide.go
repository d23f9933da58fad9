package graph

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An attachment is a part that goes to Graph by itself.
type attachment struct {
	*part
	size int64 // decoded
}

// A division is a large message in pieces that Graph takes.
type division struct {
	header      []byte // of the draft
	edits       []edit // that make the draft
	attachments []attachment
}

const overSMTP = ": send it over SMTP, which takes it as it is, or make it smaller"

// divide takes the largest attachments out until the rest is of at most limit
// octets, and as few as possible.
func (c *content) divide(limit int64) (*division, error) {
	refuse := func(why string) error {
		return &Error{Op: OpMessage, Err: fmt.Errorf("it has %d octets, more than Graph takes at once, and %s%s", c.size(nil), why, overSMTP)}
	}
	if c.parts.vague != "" {
		return nil, refuse("cannot be divided since " + c.parts.vague)
	}
	var loose []*part
	for _, p := range c.parts.list {
		if p.separable() {
			loose = append(loose, p)
		}
	}
	slices.SortStableFunc(loose, func(a, b *part) int { return int((b.next - b.delimiter) - (a.next - a.delimiter)) })
	d := &division{header: c.header}
	for n := 1; ; n++ {
		if n > len(loose) {
			if c.sealed() {
				return nil, refuse("is signed or encrypted, which dividing it would break")
			}
			return nil, refuse("is large without its attachments too")
		}
		d.edits = cut(loose[:n])
		if c.size(d.edits) <= limit {
			loose = loose[:n]
			break
		}
	}
	slices.SortFunc(loose, func(a, b *part) int { return int(a.delimiter - b.delimiter) })
	for _, p := range loose {
		n, err := c.decodedSize(p)
		if _, reading := errors.AsType[*Error](err); reading {
			return nil, err
		}
		if err != nil {
			return nil, refuse("has an attachment that cannot be decoded: " + err.Error())
		}
		if p.parent == nil {
			d.header = withoutFields(c.header, "content-type", "content-transfer-encoding", "content-disposition", "content-id", "content-description")
		}
		d.attachments = append(d.attachments, attachment{p, n})
	}
	return d, nil
}

func (c *content) decodedSize(p *part) (int64, error) {
	r, err := c.decoded(p, 0)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(io.Discard, r)
}

// cut is the edits that take these parts out. A multipart does not stay empty.
func cut(list []*part) []edit {
	left := map[*part]int{}
	for _, p := range list {
		if p.parent != nil {
			left[p.parent]++
		}
	}
	var edits []edit
	for _, p := range list {
		e := edit{from: p.delimiter, to: p.next}
		if p.parent == nil {
			e.from = p.body
		} else if left[p.parent] == p.parent.children {
			left[p.parent] = -1
			e.insert = "--" + p.parent.boundary + "\r\nContent-Type: text/plain\r\n\r\n\r\n"
		}
		edits = append(edits, e)
	}
	slices.SortFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
	return edits
}

// separable reports whether the part is an attachment that the message stays
// whole without.
func (p *part) separable() bool {
	if p.boundary != "" || p.sealed() {
		return false
	}
	if _, known := decode(p.encoding, nil); !known {
		return false
	}
	for a := p.parent; a != nil; a = a.parent {
		if a.mediaType != "multipart/mixed" && a.mediaType != "multipart/related" && a.mediaType != "multipart/alternative" {
			return false
		}
	}
	if p.parent != nil && (p.parent.mediaType == "multipart/alternative" || p.parent.mediaType == "multipart/related" && p.first) {
		return false
	}
	return p.isAttachment()
}

// isAttachment reports whether the part is not what is read as the message.
func (p *part) isAttachment() bool {
	return p.attachment || p.name != "" || p.mediaType != "text/plain" && p.mediaType != "text/html"
}

// sealed reports whether the part is signed or encrypted as a whole.
func (p *part) sealed() bool {
	switch p.mediaType {
	case "multipart/signed", "multipart/encrypted":
		return true
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return p.parent == nil
	}
	return false
}

func (c *content) sealed() bool { return slices.ContainsFunc(c.parts.list, (*part).sealed) }

// fileName is what the recipient sees; Graph wants one.
func (p *part) fileName() string {
	switch {
	case p.name != "":
		return p.name
	case p.mediaType == "message/rfc822":
		return "message.eml"
	case strings.HasPrefix(p.mediaType, "text/"):
		return "attachment.txt"
	}
	return "attachment.bin"
}
