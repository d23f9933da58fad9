package smtp

import (
	"context"
	"slices"
	"time"
)

const defaultIdleTimeout = 2 * time.Minute

// A pool is a client's sessions, guarded by its mu.
type pool struct {
	idle    []*session // the most recently used last
	inUse   []*session
	opening int       // sessions that are being set up
	ending  int       // sessions that are being closed
	waiting []*waiter // for a place, the first come first
	bearing
}

// pooled is what the pool knows of a session, guarded by its client's mu.
type pooled struct {
	shared    bool // several messages may be on it; it never changes
	users     int  // messages on it
	gone      int  // of these, whose caller does not wait any more
	shut      bool // a message in pieces is on it, and no other comes behind
	tooMany   bool // it was one too many
	idleSince time.Time
	idleTimer *time.Timer
}

// A waiter waits for a place on a session.
type waiter struct {
	large bool          // the message goes in pieces
	got   chan *session // has room for one; nil means that it is to open one
}

func (c *Client) idleTimeout() time.Duration {
	if c.IdleTimeout > 0 {
		return c.IdleTimeout
	}
	return defaultIdleTimeout
}

func (c *Client) maxSessions() int {
	if c.MaxSessions > 0 {
		return c.MaxSessions
	}
	return 3
}

// enter registers a call, unless the client is closed.
func (c *Client) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.busy.Add(1)
	return true
}

// session returns a session with a place on it for one message, to be left with
// leave. The session is a warm one, or a new one while there may be another, or
// that with the fewest messages on it; while none has a place it waits.
func (c *Client) session(ctx context.Context, large bool) (*session, error) {
	for {
		s, err := c.place(ctx, large)
		if s != nil || err != nil {
			return s, err
		}
		s, err = c.connect(ctx)
		if err == nil {
			c.opened(s, large)
			return s, nil
		}
		if !c.notOpened(err) {
			return nil, err
		}
	}
}

// place returns a session with a place on it, or nil when the caller is to open one.
func (c *Client) place(ctx context.Context, large bool) (*session, error) {
	c.mu.Lock()
	var stale []*session
	if len(c.waiting) == 0 {
		s, ok, old := c.take(large)
		if ok {
			c.unlock(old)
			return s, nil
		}
		stale = old
	}
	w := &waiter{large, make(chan *session, 1)}
	c.waiting = append(c.waiting, w)
	c.unlock(stale)
	select {
	case s := <-w.got:
		return s, nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	if i := slices.Index(c.waiting, w); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		c.mu.Unlock()
		return nil, context.Cause(ctx)
	}
	c.mu.Unlock()
	// It got a place just now, which is another's.
	if s := <-w.got; s != nil {
		c.leave(s, large, nil)
	} else {
		c.mu.Lock()
		c.opening--
		c.unlock(nil)
	}
	return nil, context.Cause(ctx)
}

// take returns a place for a message, if there is one: on a session, or, nil, on
// one that is to be opened. The stale sessions that it came across are to be
// ended. c.mu is held.
func (c *Client) take(large bool) (s *session, ok bool, stale []*session) {
	for n := len(c.idle); n > 0; n = len(c.idle) {
		s := c.idle[n-1]
		c.idle = c.idle[:n-1]
		if s.idleTimer.Stop() {
			c.busy.Done()
		}
		// The wall clock decides too: timers stand still while a machine sleeps,
		// servers do not. Round strips the monotonic reading.
		if s.alive() && c.now().Round(0).Sub(s.idleSince) < c.idleTimeout() {
			s.users, s.shut = 1, large
			c.inUse = append(c.inUse, s)
			return s, true, stale
		}
		c.ending++
		stale = append(stale, s)
	}
	if open := len(c.inUse) + c.opening + c.ending; c.mayOpen(open) {
		c.opening++
		return nil, true, stale
	}
	for _, other := range c.inUse {
		if other.shared && !other.shut && other.users < c.Pipeline && !c.lone.Load() && other.alive() && (s == nil || other.users < s.users) {
			s = other
		}
	}
	if s != nil {
		s.users++
		s.shut = large
	}
	return s, s != nil, stale
}

// unlock gives the places that there are to those who wait, unlocks c.mu, and ends
// the stale sessions, whose places are free after that.
func (c *Client) unlock(stale []*session) {
	for {
		for len(c.waiting) > 0 {
			s, ok, old := c.take(c.waiting[0].large)
			stale = append(stale, old...)
			if !ok {
				break
			}
			c.waiting[0].got <- s
			c.waiting = slices.Delete(c.waiting, 0, 1)
		}
		c.mu.Unlock()
		if len(stale) == 0 {
			return
		}
		for _, s := range stale {
			s.quit()
		}
		c.mu.Lock()
		c.ending -= len(stale)
		stale = nil
	}
}

// opened puts a new session to use, with its first message on it.
func (c *Client) opened(s *session, large bool) {
	c.mu.Lock()
	c.opening--
	s.shared = c.Pipeline > 1 && s.ext.pipelining && s.ext.chunking
	s.users, s.shut = 1, large
	c.inUse = append(c.inUse, s)
	c.unlock(nil)
}

// leave ends a message's time on a session, which is kept warm after the last one
// if it is still good. t is the message; nil: none was sent.
func (c *Client) leave(s *session, large bool, t *transaction) {
	c.mu.Lock()
	if t != nil && t.left {
		// Its place is free when its replies are there.
		s.gone++
		c.busy.Add(1)
		go func() {
			defer c.busy.Done()
			t.rest()
			c.mu.Lock()
			s.gone--
			c.mu.Unlock()
			c.leave(s, large, nil)
		}()
		if s.users == s.gone {
			s.abort() // nobody waits for anything of it
		}
		c.mu.Unlock()
		return
	}
	s.users--
	if large {
		s.shut = false
	}
	if s.users > 0 {
		if s.users == s.gone {
			s.abort()
		}
		c.unlock(nil)
		return
	}
	i := slices.Index(c.inUse, s)
	c.inUse = slices.Delete(c.inUse, i, i+1)
	if c.closed || !s.alive() {
		c.ending++
		c.unlock([]*session{s})
		return
	}
	s.warmed()
	s.idleSince = c.now().Round(0)
	c.idle = append(c.idle, s)
	c.busy.Add(1)
	s.idleTimer = time.AfterFunc(c.idleTimeout(), func() {
		defer c.busy.Done()
		c.expire(s)
	})
	c.unlock(nil)
}

// warmed notes that the session is kept for a message to come.
func (s *session) warmed() {
	s.mu.Lock()
	s.warm = true
	s.mu.Unlock()
}

// expire closes a session that was not used for a while.
func (c *Client) expire(s *session) {
	c.mu.Lock()
	i := slices.Index(c.idle, s)
	if i < 0 {
		c.mu.Unlock()
		return
	}
	c.idle = slices.Delete(c.idle, i, i+1)
	c.ending++
	c.unlock([]*session{s})
}

// Close makes further calls of Submit fail, ends the idle sessions, and waits for
// the messages under way; cancel their contexts to hurry them.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	idle := c.idle
	c.idle = nil
	for _, s := range idle {
		if s.idleTimer.Stop() {
			c.busy.Done()
		}
	}
	c.ending += len(idle)
	c.unlock(idle)
	c.busy.Wait()
	return nil
}
