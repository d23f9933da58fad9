package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"traymail/internal/salvage"
)

// checkedUpTo is how large a file is read through at each start: half a second's
// worth. A larger one is when there is a reason: the program before did not end
// cleanly, as after a power cut, or SQLite met something in it.
const checkedUpTo = 64 << 20

// A warden looks after the file of the SQLite engine. When that
// turns out to be damaged, the engine is closed, what can be read of the file is
// carried over to a new one, and an engine on that takes its place: the queue's
// other parts see some failed calls and try again, as they do on a full disk.
// Attempts in flight go on, and their ends are recorded in the new file.
type warden struct {
	queue  *Queue
	path   string
	synced bool
	config *river.Config

	mu      sync.Mutex
	engine  *liteEngine // nil while the file is being put right
	down    error       // why
	started bool
	closing bool
	passed  time.Time // when a suspicion turned out to be none
	rescued time.Time // when the file was made anew

	ctx     context.Context // ends when the queue is closed
	quit    context.CancelFunc
	mending sync.WaitGroup
	retired []*liteEngine // whose River clients still have attempts in flight
}

func openWarded(ctx context.Context, q *Queue, config *river.Config) (engine, error) {
	g := &warden{queue: q, path: q.options.Path, synced: q.options.poll == 0, config: config}
	g.ctx, g.quit = context.WithCancel(context.Background())
	// River's own statements are seen by nobody else.
	config.Logger = slog.New(riverLog{config.Logger.Handler(), g})
	e, err := g.open(ctx, "")
	if err != nil {
		g.quit()
		return nil, err
	}
	g.engine = e
	return g, nil
}

// open opens the file, putting it right first when that is needed; known is what
// is wrong with it, if that is known.
func (g *warden) open(ctx context.Context, known string) (*liteEngine, error) {
	_, err := os.Stat(g.path + ".owner")
	unclean := err == nil
	readThrough := false
	inspect := func() (err error) {
		readThrough, err = g.inspect(ctx, known, unclean)
		return err
	}
	e, err := openSQLite(ctx, g.path, g.synced, g.config, inspect)
	if err == nil {
		// A schema that was altered may still be one, with other names.
		for _, table := range carried {
			if _, perr := e.view().exec(ctx, `SELECT `+table.columns+` FROM `+table.name+` LIMIT 0`); perr != nil {
				err = errors.Join(perr, e.close())
				break
			}
		}
	}
	if err == nil && readThrough {
		// What a damaged disk alters need not harm the file's structure.
		if err = e.update(ctx, recount); err != nil {
			err = errors.Join(err, e.close())
		}
	}
	if known == "" && tellsDamageAtOpen(err) {
		known = err.Error()
		e, err = openSQLite(ctx, g.path, g.synced, g.config, inspect)
	}
	if err != nil {
		return nil, explain(g.path, err)
	}
	return e, nil
}

// inspect looks at the file before SQLite has it, with the lock held, and returns
// whether it has read all of it.
func (g *warden) inspect(ctx context.Context, known string, unclean bool) (readThrough bool, err error) {
	if err := finishRescue(g.path, g.queue.options.Now()); err != nil {
		return false, err
	}
	info, err := os.Stat(g.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	problem, err := salvage.Check(g.path)
	if err != nil {
		return false, fmt.Errorf("look at the queue's file: %w", err)
	}
	if problem == "" && (known != "" || unclean || info.Size() <= checkedUpTo) {
		var index bool
		problem, index, err = integrity(ctx, g.path, known != "")
		if err != nil {
			return false, err
		}
		readThrough = true
		if index {
			if problem, err = g.reindex(ctx, problem); err != nil || problem == "" {
				return readThrough, err
			}
		}
	}
	if problem == "" && known != "" {
		g.mu.Lock()
		again := !g.passed.IsZero() && time.Since(g.passed) < 10*time.Minute || g.engine == nil && !g.started
		g.passed = time.Now()
		g.mu.Unlock()
		if !again {
			g.queue.options.Log.Warn("SQLite met damage in the queue's file, and finds none on a second look: the disk or the memory may be failing", "file", g.path, "met", known)
			return readThrough, nil
		}
		problem = known
	}
	if problem == "" {
		return readThrough, nil
	}
	return readThrough, g.rescue(ctx, problem)
}

// reindex makes the indexes anew where the tables are whole. What is wrong after
// that is returned.
func (g *warden) reindex(ctx context.Context, problem string) (string, error) {
	db, err := openPlain(g.path, "synchronous(full)")
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "REINDEX")
	if err = errors.Join(err, db.Close()); err != nil {
		if tellsDamage(err) {
			return problem, nil
		}
		return "", explain(g.path, err)
	}
	left, _, err := integrity(ctx, g.path, true)
	if err == nil && left == "" {
		g.queue.options.Log.Warn("indexes of the queue's file were damaged and were made anew; no message is concerned", "file", g.path, "found", problem)
	}
	return left, err
}

