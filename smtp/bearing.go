package smtp

import (
	"errors"
	"strings"
	"time"
)

// After a refusal one session more is tried when this time is over, and after each
// further one twice the time, up to the other: what a server bears changes, with
// other programs that use the same mailbox, and a trial costs a message two trips.
const (
	firstTrial = 30 * time.Second
	laterTrial = 10 * time.Minute
)

// A bearing is what is known of how many sessions the server bears. It is guarded
// by the client's mu.
type bearing struct {
	bears int           // so many sessions; 0: no fewer than MaxSessions
	trial time.Time     // when one more is tried
	pause time.Duration // before the next trial
	tried bool          // one more was let in since the last refusal
}

// mayOpen reports whether the server bears a session beside those that are open.
// c.mu is held.
func (c *Client) mayOpen(open int) bool {
	n := c.maxSessions()
	switch {
	case open >= n:
		return false
	case c.bears == 0 || open < c.bears:
		return true
	case c.now().Before(c.trial):
		return false
	}
	c.bears++
	c.tried, c.trial = true, c.now().Add(c.pause)
	if c.bears == n {
		c.bears = 0
	}
	return true
}

// oneTooMany tells a refusal of one session among several: Exchange's 432 (or 421
// in place of the greeting), by which no message was taken. The 432 of a mailbox
// that too many deliver to says so.
func oneTooMany(err error) bool {
	e, _ := errors.AsType[*Error](err)
	switch {
	case e == nil || e.Unknown || e.Op == OpRCPT:
		return false
	case e.Code == 421:
		return e.Op == OpGreeting || e.Op == OpEHLO
	}
	return e.Code == 432 && !strings.Contains(strings.ToLower(e.Text), "recipient")
}

// fewer learns from the refusal of s that the server bears fewer sessions, and
// reports whether there are others that a message can go over.
func (c *Client) fewer(s *session, err error) bool {
	c.mu.Lock()
	first := !s.tooMany
	s.tooMany = true
	s.spend()
	others := c.others()
	learned := first && others > 0
	if learned {
		c.learn(others)
	}
	c.unlock(nil)
	c.tell(learned, others, err)
	return others > 0
}

// notOpened gives the place of a session that could not be opened back, and
// reports whether that was because there are others, so that the message is for
// one of them.
func (c *Client) notOpened(err error) bool {
	c.mu.Lock()
	c.opening--
	others := c.others()
	learned := others > 0 && oneTooMany(err)
	if learned {
		c.learn(others)
	}
	c.unlock(nil)
	c.tell(learned, others, err)
	return learned
}

// others counts the sessions that were not refused. c.mu is held.
func (c *Client) others() int {
	n := c.opening + len(c.idle)
	for _, s := range c.inUse {
		if !s.tooMany && s.alive() {
			n++
		}
	}
	return n
}

func (c *Client) learn(others int) {
	switch {
	case c.pause == 0:
		c.pause = firstTrial
	case c.tried:
		c.pause = min(2*c.pause, laterTrial)
	}
	c.tried = false
	c.bears = others
	c.trial = c.now().Add(c.pause)
}

func (c *Client) tell(learned bool, sessions int, err error) {
	if e, _ := errors.AsType[*Error](err); learned && e != nil && c.Fewer != nil {
		c.Fewer(sessions, e)
	}
}
