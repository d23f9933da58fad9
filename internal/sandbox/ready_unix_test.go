//go:build unix

package sandbox

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNobodyElseReadsTheReadyFile(t *testing.T) {
	b := newBench(t, "default")
	path := filepath.Join(t.TempDir(), "ready.json")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteReady(path); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, filepath.Join(filepath.Dir(path), "ready.ca.pem")} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
}
