// Package logfile opens the program's log: lines of text or JSON, in a file
// that is rotated, or on standard error.
package logfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"gopkg.in/natefinch/lumberjack.v2"
)

// The formats of a log.
const (
	Text = "text" // key=value, as log/slog writes it; the default
	JSON = "json" // one object a line
)

// What is used where Options say nothing.
const (
	DefaultMaxSizeMB = 10
	DefaultMaxFiles  = 10
)

// Options are how the log is written. All but Stderr may be left out.
type Options struct {
	File   string // empty: Stderr
	Format string // Text or JSON
	Level  string // debug, info (the default), warn or error
	// MaxSizeMB is the size in MiB at which the file is put aside, under its
	// name with the time, in UTC, and a new one begun.
	MaxSizeMB int
	// MaxFiles is how many files that were put aside are kept, and MaxAgeDays
	// for how many days at most; 0 days are without an end.
	MaxFiles, MaxAgeDays int
	// Stderr also takes the lines that the file does not.
	Stderr io.Writer
}

// A ValueError names the option that has a value it cannot have.
type ValueError struct {
	Key  string // as it is written in traymail.toml, in [log]
	Text string // what is wrong with it
	Fix  string // what to do
}

func (e *ValueError) Error() string { return e.Key + ": " + e.Text }

var levels = map[string]slog.Level{
	"": slog.LevelInfo, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// Check returns a *ValueError for the first value that cannot be used. It does
// not look at the disk.
func (o Options) Check() error {
	if o.Format != "" && o.Format != Text && o.Format != JSON {
		return &ValueError{"format", fmt.Sprintf("%q is not a format of the log", o.Format), `use "text" or "json"`}
	}
	if _, ok := levels[o.Level]; !ok {
		return &ValueError{"level", fmt.Sprintf("%q is not a level of the log", o.Level), `use "debug", "info", "warn" or "error"`}
	}
	for _, n := range []struct {
		key   string
		value int
	}{{"max_size_mb", o.MaxSizeMB}, {"max_files", o.MaxFiles}, {"max_age_days", o.MaxAgeDays}} {
		if n.value < 0 {
			return &ValueError{n.key, fmt.Sprintf("%d is below zero", n.value), "use a positive number, or leave it out"}
		}
	}
	return nil
}

// Open opens the log. A new file can be read by its owner alone; one that is
// there keeps its permissions, also when it is rotated. The error says why the
// file cannot be written, or is a *ValueError.
//
// The caller closes the log when nothing logs any more; a line that comes after
// that goes to Stderr. What rotates the file leaves, for each log that was
// opened in a file, one goroutine that waits until the process ends (lumberjack
// offers no end for it): open a log when its options change, not more often.
func Open(o Options) (*slog.Logger, io.Closer, error) {
	if err := o.Check(); err != nil {
		return nil, nil, err
	}
	out := &output{stderr: o.Stderr}
	if o.File != "" {
		if err := prepare(o.File); err != nil {
			return nil, nil, fmt.Errorf("the log cannot be written: %w; correct file in [log], or leave it out to log to standard error", err)
		}
		if o.MaxSizeMB == 0 {
			o.MaxSizeMB = DefaultMaxSizeMB
		}
		if o.MaxFiles == 0 {
			o.MaxFiles = DefaultMaxFiles
		}
		out.file = &lumberjack.Logger{Filename: o.File, MaxSize: o.MaxSizeMB, MaxBackups: o.MaxFiles, MaxAge: o.MaxAgeDays}
	}
	options := &slog.HandlerOptions{Level: levels[o.Level]}
	if o.Format == JSON {
		return slog.New(slog.NewJSONHandler(out, options)), out, nil
	}
	return slog.New(slog.NewTextHandler(out, options)), out, nil
}

// prepare makes the file and its folder if they are missing, and proves that
// the file can be written. A device or a pipe is refused: rotating would
// replace it.
func prepare(file string) error {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no ordinary file", file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// output is what a handler writes its lines to, one a call.
type output struct {
	mu     sync.Mutex
	file   *lumberjack.Logger // nil: stderr alone
	stderr io.Writer
	told   bool // that the file cannot be written
}

// Write implements io.Writer. slog drops its error, and so a line that cannot
// be written where it belongs must be seen elsewhere.
func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return o.stderr.Write(line)
	}
	n, err := o.file.Write(line)
	if err == nil {
		o.told = false
		return n, nil
	}
	if !o.told {
		fmt.Fprintf(o.stderr, "the log cannot be written, and goes on here: %s\n", strings.Join(strings.Fields(err.Error()), " "))
		o.told = true
	}
	return o.stderr.Write(line)
}

// Close implements io.Closer.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	file := o.file
	o.file = nil // it would open itself again
	return file.Close()
}
