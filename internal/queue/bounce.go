package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
)

// bounceTries is how often a notice that cannot be written is tried before the
// record goes without it. One that only finds no place to be stored is no such
// notice: the record would find none either.
const bounceTries = 5

// bounces asks for the messages that tell of the verdicts, of each kind one, and
// stages them, full queue or not. It returns an error when they could not be
// stored, or when patient not be written; else it goes without, for a notice that
// cannot be written must not keep the record from being.
func (q *Queue) bounces(ctx context.Context, d *Delivery, verdicts []verdict, patient bool, kinds ...NoticeKind) (list []*staged, err error) {
	if q.options.Bounce == nil {
		return nil, nil
	}
	for _, kind := range kinds {
		n := Notice{Kind: kind, Delivery: *d, Expires: d.since.Add(q.options.Expire)}
		for _, v := range verdicts {
			if v.calls(kind) && v.Recipient.wants(kind) {
				n.Recipients = append(n.Recipients, v.RecipientRecord)
			}
		}
		if len(n.Recipients) == 0 {
			continue
		}
		s, err := q.notice(ctx, n)
		switch {
		case err == nil && s != nil:
			list = append(list, s)
		case err == nil:
		case errors.Is(err, errNotStored), patient && !errors.Is(err, errFault):
			q.abandonAll(list, err)
			return nil, fmt.Errorf("tell the sender: %w", err)
		default:
			q.options.Log.Error("the sender could not be told", "id", d.ID, "notice", kind, "error", err)
		}
	}
	return list, nil
}

// notice stages one message, or returns nil when there is nobody to tell.
func (q *Queue) notice(ctx context.Context, n Notice) (*staged, error) {
	var m Message
	var body io.Reader
	var ok bool
	err := guard(func() error {
		m, body, ok = q.options.Bounce(ctx, n)
		return nil
	})
	if err != nil || !ok {
		return nil, err
	}
	return q.stage(ctx, m, guarded{body}, nil)
}

func (q *Queue) abandonAll(list []*staged, cause error) {
	for _, s := range list {
		_ = q.abandon(s, cause) // returns what the caller has
	}
}

// errFault means that code of the caller's panicked: it would again.
var errFault = errors.New("writing the notice failed")

// guard returns a panic of f as errFault.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", errFault, r, debug.Stack())
		}
	}()
	return f()
}

// guarded is a body whose writer may panic.
type guarded struct{ io.Reader }

func (g guarded) Read(p []byte) (n int, err error) {
	if fault := guard(func() error { n, err = g.Reader.Read(p); return nil }); fault != nil {
		return 0, fault
	}
	return n, err
}

// calls tells whether the verdict gives rise to a notice of that kind.
func (v verdict) calls(kind NoticeKind) bool {
	switch kind {
	case NoticeFailed:
		return v.State == Failed
	case NoticeDelayed:
		return v.State == Queued
	default:
		return v.State == Delivered && v.relayed
	}
}
