package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// modesOf returns what of a home folder is open to others.
func modesOf(t *testing.T, home string) (open []string) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was a file of a moment
		}
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Type() == fs.ModeSymlink {
			return nil
		}
		seen++
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			open = append(open, fmt.Sprintf("%s is open to others: %v", path, info.Mode()))
		}
		return err
	})
	if err != nil || seen < 5 {
		t.Errorf("%d files were looked at: %v", seen, err)
	}
	return open
}
