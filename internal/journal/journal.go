package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	segmentSize = 4 << 20
	// step is how much of a segment is written with zeros at a time.
	step = 1 << 20
	// maxBatch bounds what shares a sync, in octets, and so how long the first of
	// them waits for the last.
	maxBatch = 2 << 20
	// spare is how many settled files are kept for new segments.
	spare = 2
)

// A Journal is safe for concurrent use.
type Journal struct {
	dir string

	mu      sync.Mutex
	pending *batch // gathers while another one is written
	writing bool
	closed  bool
	appends sync.WaitGroup // under way
	last    uint64         // number of the newest segment
	live    []*segment     // in their order; the newest may be written
	free    []*segment     // settled, for new ones
	files   int            // ever made, for names

	buffer []byte // the leader's

	syncs, records int
}

// A Place is where a record's data is. Its zero value is no place.
type Place struct {
	segment   *segment
	at, count uint32
}

// Size is the number of octets there.
func (p Place) Size() int { return int(p.count) }

type segment struct {
	number  uint64
	file    *os.File
	written int64 // octets with records; only the leader changes it
	ready   int64 // octets that zeros were written to
	kept    int   // records that are not settled
	full    bool  // or failed: nothing more is written
}

// batch is what shares a write.
type batch struct {
	appends []*appending
	waiting int           // callers of Append
	urgent  bool          // it is to be written as soon as that is possible
	hurry   *time.Timer   // writes it when nobody waits; nil: somebody does
	turn    chan struct{} // one of those who wait is to write it
	done    chan struct{} // it is written
}

type appending struct {
	records []Record
	places  []Place
	then    func(error) // nil: somebody waits
	err     error
}

// ErrClosed means that the journal is closed.
var ErrClosed = errors.New("the journal is closed")

// Create makes an empty journal in the folder dir, which is made when absent, or
// must be empty: see Read.
func Create(dir string) (*Journal, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("make a journal in %s: the folder is not empty", dir)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	return &Journal{dir: dir}, nil
}

// Append returns when the records are on disk, in their order and without others
// between them. The places are written to the slice given, when it is not nil.
func (j *Journal) Append(records []Record, places []Place) error {
	a := &appending{records: records, places: places}
	b, err := j.join(a)
	if err != nil {
		return err
	}
	defer j.appends.Done()
	b.waiting++
	b.urgent = true
	if !j.writing {
		j.lead(b)
		return a.err
	}
	j.mu.Unlock()
	select {
	case <-b.done:
	case <-b.turn:
		j.mu.Lock()
		j.lead(b)
	}
	return a.err
}

// AppendSoon is Append for records that nobody waits for: they go with the next that
// somebody does wait for, or by themselves after patience. It returns at once; then
// is called when it is known how it went, by a goroutine that may be another's and
// has no time. Close waits for it.
func (j *Journal) AppendSoon(records []Record, patience time.Duration, then func(error)) {
	a := &appending{records: records, then: then}
	b, err := j.join(a)
	if err != nil {
		then(err)
		return
	}
	if b.hurry == nil && !b.urgent {
		b.hurry = time.AfterFunc(patience, func() { j.writeAlone(b) })
	}
	j.mu.Unlock()
}

// join adds to the batch that gathers, with mu held then, unless there is an error.
func (j *Journal) join(a *appending) (*batch, error) {
	for i := range a.records {
		if n := len(a.records[i].Head) + len(a.records[i].Body); n > MaxRecord {
			return nil, fmt.Errorf("a record of %d octets is too long for the journal", n)
		}
	}
	size := a.size()
	if size > segmentSize/2 {
		return nil, fmt.Errorf("records of %d octets are too long for the journal", size)
	}
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil, ErrClosed
	}
	j.appends.Add(1)
	if j.pending == nil {
		j.pending = &batch{turn: make(chan struct{}, 1), done: make(chan struct{})}
	}
	j.pending.appends = append(j.pending.appends, a)
	return j.pending, nil
}

// writeAlone writes a batch for which nobody waits, if that was not done.
func (j *Journal) writeAlone(b *batch) {
	j.mu.Lock()
	switch {
	case j.pending != b:
	case j.writing:
		b.urgent = true // for who writes now
	default:
		j.lead(b)
		return
	}
	j.mu.Unlock()
}

