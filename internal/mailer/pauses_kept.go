package mailer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/natefinch/atomic"
)

// Persons' pauses are kept in a file, or where machines share a queue beside that:
// whoever pauses or resumes an account does so for all of them.

// pausesNote is their name there.
const pausesNote = "pauses"

func (m *Mailer) pausesFile() string { return filepath.Join(m.Home, "state", "pauses.json") }

// readPauses reads the file.
func (m *Mailer) readPauses() (userPauses, error) {
	b, err := os.ReadFile(m.pausesFile())
	if errors.Is(err, fs.ErrNotExist) {
		return parsePauses("")
	}
	var u userPauses
	if err == nil {
		u, err = parsePauses(string(b))
	}
	if err != nil {
		// Sending on would be what a person did not want.
		return u, fmt.Errorf("which accounts are paused cannot be read: %w; correct the file, or remove it to let all go on", err)
	}
	return u, nil
}

// parsePauses reads what text makes; "" is no pause at all.
func parsePauses(s string) (u userPauses, err error) {
	if s != "" {
		err = json.Unmarshal([]byte(s), &u)
	}
	return u.clone(), err
}

func (u userPauses) text() (string, error) {
	b, err := json.MarshalIndent(u, "", "  ")
	return string(b) + "\n", err
}

// keepPauses writes the file.
func (m *Mailer) keepPauses(u userPauses) error {
	text, err := u.text()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(m.pausesFile()), 0o700)
	}
	if err == nil {
		err = atomic.WriteFile(m.pausesFile(), bytes.NewReader([]byte(text)))
	}
	if err != nil {
		return fmt.Errorf("the pause is not kept, and nothing has changed: %w", err)
	}
	return nil
}

// sharesPauses reports whether the pauses are those of all machines.
func (e *engine) sharesPauses() bool { return e.settings.Queue.PostgreSQL != "" }

// loadPauses reads the pauses for the first time.
func (e *engine) loadPauses(ctx context.Context) error {
	own, err := e.mailer.readPauses()
	if err != nil || !e.sharesPauses() {
		e.paused = own
		return err
	}
	if err := e.inheritPauses(ctx); err != nil {
		return err
	}
	if !exists(e.mailer.pausesFile()) {
		return e.rereadPauses(ctx)
	}
	// From when the queue was this machine's alone.
	err = e.editPauses(ctx, func(u *userPauses, _ time.Time) {
		if u.All == nil {
			u.All, u.Except = own.All, own.Except
		}
		for name, p := range own.Accounts {
			u.Accounts[name] = p
		}
	})
	if err != nil {
		return err
	}
	return os.Remove(e.mailer.pausesFile())
}

// inheritPauses takes over the pauses that the queue knows of from a time when each
// machine had a file of its own: whoever comes first must not end those of others.
func (e *engine) inheritPauses(ctx context.Context) error {
	accounts, err := e.queue.Accounts(ctx)
	if err != nil {
		return err
	}
	return e.queue.ChangeNote(ctx, pausesNote, func(was string) (string, error) {
		if was != "" {
			return was, nil
		}
		u, err := parsePauses("")
		if err != nil {
			return "", err
		}
		for _, a := range accounts {
			if !a.Paused.IsZero() && Cause(a.Cause) == CauseUser {
				u.Accounts[a.Name] = Pause{Since: a.Paused, Until: a.Until}
			}
		}
		return u.text()
	})
}

// editPauses changes the pauses where they are kept first. What is over is dropped.
func (e *engine) editPauses(ctx context.Context, change func(*userPauses, time.Time)) error {
	var u userPauses
	edit := func() {
		u.prune(e.mailer.now())
		change(&u, e.mailer.now())
	}
	if !e.sharesPauses() {
		e.mu.Lock()
		u = e.paused.clone()
		e.mu.Unlock()
		edit()
		if err := e.mailer.keepPauses(u); err != nil {
			return err
		}
		e.setPauses(u)
		return nil
	}
	err := e.queue.ChangeNote(ctx, pausesNote, func(was string) (text string, err error) {
		if u, err = parsePauses(was); err != nil {
			return "", err
		}
		edit()
		return u.text()
	})
	if err != nil {
		return fmt.Errorf("the pause is not kept, and nothing has changed: %w", err)
	}
	e.setPauses(u)
	return nil
}

// rereadPauses sees what other machines have changed, and drops what is over.
func (e *engine) rereadPauses(ctx context.Context) error {
	if e.sharesPauses() {
		text, err := e.queue.Note(ctx, pausesNote)
		if err != nil {
			return err
		}
		u, err := parsePauses(text)
		if err != nil {
			return fmt.Errorf("which accounts are paused cannot be read: %w", err)
		}
		e.setPauses(u)
	}
	e.mu.Lock()
	u := e.paused.clone()
	e.mu.Unlock()
	if !u.prune(e.mailer.now()) {
		return nil
	}
	if err := e.editPauses(ctx, func(*userPauses, time.Time) {}); err != nil {
		e.log.Warn("a pause that is over is not forgotten, which changes nothing", "error", err)
		e.setPauses(u)
	}
	return nil
}

// setPauses puts pauses into force in this program.
func (e *engine) setPauses(u userPauses) {
	e.mu.Lock()
	changed := !reflect.DeepEqual(e.paused, u)
	e.paused = u
	e.mu.Unlock()
	if changed {
		e.changed.beat()
	}
}
