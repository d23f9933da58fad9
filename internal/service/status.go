package service

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/kardianos/service"
)

// A State is what a service does, in one word.
type State string

// The states of a service.
const (
	Running      State = "running" // or about to
	Stopped      State = "stopped"
	Failed       State = "failed" // ended by itself, and is not started again
	NotInstalled State = "not installed"
)

// A Status is how a service is.
type Status struct {
	Name    string `json:"name"`
	Manager string `json:"manager"`
	User    bool   `json:"per_user"`
	State   State  `json:"state"`
	PID     int    `json:"pid,omitempty"`    // where the manager tells it
	Detail  string `json:"detail,omitempty"` // in the manager's own words
	File    string `json:"file,omitempty"`   // that defines it
}

// Status asks the manager for the state of the service.
func (s *Service) Status() (Status, error) {
	status := Status{Name: s.job.Name, Manager: s.manager, User: s.job.User, State: NotInstalled}
	if s.file != "" && !exists(s.file) {
		return status, nil
	}
	status.File = s.file
	if s.manager == Systemd {
		if s.job.User {
			if err := s.session(); err != nil {
				return status, err
			}
		}
		return status, s.askSystemd(&status)
	}
	state, err := s.s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
	case err != nil:
		return status, s.explain("status", err)
	case state == service.StatusRunning:
		status.State = Running
	default:
		status.State = Stopped
	}
	return status, nil
}

// askSystemd asks systemd itself: the library has no word for a service that
// is ending or that waits for its next start, and hides why an answer failed.
func (s *Service) askSystemd(status *Status) error {
	args := []string{"show", s.job.Name + ".service", "--property=ActiveState,SubState,Result,MainPID"}
	if s.job.User {
		args = append(args, "--user")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) && len(failed.Stderr) > 0 {
			err = errors.New(strings.Join(strings.Fields(string(failed.Stderr)), " "))
		}
		return fmt.Errorf("systemd does not tell how the service %s is: %w", s.job.Name, err)
	}
	answer := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		answer[key] = value
	}
	switch answer["ActiveState"] {
	case "active", "activating", "reloading", "deactivating":
		status.State = Running
	case "failed":
		status.State = Failed
	default:
		status.State = Stopped
	}
	status.PID, _ = strconv.Atoi(answer["MainPID"])
	status.Detail = answer["SubState"]
	if result := answer["Result"]; result != "" && result != "success" {
		status.Detail += " (" + result + ")"
	}
	return nil
}
