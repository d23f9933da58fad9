package journal

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes what was written durable, without what is not needed to read it
// back.
func syncData(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fdatasync(int(fd)); failed != syscall.EINTR {
				return
			}
		}
	})
	return errors.Join(err, failed)
}
