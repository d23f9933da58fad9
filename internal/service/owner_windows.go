package service

import "golang.org/x/sys/windows"

// elevated reports whether this process may change the machine's services.
func elevated() bool { return windows.GetCurrentProcessToken().IsElevated() }

// owner is whom the service runs as: LocalSystem, whosever the folder is.
func owner(string) (string, error) { return "LocalSystem", nil }
