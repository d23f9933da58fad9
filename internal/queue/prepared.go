package queue

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// preparing opens connections to SQLite that keep each statement with parameters
// prepared: reading its text takes SQLite longer than running it, and the queue and
// River have few of them.
type preparing struct{ dsn string }

// maxPrepared bounds the statements that a connection keeps.
const maxPrepared = 150

// liteConn is what the driver's connections can.
type liteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type liteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func openPreparing(dsn string) *sql.DB { return sql.OpenDB(preparing{dsn}) }

func (p preparing) Driver() driver.Driver { return &sqlite.Driver{} }

func (p preparing) Connect(context.Context) (driver.Conn, error) {
	c, err := p.Driver().Open(p.dsn)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(liteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("SQLite's driver has connections of the type %T", c), c.Close())
	}
	return &preparedConn{liteConn: conn, kept: map[string]*keptStmt{}}, nil
}

// preparedConn is used by one goroutine at a time, as database/sql promises.
type preparedConn struct {
	liteConn
	kept map[string]*keptStmt
}

type keptStmt struct {
	liteStmt
	reading bool // its rows are not read to their end
}

// statement returns nil for one that is not kept.
func (c *preparedConn) statement(ctx context.Context, query string, args []driver.NamedValue) *keptStmt {
	if s := c.kept[query]; s != nil {
		if s.reading {
			return nil
		}
		return s
	}
	if len(args) == 0 || len(c.kept) >= maxPrepared {
		return nil // such as scripts and pragmas
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil // who runs it is told
	}
	s, ok := made.(liteStmt)
	if !ok {
		made.Close()
		return nil
	}
	c.kept[query] = &keptStmt{liteStmt: s}
	return c.kept[query]
}

func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if s := c.statement(ctx, query, args); s != nil {
		return s.ExecContext(ctx, args)
	}
	return c.liteConn.ExecContext(ctx, query, args)
}

func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s := c.statement(ctx, query, args)
	if s == nil {
		return c.liteConn.QueryContext(ctx, query, args)
	}
	r, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.reading = true
	return &keptRows{r, s}, nil
}

func (c *preparedConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.liteConn.Close())...)
}

// keptRows free their statement.
type keptRows struct {
	driver.Rows
	stmt *keptStmt
}

func (r *keptRows) Close() error {
	r.stmt.reading = false
	return r.Rows.Close()
}
