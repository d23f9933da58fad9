package queue

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A dozer runs River on SQLite while there is a job, of which it keeps the last for
// a minute after its end, and stops it else. River looks for ended jobs twenty times
// a second, writes a line that it lives every few seconds, and has no setting
// against either; most messages never become a job here, and most programs
// have none to send most of the time.
//
// Nothing is late for that: a job comes with a commit, after which the dozer looks,
// and River takes it up as at any start.
type dozer struct {
	river   clients[*sql.Tx]
	hasJobs func(context.Context) (bool, error)
	log     *slog.Logger

	news  chan struct{}   // something was committed
	ctx   context.Context // ends with stop
	quit  context.CancelFunc
	began sync.Mutex // held while start and stop decide which of them was first
	loop  sync.WaitGroup
	awake atomic.Bool // River was started, and not stopped since
}

const (
	// dozeAfter is how often an awake dozer looks whether there is a job left.
	dozeAfter = 15 * time.Second
	// wakeAgain is how long it waits when River could not be started or stopped,
	// or the tables could not be read.
	wakeAgain = time.Second
)

func newDozer(river clients[*sql.Tx], reader *sql.DB, log *slog.Logger) *dozer {
	d := &dozer{river: river, log: log, news: make(chan struct{}, 1)}
	d.hasJobs = func(ctx context.Context) (some bool, err error) {
		err = reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM river_job)`).Scan(&some)
		return some, err
	}
	d.ctx, d.quit = context.WithCancel(context.Background())
	return d
}

// look says that there may be a job.
func (d *dozer) look() {
	select {
	case d.news <- struct{}{}:
	default: // it will look anyhow
	}
}

// start fails when stop was first.
func (d *dozer) start() error {
	d.began.Lock()
	defer d.began.Unlock()
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if err := d.turn(); err != nil {
		return err
	}
	d.loop.Go(d.run)
	return nil
}

// stop waits for running jobs, and cancels them when ctx ends. It may be called
// without start, more than once, and at the same time.
func (d *dozer) stop(ctx context.Context) error {
	d.began.Lock()
	d.quit()
	d.began.Unlock()
	d.loop.Wait()
	return d.river.stop(ctx)
}

func (d *dozer) run() {
	timer := time.NewTimer(dozeAfter)
	defer timer.Stop()
	for {
		news := d.news
		if d.awake.Load() {
			news = nil // River is told itself
		}
		select {
		case <-d.ctx.Done():
			return
		case <-news:
		case <-timer.C:
		}
		wait := dozeAfter
		if err := d.turn(); err != nil && d.ctx.Err() == nil {
			d.log.Warn("the queue's alarm clocks could not be looked after; it is tried again", "error", err)
			wait = wakeAgain
		}
		timer.Reset(wait)
	}
}

// turn wakes River where there is a job, and lets it rest where there is none.
func (d *dozer) turn() error {
	some, err := d.hasJobs(d.ctx)
	if err != nil || some == d.awake.Load() {
		return err
	}
	if some {
		return d.wake()
	}
	// River stops at once, unless it took up a job in this very moment: then others
	// wait until that is done. What comes and is not taken up is found by a second
	// look.
	if err := d.river.client.Stop(d.ctx); err != nil {
		return err
	}
	d.awake.Store(false)
	if some, err = d.hasJobs(d.ctx); err != nil || some {
		return errors.Join(err, d.wake())
	}
	return nil
}

func (d *dozer) wake() error {
	// River outlives d.ctx: stop ends it, with the patience of its own caller.
	err := d.river.start(context.WithoutCancel(d.ctx))
	d.awake.Store(err == nil)
	return err
}
