package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// liteDriver is River's SQLite driver but for its listener, which looks for
// news 20 times a second for as long as the program runs. As all writes that
// matter are the queue's own, ours looks when one was committed.
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

// unasked is how long River's own writes, of which nobody tells, may wait.
const unasked = time.Second

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
		timer := time.NewTimer(unasked)
		select {
		case <-ctx.Done():
		case <-l.news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next returns nil when there is no notification of a topic that is listened to.
func (l *liteListener) next(ctx context.Context) (*riverdriver.Notification, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
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

// Connect begins with what comes from now on.
func (l *liteListener) Connect(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.db.QueryRowContext(ctx, `SELECT COALESCE(max(id), 0) FROM river_notification`).Scan(&l.last)
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
		b, err := json.Marshal(map[string]string{"queue": j.InsertOpts.Queue})
		if err != nil {
			return err
		}
		payloads = append(payloads, string(b))
	}
	if len(payloads) == 0 {
		return nil
	}
	return (*riversqlite.Driver)(nil).UnwrapExecutor(t).NotifyMany(ctx, &riverdriver.NotifyManyParams{Topic: "river_insert", Payload: payloads})
}
