package relay

import (
	"bufio"
	"cmp"
	"errors"
	"io"
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
