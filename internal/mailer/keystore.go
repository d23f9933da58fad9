package mailer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"traymail/internal/account"
	"traymail/keystore"
)

// KeystoreSettings choose where secrets are kept. There is no silent change
// from one to the other.
type KeystoreSettings struct {
	// Kind is "keychain" (the default) or "file".
	Kind string `toml:"kind"`
	// File is the encrypted file, secrets.age in the home folder by default.
	File string `toml:"file"`
	// KeyFile holds the file's key; it is made together with the file. Without
	// it the passphrase is asked for.
	KeyFile string `toml:"key_file"`
	// Credential names the file in $CREDENTIALS_DIRECTORY that holds the key.
	Credential string `toml:"credential"`
}

func (k *KeystoreSettings) validate() error {
	switch {
	case k.Kind != "keychain" && k.Kind != "file":
		return &account.FieldError{Key: "keystore.kind", Text: fmt.Sprintf("%q is not a kind of keystore", k.Kind), Fix: `use "keychain" for the system's own, or "file" for an encrypted file`}
	case k.Kind == "keychain" && (k.File != "" || k.KeyFile != "" || k.Credential != ""):
		return &account.FieldError{Key: "keystore.kind", Text: `"keychain" has no file and no key`, Fix: `remove file, key_file and credential, or set kind = "file"`}
	case k.KeyFile != "" && k.Credential != "":
		return &account.FieldError{Key: "keystore.credential", Text: "stands beside key_file, and only one key opens the file", Fix: "keep one of the two"}
	}
	return nil
}

// Open returns the keystore that the settings choose. passphrase asks for the
// file's passphrase where no key file is set, twice when create is set.
func (k KeystoreSettings) Open(passphrase func(ctx context.Context, create bool) (keystore.Secret, error)) (keystore.Store, error) {
	if k.Kind == "keychain" {
		return keystore.Keychain(), nil
	}
	key := keystore.Passphrase(passphrase)
	switch {
	case k.KeyFile != "":
		if !exists(k.KeyFile) && !exists(k.File) {
			if err := keystore.CreateKeyFile(k.KeyFile); err != nil {
				return nil, err
			}
		}
		key = keystore.KeyFile(k.KeyFile)
	case k.Credential != "":
		key = keystore.Credential(k.Credential)
	}
	return keystore.OpenFile(k.File, key)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
