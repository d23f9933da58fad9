package journal

import (
	"bytes"
	"testing"
)

// Whatever a disk makes of a segment: what is read of it was written, or has the
// checksum of something that was.
func FuzzDamagedSegmentGivesOnlyWholeRecords(f *testing.F) {
	var b []byte
	b = encode(b, 7, &Record{Kind: kindSegment})
	for _, text := range []string{"one", "", "a longer one, with a body"} {
		b = encode(b, 7, &Record{Kind: 1, Head: []byte(text), Body: []byte(text)})
	}
	f.Add(b)
	f.Add(encode(b, 6, &Record{Kind: 2, Head: []byte("of another segment")}))
	f.Add(b[:len(b)-9])
	f.Add(append(append([]byte{}, b[24:60]...), b...))
	f.Fuzz(func(t *testing.T, data []byte) {
		number, gaps := scan(data, func(kind byte, record []byte) bool {
			again := encode(nil, 0, &Record{Kind: kind, Head: record})
			if len(record) > MaxRecord || !bytes.Contains(data, record) || kind == kindSegment || len(again)%8 != 0 {
				t.Errorf("kind %d, %d octets", kind, len(record))
			}
			return true
		})
		for _, g := range gaps {
			if g[0] >= g[1] || g[1] > len(data) {
				t.Errorf("segment %d has a gap %v", number, g)
			}
		}
	})
}
