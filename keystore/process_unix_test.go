//go:build unix

package keystore

import (
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// limitFileSize makes writes beyond $WRITER_LIMIT bytes fail in this process,
// in the middle, as they do on a full disk.
func limitFileSize() error {
	limit, err := strconv.ParseUint(os.Getenv("WRITER_LIMIT"), 10, 64)
	if err != nil {
		return nil
	}
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
}

func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	f, env := writerFiles(t)
	if err := f.Set(t.Context(), "old", "hunter2"); err != nil {
		t.Fatal(err)
	}
	before := content(t, f)
	out, err := helper(t, append(env, "WRITER_NAMES=new", "WRITER_LIMIT=8192")...).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out); !strings.Contains(got, "cannot be written") || !strings.Contains(got, f.path) {
		t.Errorf("the writer said %q", got)
	}
	if string(content(t, f)) != string(before) {
		t.Error("the file has changed")
	}
	left, err := filepath.Glob(f.path + "*")
	if err != nil || len(left) != 2 {
		t.Errorf("more is left than the file and its lock: %v", left)
	}
}
