package mailer

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// inMemory is how much of a message is kept in memory before a file is used.
const inMemory = 1 << 20

// A Spool keeps what was read, so that it can be read again: in memory while it
// is small, else in a temporary file that others cannot read. It must be closed.
type Spool struct {
	small []byte   // all of it, or
	large *os.File // where it is when it is long
	size  int64
}

// NewSpool reads r to its end.
func NewSpool(r io.Reader) (*Spool, error) {
	var b bytes.Buffer
	n, err := io.CopyN(&b, r, inMemory)
	if err == io.EOF {
		return &Spool{small: b.Bytes(), size: n}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the message: %w", err)
	}
	f, err := os.CreateTemp("", "traymail-message-*")
	if err != nil {
		return nil, fmt.Errorf("no place for the message: %w", err)
	}
	s := &Spool{large: f}
	// Where the system allows it the file has no name any more, so that nothing
	// of the message stays, however the program ends. Windows does not.
	_ = os.Remove(f.Name())
	if s.size, err = io.Copy(f, io.MultiReader(&b, r)); err != nil {
		s.Close()
		return nil, fmt.Errorf("keeping the message in %s: %w", f.Name(), err)
	}
	return s, nil
}

// Open returns a reader from the start. Several may read at once, until Close.
func (s *Spool) Open() io.Reader {
	if s.large != nil {
		return io.NewSectionReader(s.large, 0, s.size)
	}
	return bytes.NewReader(s.small)
}

// Size is how much was read, in octets.
func (s *Spool) Size() int64 { return s.size }

// Close removes what was kept aside. A nil Spool has nothing.
func (s *Spool) Close() {
	if s != nil && s.large != nil {
		s.large.Close()
		os.Remove(s.large.Name())
	}
}
