package keystore

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"syscall"
	"testing"
)

// A power cut cannot be had here, but the kernel tells who opens a folder, which
// is what comes before syncing it and has no other reason.
func TestTheFolderOfANewFileIsSynced(t *testing.T) {
	for name, create := range map[string]func(path string) error{
		"a key file": CreateKeyFile,
		"a file":     func(path string) error { return (&File{path: path}).replace([]byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(fd)
			if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_OPEN|syscall.IN_ONLYDIR); err != nil {
				t.Fatal(err)
			}
			if err := create(filepath.Join(dir, "new")); err != nil {
				t.Fatal(err)
			}
			events := make([]byte, 4096)
			n, err := syscall.Read(fd, events)
			// The folder itself is what has no name in its event, nor a cookie.
			folder := binary.NativeEndian.AppendUint32(nil, syscall.IN_OPEN|syscall.IN_ISDIR)
			folder = append(folder, make([]byte, 8)...)
			if err != nil || !bytes.Contains(events[:n], folder) {
				t.Errorf("%x, %v", events[:n], err)
			}
		})
	}
}
