package journal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Remains is what a program that died left in a journal's folder.
type Remains struct {
	dir   string
	files []left
	// Damaged says where records could not be read that were whole once: file and
	// octets. They are lost.
	Damaged []string
}

type left struct {
	name   string
	number uint64
}

// Read finds the segments in dir; there are none when it does not exist. It holds
// one segment at a time in memory.
func Read(dir string) (*Remains, error) {
	r := &Remains{dir: dir}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		number, gaps := scan(b, nil)
		for _, g := range gaps {
			r.Damaged = append(r.Damaged, fmt.Sprintf("%s: octets %d to %d", name, g[0], g[1]))
		}
		r.files = append(r.files, left{name, number})
	}
	slices.SortFunc(r.files, func(a, b left) int { return cmp.Compare(a.number, b.number) })
	return r, nil
}

// Each calls fn for the records in their order, until one fails. The data is valid
// until fn returns.
func (r *Remains) Each(fn func(kind byte, data []byte) error) error {
	for _, l := range r.files {
		b, err := os.ReadFile(l.name)
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		var failed error
		scan(b, func(kind byte, data []byte) bool {
			failed = fn(kind, data)
			return failed == nil
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// Remove removes the files, so that Create may follow.
func (r *Remains) Remove() error {
	for _, l := range r.files {
		if err := os.Remove(l.name); err != nil {
			return fmt.Errorf("empty the journal: %w", err)
		}
	}
	return nil
}

// scan calls fn for the records of a segment. A gap is where something stands
// between two records that is none; what is behind the last one was never whole.
// The number is the first record's or, when that is damaged, the highest.
func scan(b []byte, fn func(kind byte, data []byte) bool) (number uint64, gaps [][2]int) {
	if kind, n, _, ok := decode(b); ok && kind == kindSegment {
		number = n
	} else {
		for at := 0; at < len(b); {
			_, n, data, ok := decode(b[at:])
			if !ok {
				at += 8
				continue
			}
			number = max(number, n)
			at += space(len(data))
		}
	}
	end := 0 // of the record before
	for at := 0; at < len(b); {
		kind, n, data, ok := decode(b[at:])
		if !ok || n != number {
			at += 8
			continue
		}
		if at > end {
			gaps = append(gaps, [2]int{end, at})
		}
		at += space(len(data))
		end = at
		if kind != kindSegment && fn != nil && !fn(kind, data) {
			break
		}
	}
	return number, gaps
}
