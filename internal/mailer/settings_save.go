package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/natefinch/atomic"

	"traymail/internal/account"
)

var (
	// ErrChangedMeanwhile means that the file is another than the one that was
	// read. Nothing was saved.
	ErrChangedMeanwhile = errors.New(settingsFile + " was changed by somebody else meanwhile, and nothing was saved: look at what it says now, and change that")
	// ErrNotInForce means that the files are saved, and that the running program
	// still goes by what they said before.
	ErrNotInForce = errors.New("the files are changed, but the running traymail does not go by them")
)

// Settings returns what traymail.toml says, with the defaults filled in and
// paths made absolute.
func (m *Mailer) Settings(context.Context) (Settings, error) { return ReadSettings(m.Home) }

// SaveSettings changes traymail.toml so that Settings returns s. What does not
// differ stays in the file as it is written, with its comments. A path that is
// relative starts in the home folder. Listeners and folders are known by their
// names. The error is an *account.FieldError where a value cannot be used, also
// by the clients and accounts that there are, and matches ErrChangedMeanwhile
// when the file is not the one that s was read from: nothing has changed then.
// After the change the running program goes by it, or the error matches
// ErrNotInForce.
func (m *Mailer) SaveSettings(ctx context.Context, s Settings) error {
	m.configuring.Lock()
	defer m.configuring.Unlock()
	path := filepath.Join(m.Home, settingsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data = nil
	} else if err != nil {
		return err
	}
	if s.Revision != revision(data) {
		return ErrChangedMeanwhile
	}
	text, err := changedSettings(m.Home, data, s)
	if err != nil {
		return err
	}
	if bytes.Equal(text, data) {
		return nil
	}
	now, err := parseSettings(m.Home, text)
	if err != nil {
		return unlocated(err)
	}
	if _, err := m.relayConfig(now, fixInCall); err != nil {
		return err
	}
	if err := os.MkdirAll(m.Home, 0o700); err != nil {
		return fmt.Errorf("%s is not saved: %w", settingsFile, err)
	}
	if err := atomic.WriteFile(path, bytes.NewReader(text)); err != nil {
		return fmt.Errorf("%s is not saved, what it was before stays: %w", settingsFile, err)
	}
	return m.inForce(ctx)
}

// unlocated is an error about a file that was not written, without the place in
// it.
func unlocated(err error) error {
	field, ok := errors.AsType[*account.FieldError](err)
	if !ok {
		return err
	}
	of := *field
	of.File, of.Line = "", 0
	return &of
}

// inForce has the running program take over changed files.
func (m *Mailer) inForce(ctx context.Context) error {
	e := m.running()
	if e == nil || e.started.IsZero() {
		return nil
	}
	if err := m.Reload(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotInForce, err)
	}
	return nil
}

// changedSettings is the file with s in it, and otherwise as it was.
func changedSettings(home string, data []byte, s Settings) ([]byte, error) {
	path := filepath.Join(home, settingsFile)
	was, err := decodeSettings(path, data)
	if err != nil {
		return nil, err
	}
	if len(was.Listeners) == 0 && reflect.DeepEqual(s.Listeners, defaultListeners()) {
		s.Listeners = nil // the file names none, and need not
	}
	text, marked := bytes.CutPrefix(data, []byte(account.ByteOrderMark))
	f, err := readSettingsText(text)
	if err != nil {
		return nil, err
	}
	olds, oldArrays, err := was.filledTables(home)
	if err != nil {
		return nil, err
	}
	wants, wantArrays, err := s.filledTables(home)
	if err != nil {
		return nil, err
	}
	asked, askedArrays, err := s.tables()
	if err != nil {
		return nil, err
	}
	for i := range asked {
		f.change(asked[i].name, 0, differing(olds[i], wants[i], asked[i]))
	}
	for _, name := range []string{"listener", "folder"} {
		olds, wants, asked := oldArrays[name], wantArrays[name], askedArrays[name]
		place := counterparts(olds, wants)
		for i := range asked {
			if place[i] < 0 {
				f.add(name, asked[i])
				continue
			}
			f.change(name, place[i], differing(olds[place[i]], wants[i], asked[i]))
		}
		for i := range olds {
			if !slices.Contains(place, i) {
				f.remove(name, i)
			}
		}
	}
	if f.failed != nil {
		return nil, f.failed
	}
	text = f.text()
	if marked {
		text = append([]byte(account.ByteOrderMark), text...)
	}
	// What cannot be expressed, or an unusual way of writing that was not
	// understood, must not become another configuration.
	got, err := decodeSettings("", text)
	if field, ok := errors.AsType[*account.FieldError](err); ok && field.Key != "" {
		return nil, unlocated(err)
	}
	if err != nil {
		return nil, unclear(path)
	}
	now, nowArrays, err := got.filledTables(home)
	if err != nil {
		return nil, err
	}
	for name := range nowArrays {
		byName(nowArrays[name])
		byName(wantArrays[name])
	}
	if !sameTables(now, wants) || !sameTables(nowArrays["listener"], wantArrays["listener"]) || !sameTables(nowArrays["folder"], wantArrays["folder"]) {
		return nil, unclear(path)
	}
	return text, nil
}

// unclear is that a file has a form that is not changed here.
func unclear(path string) error {
	return &account.FieldError{File: path, Text: "is written in a way that cannot be changed here", Fix: "change it in an editor; docs/configuration.md has every key"}
}

// filledTables are tables of the settings as ReadSettings returns them, but for
// the listener that is there when the file names none.
func (s Settings) filledTables(home string) ([]settingsTable, map[string][]settingsTable, error) {
	none := len(s.Listeners) == 0
	s.Listeners, s.Folders = slices.Clone(s.Listeners), slices.Clone(s.Folders)
	s.fillIn(home)
	if none {
		s.Listeners = nil
	}
	return s.tables()
}

// differing are the values of a table that are to be written; as they were asked
// for, which may leave out what is filled in.
func differing(was, want, asked settingsTable) []settingsValue {
	var list []settingsValue
	for i, v := range asked.values {
		if was.values[i].text != want.values[i].text {
			list = append(list, v)
		}
	}
	return list
}

func (t settingsTable) named() string {
	for _, v := range t.values {
		if v.key == "name" {
			return strings.ToLower(v.value.(string))
		}
	}
	return ""
}

// counterparts says for each table that is wanted which of the former ones it
// is, -1 for a new one: the one of its name or, renamed, the one at its place.
func counterparts(olds, wants []settingsTable) []int {
	place := make([]int, len(wants))
	for i, w := range wants {
		place[i] = slices.IndexFunc(olds, func(o settingsTable) bool { return o.named() == w.named() })
		if slices.Contains(place[:i], place[i]) {
			place[i] = -1 // two of a name, which is refused later
		}
	}
	for i := range wants {
		if place[i] < 0 && i < len(olds) && !slices.Contains(place, i) {
			place[i] = i
		}
	}
	return place
}

func byName(tables []settingsTable) {
	slices.SortStableFunc(tables, func(a, b settingsTable) int { return strings.Compare(a.named(), b.named()) })
}

func sameTables(a, b []settingsTable) bool {
	return slices.EqualFunc(a, b, func(a, b settingsTable) bool {
		return slices.EqualFunc(a.values, b.values, func(a, b settingsValue) bool { return a.key == b.key && a.text == b.text })
	})
}
