package journal

import "golang.org/x/sys/windows"

var noRoom = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
