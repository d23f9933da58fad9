package main

import "golang.org/x/sys/windows"

// dropFilePages has the system take out of the program's working set what it does
// not use: what it touches again comes back by itself.
func dropFilePages() {
	// That the advice is not taken is no fault.
	_ = windows.SetProcessWorkingSetSizeEx(windows.CurrentProcess(), ^uintptr(0), ^uintptr(0), 0)
}
