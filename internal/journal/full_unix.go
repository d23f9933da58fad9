//go:build !windows

package journal

import "syscall"

// noRoom are the system's errors: no space, over quota, over the file size allowed.
var noRoom = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
