// Package ui is the window and the tray. This package is their frame: it watches
// the program, has the rail with the pages, and decides what closing means. Each
// page is a package of its own below it.
//
// A page has two halves. Its presenter knows no widget: it turns what the person
// does into calls of the program and has a state. Its other half knows no
// program: it draws that state and reports what was typed and tapped. Both live
// on the goroutine of the window; what blocks does not, and comes back through
// the desk.
//
// Only Run needs a graphics driver, and with it cgo; the rest builds and is
// tested without, but for macOS, where the toolkit's widgets need cgo too.
package ui

import (
	"io"

	"traymail/internal/mailer"
)

// Options say what the window shows. Program, OpenBrowser and Machine must be
// set.
type Options struct {
	Program mailer.Program
	// Service says that the program is another process, which goes on when the
	// window is closed.
	Service bool
	// Unstarted is why the program could not start its background sending; nil
	// when it did.
	Unstarted error
	// OpenBrowser opens an address in the person's browser. It may block.
	OpenBrowser func(address string) error
	// Machine is what the window changes of the machine that it runs on.
	Machine Machine
	// Account is the account to sign in at once, "" for none.
	Account string
	// Rehearsal says that the program sends to a sandbox. The window tells so above
	// the pages, ends when it is closed, and keeps none of its own settings. Nil is
	// the real thing.
	Rehearsal *Rehearsal
	// Hidden starts in the tray, if the desktop has one.
	Hidden bool
	// Raised is called with what brings the window to the front, and returns what
	// ends that; nil when nobody else can.
	Raised func(raise func()) (io.Closer, error)
}

// A Rehearsal is what the window tells of the sandbox. Inbox and Portal are the
// addresses of its pages.
type Rehearsal struct {
	Username, Password string
	Inbox, Portal      string
	// Page is where an address that is copied is found in the sandbox; any other
	// text comes back as it is.
	Page func(text string) string
}

// A Machine is what the window tells and changes of the machine.
type Machine struct {
	// Autostart is whether the window starts with the person's session.
	Autostart Autostart
	// Service asks for the state of traymail as a service of the system, in the
	// words of 'traymail service status'. It may block.
	Service func() (state string, err error)
	// Program is where traymail is, and Name the machine's in the network.
	Program, Name string
}

// An Autostart is whether the window starts with the person's session. Its
// methods may block.
type Autostart interface {
	Enabled() (bool, error)
	Set(on bool) error
}
