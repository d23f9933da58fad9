// Package salvage reads what is still there of a damaged SQLite file, page by
// page and without SQLite, which stops at the first thing that is not as it must
// be. It knows what the queue's file is like: in WAL mode, in UTF-8, with a
// pointer map (auto_vacuum). It writes nothing.
//
// The format is https://www.sqlite.org/fileformat2.html.
package salvage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// usualPage is the page size when the header cannot be believed.
	usualPage  = 4096
	headerSize = 100
	magic      = "SQLite format 3\x00"
	// lockByte is where SQLite locks: its page holds nothing.
	lockByte = 1 << 30
)

// A File is a database with its write-ahead log, open for reading. It is not
// safe for concurrent use.
type File struct {
	db, log  *os.File // log is nil where there is none
	pageSize int
	count    uint32           // pages
	frames   map[uint32]int64 // where the log has the newest state of a page
	mended   map[int64][]byte // what stands there, where that could be put right
	maps     map[uint32][]byte
	children map[uint32]bool // pages that an inner page or the schema names; nil: not looked for yet
	maxRow   uint64          // octets that a row can have
}

// Open opens the database at path, and the log beside it when there is one. Close
// closes both.
func Open(path string) (*File, error) {
	db, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{db: db, frames: map[uint32]int64{}, maps: map[uint32][]byte{}}
	if err := f.measure(path + "-wal"); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *File) measure(logPath string) error {
	info, err := f.db.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", f.db.Name())
	}
	head := make([]byte, headerSize)
	n, err := f.db.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if f.pageSize = usualPage; n == headerSize && string(head[:16]) == magic {
		if size := pageSizeOf(head); size != 0 {
			f.pageSize = size
		}
	}
	pages := (info.Size() + int64(f.pageSize) - 1) / int64(f.pageSize)
	f.count = uint32(min(pages, 1<<32-2))
	f.log, err = os.Open(logPath)
	if errors.Is(err, os.ErrNotExist) {
		f.log, err = nil, nil
	}
	if err != nil {
		return err
	}
	logged := int64(0)
	if f.log != nil {
		l, err := readLog(f.log)
		if err != nil {
			return err
		}
		if logged = l.size; l.pageSize != 0 && len(l.frames) > 0 {
			f.pageSize = l.pageSize
			f.frames, f.mended = l.frames, l.mended
			for n := range l.frames {
				f.count = max(f.count, n)
			}
		}
	}
	f.maxRow = uint64(info.Size() + logged)
	return nil
}

// pageSizeOf is the page size in a header, 0 when it is none.
func pageSizeOf(head []byte) int {
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	if size < 512 || size&(size-1) != 0 {
		return 0
	}
	return size
}

// Close closes the files.
func (f *File) Close() error {
	err := f.db.Close()
	if f.log != nil {
		err = errors.Join(err, f.log.Close())
	}
	return err
}

// errGone means that a page is not in the file.
var errGone = errors.New("the page is not in the file")

// page reads page n, from 1, in its newest state. The rest of a page that the
// file was cut off in is zero.
func (f *File) page(n uint32) ([]byte, error) {
	if n == 0 || n > f.count {
		return nil, errGone
	}
	p := make([]byte, f.pageSize)
	from, at := f.db, int64(n-1)*int64(f.pageSize)
	if offset, logged := f.frames[n]; logged {
		if whole, mended := f.mended[offset]; mended {
			return whole, nil
		}
		from, at = f.log, offset
	}
	got, err := from.ReadAt(p, at)
	if err == io.EOF && got > 0 {
		err = nil
	}
	if err == io.EOF {
		err = errGone
	}
	return p, err
}

// A place is an entry of the pointer map: what a page is, and whose.
type place struct {
	kind   byte
	parent uint32
}

// The kinds of pages.
const (
	isRoot     = 1
	isFree     = 2
	isFirst    = 3 // of an overflow; its parent is the row's page
	isOverflow = 4 // its parent is the one before
	isTree     = 5
)

// place reads the pointer map. The zero place is one of which nothing is known,
// and the map's own pages and the one of the locks have none.
func (f *File) place(n uint32) (p place, isMap bool) {
	span := uint32(f.pageSize/5) + 1
	if n < 2 {
		return place{isRoot, 0}, false
	}
	lock := uint32(lockByte/f.pageSize) + 1
	at := (n-2)/span*span + 2
	if at == lock {
		at++
	}
	if n == at || n == lock {
		return place{}, true
	}
	m, read := f.maps[at]
	if !read {
		m, _ = f.page(at)
		f.maps[at] = m
	}
	offset := 5 * (int(n) - int(at) - 1)
	if offset < 0 || offset+5 > len(m) {
		return place{}, false
	}
	p = place{m[offset], binary.BigEndian.Uint32(m[offset+1:])}
	switch {
	case p.kind == 0 || p.kind > isTree:
		return place{}, false
	case (p.kind == isRoot || p.kind == isFree) != (p.parent == 0):
		return place{}, false // it is damaged: those two alone have no parent
	}
	return p, false
}