// rescue sets the file aside and makes a new one of what can be read of it.
func (g *warden) rescue(ctx context.Context, problem string) error {
	log := g.queue.options.Log
	log.Error("the queue's file is damaged; what can be read of it is carried over to a new file", "file", g.path, "found", problem)
	d, err := rescue(ctx, g.path, problem, g.queue.machine, g.queue.options.Now(), g.config)
	if err != nil {
		return fmt.Errorf("%w: %s (%s), and nothing was changed yet, because carrying over what it holds failed: %w", ErrDamaged, g.path, problem, err)
	}
	g.mu.Lock()
	g.rescued = time.Now()
	g.mu.Unlock()
	log.Error(d.Summary(), "fix", d.Fix())
	for _, m := range d.Held {
		log.Error("a message is held because something of it is missing", "id", m.ID, "missing", m.Reason)
	}
	for _, m := range d.Lost {
		log.Error("a message is lost with the damaged file", "id", m.ID, "left", m.Reason)
	}
	return nil
}

// current is the engine there is.
func (g *warden) current() (*liteEngine, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.engine == nil {
		return nil, g.down
	}
	return g.engine, nil
}

// saw looks at what a statement of e ended with, and returns it explained.
func (g *warden) saw(e *liteEngine, err error) error {
	if err == nil {
		return nil
	}
	if tellsDamage(err) {
		g.suspect(e, err.Error())
	}
	return explain(g.path, err)
}

// doubt is suspect because of rows that SQLite finds nothing wrong with. A file that
// was just made anew has none that were altered: what is odd there is the program's.
func (g *warden) doubt(e *liteEngine, known string) {
	g.mu.Lock()
	fresh := !g.rescued.IsZero() && time.Since(g.rescued) < time.Hour
	g.mu.Unlock()
	if !fresh {
		g.suspect(e, known)
	}
}

// suspect gives up an engine, once, and has its file put right.
func (g *warden) suspect(e *liteEngine, known string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.engine != e || g.closing {
		return
	}
	g.engine = nil
	g.down = fmt.Errorf("%w: what it holds is being carried over to a new one", ErrDamaged)
	g.retired = append(g.retired, e)
	g.mending.Go(func() { g.mend(e, known) })
}

// mend puts the file of an engine right, for as long as it takes.
func (g *warden) mend(e *liteEngine, known string) {
	log := g.queue.options.Log
	log.Error("SQLite met damage in the queue's file: messages are not taken until that is put right", "file", g.path, "met", known)
	// Its attempts in flight are waited for where the queue is stopped.
	g.mending.Go(func() {
		if err := e.stop(context.WithoutCancel(g.ctx)); err != nil {
			log.Warn("River did not stop cleanly after the queue's file was damaged", "error", err)
		}
	})
	if err := e.close(); err != nil {
		log.Warn("closing the damaged file", "error", err)
	}
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		err := errStillOpen
		if e.released() {
			var now *liteEngine
			if now, err = g.open(g.ctx, known); err == nil {
				if err = g.replace(now); err == nil {
					return
				}
			}
		} else {
			pause = 20 * time.Millisecond
		}
		if g.ctx.Err() != nil {
			return
		}
		if err != errStillOpen {
			log.Error("the queue's file is not put right yet: messages are not taken, and it is tried again soon", "file", g.path, "error", err)
		}
		g.mu.Lock()
		g.down = fmt.Errorf("%w: %w", ErrDamaged, err)
		g.mu.Unlock()
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-g.ctx.Done():
			timer.Stop()
		}
	}
}

