package salvage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Check looks at a database that nobody has open, for what SQLite does not see
// or cannot say: another file in its place, a header that was altered, an end that
// is missing, a write-ahead log that was altered, of which SQLite would silently
// leave out the rest. It reads the header and the log. The problem is empty when
// there is none, or no file; the error is one of reading.
func Check(path string) (problem string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	log, err := checkLog(path + "-wal")
	if err != nil {
		return "", err
	}
	head := make([]byte, headerSize)
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	n, err := file.ReadAt(head, 0)
	if err = errors.Join(file.Close(), unlessEOF(err)); err != nil {
		return "", err
	}
	switch {
	case n == 0 && log.size > 0:
		return "the file is empty, and the log of its last changes is not", nil
	case n == 0:
		return "the file is empty", nil
	case n < headerSize:
		return fmt.Sprintf("of the file only %d octets are left", n), nil
	}
	if p := checkHeader(head); p != "" {
		return p, nil
	}
	// SQLite keeps the size there and finds out only later that the end is
	// missing. What the log has need not be in the file.
	size := int64(pageSizeOf(head))
	last := int64(binary.BigEndian.Uint32(head[28:]))
	if known := binary.BigEndian.Uint32(head[24:]) == binary.BigEndian.Uint32(head[92:]); known && len(log.frames) == 0 && last*size > info.Size() {
		return fmt.Sprintf("the file ends after %d of its %d octets", info.Size(), last*size), nil
	}
	switch {
	case log.headless:
		return "the beginning of the log of the last changes (the file with -wal at its end) was altered", nil
	case log.altered > 0:
		return "the log of the last changes (the file with -wal at its end) was altered", nil
	}
	return "", nil
}

func unlessEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func checkLog(path string) (*writeLog, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return &writeLog{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readLog(file)
}

// checkHeader compares what is the same in every file of the queue.
func checkHeader(head []byte) string {
	if string(head[:16]) != magic {
		return "the file does not begin as a database does: it was altered, or another file was put in its place"
	}
	formats := head[18] >= 1 && head[18] <= 2 && head[19] >= 1 && head[19] <= 2
	schema := binary.BigEndian.Uint32(head[44:])
	encoding := binary.BigEndian.Uint32(head[56:])
	vacuum := binary.BigEndian.Uint32(head[52:])
	reserved := head[20]
	for _, b := range head[72:92] {
		reserved |= b
	}
	// A file in which nothing was written yet has neither schema nor encoding.
	if fresh := schema == 0 && encoding == 0; fresh {
		schema, encoding = 4, 1
	}
	if pageSizeOf(head) == 0 || !formats || reserved != 0 || head[21] != 64 || head[22] != 32 || head[23] != 32 ||
		schema < 1 || schema > 4 || encoding != 1 || vacuum == 0 || binary.BigEndian.Uint32(head[64:]) != 1 {
		return "the beginning of the file was altered"
	}
	return ""
}
