//go:build cgo && !headless

package main

import (
	"os"

	"traymail/internal/autostart"
	"traymail/internal/service"
	"traymail/ui"
)

// machine is what the window tells and changes of this machine, for a home
// folder.
func machine(home string) ui.Machine {
	m := ui.Machine{Autostart: started{home}}
	m.Name, _ = os.Hostname()      // "" is told as this machine
	m.Program, _ = os.Executable() // "" is told as traymail
	m.Service = func() (string, error) {
		s, err := service.Open(service.Job{Name: service.DefaultName, User: service.PerUser(service.DefaultName), Home: home, Executable: m.Program})
		if err != nil {
			return "", err
		}
		status, err := s.Status()
		return string(status.State), err
	}
	return m
}

// started is whether the window of a home starts with the person's session.
type started struct{ home string }

func (started) Enabled() (bool, error) { return autostart.Enabled() }

func (s started) Set(on bool) error {
	if !on {
		return autostart.Disable()
	}
	command, err := autostart.Self("--home", s.home, "--hidden")
	if err != nil {
		return err
	}
	return autostart.Enable(command)
}
