package relay

import (
	"slices"
	"sync"
	"time"
)

// paces counts the messages of clients that have a limit: no 60 seconds have
// more of them than that, wherever they begin.
type paces struct {
	mu      sync.Mutex
	clients map[string][]*slot
}

// A slot is a message that was taken in the last minute, or is on its way in.
type slot struct{ taken time.Time } // zero while the message comes in

func newPaces() *paces { return &paces{clients: map[string][]*slot{}} }

// reserve gives a client room for one message, and reports false if there is
// none now. The caller ends the reservation with done once: only a message
// that was taken counts from then on.
func (p *paces) reserve(c *Client, now time.Time) (done func(taken bool, now time.Time), ok bool) {
	if c.PerMinute == 0 {
		return func(bool, time.Time) {}, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.clients[c.Name]) >= c.PerMinute {
		p.clients[c.Name] = slices.DeleteFunc(p.clients[c.Name], func(s *slot) bool {
			return !s.taken.IsZero() && now.Sub(s.taken) >= time.Minute
		})
	}
	if len(p.clients[c.Name]) >= c.PerMinute {
		return nil, false
	}
	s := &slot{}
	p.clients[c.Name] = append(p.clients[c.Name], s)
	return func(taken bool, now time.Time) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if taken {
			s.taken = now
			return
		}
		p.clients[c.Name] = slices.DeleteFunc(p.clients[c.Name], func(other *slot) bool { return other == s })
	}, true
}
