// Package keystore keeps named secrets: refresh tokens, client secrets,
// passwords.
//
// There are three stores, chosen by the caller and never by the package:
// [Keychain] is the keychain of the operating system, [OpenFile] a file
// encrypted with age for machines which have no keychain, and [Memory] forgets
// everything when the program ends. No store falls back on another; a caller
// which wants a choice asks [Available] first and tells the user what it took.
//
// A change is all or nothing: whatever interrupts a Set, the next Get returns
// the whole old or the whole new secret.
//
// Secrets are printed by nobody: [Secret] has no readable form under fmt, slog
// or encoding/json, and no error of this package contains one.
package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// MaxLen is the length in bytes of the longest secret that a store accepts.
const MaxLen = 64 << 10

// maxName leaves room on the 4,096-byte command line which macOS gives to a
// name and its secret together.
const maxName = 255

// A Store keeps secrets by name. A name consists of the characters a-z, 0-9,
// '.', '_', '-' and '/', such as "3f9c2e/refresh-token", and has at most 255.
//
// All methods may block, on a disk or on a person who is asked to unlock
// something, and return an error wrapping ErrUnavailable and the context's
// cause when ctx ends first. They are safe for concurrent use; calls on one
// Store take effect one after the other. A call abandoned by its context
// finishes in the background and keeps its place: a later call on the same
// Store waits for it.
type Store interface {
	// Get returns the secret, or an error wrapping ErrNotFound, ErrUnavailable
	// or ErrDamaged.
	Get(ctx context.Context, name string) (Secret, error)

	// Set stores the secret in place of any earlier one and returns nil only
	// after it has read it back. The error wraps ErrTooLarge or ErrUnavailable,
	// or ErrDamaged for a file that cannot be read as a whole.
	Set(ctx context.Context, name string, value Secret) error

	// Delete removes the secret. Deleting what is not there is no error.
	Delete(ctx context.Context, name string) error

	// String names the store in words for people.
	String() string
}

var (
	// ErrNotFound means that the store works and has no secret of that name.
	ErrNotFound = errors.New("not found")

	// ErrUnavailable means that the store cannot be used now: it is locked,
	// there is no keychain service, a prompt was dismissed, the passphrase is
	// wrong, the context ended. It says nothing about what the store contains,
	// so nothing may be deleted or replaced because of it.
	ErrUnavailable = errors.New("unavailable")

	// ErrTooLarge means that the store cannot hold a secret of that length.
	ErrTooLarge = errors.New("too large")

	// ErrDamaged means that there is a secret which cannot be restored, since
	// a part of it is missing or altered. Nothing is removed because of it; a
	// Set of the same name replaces a damaged secret in a keychain.
	ErrDamaged = errors.New("damaged")
)

// failure tells which secret of which store an operation was about. The
// secret's value never gets here.
func failure(operation, name string, store Store, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q in %s: %w", operation, name, store, err)
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("a name has 1 to %d characters, this one %d", maxName, len(name))
	}
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-/"
	if strings.Trim(name, allowed) != "" {
		return fmt.Errorf("the name may contain only %s", allowed)
	}
	return nil
}

func checkValue(value Secret) error {
	if len(value) > MaxLen {
		return fmt.Errorf("%w: %d bytes, at most %d can be kept", ErrTooLarge, len(value), MaxLen)
	}
	return nil
}
