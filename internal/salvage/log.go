package salvage

import (
	"encoding/binary"
	"io"
	"maps"
	"math/bits"
	"os"
)

const (
	logHeader   = 32
	frameHeader = 24
	logMagic    = 0x377f0682 // the last bit says in which order its sums count octets
)

// A writeLog is what was found in a write-ahead log.
type writeLog struct {
	size     int64
	pageSize int
	frames   map[uint32]int64 // offset of the newest state of each page that was committed
	// headless says that the header is not what was written though frames follow.
	headless bool
	// altered is how many frames or commits are not what was written.
	altered int
	mended  map[int64][]byte // pages that could be put right, by their offset
}

// A frame is one page in the log, as it says of itself.
type frame struct {
	salt [8]byte
	sum  [2]uint32 // what it says its sum is
}

// readLog reads a write-ahead log from its start to where it ends. SQLite takes
// the first frame with a wrong sum for the end, which is right for what was being
// written when the power went. Behind a damaged frame there is more: its own sum
// goes on from what stands in the frame before.
func readLog(file *os.File) (*writeLog, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	l := &writeLog{size: info.Size(), frames: map[uint32]int64{}, mended: map[int64][]byte{}}
	if l.size < logHeader {
		return l, nil
	}
	head := make([]byte, logHeader)
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, err
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if binary.BigEndian.Uint32(head) == logMagic|1 {
		order = binary.BigEndian
	}
	own := [2]uint32{binary.BigEndian.Uint32(head[24:]), binary.BigEndian.Uint32(head[28:])}
	whole := binary.BigEndian.Uint32(head)&^1 == logMagic && checksum(order, [2]uint32{}, head[:24]) == own
	l.pageSize = int(binary.BigEndian.Uint32(head[8:]))
	if !whole || l.pageSize < 512 || l.pageSize > 65536 || l.pageSize&(l.pageSize-1) != 0 {
		l.pageSize = usualPage
		whole = false
	}
	var salt [8]byte
	copy(salt[:], head[16:24])
	if !whole {
		// The frames know the salt too. A header alone was never followed by any.
		first, err := readFrame(file, logHeader, nil)
		if err == io.EOF {
			return l, nil
		}
		if err != nil {
			return nil, err
		}
		salt, l.headless = first.salt, true
	}
	return l, l.readFrames(file, order, own, salt, whole)
}

// readFrames goes from frame to frame. sum is the one before the first of them,
// which holds when sure.
func (l *writeLog) readFrames(file *os.File, order binary.ByteOrder, sum [2]uint32, salt [8]byte, sure bool) error {
	step := frameHeader + int64(l.pageSize)
	since := map[uint32]int64{}           // the last commit
	var doubtful map[uint32]int64         // a commit that has a broken frame, and is the last one so far
	content := make([]byte, 8+l.pageSize) // of a frame: what is summed
	broken := false
	for at := int64(logHeader); at+step <= l.size; at += step {
		f, err := readFrame(file, at, content)
		if err != nil {
			return err
		}
		if f.salt != salt {
			next, err := readFrame(file, at+step, nil)
			if err != nil || next.salt != salt {
				break // from an earlier round, which is done with
			}
			l.altered++ // a salt alone
		}
		if got := checksum(order, sum, content); got != f.sum && sure {
			if nextGoesOn(file, order, at+step, got, len(content)) {
				f.sum = got // it is the sum that was altered
				l.altered++
			} else if mend(order, content, got, f.sum) {
				l.altered++
				l.mended[at+frameHeader] = append([]byte(nil), content[8:]...)
			} else {
				// What goes on behind it was written later: it is not torn.
				broken = !nextGoesOn(file, order, at+step, f.sum, len(content))
				if !broken {
					l.altered++
				}
			}
		}
		sum, sure = f.sum, true
		page, commit := binary.BigEndian.Uint32(content), binary.BigEndian.Uint32(content[4:])
		if page != 0 {
			since[page] = at + frameHeader
		}
		if commit == 0 {
			continue
		}
		if doubtful != nil {
			// It is not what was being written at the end: that was later.
			maps.Copy(l.frames, doubtful)
			doubtful = nil
			l.altered++
		}
		if broken {
			doubtful, broken = since, false
		} else {
			maps.Copy(l.frames, since)
		}
		since = map[uint32]int64{}
	}
	return nil
}

// nextGoesOn tells whether the sum of the frame at an offset goes on from this one.
// Without a frame there the sum is not doubted.
func nextGoesOn(file *os.File, order binary.ByteOrder, at int64, sum [2]uint32, size int) bool {
	content := make([]byte, size)
	next, err := readFrame(file, at, content)
	return err == nil && checksum(order, sum, content) == next.sum
}

// readFrame reads the frame at an offset; into content, when that is not nil, what
// its sum is of: page number, size after a commit, and the page.
func readFrame(file *os.File, at int64, content []byte) (f frame, err error) {
	b := make([]byte, frameHeader)
	if _, err := file.ReadAt(b, at); err != nil {
		return f, err
	}
	copy(f.salt[:], b[8:16])
	f.sum = [2]uint32{binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])}
	if content != nil {
		copy(content, b[:8])
		_, err = file.ReadAt(content[8:], at+frameHeader)
	}
	return f, err
}

// checksum goes on with the log's sum; b has a multiple of eight octets.
func checksum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}

// mend puts one altered octet of b right, when that explains why its sum is got
// and not want. The sum is linear: what a word is off by stands in it, multiplied
// by a number that its place determines. Multiplied by 2²³ and more these numbers are
// the same every 768 words, so that of a word's highest bits more than one place may
// explain it, and then nothing is changed.
func mend(order binary.ByteOrder, b []byte, got, want [2]uint32) bool {
	off := [2]uint32{want[0] - got[0], want[1] - got[1]}
	place, whole := -1, uint32(0)
	factors := [2][2]uint32{{1, 1}, {0, 1}} // of the last eight octets' two words
	for at := len(b) - 8; at >= 0; at -= 8 {
		for i, f := range factors {
			by, odd := divide(off[0], f[0])
			if !odd {
				by, odd = divide(off[1], f[1])
			}
			if !odd || by*f[0] != off[0] || by*f[1] != off[1] {
				continue
			}
			word := b[at+4*i : at+4*i+4]
			was := order.Uint32(word)
			if changed := was ^ (was + by); bits.Len32(changed)-1-bits.TrailingZeros32(changed) > 7 {
				continue
			}
			if place >= 0 {
				return false
			}
			place, whole = at+4*i, was+by
		}
		for i, f := range factors {
			factors[i] = [2]uint32{f[0] + f[1], f[0] + 2*f[1]}
		}
	}
	if place < 0 {
		return false
	}
	order.PutUint32(b[place:], whole)
	return true
}

// divide divides modulo 2³² by an odd number.
func divide(n, by uint32) (uint32, bool) {
	inverse := by // right in its last three bits, and twice as many with each step
	for range 4 {
		inverse *= 2 - by*inverse
	}
	return n * inverse, by&1 == 1
}
