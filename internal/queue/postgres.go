package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// migrateKey is the advisory lock under which one machine at a time brings the
// tables up to date.
const migrateKey = 0x74726179 // "tray"

// endKey is the one under which attempts' ends are written down one by one.
const endKey = 0x656e6473 // "ends"

// pgEngine is PostgreSQL. Transactions run side by side and the server groups
// their syncs.
type pgEngine struct {
	clients[pgx.Tx]
	pool *pgxpool.Pool
}

func openPostgres(ctx context.Context, dsn string, config *river.Config) (_ *pgEngine, err error) {
	// The error of a DSN that cannot be read quotes it, without the password.
	settings, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	settings.AfterConnect = prepareConn
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, err
	}
	e := &pgEngine{pool: pool}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: config.Logger})
	if err != nil {
		return nil, err
	}
	if e.client, err = river.NewClient(driver, config); err != nil {
		return nil, err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the queue's PostgreSQL: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrateKey); err != nil {
		return nil, err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrateKey)
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	return e, e.update(ctx, func(ctx context.Context, t tx) error { return migrate(ctx, t) })
}

// idleWithin is how long a transaction may wait for its next statement. None here
// waits for anything else, so that a machine which lets one wait is frozen or cut
// off; its locks, such as that of takeTurn, must not hold up the others.
const idleWithin = 10 * time.Second

// prepareConn has a connection's commits wait for the disk, whatever the server,
// the database or the role is set to: Accept's answer must be true. What waits
// for standby servers too is left as it is.
func prepareConn(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false)
		WHERE current_setting('synchronous_commit') IN ('off', 'local')`)
	if err == nil {
		_, err = c.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', $1, false)`, strconv.FormatInt(idleWithin.Milliseconds(), 10))
	}
	return err
}

func (e *pgEngine) update(ctx context.Context, fn func(context.Context, tx) error) error {
	return explainPostgres(pgx.BeginFunc(ctx, e.pool, func(t pgx.Tx) error { return fn(ctx, pgTx{pgQuerier{t}, t, e.clients}) }))
}

func (e *pgEngine) view() querier   { return pgQuerier{e.pool} }
func (e *pgEngine) rowLock() string { return " FOR UPDATE" }

func (e *pgEngine) isFull(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && strings.HasPrefix(pe.Code, "53") // insufficient resources
}

func (e *pgEngine) vacuum(context.Context) error { return nil } // autovacuum's

func (e *pgEngine) close() error {
	e.pool.Close()
	return nil
}

type pgQuerier struct {
	db interface {
		Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
		Query(context.Context, string, ...any) (pgx.Rows, error)
		QueryRow(context.Context, string, ...any) pgx.Row
	}
}

func (q pgQuerier) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	tag, err := q.db.Exec(ctx, statement, args...)
	return tag.RowsAffected(), err
}

func (q pgQuerier) query(ctx context.Context, statement string, args ...any) (rows, error) {
	r, err := q.db.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	return pgRows{r}, nil
}

func (q pgQuerier) row(ctx context.Context, statement string, args ...any) scanner {
	return q.db.QueryRow(ctx, statement, args...)
}

type pgRows struct{ pgx.Rows }

func (r pgRows) close() { r.Rows.Close() }

type pgTx struct {
	pgQuerier
	tx    pgx.Tx
	river clients[pgx.Tx]
}

func (t pgTx) insertJobs(ctx context.Context, jobs []river.InsertManyParams) ([]int64, error) {
	return t.river.insert(ctx, t.tx, jobs)
}
func (t pgTx) deleteJob(ctx context.Context, id int64) error {
	return t.river.delete(ctx, t.tx, id)
}

func (t pgTx) takeTurn(ctx context.Context) error {
	_, err := t.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, endKey)
	return err
}

func (t pgTx) setPaused(ctx context.Context, queue string, paused bool) error {
	return t.river.setPaused(ctx, t.tx, queue, paused)
}
