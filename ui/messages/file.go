package messages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Target is a file that the person chose to write to: a local one at Path, or
// else what Writer writes to, which is closed once it is written.
type Target struct {
	Name   string // to show
	Path   string
	Writer io.WriteCloser
}

// write has the target written by fill. A local file is there as a whole or not
// at all: it is written beside its place, and put there at the end.
func (t Target) write(fill func(io.Writer) error) error {
	if t.Path == "" {
		return errors.Join(fill(t.Writer), t.Writer.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(t.Path), ".traymail-*.csv")
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), t.Path)
	}
	if err != nil {
		// What was not written whole is of no use, nor is the empty file that
		// whoever asked for the name may have left in its place.
		if was, e := os.Stat(t.Path); e == nil && was.Size() == 0 {
			err = errors.Join(err, os.Remove(t.Path))
		}
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// export writes the list as a table into a file.
func (p *presenter) export(t Target) {
	f, program := p.list, p.program
	if p.state.Loading { // it is not the list of what was typed last
		f = p.state.Query.Filter(p.kind)
	}
	p.begin(Job{What: export, Of: p.state.Total}, func(ctx context.Context, tell func(done int)) (n int, err error) {
		err = t.write(func(w io.Writer) error {
			n, err = writeCSV(ctx, program, f, w, tell)
			return err
		})
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("write %s: %w", t.Name, err)
		}
		return n, err
	}, t.Name)
}
