package mailer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/natefinch/atomic"
)

// alertMemory is what must outlast the program, by account and alert: since when
// it is so, and what was mailed. It is bounded by the accounts there are.
type alertMemory map[string]map[string]*remembered

// remembered is one alert.
type remembered struct {
	Since time.Time `json:"since"`
	Due   time.Time `json:"due,omitzero"`
	Ended time.Time `json:"ended,omitzero"` // zero: it still is so
	// Step is the last that was mailed, and Mailed when that was.
	Step   int       `json:"step"`
	Mailed time.Time `json:"mailed,omitzero"`

	stuck bool // that its mail waits for an account that can send was logged
}

// is reports whether r is about f: another day is another case.
func (r *remembered) is(f finding) bool { return r != nil && r.Due.Equal(f.Due) }

// How long what has ended is remembered: when it comes back until then, it is the
// same, and not mailed again. What has a day has its own case with each.
const (
	rememberDated    = 40 * 24 * time.Hour
	rememberRefusals = 24 * time.Hour
	rememberOther    = time.Hour
)

func (l *alerts) remember(s *AccountStatus) {
	all := l.findings(s, l.file(s.Name))
	now := l.engine.mailer.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.memory[s.Name]
	if known == nil {
		known = map[string]*remembered{}
		l.memory[s.Name] = known
	}
	there := map[string]bool{}
	for _, f := range all {
		there[f.ID] = true
		if r := known[f.ID]; !r.is(f) {
			known[f.ID] = &remembered{Since: f.Since, Due: f.Due}
		} else {
			r.Ended = time.Time{}
		}
	}
	for id, r := range known {
		keep := rememberOther
		switch {
		case !r.Due.IsZero():
			keep = rememberDated
		case id == AlertRefusals:
			keep = rememberRefusals
		}
		switch {
		case there[id]:
		case r.Ended.IsZero():
			r.Ended = now
		case now.Sub(r.Ended) > keep:
			delete(known, id)
		}
	}
}

// forget drops the accounts that are no more.
func (l *alerts) forget(names map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.memory {
		if !names[name] || len(l.memory[name]) == 0 {
			delete(l.memory, name)
		}
	}
	for name := range l.unsigned {
		if !names[name] {
			delete(l.unsigned, name)
			delete(l.refreshed, name)
			delete(l.looked, name)
		}
	}
}

func (m *Mailer) alertMemoryFile() string { return filepath.Join(m.Home, "state", "alerts.json") }

// readAlertMemory begins anew when there is none that can be read: the queue's
// record still says what was mailed.
func (m *Mailer) readAlertMemory(log *slog.Logger) alertMemory {
	memory := alertMemory{}
	b, err := os.ReadFile(m.alertMemoryFile())
	if err == nil {
		err = json.Unmarshal(b, &memory)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("which alerts were mailed cannot be read, and is found out anew", "file", m.alertMemoryFile(), "error", err)
	}
	for name, known := range memory {
		for id, r := range known {
			if r == nil { // null in the file
				delete(known, id)
			}
		}
		if known == nil {
			delete(memory, name)
		}
	}
	return memory
}

// keepAlertMemory writes what has changed, in one step.
func (m *Mailer) keepAlertMemory(l *alerts) {
	l.mu.Lock()
	b, err := json.MarshalIndent(l.memory, "", "  ")
	l.mu.Unlock()
	file := m.alertMemoryFile()
	if was, readErr := os.ReadFile(file); err == nil && (readErr != nil && len(b) <= len("{}") || bytes.Equal(was, b)) {
		return
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = atomic.WriteFile(file, bytes.NewReader(b))
	}
	if err != nil {
		l.engine.log.Warn("which alerts were mailed cannot be kept", "error", err)
	}
}
