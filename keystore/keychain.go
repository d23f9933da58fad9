package keystore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/zalando/go-keyring"
)

// service groups all entries of this program in a keychain.
const service = "traymail"

// KeychainStore is a Store in the keychain of the operating system. Several
// processes may use the same keychain at the same time. Create it with
// Keychain, one for each process.
type KeychainStore struct {
	turn   turn
	parts  parted
	unlock func(context.Context) error
	lock   func() (path string, err error) // of the file that keeps other writers away
}

// Keychain returns the store in the user's keychain: the Secret Service (GNOME
// Keyring, KWallet, KeePassXC) on Linux and BSD, the Credential Manager on
// Windows, the login keychain on macOS. It does not touch the keychain yet.
//
// A locked keychain asks the user to unlock it; when nobody can be asked or
// the prompt is dismissed, calls return ErrUnavailable.
func Keychain() *KeychainStore {
	return newKeychain(osKeychain{}, entryLimit(runtime.GOOS), unlockKeychain)
}

func newKeychain(e entries, limit func(string) int, unlock func(context.Context) error) *KeychainStore {
	return &KeychainStore{newTurn(), parted{e, limit}, unlock, keychainLock}
}

// Available returns nil if a secret can be stored in the keychain now, which
// it tries, and otherwise an error wrapping ErrUnavailable that says why there
// is no keychain.
// Like any call to a Store it may ask the user to unlock the keychain.
func Available(ctx context.Context) error { return Keychain().available(ctx) }

func (k *KeychainStore) available(ctx context.Context) error {
	// A name of its own, for another process may be trying at the same time.
	probe := fmt.Sprintf("probe/%s", strings.ToLower(rand.Text()))
	// Not Set and Delete, whose errors would name it.
	return k.change(ctx, probe, func() error {
		if err := k.parts.set(probe, "probe"); err != nil {
			return err
		}
		return k.parts.delete(probe)
	})
}

// String names the keychain as its system does.
func (k *KeychainStore) String() string {
	switch runtime.GOOS {
	case "windows":
		return "Windows Credential Manager"
	case "darwin":
		return "macOS Keychain"
	default:
		return "Secret Service (GNOME Keyring, KWallet)"
	}
}

// Get implements Store.
func (k *KeychainStore) Get(ctx context.Context, name string) (Secret, error) {
	value, err := k.call(ctx, name, func() (string, error) { return k.parts.get(name) })
	return Secret(value), failure("read", name, k, err)
}

// Set implements Store. A secret too long for one entry of the keychain is
// kept in several.
func (k *KeychainStore) Set(ctx context.Context, name string, value Secret) error {
	err := checkValue(value)
	if err == nil {
		err = k.change(ctx, name, func() error { return k.parts.set(name, value.Reveal()) })
	}
	return failure("store", name, k, err)
}

// Delete implements Store.
func (k *KeychainStore) Delete(ctx context.Context, name string) error {
	err := k.change(ctx, name, func() error { return k.parts.delete(name) })
	return failure("delete", name, k, err)
}

// change is call for work that writes, which no two processes do at a time.
// The lock is taken last: nobody waits for it while a person is asked.
func (k *KeychainStore) change(ctx context.Context, name string, work func() error) error {
	_, err := k.call(ctx, name, func() (string, error) {
		path, err := k.lock()
		if err != nil {
			return "", fmt.Errorf("%w: it cannot be kept from other processes: %v", ErrUnavailable, err)
		}
		return "", withLock(ctx, path, exclusive, work)
	})
	return err
}

func (k *KeychainStore) call(ctx context.Context, name string, work func() (string, error)) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return inTurn(ctx, k.turn, func() (string, error) {
		if err := k.unlock(ctx); ctx.Err() != nil {
			return "", gaveUp(ctx)
		} else if err != nil {
			return "", fmt.Errorf("%w: %v", ErrUnavailable, err)
		}
		return work()
	})
}

// entryLimit returns how many bytes fit into an entry of a given name on a
// system, by go-keyring's own reckoning.
func entryLimit(goos string) func(entry string) int {
	switch goos {
	case "windows":
		return func(string) int { return 2560 } // CRED_MAX_CREDENTIAL_BLOB_SIZE
	case "darwin":
		// One line of at most 4,096 bytes carries the names and the secret in base64.
		const line = "add-generic-password -U -s " + service + " -a  -w go-keyring-base64:\n"
		return func(entry string) int { return (4096 - len(line) - len(entry)) / 4 * 3 }
	default:
		return func(string) int { return MaxLen } // no limit of its own
	}
}

// osKeychain is the keychain that go-keyring has for this system.
type osKeychain struct{}

func (osKeychain) get(entry string) (text string, err error) {
	err = guarded(func() (err error) {
		text, err = keyring.Get(service, entry)
		return err
	})
	return text, err
}

func (osKeychain) set(entry, text string) error {
	return guarded(func() error { return keyring.Set(service, entry, text) })
}

func (osKeychain) delete(entry string) error {
	return guarded(func() error { return keyring.Delete(service, entry) })
}

// guarded turns go-keyring's errors into this package's. Anything but its "not
// found" means that the keychain could not answer.
func guarded(call func() error) (err error) {
	defer func() {
		// go-keyring uses the nil signal it gets when the session bus goes
		// away during a prompt; a logout must not crash the program.
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the connection to it broke", ErrUnavailable)
		}
	}()
	switch err := call(); {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return fmt.Errorf("%w for an entry", ErrTooLarge)
	case strings.HasPrefix(err.Error(), "failed to unlock"):
		// Locked since it was unlocked here, and nobody answered its prompt.
		return fmt.Errorf("%w: the keychain is locked: %v", ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
}
