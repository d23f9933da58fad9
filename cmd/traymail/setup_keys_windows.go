package main

import (
	"io"
	"os"
)

// keysFrom is what a form reads from a console. The library sets it up by itself.
func keysFrom(terminal *os.File) (in io.Reader, end func() error, err error) {
	return terminal, func() error { return nil }, nil
}
