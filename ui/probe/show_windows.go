package probe

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// Show tells a person why there is no window, who started the program with a
// double-click and would see nothing of standard error. It blocks until that
// person has read it, and does nothing for a program started in a console.
func Show(err error) {
	var processes [2]uint32
	n, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList").
		Call(uintptr(unsafe.Pointer(&processes[0])), uintptr(len(processes)))
	if n > 1 {
		return // the shell's console, which has the error too
	}
	title, _ := windows.UTF16PtrFromString("traymail")
	text, bad := windows.UTF16PtrFromString(err.Error())
	if bad != nil {
		return
	}
	// What it returns is the button, of which there is one.
	_, _ = windows.MessageBox(0, text, title, windows.MB_OK|windows.MB_ICONERROR)
}
