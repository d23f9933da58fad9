package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// space0 is what the record at the beginning of a segment takes.
const space0 = headerSize

var zeros [64 << 10]byte

// room returns the newest segment when it has room for size octets, or a new one.
// Only the leader calls it.
func (j *Journal) room(size int) (*segment, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.live); n > 0 {
		s := j.live[n-1]
		if !s.full && s.written+int64(size) <= segmentSize {
			return s, nil
		}
		s.full = true
		j.sweep()
	}
	s, err := j.begin()
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	j.live = append(j.live, s)
	return s, nil
}

// begin makes a segment, of a free file if there is one.
func (j *Journal) begin() (s *segment, err error) {
	if n := len(j.free); n > 0 {
		s = j.free[n-1]
		j.free = j.free[:n-1]
		s.written, s.full = 0, false
	} else {
		j.files++
		name := filepath.Join(j.dir, fmt.Sprintf("%d.segment", j.files))
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		s = &segment{file: f}
		if err := errors.Join(s.prepare(step), syncDir(j.dir)); err != nil {
			return nil, errors.Join(err, s.remove())
		}
	}
	j.last++
	s.number = j.last
	if err := s.store(encode(nil, s.number, &Record{Kind: kindSegment})); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// prepare writes zeros up to an octet at least.
func (s *segment) prepare(to int64) error {
	if to <= s.ready {
		return nil
	}
	end := min((to+step-1)/step*step, segmentSize)
	for at := s.ready; at < end; {
		n, err := s.file.WriteAt(zeros[:min(int64(len(zeros)), end-at)], at)
		if at += int64(n); err != nil {
			s.cut()
			return err
		}
	}
	if err := s.file.Sync(); err != nil {
		s.cut()
		return err
	}
	s.ready = end
	return nil
}

// store writes records behind the others and syncs them.
func (s *segment) store(b []byte) error {
	_, err := s.file.WriteAt(b, s.written)
	if err == nil {
		err = syncData(s.file)
	}
	if err != nil {
		s.cut()
		return err
	}
	s.written += int64(len(b))
	return nil
}

// cut takes away what failed to be written, as well as that is possible.
func (s *segment) cut() {
	s.ready = 0
	_ = errors.Join(s.file.Truncate(s.written), s.file.Sync())
}

func (s *segment) failed() bool { return s.ready == 0 }

// wipe overwrites all records, the last first: what is left when that is cut short
// has no gap.
func (s *segment) wipe() error {
	first := encode(make([]byte, 0, space0), s.number, &Record{Kind: kindSegment})
	for end := s.written; end > space0; {
		size := min(int64(len(zeros)), end-space0)
		if _, err := s.file.WriteAt(zeros[:size], end-size); err != nil {
			return err
		}
		end -= size
	}
	if err := syncData(s.file); err != nil {
		return err
	}
	s.written = int64(len(first))
	return nil
}

func (s *segment) remove() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
