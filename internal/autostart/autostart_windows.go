package autostart

import (
	"errors"

	"golang.org/x/sys/windows/registry"
)

const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
	valueName   = "traymail"
)

func enabled() (bool, error) {
	run, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer run.Close()
	line, _, err := run.GetStringValue(valueName)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	if err != nil || line == "" {
		return false, err
	}
	switches, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer switches.Close()
	value, _, err := switches.GetBinaryValue(valueName)
	if errors.Is(err, registry.ErrNotExist) {
		return true, nil
	}
	return approved(value), err
}

func enable(command []string) error {
	line, err := runLine(command)
	if err != nil {
		return err
	}
	run, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer run.Close()
	if err := run.SetStringValue(valueName, line); err != nil {
		return err
	}
	return remove(approvedKey) // the person wants it again
}

func disable() error { return errors.Join(remove(runKey), remove(approvedKey)) }

// remove deletes the value under a key, if both are there.
func remove(key string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, key, registry.SET_VALUE)
	if err == nil {
		defer k.Close()
		err = k.DeleteValue(valueName)
	}
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	return err
}
