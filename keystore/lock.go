package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a lock held by another process is tried again.
const lockPoll = 10 * time.Millisecond

type tryLock func(*flock.Flock, context.Context, time.Duration) (bool, error)

func shared(l *flock.Flock, ctx context.Context, poll time.Duration) (bool, error) {
	return l.TryRLockContext(ctx, poll)
}

func exclusive(l *flock.Flock, ctx context.Context, poll time.Duration) (bool, error) {
	return l.TryLockContext(ctx, poll)
}

// withLock runs work while it holds a lock on the file at path, which it
// creates and leaves behind. The system frees the lock when the process dies.
// When ctx ends before the lock is had, it returns gaveUp's error.
func withLock(ctx context.Context, path string, try tryLock, work func() error) (err error) {
	lock := flock.New(path, flock.SetPermissions(0o600))
	if _, err := try(lock, ctx, lockPoll); ctx.Err() != nil {
		return errors.Join(gaveUp(ctx), lock.Close())
	} else if err != nil {
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return work()
}

// keychainLock returns the file that those lock who change the user's
// keychain, in a folder it creates for the user alone: the one for caches, or
// for temporary files where the user has no home.
func keychainLock() (string, error) {
	dir, err := os.UserCacheDir()
	if err == nil {
		dir = filepath.Join(dir, service)
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d", service, os.Getuid()))
		err = os.MkdirAll(dir, 0o700)
	}
	return filepath.Join(dir, "keychain.lock"), err
}
