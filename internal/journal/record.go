package journal

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	magic      = 0x6c6a6d74 // "tmjl"
	headerSize = 24
	// MaxRecord bounds a record's data, in octets.
	MaxRecord = 1 << 20

	kindSegment = 0 // the first record of each segment
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Record is what is appended: Head and Body become its data, one behind the other.
type Record struct {
	Kind byte // from 1
	Head []byte
	Body []byte
	// Keep has the record's segment stay until Settle is called for its Place.
	Keep bool
}

// space is how many octets a record with so much data takes.
func space(data int) int { return (headerSize + data + 7) &^ 7 }

// encode adds a record of a segment to b.
func encode(b []byte, segment uint64, r *Record) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Head)+len(r.Body)))
	b = append(b, 0, 0, 0, 0, r.Kind, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, segment)
	b = append(b, r.Head...)
	b = append(b, r.Body...)
	binary.LittleEndian.PutUint32(b[start+8:], checksum(b[start:]))
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

// checksum is over a record without its magic and checksum.
func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[4:8], castagnoli), castagnoli, b[12:])
}

// decode reads the record that b begins with. ok is false when there is none, a
// part of one, or a damaged one.
func decode(b []byte) (kind byte, segment uint64, data []byte, ok bool) {
	if len(b) < headerSize || binary.LittleEndian.Uint32(b) != magic {
		return 0, 0, nil, false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > MaxRecord || int(n) > len(b)-headerSize {
		return 0, 0, nil, false
	}
	whole := b[:headerSize+int(n)]
	if binary.LittleEndian.Uint32(b[8:]) != checksum(whole) {
		return 0, 0, nil, false
	}
	return b[12], binary.LittleEndian.Uint64(b[16:]), whole[headerSize:], true
}
