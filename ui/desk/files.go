package desk

import "io"

// Files are how a page asks the person for a file. Both functions are called on
// the window's goroutine and return at once; chosen is called there too, and not
// at all when the person changes their mind. Whoever is given a reader or a
// writer closes it, and reads and writes on a goroutine of its own: a file may
// be on a slow disk.
type Files struct {
	// Save asks where to put a file, for which name is proposed.
	Save func(name string, chosen func(w io.WriteCloser, where string, err error))
	// Open asks for a file, whose place is where. Its name ends in one of
	// extensions, such as ".pem", unless there are none.
	Open func(extensions []string, chosen func(r io.ReadCloser, where string, err error))
}
