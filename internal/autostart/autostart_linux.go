package autostart

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/natefinch/atomic"
)

const entryName = "traymail.desktop"

// entryFile is where this person's entry is.
func entryFile() (string, error) {
	config, err := os.UserConfigDir()
	return filepath.Join(config, "autostart", entryName), err
}

// systemStarts reports whether there is an entry for all persons.
func systemStarts() (bool, error) {
	dirs := os.Getenv("XDG_CONFIG_DIRS")
	if dirs == "" {
		dirs = "/etc/xdg"
	}
	for _, dir := range strings.Split(dirs, ":") {
		if !filepath.IsAbs(dir) {
			continue // the specification says so
		}
		file, err := os.ReadFile(filepath.Join(dir, "autostart", entryName))
		if err == nil {
			return startsEntry(string(file)), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return false, nil
}

func enabled() (bool, error) {
	name, err := entryFile()
	if err != nil {
		return false, err
	}
	file, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return systemStarts()
	}
	return startsEntry(string(file)), err
}

func enable(command []string) error { return write(desktopEntry(command)) }

func disable() error {
	system, err := systemStarts()
	if err != nil {
		return err
	}
	if system {
		return write(hiddenEntry)
	}
	name, err := entryFile()
	if err != nil {
		return err
	}
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func write(entry string) error {
	name, err := entryFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return atomic.WriteFile(name, strings.NewReader(entry))
}
