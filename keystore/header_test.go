package keystore

import (
	"errors"
	"testing"
)

func FuzzHeader(f *testing.F) {
	f.Add(header{generation: 7, parts: 3, length: 7000, sum: [32]byte{1, 2, 3}}.String())
	f.Add(header{generation: 1<<64 - 1, parts: maxParts, length: MaxLen}.String())
	f.Add(headerMark)
	f.Add(headerMark + "2 new layout")
	f.Add(headerMark + "1 1 1 1 00")
	f.Add(headerMark + "1 +1 01 1 00")
	f.Add(headerMark + "1 1 1001 1 0000000000000000000000000000000000000000000000000000000000000000")
	f.Add(headerMark + "1 1 1 -1 0000000000000000000000000000000000000000000000000000000000000000")
	f.Add(headerMark + "1 +1 01 1 0000000000000000000000000000000000000000000000000000000000000000")
	f.Add(headerMark + "1 1 1 1 0000000000000000000000000000000000000000000000000000000000000000 and more")
	f.Add("hunter2")
	f.Fuzz(func(t *testing.T, entry string) {
		h, err := parseHeader(entry)
		switch {
		case err != nil:
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnavailable) {
				t.Errorf("an error of no kind: %v", err)
			}
		case h.String() != entry:
			t.Errorf("accepted %q, which is not the canonical %q", entry, h)
		case !isHeader(entry):
			t.Errorf("accepted %q as a header", entry)
		case h.parts < 1 || h.parts > maxParts || h.length < 0 || h.length > MaxLen:
			t.Errorf("accepted %+v", h)
		}
	})
}
