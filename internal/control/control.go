// Package control is the local interface of a running traymail: mailer.Program
// as a server and as a client, over a unix domain socket, or a named pipe on
// Windows, that belongs to one user. Commands and the window use a running
// program through it exactly as if it were in their own process.
//
// It is HTTP with JSON. Every call is one POST on its own connection, with its
// arguments in the body: nothing that belongs in no log is in an address. A
// message follows its envelope's line in the body, and is never kept here.
// Watching and signing in answer with one JSON object a line.
package control

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
)

var (
	// ErrNotRunning means that no program runs for the home. Whatever was asked
	// for was not done, unless it had been answered already.
	ErrNotRunning = errors.New("no traymail runs for this home: start it with traymail serve")
	// ErrLost means that the program ended while it was at work on a request. It
	// is not known whether that was done.
	ErrLost = errors.New("the running traymail ended before it answered; look whether it was done before you try again")
	// ErrClosed means that the Client was closed.
	ErrClosed = errors.New("the connection to the running traymail was closed here")
)

// A RunningError says that a program runs for the home already.
type RunningError struct {
	PID int // 0 when it is not known
}

func (e *RunningError) Error() string {
	if e.PID == 0 {
		return "traymail already runs for this home"
	}
	return fmt.Sprintf("traymail already runs for this home (PID %d)", e.PID)
}

// api is the version of what is spoken here. It changes with every change that
// a program of the other version would misunderstand, in this package or in the
// types of mailer and account that it carries.
const api = "3"

// What every request and reply says of who sent it.
const (
	apiHeader     = "Traymail-Api"
	versionHeader = "Traymail-Version"
)

// version is this program's, for people.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// mismatch is the error of two programs that do not understand each other.
func mismatch(running, runningAPI, command, commandAPI string) error {
	return fmt.Errorf("the running traymail is version %s (interface %s), this command is %s (interface %s): restart it",
		running, runningAPI, command, commandAPI)
}

// resolve makes every spelling of a home that exists the same.
func resolve(home string) (string, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(home)
}
