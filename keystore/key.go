package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"filippo.io/age"
)

// workFactor makes one guess at a passphrase cost 256 MiB and most of a second.
// The cost is paid once for each File, not for each call.
const workFactor = 18

// maxWorkFactor stops an altered file from taking more than 1 GiB.
const maxWorkFactor = 20

// Key opens an encrypted file. Create one with Passphrase, KeyFile or
// Credential. A Key holds no secret, only the way to get at one, which a File
// takes when it is first used, and again as long as it cannot be opened.
type Key struct {
	read       func(ctx context.Context, create bool) (keyMaterial, error)
	workFactor int // log2 of scrypt's cost for a new file
}

// keyMaterial is either an identity or, when that is nil, a passphrase.
type keyMaterial struct {
	identity   *age.X25519Identity
	passphrase Secret
}

// Passphrase returns a Key that asks a person. With create, the file does not
// exist yet and ask should ask twice. Its error reaches the caller of the
// Store, who can find it with errors.Is.
func Passphrase(ask func(ctx context.Context, create bool) (Secret, error)) Key {
	read := func(ctx context.Context, create bool) (keyMaterial, error) {
		passphrase, err := ask(ctx, create)
		if err == nil && passphrase == "" {
			err = errors.New("the passphrase is empty")
		}
		return keyMaterial{passphrase: passphrase}, err
	}
	return Key{read, workFactor}
}

// KeyFile returns a Key that reads an age X25519 identity from a file, as
// CreateKeyFile and age-keygen write it. Except on Windows, a file that other
// accounts have access to is refused, unless it is in $CREDENTIALS_DIRECTORY,
// which systemd guards.
func KeyFile(path string) Key {
	read := func(context.Context, bool) (keyMaterial, error) {
		text, err := readPrivate(path)
		if err != nil {
			return keyMaterial{}, err
		}
		identity, err := parseIdentity(string(text))
		if err == nil && identity == nil {
			err = errors.New("it has no line that begins with " + identityMark)
		}
		if err != nil {
			return keyMaterial{}, fmt.Errorf("the key file %s is not one: %w", path, err)
		}
		return keyMaterial{identity: identity}, nil
	}
	return Key{read, workFactor}
}

// readPrivate reads the key file at path if nobody but its owner can.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" && !isCredential(path) {
		return nil, fmt.Errorf("the key file %s is open to other accounts (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	return text, nil
}

// isCredential tells whether path is in $CREDENTIALS_DIRECTORY. systemd makes
// its files readable by a group, or by root and one more user through an ACL
// that looks like a group, in a folder that is closed to everybody else.
func isCredential(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(os.Getenv("CREDENTIALS_DIRECTORY"), path)
	return err == nil && filepath.IsLocal(rel)
}

// Credential returns a Key that systemd hands to a service, as set up with
// LoadCredential= or LoadCredentialEncrypted=. The file of that name in
// $CREDENTIALS_DIRECTORY holds an age X25519 identity or else a passphrase.
func Credential(name string) Key {
	read := func(context.Context, bool) (keyMaterial, error) {
		if name == "" || name != filepath.Base(name) || !filepath.IsLocal(name) {
			return keyMaterial{}, fmt.Errorf("%q is not the name of a credential", name)
		}
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return keyMaterial{}, fmt.Errorf("the variable $CREDENTIALS_DIRECTORY is not set; add LoadCredential=%s:PATH to the systemd unit", name)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return keyMaterial{}, fmt.Errorf("the credential cannot be read: %w", err)
		}
		identity, err := parseIdentity(string(text))
		if err != nil {
			return keyMaterial{}, fmt.Errorf("the credential %s is not usable: %w", name, err)
		}
		passphrase := Secret(strings.TrimRight(string(text), "\r\n"))
		if identity == nil && passphrase == "" {
			return keyMaterial{}, fmt.Errorf("the credential %s is empty", name)
		}
		return keyMaterial{identity, passphrase}, nil
	}
	return Key{read, workFactor}
}

// CreateKeyFile writes a new identity to path, readable by its owner only, and
// creates the folder if need be. It never replaces a file: what was encrypted
// to the old key would be lost.
func CreateKeyFile(path string) (err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("the key file cannot be created: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the key file cannot be created: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("the key file cannot be created: %w", err)
	}
	text := fmt.Sprintf("# traymail secrets, public key: %s\n%s\n", identity.Recipient(), identity)
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close(), syncFolder(path)); err != nil {
		// A half-written key is not one and would be in the way.
		return fmt.Errorf("the key file cannot be created: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

const identityMark = "AGE-SECRET-KEY-1"

// parseIdentity returns the first identity in text, or nil if there is none.
// The library's error is not passed on, for it could quote the key.
func parseIdentity(text string) (*age.X25519Identity, error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, identityMark) {
			continue
		}
		identity, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, errors.New("its line that begins with " + identityMark + " is mistyped or incomplete")
		}
		return identity, nil
	}
	return nil, nil
}