var errStillOpen = errors.New("the file is still being read")

// released tells whether nothing has the file of a closed engine open: SQLite
// removes the log of a file by name when it is closed for the last time.
func (e *liteEngine) released() bool {
	return e.writer.Stats().OpenConnections == 0 && e.reader.Stats().OpenConnections == 0
}

// replace puts an engine on the new file to work.
func (g *warden) replace(e *liteEngine) error {
	g.mu.Lock()
	g.engine = e
	started := g.started
	g.mu.Unlock()
	err := g.queue.goOn(g.ctx, started)
	if g.ctx.Err() != nil {
		return nil // the queue is shut down, which needs an engine
	}
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.engine == e {
			g.engine = nil
			gone, cancel := context.WithCancel(g.ctx)
			cancel()
			err = errors.Join(err, e.stop(gone), e.close())
		}
	}
	return err
}

// goOn is what Open and Start do, for an engine that came later.
func (q *Queue) goOn(ctx context.Context, started bool) error {
	if err := q.prepare(ctx); err != nil {
		return err
	}
	if !started {
		return nil
	}
	if err := q.engine.start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	q.mu.Lock()
	q.queues = map[string]bool{}
	q.mu.Unlock()
	return q.workAccounts(ctx)
}

// The engine's methods.

func (g *warden) update(ctx context.Context, fn func(context.Context, tx) error) error {
	e, err := g.current()
	if err != nil {
		return err
	}
	return g.saw(e, e.update(ctx, fn))
}

func (g *warden) view() querier         { return wardenView{g} }
func (g *warden) rowLock() string       { return "" }
func (g *warden) isFull(err error) bool { return (*liteEngine)(nil).isFull(err) }
func (g *warden) start(ctx context.Context) error {
	g.mu.Lock()
	g.started = true
	g.mu.Unlock()
	e, err := g.current()
	if err != nil {
		return err
	}
	return e.start(ctx)
}

func (g *warden) vacuum(ctx context.Context) error {
	e, err := g.current()
	if err != nil {
		return err
	}
	return g.saw(e, e.vacuum(ctx))
}

func (g *warden) addQueue(name string, workers int) error {
	e, err := g.current()
	if err != nil {
		return err
	}
	return e.addQueue(name, workers)
}

func (g *warden) removeQueue(ctx context.Context, name string) error {
	e, err := g.current()
	if err != nil {
		return err
	}
	return e.removeQueue(ctx, name)
}

func (g *warden) running(ctx context.Context) ([]runningJob, error) {
	e, err := g.current()
	if err != nil {
		return nil, err
	}
	jobs, err := e.running(ctx)
	if err != nil && unreadable(err.Error()) {
		g.doubt(e, err.Error())
	}
	return jobs, g.saw(e, err)
}

func (g *warden) stop(ctx context.Context) error {
	g.mu.Lock()
	g.closing = true
	all := g.retired
	if g.engine != nil {
		all = append(all[:len(all):len(all)], g.engine)
	}
	g.mu.Unlock()
	var errs []error
	for _, e := range all {
		errs = append(errs, e.stop(ctx))
	}
	return errors.Join(errs...)
}

func (g *warden) close() error {
	g.mu.Lock()
	g.closing = true
	g.mu.Unlock()
	g.quit()
	g.mending.Wait()
	e, err := g.current()
	if err != nil {
		return err
	}
	return e.close()
}

// openPlain opens a database file on one connection.
func openPlain(path string, pragmas ...string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", fileURI(path, pragmas...))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}
