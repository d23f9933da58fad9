package smtp

import (
	"context"
	"errors"
)

// errGone means that the session was given up before anything of the message was
// written to it.
var errGone = errors.New("the session is of no more use")

// share sends the message over a session that other messages may be on: it is
// written as soon as the one before it is written, and answered in its turn. RSET
// goes between them, since nobody knows yet how the one before ends: were its
// transaction left open, a second MAIL would be refused, and its RCPT and BDAT
// would be taken for the first one's (RFC 5321 §4.1.4). RFC 2920 §3.1 and RFC 3030
// §4.2 let all of these stand within a group.
//
// A message in pieces holds the writing until its last one, and is answered on
// the way; the client puts no other behind it.
//
// The error is errGone, or the end of ctx, when nothing was written.
func (t *transaction) share(ctx context.Context) error {
	s := t.s
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return errGone
	}
	t.writes = true
	defer t.release()
	if !s.alive() {
		return errGone
	}
	commands, err := t.open()
	if err != nil {
		return err
	}
	defer t.src.Close()
	t.begin()
	t.before, t.done = s.tail, make(chan struct{})
	s.tail = t.done
	defer func() {
		if !t.left {
			t.finish()
		}
	}()
	stop := context.AfterFunc(ctx, s.cut)
	_ = t.envelope(commands[0], commands[1:]) // where everything is pipelined it waits for nothing
	if t.body.done {
		t.chunk(t.head)
	}
	err = s.flush()
	if t.body.done {
		t.complete = err == nil
		t.release()
	}
	if !stop() {
		s.spend() // cut does it too, and may not have come to it yet
	}
	switch err := t.answers(ctx); {
	case err == errLeft:
		t.left = true
		return s.lost(OpBDAT, context.Cause(ctx))
	case err != nil:
		return err
	}
	return t.verdict()
}

// release ends the message's time as the one that is written, once.
func (t *transaction) release() {
	if t.writes {
		t.writes = false
		t.count()
		<-t.s.writing
	}
}

// answers awaits the message's turn and its replies, and sends what is left of it.
func (t *transaction) answers(ctx context.Context) error {
	if t.before != nil {
		select {
		case <-t.before:
		case <-ctx.Done():
			return errLeft
		}
	}
	if t.body.done {
		err := t.collect(ctx.Done())
		t.needReset = t.failed != nil || t.accepted == 0
		return err
	}
	// From here on it has the session to itself.
	stop := context.AfterFunc(ctx, t.s.abort)
	err := t.bdat()
	if !stop() {
		t.s.abort()
	}
	return err
}

// rest takes the replies that nobody waits for any more, since those to other
// messages come after them.
func (t *transaction) rest() {
	rest := &transaction{s: t.s, steps: t.steps, settled: t.settled, done: t.done, needReset: true}
	for i := range rest.steps {
		rest.steps[i].handle = func(Reply) {}
	}
	if t.before != nil {
		<-t.before
	}
	_ = rest.collect(nil) // the next in line meets the same
	rest.finish()
}

// cut ends the writing of a message that nobody wants any more. Those before it
// can still be answered.
func (s *session) cut() {
	s.mu.Lock()
	s.spent = true
	alone := s.unsettled == 1
	s.mu.Unlock()
	if alone {
		s.abort()
		return
	}
	s.flight.stop()
}
