package queue

import (
	"context"
	"sync"
)

// quota counts what waits, wherever it is, against the limits of the queue.
type quota struct {
	mu       sync.Mutex
	reserved amount // on its way in
	express  amount // accepted, and not in the tables
	tables   amount // what they said last
}

type amount struct{ bytes, messages int64 }

func (a *amount) add(b amount) {
	if a != nil {
		a.bytes += b.bytes
		a.messages += b.messages
	}
}

// reserve makes room for a, or reports that a limit is in the way; no limits, nil,
// never are.
func (c *quota) reserve(a amount, limits *Options) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := a
	for _, b := range []amount{c.reserved, c.express, c.tables} {
		sum.add(b)
	}
	if limits != nil && (sum.bytes > limits.MaxBytes || sum.messages > limits.MaxMessages) {
		return false
	}
	c.reserved.add(a)
	return true
}

// shift moves a from one of the quota's amounts to another; nil is the outside.
func (c *quota) shift(a amount, from, to *amount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from.add(amount{-a.bytes, -a.messages})
	to.add(a)
}

// refresh asks the tables what waits there.
func (c *quota) refresh(ctx context.Context, v querier) error {
	var a amount
	err := v.row(ctx, `SELECT CAST(COALESCE(sum(bytes), 0) AS BIGINT), CAST(COALESCE(sum(waiting + sending + held), 0) AS BIGINT) FROM mail_tally`).Scan(&a.bytes, &a.messages)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tables = a
	return nil
}
