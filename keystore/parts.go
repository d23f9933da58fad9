package keystore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// entries is a flat list of small texts, which is what every keychain is. The
// methods replace or remove one entry at once or not at all, and return errors
// wrapping ErrNotFound, ErrTooLarge or ErrUnavailable.
type entries interface {
	get(entry string) (string, error)
	set(entry, text string) error
	delete(entry string) error
}

// parted keeps texts of any length in entries of limited length.
//
// A short text is an entry of its own. A long one is cut into parts, and the
// entry of its name holds a header that says how to put them together. Parts
// live in one of two slots. A change writes the slot which the header does not
// use, reads it back, and only then switches the header, a single entry; so an
// interruption leaves the old text or the new one. Keychains cannot be listed:
// two fixed slots, instead of new names for every change, let a later change
// find and remove what an interrupted one left. For the same reason the parts
// in a slot are always 0 to n without a gap: written upwards, removed downwards.
//
// Any number of processes may read while one writes. Only one may write at a
// time, which the caller sees to: two would use the same slot.
type parted struct {
	entries entries
	limit   func(entry string) int // bytes that fit into the entry of this name
}

// partName contains a character that names of secrets cannot.
func partName(name string, generation uint64, part int) string {
	return fmt.Sprintf("%s+%c%03d", name, "ab"[generation%2], part)
}

func (p parted) get(name string) (string, error) {
	entry, err := p.entries.get(name)
	for {
		if err != nil || !isHeader(entry) {
			return entry, err
		}
		text, joinErr := p.join(name, entry)
		if !errors.Is(joinErr, ErrDamaged) {
			return text, joinErr
		}
		// Another process may have replaced the parts while they were read.
		// It is damage only if the header is still the same.
		before := entry
		if entry, err = p.entries.get(name); err == nil && entry == before {
			return "", joinErr
		}
	}
}

func (p parted) join(name, entry string) (string, error) {
	h, err := parseHeader(entry)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for i := range h.parts {
		part, err := p.entries.get(partName(name, h.generation, i))
		if errors.Is(err, ErrNotFound) {
			return "", fmt.Errorf("%w: part %d of %d is missing", ErrDamaged, i+1, h.parts)
		} else if err != nil {
			return "", err
		}
		text.WriteString(part)
	}
	if text.Len() != h.length || sha256.Sum256([]byte(text.String())) != h.sum {
		return "", fmt.Errorf("%w: its %d parts are not what was stored", ErrDamaged, h.parts)
	}
	return text.String(), nil
}

func (p parted) set(name, text string) error {
	old, err := p.header(name)
	if err != nil {
		return err
	}
	if len(text) <= p.limit(name) && !isHeader(text) {
		if err := p.put(name, text); err != nil {
			return err
		}
		// The secret is in place, and the next change sweeps again, so a
		// failure of this is not one of set.
		_ = p.sweep(name, old, header{})
		return nil
	}
	h := header{generation: old.generation + 1, length: len(text), sum: sha256.Sum256([]byte(text))}
	if old.parts == 0 {
		// Not 1, lest a header that a reader saw comes back, with other parts
		// in between. Odd, so that what is written first is not left to chance.
		h.generation = rand.Uint64() | 1
	}
	if h.parts, err = p.putParts(name, text, h.generation); err != nil {
		return err
	}
	if err := p.put(name, h.String()); err != nil {
		return err
	}
	_ = p.sweep(name, old, h) // as above
	return nil
}

// header returns the header of the secret to be replaced or removed. It is the
// zero header if there are no parts to take care of: no secret, a short one,
// or one that is lost anyway because its header is damaged. A header of a later
// layout is an error: what belongs to it is not known here, nor is it lost.
func (p parted) header(name string) (header, error) {
	entry, err := p.entries.get(name)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && !isHeader(entry):
		return header{}, nil
	case err != nil:
		return header{}, err
	}
	h, err := parseHeader(entry)
	if errors.Is(err, ErrDamaged) {
		return header{}, nil
	}
	return h, err
}

func (p parted) putParts(name, text string, generation uint64) (int, error) {
	size := p.limit(partName(name, generation, 0))
	if size < 1 || len(text) > size*maxParts {
		return 0, fmt.Errorf("%w: %d bytes do not fit into %d entries", ErrTooLarge, len(text), maxParts)
	}
	for n := 0; ; n++ {
		part := text[:min(size, len(text))]
		text = text[len(part):]
		if err := p.put(partName(name, generation, n), part); err != nil {
			return 0, err
		}
		if text == "" {
			return n + 1, nil
		}
	}
}

// put writes one entry and reads it back: some keychains report success for
// what they did not store.
func (p parted) put(entry, text string) error {
	if err := p.entries.set(entry, text); err != nil {
		return err
	}
	got, err := p.entries.get(entry)
	if errors.Is(err, ErrNotFound) || err == nil && got != text {
		return fmt.Errorf("%w: it took the secret and did not return the same", ErrUnavailable)
	}
	return err
}

// delete removes the name's own entry first: without it the parts are nothing.
func (p parted) delete(name string) error {
	old, err := p.header(name)
	if err != nil {
		return err
	}
	if err := p.entries.delete(name); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return p.sweep(name, old, header{})
}

// sweep removes from both slots all parts but those of now: the parts of old,
// and what an interrupted change left.
func (p parted) sweep(name string, old, now header) error {
	for _, generation := range []uint64{now.generation, now.generation + 1} {
		first := 0
		if generation == now.generation {
			first = now.parts
		}
		end := first
		if generation%2 == old.generation%2 {
			end = max(end, old.parts) // beyond a gap too, if old was damaged
		}
		if err := p.sweepSlot(name, generation, first, end); err != nil {
			return err
		}
	}
	return nil
}

// sweepSlot removes the parts of one slot from first on, the last one first.
// There are at least end of them.
func (p parted) sweepSlot(name string, generation uint64, first, end int) error {
	for ; end < maxParts; end++ {
		if _, err := p.entries.get(partName(name, generation, end)); errors.Is(err, ErrNotFound) {
			break
		} else if err != nil {
			return err
		}
	}
	for end > first {
		end--
		if err := p.entries.delete(partName(name, generation, end)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
