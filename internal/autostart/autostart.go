// Package autostart has a program started when this person logs in: by an
// autostart entry of the desktop on Linux, the Run key of the registry on
// Windows, and a launch agent on macOS. Nothing of it needs an administrator,
// and nothing is started at once.
package autostart

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Self is the command line that starts this program again with the arguments.
func Self(args ...string) ([]string, error) {
	// An AppImage runs from a folder that is gone when it ends.
	program := os.Getenv("APPIMAGE")
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("where this program is: %w", err)
		}
	}
	return append([]string{program}, args...), nil
}

// Enabled reports whether the program is started at login. That the person has
// switched it off with the system's own means counts.
func Enabled() (bool, error) {
	on, err := enabled()
	if err != nil {
		return false, fmt.Errorf("whether traymail starts with the system: %w", err)
	}
	return on, nil
}

// Enable has the command, a program's full path and its arguments, started from
// the next login on, in place of one enabled before.
func Enable(command []string) error {
	if err := check(command); err != nil {
		return err
	}
	if err := enable(command); err != nil {
		return fmt.Errorf("traymail cannot be started with the system: %w", err)
	}
	return nil
}

// Disable undoes Enable. Nothing to undo is no error.
func Disable() error {
	if err := disable(); err != nil {
		return fmt.Errorf("traymail is still started with the system: %w", err)
	}
	return nil
}

func check(command []string) error {
	if len(command) == 0 || command[0] == "" {
		return errors.New("there is no command to start with the system")
	}
	for _, c := range command {
		if strings.ContainsAny(c, "\x00\r\n") {
			return fmt.Errorf("what starts with the system must be one line, and %q is not", c)
		}
	}
	return nil
}
