package queue

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
)

var (
	// ErrFull means that a limit of Options or the disk is reached: the message
	// was not accepted, and may be later.
	ErrFull = errors.New("the queue is full")
	// ErrInUse means that another program has the SQLite queue open.
	ErrInUse = errors.New("the queue")
	// ErrNotFound means that no message has that ID.
	ErrNotFound = errors.New("no such message in the queue")
	// ErrState means that a message is not in a state that allows the change.
	ErrState = errors.New("the message's state does not allow that")
)

// A Queue is safe for concurrent use. It is opened once per program, and closed
// with Shutdown, started or not.
type Queue struct {
	options Options
	engine  engine
	machine string // this Open's name among the machines
	larges  larges
	deliver Deliver
	quota   quota
	feed    feed
	express atomic.Pointer[express] // nil when there is none

	stopping chan struct{} // closed: nobody waits for a turn any more
	news     chan struct{} // there may be accounts to be worked, or to be left
	stop     sync.Once
	tending  sync.WaitGroup
	started  bool

	mu     sync.Mutex
	queues map[string]bool // accounts whose River queue this machine works
	// leaving are those of queues that it takes no more jobs from, and has some of in hand.
	leaving map[string]bool
	resting map[string]bool // accounts that this machine leaves to others

	// inHand is apart from mu, which is held while River begins or ends to work an
	// account: that may wait for jobs, and they for this.
	inHand sync.Mutex
	doubts []*Delivery    // attempts of which it is not known whether they were noted as begun
	hand   map[int64]bool // jobs that River called Work for and that have not returned
}

// Open opens the queue, making or updating its tables, and takes over what a
// program that died on a SQLite queue left in flight. Nothing is delivered
// before Start, so a command may open a queue only to add to it.
func Open(ctx context.Context, options Options) (*Queue, error) {
	options.setDefaults()
	q := &Queue{options: options, machine: machineName(), stopping: make(chan struct{}), news: make(chan struct{}, 1),
		queues: map[string]bool{}, leaving: map[string]bool{}, hand: map[int64]bool{}}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{queue: q})
	config := &river.Config{
		ID:     q.machine,
		Logger: options.Log,
		// River insists on a queue; this one stays empty.
		Queues:  map[string]river.QueueConfig{"none": {MaxWorkers: 1, FetchPollInterval: 24 * time.Hour}},
		Workers: workers,
		// A large message may take as long as it takes. Jobs of dead
		// machines are taken over by lease, not by age.
		JobTimeout:                  -1,
		FetchCooldown:               5 * time.Millisecond,
		FetchPollInterval:           cmp.Or(options.poll, time.Second),
		PollOnly:                    options.poll > 0,
		CompletedJobRetentionPeriod: time.Minute,
		CancelledJobRetentionPeriod: time.Minute,
		DiscardedJobRetentionPeriod: time.Minute,
	}
	var err error
	switch {
	case (options.Path == "") == (options.PostgreSQL == ""):
		return nil, errors.New("open the queue: name either a file or a PostgreSQL database")
	case options.Path != "":
		// Machines that share a queue go by the database's clock instead.
		config.Test.Time = clock{options.Now}
		// The listener tells them; this is for what it may have missed.
		config.FetchPollInterval = cmp.Or(options.poll, time.Minute)
		q.engine, err = openWarded(ctx, q, config)
	default:
		q.engine, err = openPostgres(ctx, options.PostgreSQL, config)
	}
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	if err := q.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the queue: %w", err), q.engine.close())
	}
	return q, nil
}

// prepare does what must be done before the first message.
func (q *Queue) prepare(ctx context.Context) error {
	if q.options.Path != "" {
		// What a program that goes on has in its journal is not a dead one's.
		if q.express.Load() == nil {
			if err := q.recover(ctx); err != nil {
				return err
			}
		}
		// The lock says that everyone else is dead.
		if err := q.takeOver(ctx, func(machine string) bool { return machine != q.machine }); err != nil {
			return err
		}
		// The clock may be another one than that of the last program.
		if err := q.setBack(ctx); err != nil {
			return err
		}
	}
	err := q.engine.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO mail_machine (id, beat) VALUES ($1, 0) ON CONFLICT (id) DO NOTHING`, q.machine)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(q.forgetRests(ctx), q.quota.refresh(ctx, q.engine.view()))
}

// Start delivers with deliver, which is called for several messages at once,
// until Shutdown. ctx bounds the start only.
func (q *Queue) Start(ctx context.Context, deliver Deliver) error {
	q.deliver = deliver
	if err := q.openExpress(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	if err := q.engine.start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	q.mu.Lock()
	q.started = true
	q.mu.Unlock()
	if err := q.workAccounts(ctx); err != nil {
		return err
	}
	q.tending.Go(q.tend)
	return nil
}

// Shutdown stops taking up messages, waits for the attempts in flight, and
// closes the queue. When ctx ends first, their contexts are cancelled and their
// ends recorded all the same. A second call does nothing.
func (q *Queue) Shutdown(ctx context.Context) (err error) {
	q.stop.Do(func() { err = q.shutdown(ctx) })
	return err
}

func (q *Queue) shutdown(ctx context.Context) error {
	close(q.stopping)
	q.tending.Wait()
	q.mu.Lock()
	started := q.started
	q.started = false
	q.mu.Unlock()
	var errs []error
	if started {
		errs = append(errs, q.engine.stop(ctx))
	}
	errs = append(errs, q.express.Load().stop(ctx))
	ctx = context.WithoutCancel(ctx)
	errs = append(errs, q.signOff(ctx))
	q.feed.close()
	return errors.Join(append(errs, q.engine.close())...)
}

// clock is the queue's clock for River, which has a place for one among its
// settings for tests.
type clock struct{ now func() time.Time }

func (c clock) Now() time.Time       { return c.now() }
func (c clock) NowOrNil() *time.Time { t := c.now(); return &t }

// machineName is unique for each Open, and tells a reader where it was.
func machineName() string {
	host, _ := os.Hostname()
	host = regexp.MustCompile(`[^A-Za-z0-9.-]`).ReplaceAllString(host, "")
	return fmt.Sprintf("%.40s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:10]))
}

// riverQueue names an account's River queue. River takes few characters and an
// account's name may have any.
func riverQueue(account string) string {
	sum := sha256.Sum256([]byte(account))
	return "account-" + hex.EncodeToString(sum[:12])
}
