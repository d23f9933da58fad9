package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrUnreachable means that the queue's PostgreSQL does not answer, or not to be
// written to. What was accepted is there when it does again; messages that come
// meanwhile are not taken.
var ErrUnreachable = errors.New("the queue's PostgreSQL cannot be used now")

// explainPostgres adds what an error means where it is the server's or the
// network's. No error of the driver has the password.
func explainPostgres(err error) error {
	if err == nil || errors.Is(err, ErrUnreachable) {
		return err
	}
	var pe *pgconn.PgError
	var ce *pgconn.ConnectError
	var ne net.Error
	switch {
	case errors.As(err, &pe) && pe.Code == "25006": // read_only_sql_transaction
		return fmt.Errorf("%w: the server is a standby. Name all servers in the connection string, with target_session_attrs=read-write (%w)", ErrUnreachable, err)
	case errors.As(err, &pe) && strings.HasPrefix(pe.Code, "57P"): // it is being stopped or started
		return fmt.Errorf("%w: it is being stopped or started (%w)", ErrUnreachable, err)
	case errors.As(err, &ce):
		return fmt.Errorf("%w: no connection to it can be made (%w)", ErrUnreachable, err)
	case errors.As(err, &ne), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), strings.HasSuffix(err.Error(), "conn closed"):
		return fmt.Errorf("%w: the connection to it was lost (%w)", ErrUnreachable, err)
	}
	return err
}

// doubt notes an attempt of which it is not known whether it is noted as begun:
// the connection was lost while that was committed. The server of the message was
// not spoken to.
func (q *Queue) doubt(d *Delivery) {
	q.inHand.Lock()
	defer q.inHand.Unlock()
	q.doubts = append(q.doubts, d)
}

// settleDoubts ends the attempts that are noted as begun and were not made, which
// would stay in flight for as long as this machine lives.
func (q *Queue) settleDoubts(ctx context.Context) error {
	q.inHand.Lock()
	doubts := q.doubts
	q.doubts = nil
	q.inHand.Unlock()
	for i, d := range doubts {
		err := q.settleDoubt(ctx, d)
		if err != nil {
			q.inHand.Lock()
			q.doubts = append(q.doubts, doubts[i:]...)
			q.inHand.Unlock()
			return err
		}
	}
	return nil
}

func (q *Queue) settleDoubt(ctx context.Context, d *Delivery) error {
	// Another attempt may have got its number, later.
	begun, err := column(ctx, q.engine.view(), `SELECT message FROM mail_attempt WHERE message = $1 AND n = $2 AND machine = $3 AND started = $4 AND finished = 0`,
		d.ID, d.Attempt, q.machine, stamp(d.started))
	if err != nil || len(begun) == 0 {
		return err
	}
	out := Outcome{Reply: "the queue's database was lost before anything was sent"}
	state, err := q.conclude(ctx, d, q.options.settle(d, out, false, q.options.Now()), &out, nil)
	if err == nil {
		q.feed.publish(Event{ID: d.ID, Account: d.Account, State: state})
	}
	return err
}
