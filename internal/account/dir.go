package account

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/natefinch/atomic"
	"github.com/pelletier/go-toml/v2"
)

// ErrNotFound is matched by the error for an account that does not exist.
var ErrNotFound = errors.New("no such account")

// A Dir is the folder with one file an account. One process writes at a time;
// readers always see a whole file, the old or the new.
type Dir string

const extension = ".toml"

func (d Dir) path(name string) string { return filepath.Join(string(d), name+extension) }

// Names returns the names of the accounts, sorted. A folder that does not
// exist has none.
func (d Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok && !e.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}

// Load reads and validates one account. The error matches ErrNotFound when
// there is no such file, and is a *FieldError when something in it is wrong.
func (d Dir) Load(name string) (*Account, error) {
	if err := ValidateName(name); err != nil {
		return nil, err
	}
	path := d.path(name)
	a := &Account{Name: name, Provider: Microsoft365}
	data, err := ReadTOML(path, a)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if err != nil {
		return nil, err
	}
	if err := a.Validate(); err != nil {
		return nil, Locate(err, path, data)
	}
	return a, nil
}

// Save validates the account and replaces its file in one step: on an error
// the file is as it was.
func (d Dir) Save(a *Account) error {
	if err := a.Validate(); err != nil {
		return err
	}
	data, err := toml.Marshal(a.withoutPreset())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("account %s is not saved: %w", a.Name, err)
	}
	if err := atomic.WriteFile(d.path(a.Name), bytes.NewReader(data)); err != nil {
		return fmt.Errorf("account %s is not saved, what it was before stays: %w", a.Name, err)
	}
	return nil
}

// ID returns an account's ID, also when something else in its file is wrong; ""
// when the file has none that could be read. The error matches ErrNotFound when
// there is no such file.
func (d Dir) ID(name string) (string, error) {
	if err := ValidateName(name); err != nil {
		return "", err
	}
	data, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if err != nil {
		return "", err
	}
	var only struct {
		ID string `toml:"id"`
	}
	if toml.Unmarshal(data, &only) != nil || !idForm.MatchString(only.ID) {
		return "", nil
	}
	return only.ID, nil
}

// Remove deletes the account's file. The error matches ErrNotFound when there
// is none.
func (d Dir) Remove(name string) error {
	if err := ValidateName(name); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	return err
}
