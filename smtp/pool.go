package smtp

import "time"

const defaultIdleTimeout = 2 * time.Minute

func (c *Client) idleTimeout() time.Duration {
	if c.IdleTimeout > 0 {
		return c.IdleTimeout
	}
	return defaultIdleTimeout
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

// takeIdle returns the warm session used last that is still good, or nil. The
// caller holds a slot, and sessions in use and idle ones together are never more
// than there are slots, since a new one is opened only when none is idle.
func (c *Client) takeIdle() *session {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return nil
		}
		s := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if s.idleTimer.Stop() {
			c.busy.Done()
		}
		// The wall clock decides too: timers stand still while a machine sleeps,
		// servers do not. Round strips the monotonic reading.
		if s.alive() && c.now().Round(0).Sub(s.idleSince) < c.idleTimeout() {
			return s
		}
		s.quit()
	}
}

// putIdle takes a session back after a message, warm if it is still good.
func (c *Client) putIdle(s *session) {
	c.mu.Lock()
	keep := s.alive() && !c.closed
	if keep {
		s.idleSince = c.now().Round(0)
		c.idle = append(c.idle, s)
		c.busy.Add(1)
		s.idleTimer = time.AfterFunc(c.idleTimeout(), func() {
			defer c.busy.Done()
			c.expire(s)
		})
	}
	c.mu.Unlock()
	if !keep {
		s.quit()
	}
}

// expire closes a session that was not used for a while.
func (c *Client) expire(s *session) {
	c.mu.Lock()
	found := false
	for i, other := range c.idle {
		if other == s {
			c.idle = append(c.idle[:i], c.idle[i+1:]...)
			found = true
			break
		}
	}
	c.mu.Unlock()
	if found {
		s.quit()
	}
}

// Close makes further calls of Submit fail, ends the idle sessions, and waits for
// the messages under way; cancel their contexts to hurry them.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, s := range idle {
		if s.idleTimer.Stop() {
			c.busy.Done()
		}
		s.quit()
	}
	c.busy.Wait()
	return nil
}
