package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"

	"filippo.io/age"
	"github.com/natefinch/atomic"
)

// load reads and decrypts the file; one that does not exist has no secrets.
func (f *File) load(ctx context.Context) (secrets, error) {
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return secrets{}, nil
	}
	var data []byte
	// Windows cannot replace a file while somebody reads it, hence a lock.
	err := f.withLock(ctx, shared, func() (err error) {
		data, err = f.read()
		return err
	})
	if err != nil {
		return nil, err
	}
	return f.open(ctx, data)
}

// change applies edit to the secrets and writes them if it returns true.
func (f *File) change(ctx context.Context, name string, edit func(secrets) bool) error {
	if err := checkName(name); err != nil {
		return err
	}
	_, err := inTurn(ctx, f.turn, func() (none struct{}, err error) {
		// Once before the lock, so that a person who looks for the passphrase
		// keeps no other process waiting.
		current, err := f.load(ctx)
		if err != nil || !edit(current) {
			return none, err
		}
		if f.identity == nil {
			if err := f.create(ctx); err != nil {
				return none, err
			}
		}
		if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
			return none, fmt.Errorf("%w: %v", ErrUnavailable, err)
		}
		return none, f.withLock(ctx, exclusive, func() error {
			data, err := f.read()
			if err != nil {
				return err
			}
			current, err := f.open(ctx, data)
			if err != nil || !edit(current) {
				return err
			}
			return f.write(ctx, current)
		})
	})
	return err
}

// withLock runs work while it holds a lock on the file. The lock is on a file
// of its own, since the file proper is a new one after every change.
func (f *File) withLock(ctx context.Context, try tryLock, work func() error) error {
	return withLock(ctx, f.path+".lock", try, work)
}

// read returns nil if the file does not exist, and not nil if it is empty.
func (f *File) read() ([]byte, error) {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	return data, nil
}

// open decrypts what read returned and remembers what opened it.
func (f *File) open(ctx context.Context, data []byte) (secrets, error) {
	if data == nil {
		return secrets{}, nil
	}
	file, err := parseSealed(data)
	if err != nil {
		return nil, err
	}
	identity := f.identity
	if identity == nil || !bytes.Equal(file.identity, f.wrapped) {
		if identity, err = f.unwrap(ctx, file); err != nil {
			return nil, err
		}
	}
	opened, err := file.open(identity)
	if err != nil {
		return nil, err
	}
	// Only now is it known to be the right one.
	f.identity, f.wrapped = identity, file.identity
	return opened, nil
}

func (f *File) unwrap(ctx context.Context, file sealed) (*age.X25519Identity, error) {
	key, err := f.key.read(ctx, false)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case file.identity != nil && key.identity != nil:
		return nil, fmt.Errorf("%w: it is encrypted with a passphrase and a key file was given", ErrUnavailable)
	case file.identity != nil:
		return file.openIdentity(key.passphrase)
	case key.identity == nil:
		return nil, fmt.Errorf("%w: it is encrypted to a key file, or was cut off, and a passphrase was given", ErrUnavailable)
	default:
		return key.identity, nil
	}
}

// create settles what a new file will be encrypted to.
func (f *File) create(ctx context.Context) error {
	key, err := f.key.read(ctx, true)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if key.identity != nil {
		f.identity, f.wrapped = key.identity, nil
		return nil
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	wrapped, err := sealIdentity(identity, key.passphrase, f.key.workFactor)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	f.identity, f.wrapped = identity, wrapped
	return nil
}

// write replaces the file at once and reads it back.
func (f *File) write(ctx context.Context, want secrets) error {
	body, err := want.seal(f.identity)
	if err == nil {
		err = f.replace(sealed{f.wrapped, body}.bytes())
	}
	if err != nil {
		return fmt.Errorf("%w: it cannot be written: %v", ErrUnavailable, err)
	}
	data, err := f.read()
	if err != nil {
		return err
	}
	got, err := f.open(ctx, data)
	if err == nil && !maps.EqualFunc(got, want, bytes.Equal) {
		err = fmt.Errorf("%w: it does not contain what was written", ErrUnavailable)
	}
	return err
}

func (f *File) replace(data []byte) error {
	// The new file takes over the mode of the old one.
	if err := os.Chmod(f.path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := atomic.WriteFile(f.path, bytes.NewReader(data)); err != nil {
		return err
	}
	return syncFolder(f.path)
}

// syncFolder makes the name of a new file last: without it a power cut could
// bring back the old file, or none.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call; MoveFileEx wrote through
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
