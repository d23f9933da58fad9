//go:build unix

package keystore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		mode       os.FileMode
		credential bool
		refused    bool
	}{
		"its owner's":                          {0o600, false, false},
		"its owner's to read":                  {0o400, false, false},
		"its group's":                          {0o640, false, true},
		"everybody's":                          {0o604, false, true},
		"its group's, as systemd's credential": {0o440, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("CREDENTIALS_DIRECTORY", "")
			if c.credential {
				t.Setenv("CREDENTIALS_DIRECTORY", dir)
			}
			path := filepath.Join(dir, "key")
			if err := CreateKeyFile(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			err := openFile(t, KeyFile(path)).Set(t.Context(), "a", "x")
			if !c.refused && err != nil {
				t.Error(err)
			}
			if c.refused && (!errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "chmod 600 "+path)) {
				t.Errorf("got %v", err)
			}
		})
	}
}