// lead writes the batch that gathers. mu must be held, and is let go.
func (j *Journal) lead(b *batch) {
	j.writing, j.pending = true, nil
	j.mu.Unlock()
	if b.hurry != nil {
		b.hurry.Stop()
	}
	j.write(b)
	j.mu.Lock()
	next := j.pending
	j.writing = next != nil && next.urgent // nobody gets in between
	switch {
	case !j.writing:
	case next.waiting > 0:
		next.turn <- struct{}{}
	default:
		go func() {
			j.mu.Lock()
			j.lead(next)
		}()
	}
	j.mu.Unlock()
	close(b.done)
	for _, a := range b.appends {
		if a.then != nil {
			a.then(a.err)
			j.appends.Done()
		}
	}
}

// write writes a batch, in parts when it is long or the segment full.
func (j *Journal) write(b *batch) {
	rest := b.appends
	for len(rest) > 0 {
		n, err := j.writePart(rest)
		for _, a := range rest[:n] {
			a.err = err
		}
		rest = rest[n:]
	}
}

// writePart writes as many as go into one write, one at least, and tells how many
// its error is about.
func (j *Journal) writePart(list []*appending) (n int, err error) {
	s, err := j.room(list[0].size())
	if err != nil {
		return len(list), err // the next would not find room either
	}
	buffer := j.buffer[:0]
	kept := 0
	for _, a := range list {
		size := a.size()
		if n > 0 && (len(buffer)+size > maxBatch || s.written+int64(len(buffer)+size) > segmentSize) {
			break
		}
		for i := range a.records {
			r := &a.records[i]
			if a.places != nil {
				a.places[i] = Place{s, uint32(s.written) + uint32(len(buffer)) + headerSize, uint32(len(r.Head) + len(r.Body))}
			}
			buffer = encode(buffer, s.number, r)
			if r.Keep {
				kept++
			}
		}
		n++
	}
	if err = s.prepare(s.written + int64(len(buffer))); err == nil {
		err = s.store(buffer)
	}
	if j.buffer = buffer; cap(buffer) > maxBatch/4 {
		j.buffer = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		s.full = true
		j.sweep()
		return n, fmt.Errorf("write the journal: %w", err)
	}
	j.syncs++
	j.records += n
	s.kept += kept
	return n, nil
}

func (a *appending) size() (n int) {
	for i := range a.records {
		n += space(len(a.records[i].Head) + len(a.records[i].Body))
	}
	return n
}

// Settle says that a kept record is needed no more.
func (j *Journal) Settle(p Place) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p.segment.kept--
	if p.segment.kept == 0 {
		j.sweep()
	}
}

// sweep frees the oldest segments, as far as nothing in them is kept.
func (j *Journal) sweep() {
	for len(j.live) > 0 && j.live[0].full && j.live[0].kept == 0 {
		s := j.live[0]
		j.live = slices.Delete(j.live, 0, 1)
		if len(j.free) < spare && !s.failed() {
			j.free = append(j.free, s)
		} else {
			s.remove()
		}
	}
}

// Empty removes all that is settled from the disk, and tells whether nothing is
// kept: then no octet of what was appended is left in the journal's files.
func (j *Journal) Empty() (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.writing {
		return false, nil
	}
	j.sweep()
	for _, s := range j.free {
		s.remove()
	}
	j.free = nil
	if len(j.live) != 1 || j.live[0].kept > 0 {
		return len(j.live) == 0, nil
	}
	s := j.live[0]
	if s.written <= space0 {
		return true, nil
	}
	if err := s.wipe(); err != nil {
		s.full = true
		j.sweep()
		return false, fmt.Errorf("empty the journal: %w", err)
	}
	return true, nil
}

// Read reads a record's data from an offset on, as io.ReaderAt does.
func (j *Journal) Read(p Place, b []byte, from int) (int, error) {
	if from < 0 || from+len(b) > int(p.count) {
		return 0, fmt.Errorf("read the journal: a record of %d octets has no %d behind %d", p.count, len(b), from)
	}
	n, err := p.segment.file.ReadAt(b, int64(p.at)+int64(from))
	if err != nil {
		return n, fmt.Errorf("read the journal: %w", err)
	}
	return n, nil
}

// Close ends the journal, after appends under way. Its files stay when something in
// them is kept, for Read.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.appends.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := 0
	for _, s := range j.live {
		kept += s.kept
	}
	var errs []error
	for _, s := range append(j.live, j.free...) {
		if kept == 0 {
			errs = append(errs, s.remove())
		} else {
			errs = append(errs, s.file.Close())
		}
	}
	j.live, j.free = nil, nil
	return errors.Join(errs...)
}

// Counts tells how many syncs and appends there were.
func (j *Journal) Counts() (syncs, appends int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.syncs, j.records
}

// IsFull tells whether err means that there is no room on the disk, or no more is
// allowed.
func IsFull(err error) bool {
	for _, full := range noRoom {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}
