package ui

import (
	"bytes"
	"io"
	"log"
)

// A hush writes on what the toolkit logs, but for what it says of a desktop without
// a tray or without notifications: the window has said the one, and shows itself
// what the other would have told. The toolkit logs a complaint in up to three
// lines, each written at once by package log, which lets one writer in at a time.
type hush struct {
	to    io.Writer
	quiet bool // the lines that follow belong to a complaint that was left out
}

// hushed puts a hush before what package log writes to. restore takes it away,
// unless somebody has given the log another writer since.
func hushed() (restore func()) {
	was := log.Writer()
	h := &hush{to: was}
	log.SetOutput(h)
	return func() {
		if log.Writer() == h {
			log.SetOutput(was)
		}
	}
}

// complaints are how those begin that are left out.
var complaints = [][]byte{
	[]byte("systray error: "),
	[]byte("Fyne error:  Unable to connect to session D-Bus"),
	[]byte("Fyne error:  Failed to send message to bus"),
	[]byte("Fyne error:  Sending notification using portal failed"),
}

// Write implements io.Writer. It reports what it leaves out as written.
func (h *hush) Write(line []byte) (int, error) {
	of := bytes.Contains(line, []byte("  Cause: ")) || bytes.Contains(line, []byte("  At: "))
	if !of || !h.quiet {
		h.quiet = false
		for _, c := range complaints {
			h.quiet = h.quiet || bytes.Contains(line, c)
		}
	}
	if h.quiet {
		return len(line), nil
	}
	return h.to.Write(line)
}
