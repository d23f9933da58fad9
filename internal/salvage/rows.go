package salvage

import (
	"encoding/binary"
	"math"
)

// The kinds of tree pages.
const (
	innerIndex = 0x02
	innerTable = 0x05
	leafIndex  = 0x0a
	leafTable  = 0x0d
)

// A Row is one of a table, or an entry of an index.
type Row struct {
	Index  bool
	Values []any // nil, int64, float64, string or []byte; those of an entry end with the row's number
}

// Rows calls each for every row that can be read, in the order of pages, until it
// returns an error, which is returned. Pages that are free are left out: they hold
// what was deleted. cut is how many rows were there of which a part is not.
func (f *File) Rows(each func(Row) error) (cut int, err error) {
	for n := uint32(1); n <= f.count; n++ {
		if !f.live(n) {
			continue
		}
		p, err := f.page(n)
		if err == errGone {
			continue
		}
		if err != nil {
			return cut, err
		}
		for _, c := range f.cells(n, p) {
			if c.payload == nil {
				continue
			}
			row, whole := f.row(n, c)
			if !whole {
				cut++
				continue
			}
			if err := each(row); err != nil {
				return cut, err
			}
		}
	}
	return cut, nil
}

// live tells whether a page is a tree's. Where the pointer map is damaged a page
// counts that another one names.
func (f *File) live(n uint32) bool {
	p, isMap := f.place(n)
	switch {
	case isMap || p.kind == isFree:
		return false
	case p.kind == isRoot || p.kind == isTree:
		return true
	case p.kind != 0 && n > 1:
		// The first octet of an overflow page is that of a page's number: with a
		// page's kind in it the file would be of 32 GB.
		if b, err := f.page(n); err != nil || !isTreePage(b, n) {
			return false
		}
	}
	if f.children == nil {
		f.findChildren()
	}
	return f.children[n]
}

func isTreePage(p []byte, n uint32) bool {
	switch p[startOf(n)] {
	case innerIndex, innerTable, leafIndex, leafTable:
		return true
	}
	return false
}

// startOf is where a tree page's content begins: on the first page, behind the
// file's header.
func startOf(n uint32) int {
	if n == 1 {
		return headerSize
	}
	return 0
}

// findChildren notes the pages that inner pages name, and the schema as roots.
func (f *File) findChildren() {
	f.children = map[uint32]bool{}
	for n := uint32(1); n <= f.count; n++ {
		if at, isMap := f.place(n); isMap || at.kind == isFree {
			continue
		}
		p, err := f.page(n)
		if err != nil || !isTreePage(p, n) {
			continue
		}
		for _, c := range f.cells(n, p) {
			if c.child != 0 {
				f.children[c.child] = true
			}
			row, whole := f.row(n, c)
			if !whole || row.Index || len(row.Values) != 5 {
				continue
			}
			if root, ok := row.Values[3].(int64); ok && (row.Values[0] == "table" || row.Values[0] == "index") && root > 0 && root <= int64(f.count) {
				f.children[uint32(root)] = true
			}
		}
		if start := startOf(n); p[start] == innerIndex || p[start] == innerTable {
			f.children[binary.BigEndian.Uint32(p[start+8:])] = true
		}
	}
}

// A cell is one of a tree page.
type cell struct {
	child   uint32
	index   bool
	payload []byte // as much as is on the page; nil for an inner page of a table
	size    uint64 // of the whole payload
	next    uint32 // where it goes on; 0: nowhere
}

// cells reads those of a page that make sense.
func (f *File) cells(n uint32, p []byte) []cell {
	start := startOf(n)
	kind := p[start]
	head := 8
	switch kind {
	case innerIndex, innerTable:
		head = 12
	case leafIndex, leafTable:
	default:
		return nil
	}
	count := int(binary.BigEndian.Uint16(p[start+3:]))
	end := start + head + 2*count
	var cells []cell
	for i := start + head; i < end && i+2 <= len(p); i += 2 {
		at := int(binary.BigEndian.Uint16(p[i:]))
		if at < start+head || at >= len(p) {
			continue
		}
		if c, ok := f.cell(kind, p[at:]); ok {
			cells = append(cells, c)
		}
	}
	return cells
}

