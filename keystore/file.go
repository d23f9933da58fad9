package keystore

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
)

// File is a Store in a file encrypted with age. Several processes may use the
// same file at the same time. Create it with OpenFile.
type File struct {
	path string
	key  Key
	turn turn

	// What opened the file last, so that nobody is asked twice. Only the call
	// that has the turn uses them.
	identity *age.X25519Identity
	wrapped  []byte // the identity as it stands in the file, nil without passphrase
}

// OpenFile returns the store in the file at path, which the first Set creates,
// with its folder, readable by their owner only. Neither the file nor the key
// is read yet; an error means that path cannot be a file.
func OpenFile(path string, key Key) (*File, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open encrypted file: %w", err)
	}
	if info, err := os.Stat(absolute); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open encrypted file: %s is not a file", absolute)
	}
	return &File{path: absolute, key: key, turn: newTurn()}, nil
}

// String returns "encrypted file" and the path.
func (f *File) String() string { return "encrypted file " + f.path }

// Format writes String whatever the verb: there is a key in the fields.
func (f *File) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// Get implements Store.
func (f *File) Get(ctx context.Context, name string) (Secret, error) {
	value, err := f.get(ctx, name)
	return value, failure("read", name, f, err)
}

func (f *File) get(ctx context.Context, name string) (Secret, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return inTurn(ctx, f.turn, func() (Secret, error) {
		opened, err := f.load(ctx)
		if err != nil {
			return "", err
		}
		value, ok := opened[name]
		if !ok {
			return "", ErrNotFound
		}
		return Secret(value), nil
	})
}

// Set implements Store. A file that is damaged or cannot be opened is never
// replaced, because the other secrets in it may still be saved.
func (f *File) Set(ctx context.Context, name string, value Secret) error {
	err := checkValue(value)
	if err == nil {
		err = f.change(ctx, name, func(s secrets) bool {
			s[name] = []byte(value)
			return true
		})
	}
	return failure("store", name, f, err)
}

// Delete implements Store.
func (f *File) Delete(ctx context.Context, name string) error {
	err := f.change(ctx, name, func(s secrets) bool {
		_, there := s[name]
		delete(s, name)
		return there
	})
	return failure("delete", name, f, err)
}
