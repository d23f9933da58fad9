// Package about is the page that says which traymail this is, and that saves
// what a report for others holds, after showing it.
package about

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// Program is what the page needs of the program.
type Program interface {
	Diagnostics(ctx context.Context) ([]mailer.Document, error)
}

// A Stage is how far the diagnostics are.
type Stage int

// The stages.
const (
	Idle Stage = iota
	Collecting
	Listed
	Saving
)

// A State is what the page shows.
type State struct {
	Version string
	System  string
	Runs    string // how, and since when
	Home    string // the folder
	Queue   string
	Known   bool // the program has said something

	Stage     Stage
	Documents []mailer.Document
	Open      int // which of them is read, -1 for none
	// Result is what came of the last thing that was asked for.
	Result *Result
}

// A Result is said once something has ended.
type Result struct {
	Failed    bool
	What      string
	Said, Fix string // of what failed
}

// A presenter belongs to the window's goroutine.
type presenter struct {
	desk    *desk.Desk
	program Program
	files   desk.Files
	show    func(State)
	now     func() time.Time

	status desk.Status
	state  State
	ended  *ending
	cancel context.CancelFunc
}

// An ending is how the last thing that was asked for ended, in no language.
type ending struct {
	key   string // of what it says
	where string
	err   error
}

// result says it in the language in use.
func (e *ending) result() *Result {
	switch {
	case e == nil:
		return nil
	case e.err == nil:
		return &Result{What: words.Say(e.key, words.Data{"Where": e.where})}
	case errors.Is(e.err, context.Canceled):
		return &Result{Failed: true, What: words.Say(e.key, words.Data{"Where": e.where})}
	}
	return &Result{Failed: true, What: words.Say(e.key), Said: words.Sentence(e.err.Error()), Fix: words.Sentence(mailer.Fix(e.err))}
}

func newPresenter(d *desk.Desk, p Program, files desk.Files, show func(State)) *presenter {
	return &presenter{desk: d, program: p, files: files, show: show, now: time.Now, state: State{Open: -1}}
}

// Status takes a new status.
func (p *presenter) Status(s desk.Status) {
	p.status = s
	p.draw()
}

func (p *presenter) draw() {
	s := p.status
	p.state.Known, p.state.System = s.Known, runtime.GOOS+" "+runtime.GOARCH
	p.state.Version, p.state.Home, p.state.Queue = s.Version, s.Home, s.Queue
	d := words.Data{"Process": s.PID, "Since": words.Moment(s.Started, p.now())}
	switch {
	case !s.Known:
		p.state.Runs = words.Say("about.runs_unknown")
	case !s.Running:
		p.state.Runs = words.Say("about.runs_not")
	case s.Service:
		p.state.Runs = words.Say("about.runs_service", d)
	default:
		p.state.Runs = words.Say("about.runs_here", d)
	}
	p.state.Result = p.ended.result()
	p.show(p.state)
}

// Collect asks the program for its diagnostics.
func (p *presenter) Collect() {
	if p.state.Stage == Collecting || p.state.Stage == Saving {
		return
	}
	p.state.Stage, p.state.Documents, p.state.Open, p.ended = Collecting, nil, -1, nil
	p.draw()
	p.cancel = p.desk.Start(func(ctx context.Context) func() {
		documents, err := p.program.Diagnostics(ctx)
		return func() {
			p.state.Stage = Idle
			switch {
			case errors.Is(err, context.Canceled):
			case err != nil:
				p.ended = &ending{key: "about.not_collected", err: err}
			default:
				p.state.Stage, p.state.Documents = Listed, documents
				if len(documents) > 0 {
					p.state.Open = 0
				}
			}
			p.draw()
		}
	})
}

// Cancel gives up what is under way.
func (p *presenter) Cancel() {
	if p.state.Stage == Collecting || p.state.Stage == Saving {
		p.cancel()
	}
}

// Read shows one of the documents.
func (p *presenter) Read(i int) {
	if i >= 0 && i < len(p.state.Documents) {
		p.state.Open = i
		p.draw()
	}
}

// Save asks where to, and writes the documents there as they were shown.
func (p *presenter) Save() {
	if p.state.Stage != Listed {
		return
	}
	name := "traymail-diagnostics-" + p.now().Format(time.DateOnly) + ".zip"
	p.files.Save(name, func(w io.WriteCloser, where string, err error) {
		if err != nil {
			p.ended = &ending{key: "about.not_saved", err: err}
			p.draw()
			return
		}
		p.write(w, where)
	})
}

func (p *presenter) write(w io.WriteCloser, where string) {
	documents, now := p.state.Documents, p.now()
	p.state.Stage, p.ended = Saving, nil
	p.draw()
	p.cancel = p.desk.Start(func(ctx context.Context) func() {
		err := errors.Join(pack(ctx, w, documents, now), w.Close())
		return func() {
			p.state.Stage = Listed
			switch {
			case errors.Is(err, context.Canceled):
				p.ended = &ending{"about.stopped", where, err}
			case err != nil:
				p.ended = &ending{"about.not_saved", where, err}
			default:
				p.ended = &ending{"about.saved", where, nil}
			}
			p.draw()
		}
	})
}

// pack writes the documents as a zip archive.
func pack(ctx context.Context, to io.Writer, documents []mailer.Document, now time.Time) error {
	z := zip.NewWriter(to)
	for _, d := range documents {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: d.Name, Method: zip.Deflate, Modified: now})
		if err != nil {
			return err
		}
		if _, err := w.Write(d.Content); err != nil {
			return err
		}
	}
	return z.Close()
}