func (f *File) cell(kind byte, b []byte) (c cell, ok bool) {
	if kind == innerIndex || kind == innerTable {
		if len(b) < 4 {
			return c, false
		}
		c.child, b = binary.BigEndian.Uint32(b), b[4:]
		if kind == innerTable {
			return c, true
		}
	}
	var n int
	if c.size, n = varint(b); n == 0 || c.size > f.maxRow {
		return c, false
	}
	b = b[n:]
	c.index = kind != leafTable
	if !c.index {
		if _, n = varint(b); n == 0 { // the row's number, which nobody needs
			return c, false
		}
		b = b[n:]
	}
	here := f.onPage(c.size, c.index)
	if here > len(b) {
		return c, false
	}
	c.payload = b[:here:here]
	if uint64(here) < c.size {
		if len(b) < here+4 {
			return c, false
		}
		c.next = binary.BigEndian.Uint32(b[here:])
	}
	return c, true
}

// onPage is how much of a payload is on the tree's page.
func (f *File) onPage(size uint64, index bool) int {
	u := uint64(f.pageSize)
	most := u - 35
	if index {
		most = (u-12)*64/255 - 23
	}
	if size <= most {
		return int(size)
	}
	least := (u-12)*32/255 - 23
	if k := least + (size-least)%(u-4); k <= most {
		return int(k)
	}
	return int(least)
}

// row reads a cell's row with what of it is on other pages. Each of those must be
// the next one by the pointer map too, where that is whole.
func (f *File) row(n uint32, c cell) (r Row, whole bool) {
	if c.payload == nil {
		return r, false
	}
	payload := c.payload
	for before, next, kind := n, c.next, byte(isFirst); uint64(len(payload)) < c.size; kind = isOverflow {
		if p, isMap := f.place(next); isMap || p.kind != 0 && p != (place{kind, before}) {
			return r, false
		}
		p, err := f.page(next)
		if err != nil {
			return r, false
		}
		rest := p[4:]
		payload = append(payload, rest[:min(uint64(len(rest)), c.size-uint64(len(payload)))]...)
		before, next = next, binary.BigEndian.Uint32(p)
		if (next == 0) != (uint64(len(payload)) == c.size) {
			return r, false
		}
	}
	r.Index = c.index
	r.Values, whole = values(payload)
	return r, whole
}

// values reads a record, whose parts must fill it exactly.
func values(b []byte) ([]any, bool) {
	size, n := varint(b)
	if n == 0 || size > uint64(len(b)) || size < uint64(n) {
		return nil, false
	}
	head, body := b[n:size], b[size:]
	var list []any
	for len(head) > 0 {
		kind, n := varint(head)
		if n == 0 {
			return nil, false
		}
		head = head[n:]
		length, ok := lengthOf(kind)
		if !ok || length > uint64(len(body)) {
			return nil, false
		}
		list = append(list, value(kind, body[:length]))
		body = body[length:]
	}
	return list, len(body) == 0
}

// lengthOf is how many octets a value of a kind has.
func lengthOf(kind uint64) (uint64, bool) {
	switch {
	case kind <= 4:
		return kind, true
	case kind == 5:
		return 6, true
	case kind <= 7:
		return 8, true
	case kind <= 9:
		return 0, true
	case kind <= 11:
		return 0, false
	}
	return (kind - 12) / 2, true
}

func value(kind uint64, b []byte) any {
	switch {
	case kind == 0:
		return nil
	case kind <= 6:
		n := int64(int8(b[0]))
		for _, c := range b[1:] {
			n = n<<8 | int64(c)
		}
		return n
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case kind <= 9:
		return int64(kind - 8)
	case kind%2 == 0:
		return append([]byte{}, b...)
	}
	return string(b)
}

// varint reads a number of one to nine octets; n is 0 when it is cut off.
func varint(b []byte) (v uint64, n int) {
	for i, c := range b[:min(len(b), 9)] {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
