package keystore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// headerMark begins an entry which describes a secret kept in parts. A secret
// that itself begins with it is always kept in parts, so no entry is ambiguous.
const headerMark = "traymail-parts "

// headerVersion is the only layout so far. A later one must keep headerMark and
// change the number, so that an older program refuses it instead of guessing.
const headerVersion = 1

// maxParts bounds what a header can make a reader do.
const maxParts = 1000

// header stands in a secret's own entry when the secret is too long for it.
type header struct {
	generation uint64 // another one after every change; its parity tells the slot of the parts
	parts      int    // how many there are, at least 1
	length     int    // of the whole secret, in bytes
	sum        [sha256.Size]byte
}

// String returns the one form that parseHeader accepts for h.
func (h header) String() string {
	return fmt.Sprintf("%s%d %d %d %d %x", headerMark, headerVersion, h.generation, h.parts, h.length, h.sum)
}

func isHeader(entry string) bool { return strings.HasPrefix(entry, headerMark) }

// parseHeader reads an entry for which isHeader is true. Its errors wrap
// ErrDamaged, or ErrUnavailable when a later version wrote the header.
func parseHeader(entry string) (header, error) {
	var h header
	var version int
	var sum string
	rest := strings.TrimPrefix(entry, headerMark)
	if _, err := fmt.Sscanf(rest, "%d", &version); err == nil && version > headerVersion {
		return header{}, fmt.Errorf("%w: a newer traymail stored it (layout %d, this one reads %d); update traymail", ErrUnavailable, version, headerVersion)
	}
	_, err := fmt.Sscanf(rest, "%d %d %d %d %64s", &version, &h.generation, &h.parts, &h.length, &sum)
	if err != nil {
		return header{}, fmt.Errorf("%w: its header cannot be read", ErrDamaged)
	}
	if n, err := hex.Decode(h.sum[:], []byte(sum)); err != nil || n != len(h.sum) {
		return header{}, fmt.Errorf("%w: its header has no checksum", ErrDamaged)
	}
	// Comparing with the canonical form refuses whatever Sscanf is lenient about.
	if h.String() != entry || h.parts < 1 || h.parts > maxParts || h.length < 0 || h.length > MaxLen {
		return header{}, fmt.Errorf("%w: its header makes no sense", ErrDamaged)
	}
	return h, nil
}
