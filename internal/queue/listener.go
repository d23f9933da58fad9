package queue

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// liteDriver is River's SQLite driver but for its listener, which looks for
// news 20 times a second for as long as the program runs. As all writes that
// matter are the queue's own, ours looks when one was committed. It also tells
// each account's fetcher when a job's time may have come, so that they need not
// all look for themselves: an idle program reads twice a second, however many
// accounts there are.
type liteDriver struct {
	*riversqlite.Driver
	listener *liteListener
}

func (d liteDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.listener
}

// liteListener reads River's outbox of notifications.
type liteListener struct {
	db   *sql.DB
	news chan struct{} // something was committed

	mu     sync.Mutex
	topics map[string]bool
	last   int64
	due    []string  // River queues to be told of jobs whose time may have come
	looked time.Time // when due was last filled
}

func newLiteListener(db *sql.DB) *liteListener {
	return &liteListener{db: db, news: make(chan struct{}, 1), topics: map[string]bool{}}
}

// look says that there may be something new.
func (l *liteListener) look() {
	select {
	case l.news <- struct{}{}:
	default: // it will look anyhow
	}
}

const (
	// unasked is how long River's own writes, of which nobody tells, may wait,
	// and a job whose time has come.
	unasked = time.Second
	// insertTopic is where River's fetchers listen.
	insertTopic = "river_insert"
)

func (l *liteListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for {
		n, err := l.next(ctx)
		if n != nil {
			return n, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		timer := time.NewTimer(l.untilDue())
		select {
		case <-ctx.Done():
		case <-l.news:
		case <-timer.C:
			if err := l.findDue(ctx); err != nil && ctx.Err() == nil {
				return nil, err
			}
		}
		timer.Stop()
	}
}

// next returns nil when there is no notification of a topic that is listened to.
func (l *liteListener) next(ctx context.Context) (*riverdriver.Notification, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.due) > 0 {
		n := &riverdriver.Notification{Topic: insertTopic, Payload: insertPayload(l.due[0])}
		l.due = l.due[1:]
		return n, nil
	}
	for {
		var n riverdriver.Notification
		err := l.db.QueryRowContext(ctx, `SELECT id, topic, payload FROM river_notification WHERE id > ? ORDER BY id LIMIT 1`, l.last).
			Scan(&l.last, &n.Topic, &n.Payload)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if l.topics[n.Topic] {
			return &n, nil
		}
	}
}

// untilDue is how long findDue may wait. News do not put it off.
func (l *liteListener) untilDue() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.looked.Add(unasked))
}

// findDue lists the queues with jobs that a fetcher may take now, or within the
// seconds that River's scheduler looks ahead. It takes a step for each such
// queue, not for each job.
func (l *liteListener) findDue(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.db.QueryContext(ctx, `WITH RECURSIVE due(queue) AS (
		SELECT min(queue) FROM river_job WHERE state = 'available' UNION ALL
		SELECT (SELECT min(queue) FROM river_job WHERE state = 'available' AND queue > due.queue) FROM due WHERE due.queue IS NOT NULL
		) SELECT queue FROM due WHERE queue IS NOT NULL`)
	if err != nil {
		return err
	}
	defer r.Close()
	l.due, l.looked = nil, time.Now()
	for r.Next() {
		var queue string
		if err := r.Scan(&queue); err != nil {
			return err
		}
		l.due = append(l.due, queue)
	}
	return r.Err()
}

// insertPayload is what River tells the fetchers of a queue.
func insertPayload(queue string) string { return `{"queue": "` + queue + `"}` }

// Connect begins with what comes from now on. When ctx has ended it says so even if
// the database was closed meanwhile, as that of a damaged file is: River ends
// for nothing else, and would call it again and again without a pause.
func (l *liteListener) Connect(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.db.QueryRowContext(ctx, `SELECT COALESCE(max(id), 0) FROM river_notification`).Scan(&l.last)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (l *liteListener) Listen(_ context.Context, topic string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.topics[topic] = true
	return nil
}

func (l *liteListener) Unlisten(_ context.Context, topic string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.topics, topic)
	return nil
}

func (l *liteListener) Ping(ctx context.Context) error { return l.db.PingContext(ctx) }
func (l *liteListener) Close(context.Context) error    { return nil } // the database is the engine's
func (l *liteListener) Schema() string                 { return "" }
func (l *liteListener) SetAfterConnectExec(string)     {} // River's tests' alone

// tellInserted notifies of jobs that are due at once. River does so too, but not
// of a job that follows another within FetchCooldown, though the other's fetch
// may have been too early to see it.
func tellInserted(ctx context.Context, t *sql.Tx, jobs []river.InsertManyParams) error {
	var payloads []string
	for _, j := range jobs {
		if !j.InsertOpts.ScheduledAt.IsZero() {
			continue
		}
		payloads = append(payloads, insertPayload(j.InsertOpts.Queue))
	}
	if len(payloads) == 0 {
		return nil
	}
	return (*riversqlite.Driver)(nil).UnwrapExecutor(t).NotifyMany(ctx, &riverdriver.NotifyManyParams{Topic: insertTopic, Payload: payloads})
}
