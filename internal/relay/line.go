package relay

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// readers are shared by all connections: one that waits for its client has none.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 16<<10) }}

// await returns when r has something to read, or the reason why it has not.
func (w *wire) await() error {
	if w.r != nil && w.r.Buffered() > 0 {
		return nil
	}
	w.giveBack()
	n, err := w.Conn.Read(w.room[:])
	if n == 0 {
		return cmp.Or(err, io.ErrNoProgress)
	}
	w.early = w.room[:n] // an error after that comes again
	w.r = readers.Get().(*bufio.Reader)
	w.r.Reset(afterEarly{w})
	return nil
}

// giveBack lets other connections have the reader.
func (w *wire) giveBack() {
	if w.r != nil {
		w.r.Reset(nil)
		readers.Put(w.r)
		w.r = nil
	}
}

// afterEarly reads what came early, and then the connection.
type afterEarly struct{ w *wire }

func (a afterEarly) Read(p []byte) (int, error) {
	if len(a.w.early) == 0 {
		return a.w.Conn.Read(p)
	}
	n := copy(p, a.w.early)
	a.w.early = a.w.early[n:]
	return n, nil
}

var errLongLine = errors.New("the line is too long")

func (w *wire) readLine() ([]byte, error) {
	if err := w.await(); err != nil {
		return nil, err
	}
	var line []byte
	for {
		part, err := w.r.ReadSlice('\n')
		if len(line)+len(part) > maxCommand {
			return nil, errLongLine
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// sizeBeyond is a declared size that go-smtp cannot read, which takes 32 bits
// for it where RFC 1870 §4 has 20 digits.
var sizeBeyond = regexp.MustCompile(`(?i)(>[^>]* SIZE=)(\d{10,20})( [^>]*)?\r?\n$`)

// clampSize makes such a size the largest that go-smtp reads, so that it is
// refused as too large and not as a mistake.
func clampSize(line []byte) []byte {
	m := sizeBeyond.FindSubmatchIndex(line)
	if m == nil {
		return line
	}
	if _, err := strconv.ParseUint(string(line[m[4]:m[5]]), 10, 32); err == nil {
		return line
	}
	return slices.Concat(line[:m[4]], []byte("4294967295"), line[m[5]:])
}

// unquoted is a path whose local part has no quotes, without a source route.
var unquoted = regexp.MustCompile(`(?i)^(?:MAIL FROM|RCPT TO):\s*<?(?:@[^:>]*:)?([^"<@\s>][^\s>]*)`)

// onePath makes a path with two @ and no quotes one that go-smtp refuses. It
// would take all before the last @ for the local part, as if it were quoted.
func onePath(line []byte) []byte {
	m := unquoted.FindSubmatchIndex(line)
	if m == nil || bytes.Count(line[m[2]:m[3]], []byte("@")) < 2 {
		return line
	}
	return slices.Concat(line[:m[2]], []byte("@"), line[m[3]:])
}
