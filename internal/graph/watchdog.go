package graph

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// drainTime is how long the answer to a request with a body may take at least:
// what the network took of it may still wait in the system's buffers.
const drainTime = 2 * time.Minute

// A watchdog ends a request that does not come forward: one that gets no
// connection, whose body the network stops to take, or that is not answered. It
// is safe for concurrent use, for the transport reads a body on its own.
type watchdog struct {
	q            *request
	idle, answer time.Duration
	end          context.CancelCauseFunc

	mu       sync.Mutex
	timer    *time.Timer
	wait     time.Duration // that is running
	deadline time.Time     // its end
	left     int64         // octets of the body that the transport has not read
	begun    bool          // it has read some
	whole    bool          // it has all that there is of the request
}

// watch starts the watchdog of a request. stop ends it.
func (c *Client) watch(q *request, end context.CancelCauseFunc) *watchdog {
	w := &watchdog{q: q, idle: c.timeout(), answer: c.timeout(), end: end, left: q.length}
	switch {
	case q.once:
		w.answer = c.answerTimeout()
	case q.length > 0:
		w.answer = min(c.answerTimeout(), max(c.timeout(), drainTime))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.idle, w.expired)
	w.reset(w.idle)
	return w
}

func (w *watchdog) stop() { w.timer.Stop() }

// reset gives the request another while; call it with the lock held.
func (w *watchdog) reset(d time.Duration) {
	w.wait, w.deadline = d, time.Now().Add(d)
	w.timer.Reset(d)
}

// opened says that the body is going to be read from its start.
func (w *watchdog) opened() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.begun, w.whole = w.q.length, false, false
	w.reset(w.idle)
}

// wroteHeader says that the network has the header, which is all of a request
// without a body.
func (w *watchdog) wroteHeader() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.q.length == 0 {
		w.whole = true
		w.reset(w.answer)
	}
}

// took says that n more octets of the body were read.
func (w *watchdog) took(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n == 0 || w.whole {
		return
	}
	w.begun = true
	if w.left -= int64(n); w.left > 0 {
		w.reset(w.idle)
		return
	}
	w.whole = true
	w.reset(w.answer)
}

// answered says that an answer has begun to come.
func (w *watchdog) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reset(w.idle)
}

// delivered reports whether the whole request may be on its way.
func (w *watchdog) delivered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.whole
}

// expired ends the request, unless it came forward just now.
func (w *watchdog) expired() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Until(w.deadline) > 0 {
		return
	}
	err := fmt.Errorf("no answer within %v", w.wait)
	switch {
	case w.begun && !w.whole:
		err = &stalledError{fmt.Sprintf("the network took nothing more of the message within %v", w.wait)}
	case w.begun && !w.q.once:
		err = &stalledError{err.Error()}
	}
	w.end(err)
}

// A stalledError is the end of a request whose body was on its way. A smaller
// message might have come through.
type stalledError struct{ text string }

func (e *stalledError) Error() string { return e.text }
