package queue

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// querier runs statements written with PostgreSQL's $1, $2… on either database.
type querier interface {
	exec(ctx context.Context, statement string, args ...any) (affected int64, err error)
	query(ctx context.Context, statement string, args ...any) (rows, error)
	row(ctx context.Context, statement string, args ...any) scanner
}

type scanner interface {
	Scan(dest ...any) error
}

type rows interface {
	scanner
	Next() bool
	Err() error
	close()
}

// tx is a write transaction, with River's part in it.
type tx interface {
	querier
	insertJobs(ctx context.Context, jobs []river.InsertManyParams) (ids []int64, err error)
	// deleteJob drops a job that waits; one that runs or is gone is left alone.
	deleteJob(ctx context.Context, id int64) error
	// setPaused stops or restarts the fetching of a River queue on every
	// machine. A queue that nobody worked yet is left alone.
	setPaused(ctx context.Context, queue string, paused bool) error
	// takeTurn waits until no other transaction that called it is under way.
	takeTurn(ctx context.Context) error
}

// engine is the database with the River client on it.
type engine interface {
	// update runs fn in a write transaction and returns when it is committed
	// and synced, or with fn's error when it is undone. fn must not call
	// update, nor wait for anything but its own statements, and uses the
	// context it is given: the caller's own may end while others share the
	// transaction.
	update(ctx context.Context, fn func(context.Context, tx) error) error
	view() querier
	// rowLock is appended to a SELECT that must keep others off its rows.
	rowLock() string
	// isFull tells whether err means that the disk is full.
	isFull(err error) bool
	// vacuum gives some space of deleted rows back to the disk.
	vacuum(ctx context.Context) error

	start(ctx context.Context) error
	stop(ctx context.Context) error // waits for running jobs; cancels them when ctx ends
	addQueue(name string, workers int) error
	// removeQueue undoes addQueue and waits for the jobs that run. When ctx ends
	// first none is begun any more all the same, and it has to be called again.
	removeQueue(ctx context.Context, name string) error
	running(ctx context.Context) ([]runningJob, error)
	close() error
}

// runningJob is a job that some machine has taken and not finished.
type runningJob struct {
	id      int64
	machine string
	message string
}

// deliverArgs is River's job: the alarm clock of one message.
type deliverArgs struct {
	Message string `json:"message"`
}

func (deliverArgs) Kind() string { return "traymail-deliver" }

// clients is the part of an engine that is River's, for either type of
// transaction.
type clients[T any] struct {
	client *river.Client[T]
}

func (c clients[T]) insert(ctx context.Context, t T, jobs []river.InsertManyParams) ([]int64, error) {
	done, err := c.client.InsertManyTx(ctx, t, jobs)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(done))
	for i, d := range done {
		ids[i] = d.Job.ID
	}
	return ids, nil
}

func (c clients[T]) delete(ctx context.Context, t T, id int64) error {
	_, err := c.client.JobDeleteTx(ctx, t, id)
	if errors.Is(err, rivertype.ErrJobRunning) || errors.Is(err, rivertype.ErrNotFound) {
		return nil
	}
	return err
}

func (c clients[T]) setPaused(ctx context.Context, t T, queue string, paused bool) error {
	change := c.client.QueueResumeTx
	if paused {
		change = c.client.QueuePauseTx
	}
	if err := change(ctx, t, queue, nil); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return err
	}
	return nil
}

func (c clients[T]) start(ctx context.Context) error { return c.client.Start(ctx) }

func (c clients[T]) stop(ctx context.Context) error {
	err := c.client.Stop(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}
	// Out of patience: attempts in flight are told, and record how they end.
	return c.client.StopAndCancel(context.WithoutCancel(ctx))
}

func (c clients[T]) addQueue(name string, workers int) error {
	err := c.client.Queues().Add(name, river.QueueConfig{MaxWorkers: workers})
	if errors.As(err, new(*river.QueueAlreadyAddedError)) {
		return nil
	}
	return err
}

func (c clients[T]) removeQueue(ctx context.Context, name string) error {
	err := c.client.Queues().Remove(ctx, name)
	if errors.As(err, new(*river.QueueNotFoundError)) {
		return nil
	}
	return err
}

func (c clients[T]) running(ctx context.Context) ([]runningJob, error) {
	var jobs []runningJob
	params := river.NewJobListParams().States(rivertype.JobStateRunning).Kinds(deliverArgs{}.Kind()).
		OrderBy(river.JobListOrderByID, river.SortOrderAsc).First(1000)
	for {
		page, err := c.client.JobList(ctx, params)
		if err != nil {
			return nil, err
		}
		for _, j := range page.Jobs {
			var args deliverArgs
			if err := json.Unmarshal(j.EncodedArgs, &args); err != nil || len(j.AttemptedBy) == 0 {
				continue
			}
			jobs = append(jobs, runningJob{j.ID, j.AttemptedBy[len(j.AttemptedBy)-1], args.Message})
		}
		if len(page.Jobs) < 1000 {
			return jobs, nil
		}
		params = params.After(page.LastCursor)
	}
}
