package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropFilePages takes the pages of the program's own file out of its memory. The
// system has them from the file again when they are touched; it had mapped many
// more than were ever used, sixteen at a time.
func dropFilePages() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer smaps.Close()
	type area struct{ from, to uintptr }
	var found []area
	var here area // of the mapping whose lines are read; zero: not one to drop
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) >= 5 && !strings.HasSuffix(words[0], ":") {
			here = area{}
			from, to, _ := strings.Cut(words[0], "-")
			first, err1 := strconv.ParseUint(from, 16, 64)
			last, err2 := strconv.ParseUint(to, 16, 64)
			readOnly := strings.HasPrefix(words[1], "r-") && strings.HasSuffix(words[1], "p")
			if err1 == nil && err2 == nil && readOnly && len(words) == 6 && words[5] == program {
				here = area{uintptr(first), uintptr(last)}
			}
		}
		// A page that was written to is the program's own and not the file's: such
		// a mapping stays whole.
		if len(words) >= 2 && words[0] == "Anonymous:" && words[1] == "0" && here.to > here.from {
			found = append(found, here)
		}
	}
	for _, a := range found {
		// That the advice is not taken is no fault.
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), a.from)), a.to-a.from), unix.MADV_DONTNEED)
	}
}
