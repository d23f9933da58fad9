//go:build !windows

package probe

// Show does nothing here: whoever starts the program reads its standard error.
func Show(error) {}
