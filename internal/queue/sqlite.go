package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteEngine is SQLite in WAL mode. All writes, River's too, take turns on one
// connection, as SQLite would make them anyhow; reads have connections of their
// own and never wait for a write.
type liteEngine struct {
	clients[*sql.Tx]
	*committer
	writer, reader *sql.DB
	listener       *liteListener
	dozer          *dozer
	lock           *ownerLock
}

// openSQLite opens the file at path, with before called when the lock is held and
// SQLite has not seen the file yet.
func openSQLite(ctx context.Context, path string, synced bool, config *river.Config, before func() error) (_ *liteEngine, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	e := &liteEngine{}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	if e.lock, err = lockOwner(path, time.Now()); err != nil {
		return nil, err
	}
	if err = before(); err != nil {
		return nil, err
	}
	// SQLite would make the file as readable as it can, and the files beside it
	// as readable as the file.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = file.Close(); err != nil {
		return nil, err
	}
	sync := "synchronous(off)"
	if synced {
		sync = "synchronous(full)"
	}
	// auto_vacuum comes first: it can only be chosen while the file is empty. What
	// is deleted, bodies above all, is overwritten and does not stay in free pages.
	e.writer = openPreparing(fileURI(path, "auto_vacuum(incremental)", "journal_mode(wal)", "secure_delete(on)", sync))
	e.writer.SetMaxOpenConns(1)
	if e.reader, err = sql.Open("sqlite", fileURI(path, "query_only(true)")); err != nil {
		return nil, err
	}
	e.reader.SetMaxOpenConns(max(4, runtime.NumCPU()))

	e.listener = newLiteListener(e.reader)
	driver := liteDriver{riversqlite.New(e.writer), e.listener}
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: config.Logger})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	if e.client, err = river.NewClient(driver, config); err != nil {
		return nil, err
	}
	e.dozer = newDozer(e.clients, e.reader, config.Logger)
	e.committer = newCommitter(e.writer, func(t *sql.Tx) tx { return liteTx{liteQuerier{t}, t, e.clients} }, func() {
		e.listener.look()
		e.dozer.look()
	})
	return e, e.update(ctx, func(ctx context.Context, t tx) error { return migrate(ctx, t) })
}

// fileURI names path as SQLite's URI, which keeps ? and % in paths harmless and
// gives Windows paths their third slash.
func fileURI(path string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	values := url.Values{"_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	u := url.URL{Scheme: "file", Path: path, RawQuery: values.Encode()}
	return u.String()
}

func (e *liteEngine) start(context.Context) error    { return e.dozer.start() }
func (e *liteEngine) stop(ctx context.Context) error { return e.dozer.stop(ctx) }

func (e *liteEngine) view() querier   { return liteQuerier{e.reader} }
func (e *liteEngine) rowLock() string { return "" }

func (e *liteEngine) isFull(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_FULL
}

func (e *liteEngine) vacuum(ctx context.Context) error {
	var free, pages int
	if err := e.reader.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free); err != nil {
		return err
	}
	if err := e.reader.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return err
	}
	// Free pages are what the next messages are written to: some are worth
	// keeping.
	if free < 2000 || free < pages/4 {
		return nil
	}
	_, err := e.writer.ExecContext(ctx, "PRAGMA incremental_vacuum(2000)")
	return err
}

// close is for after stop; it may be called on a half-opened engine.
func (e *liteEngine) close() error {
	var errs []error
	if e.committer != nil {
		e.committer.close()
	}
	for _, db := range []*sql.DB{e.reader, e.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if e.lock != nil {
		errs = append(errs, e.lock.release())
	}
	return errors.Join(errs...)
}

// liteQuerier is a *sql.DB or *sql.Tx. SQLite counts parameters as ?1, ?2…
type liteQuerier struct {
	db interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}
}

func numbered(statement string) string { return strings.ReplaceAll(statement, "$", "?") }

func (q liteQuerier) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	r, err := q.db.ExecContext(ctx, numbered(statement), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (q liteQuerier) query(ctx context.Context, statement string, args ...any) (rows, error) {
	r, err := q.db.QueryContext(ctx, numbered(statement), args...)
	if err != nil {
		return nil, err
	}
	return liteRows{r}, nil
}

func (q liteQuerier) row(ctx context.Context, statement string, args ...any) scanner {
	return q.db.QueryRowContext(ctx, numbered(statement), args...)
}

type liteRows struct{ *sql.Rows }

func (r liteRows) close() { r.Rows.Close() }

type liteTx struct {
	liteQuerier
	tx    *sql.Tx
	river clients[*sql.Tx]
}

func (t liteTx) insertJobs(ctx context.Context, jobs []river.InsertManyParams) ([]int64, error) {
	ids, err := t.river.insert(ctx, t.tx, jobs)
	if err != nil {
		return nil, err
	}
	return ids, tellInserted(ctx, t.tx, jobs)
}
func (t liteTx) deleteJob(ctx context.Context, id int64) error {
	return t.river.delete(ctx, t.tx, id)
}

// takeTurn is what every write does there.
func (t liteTx) takeTurn(context.Context) error { return nil }

func (t liteTx) setPaused(ctx context.Context, queue string, paused bool) error {
	return t.river.setPaused(ctx, t.tx, queue, paused)
}

// ownerLock keeps a second program off a SQLite queue, whose writes would
// otherwise wait for each other and whose jobs would be taken for a dead
// program's. The lock ends with the process, however it ends.
type ownerLock struct {
	flock *flock.Flock
	note  string
}

// lockOwner takes the lock beside path. Who has it stands in a file of its own,
// because Windows lets nobody read a locked one.
func lockOwner(path string, now time.Time) (*ownerLock, error) {
	l := &ownerLock{flock: flock.New(path + ".lock"), note: path + ".owner"}
	ok, err := l.flock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the queue: %w", err)
	}
	if !ok {
		who, err := os.ReadFile(l.note)
		if err != nil || len(who) == 0 {
			who = []byte("another program")
		}
		return nil, fmt.Errorf("%w %s is in use by %s: stop it first, or hand messages to it", ErrInUse, path, strings.TrimSpace(string(who)))
	}
	host, _ := os.Hostname()
	note := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, now.Format(time.DateTime))
	if err := os.WriteFile(l.note, []byte(note), 0o600); err != nil {
		return nil, errors.Join(err, l.flock.Close())
	}
	return l, nil
}

func (l *ownerLock) release() error {
	os.Remove(l.note)
	return l.flock.Close()
}
