package keystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/natefinch/atomic"
)

func noUnlock(context.Context) error { return nil }

var windowsLimit = entryLimit("windows")

// noise is the same every time and repeats nothing, so that a lost, doubled or
// exchanged part shows.
func noise(n int) string {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(b)
	return string(b)
}

var errDied = errors.New("the process died")

// fakeEntries is a keychain in memory that refuses texts over 2,560 bytes as
// Windows does. It can die at a given call: that call has its effect or not, and
// every later one fails.
type fakeEntries struct {
	mu      sync.Mutex
	texts   map[string]string
	calls   int
	dieAt   int  // the call, counted from 1; 0 is never
	applied bool // whether the last call still had its effect
	before  func(operation, entry string) error
}

func newFakeEntries() *fakeEntries { return &fakeEntries{texts: make(map[string]string)} }

// restarted is the same keychain in the hands of the next process.
func (f *fakeEntries) restarted() *fakeEntries { return &fakeEntries{texts: maps.Clone(f.texts)} }

func (f *fakeEntries) call(operation, entry string, effect func()) error {
	if f.before != nil {
		if err := f.before(operation, entry); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.dieAt == 0 || f.calls < f.dieAt || f.calls == f.dieAt && f.applied {
		effect()
	}
	if f.dieAt != 0 && f.calls >= f.dieAt {
		return fmt.Errorf("%w: %w", ErrUnavailable, errDied)
	}
	return nil
}

func (f *fakeEntries) get(entry string) (text string, err error) {
	found := false
	err = f.call("get", entry, func() { text, found = f.texts[entry] })
	if err == nil && !found {
		err = ErrNotFound
	}
	return text, err
}

func (f *fakeEntries) set(entry, text string) error {
	if len(text) > 2560 {
		return ErrTooLarge
	}
	return f.call("set", entry, func() { f.texts[entry] = text })
}

func (f *fakeEntries) delete(entry string) error {
	found := false
	err := f.call("delete", entry, func() {
		_, found = f.texts[entry]
		delete(f.texts, entry)
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return err
}

// folderEntries is a keychain that processes share: a folder with a file for
// each entry.
type folderEntries string

func (f folderEntries) path(entry string) string { return filepath.Join(string(f), entry) }

func (f folderEntries) get(entry string) (string, error) {
	text, err := os.ReadFile(f.path(entry))
	return string(text), told(err)
}

func (f folderEntries) set(entry, text string) error {
	return told(atomic.WriteFile(f.path(entry), strings.NewReader(text)))
}

func (f folderEntries) delete(entry string) error { return told(os.Remove(f.path(entry))) }

func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	default:
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
}
