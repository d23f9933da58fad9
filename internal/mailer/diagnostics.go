package mailer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"traymail/internal/checks"
)

// How much of the past a report holds.
const (
	diagnosticLines    = 500
	diagnosticAttempts = 200
)

// Diagnostics returns what a report for others holds: how the program runs, its
// settings, accounts and clients, and what it last did. No secret is in it: what
// is in the keystore is not read, and what looks like a secret in a file or in the
// log is taken out. Neither is a message's text or subject; addresses that are no
// account's are shortened to a letter and the domain, and the folder of whoever
// runs traymail, which has that person's name, to ~. What cannot be read is a
// document that says why.
func (m *Mailer) Diagnostics(ctx context.Context) ([]Document, error) {
	status, err := m.Status(ctx)
	if err != nil {
		return nil, err
	}
	r := &report{keep: map[string]bool{}, places: personal(os.UserHomeDir())}
	for _, a := range status.Accounts {
		r.keep[strings.ToLower(a.Username)], r.keep[strings.ToLower(a.Sender)] = true, true
	}
	r.text("about.txt", "The version of traymail, the system, and how traymail runs.", m.aboutProgram(status), nil)
	r.json("status.json", "What traymail is doing: accounts, listeners, clients and alerts.", status, nil)
	settings, err := os.ReadFile(filepath.Join(m.Home, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		settings, err = []byte("# There is no such file: everything has its default.\n"), nil
	}
	r.text(settingsFile, "The program's settings.", string(settings), err)
	names, err := m.Accounts().Names()
	if err != nil {
		r.text("accounts.txt", "Why the accounts are not here.", "", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(string(m.Accounts()), name+".toml"))
		r.text("accounts/"+name+".toml", "The account "+name+"; its secrets are kept elsewhere, and stay there.", string(data), err)
	}
	clients, err := m.Clients(ctx)
	if clients == nil {
		clients = []Client{} // a list of none
	}
	r.json("clients.json", "The tools that may send through the relay, without their passwords.", clients, err)
	if s, err := ReadSettings(m.Home); err != nil || s.Log.File != "" {
		lines := ""
		if err == nil {
			lines, err = lastLines(s.Log.File, diagnosticLines)
		}
		r.text("log.txt", fmt.Sprintf("The last %d lines of the log.", diagnosticLines), lines, err)
	}
	attempts, err := m.lastAttempts(ctx, diagnosticAttempts)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.json("attempts.json", fmt.Sprintf("The last %d attempts to send, with the servers' replies and without messages.", diagnosticAttempts), attempts, err)
	if checked := m.checked(); len(checked) > 0 {
		r.json("checks.json", "What the setup checks found when they were last done, by account.", checked, nil)
	}
	return r.documents, r.failed
}

// A report is a list of documents of which each goes through the same scrubbing.
type report struct {
	keep      map[string]bool // addresses that are not shortened, in lower case
	places    *regexp.Regexp  // the folder of whoever runs traymail, nil for none
	documents []Document
	failed    error
}

func (r *report) text(name, about, text string, err error) {
	if err != nil {
		text = "It cannot be read: " + err.Error() + "\n"
	}
	text = scrub(text, r.keep)
	if r.places != nil {
		text = r.places.ReplaceAllString(text, "~$1")
	}
	r.documents = append(r.documents, Document{name, about, []byte(text)})
}

func (r *report) json(name, about string, v any, err error) {
	if err != nil {
		r.text(name, about, "", err)
		return
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		r.failed = errors.Join(r.failed, fmt.Errorf("%s: %w", name, err))
	}
	r.text(name, about, b.String(), nil)
}

func (m *Mailer) aboutProgram(s Status) string {
	how := "no program runs; a command wrote this"
	switch {
	case s.Running && m.Window:
		how = "with its window"
	case s.Running:
		how = "without a window, as traymail serve or a service"
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"version", m.Version}, {"system", runtime.GOOS + "/" + runtime.GOARCH}, {"go", runtime.Version()}, {"processors", fmt.Sprint(runtime.NumCPU())},
		{"runs", how}, {"since", momentOf(s.Started)}, {"written", momentOf(m.now())}, {"home", m.Home}, {"queue", s.Queue}, {"keystore", m.Secrets.String()},
	} {
		fmt.Fprintf(&b, "%-12s%s\n", line[0], line[1])
	}
	return b.String()
}

func momentOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// lastLines are a file's last lines, of its last MiB.
func lastLines(path string, n int) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = 1 << 20
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(max(0, size-most), io.SeekStart)
	}
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(string(b), "\n")
	if size > most {
		lines = lines[1:] // the first is not whole
	}
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines[max(0, len(lines)-n):], ""), nil
}

// lastAttempts are the attempts that ended last, oldest first. The record is read
// forwards: from an hour ago, and from longer ago while that is not enough.
func (m *Mailer) lastAttempts(ctx context.Context, n int) ([]Attempt, error) {
	const longest = 60 * 24 * time.Hour
	for back := time.Hour; ; back *= 8 {
		all, after := []Attempt{}, Attempt{Finished: m.now().Add(-min(back, longest))}
		for {
			page, err := m.Log(ctx, after, 1000)
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
			all = all[max(0, len(all)-n):]
			if len(page) < 1000 {
				break
			}
			after = page[len(page)-1]
		}
		if len(all) == n || back >= longest {
			return all, nil
		}
	}
}

// A checkRun is what the checks of an account found.
type checkRun struct {
	At      time.Time       `json:"at"`
	Results []checks.Result `json:"results"`
}

// rememberChecks keeps what the checks of an account found, until the program
// ends.
func (m *Mailer) rememberChecks(name string, all []checks.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.checks == nil {
		m.checks = map[string]checkRun{}
	}
	m.checks[name] = checkRun{m.now(), all}
}

// checked is what rememberChecks kept of the accounts that there still are.
func (m *Mailer) checked() map[string]checkRun {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]checkRun{}
	for name, run := range m.checks {
		if _, err := m.Accounts().ID(name); err == nil {
			all[name] = run
		}
	}
	return all
}
