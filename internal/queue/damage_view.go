package queue

import (
	"context"
	"log/slog"
	"strings"
)

// wardenView reads from the engine that there is.
type wardenView struct{ g *warden }

func (v wardenView) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	e, err := v.g.current()
	if err != nil {
		return 0, err
	}
	n, err := e.view().exec(ctx, statement, args...)
	return n, v.g.saw(e, err)
}

func (v wardenView) query(ctx context.Context, statement string, args ...any) (rows, error) {
	e, err := v.g.current()
	if err != nil {
		return nil, err
	}
	r, err := e.view().query(ctx, statement, args...)
	if err != nil {
		return nil, v.g.saw(e, err)
	}
	return wardenRows{r, v.g, e}, nil
}

func (v wardenView) row(ctx context.Context, statement string, args ...any) scanner {
	e, err := v.g.current()
	if err != nil {
		return failed{err}
	}
	return wardenRow{e.view().row(ctx, statement, args...), v.g, e}
}

type wardenRows struct {
	rows
	g *warden
	e *liteEngine
}

func (r wardenRows) Err() error { return r.g.saw(r.e, r.rows.Err()) }

type wardenRow struct {
	scanner
	g *warden
	e *liteEngine
}

func (r wardenRow) Scan(dest ...any) error { return r.g.saw(r.e, r.scanner.Scan(dest...)) }

// failed is a row that cannot be read.
type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// unreadable tells whether River met a job whose columns it cannot read: SQLite finds
// nothing wrong with such a row, and the jobs beside it are not fetched either.
func unreadable(said string) bool {
	return strings.Contains(said, "malformed JSON") || strings.Contains(said, "Scan error on column")
}

// riverLog passes on what River logs, and looks for damage that its statements
// met.
type riverLog struct {
	slog.Handler
	g *warden
}

func (l riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || l.Handler.Enabled(ctx, level)
}

func (l riverLog) Handle(ctx context.Context, r slog.Record) error {
	late := false
	r.Attrs(func(a slog.Attr) bool {
		said := a.Value.String()
		if strings.Contains(said, "sql: database is closed") {
			late = true // of an engine that was given up
			return false
		}
		e, err := l.g.current()
		switch {
		case strings.Contains(said, "database disk image is malformed") || strings.Contains(said, "file is not a database"):
			if err == nil {
				l.g.suspect(e, said)
			}
			return false
		case unreadable(said):
			if err == nil {
				l.g.doubt(e, said)
			}
			return false
		}
		return true
	})
	if late || !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

func (l riverLog) WithAttrs(a []slog.Attr) slog.Handler { return riverLog{l.Handler.WithAttrs(a), l.g} }
func (l riverLog) WithGroup(name string) slog.Handler {
	return riverLog{l.Handler.WithGroup(name), l.g}
}
