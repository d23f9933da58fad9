package relay

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Seen is what one client did since the relay started. A client is named as in
// [Message.Client].
type Seen struct {
	Name     string
	LastSeen time.Time // of the last message or sign-in, taken or refused
	Messages int64     // taken
	Refused  int64     // messages and sign-ins
}

// Clients returns all that handed over a message or tried to, sorted by name. A
// wrong password counts as one refused for the client whose name was used.
func (s *Server) Clients() []Seen { return s.in.seen.all() }

// seen counts what clients do. Its names come from the configuration and from
// callers of Submit, so that strangers cannot make it grow.
type seen struct {
	mu      sync.Mutex
	clients map[string]*Seen
}

func newSeen() *seen { return &seen{clients: map[string]*Seen{}} }

func (s *seen) came(name string, now time.Time)    { s.note(name, now, 0, 0) }
func (s *seen) took(name string, now time.Time)    { s.note(name, now, 1, 0) }
func (s *seen) refused(name string, now time.Time) { s.note(name, now, 0, 1) }

func (s *seen) note(name string, now time.Time, messages, refused int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[name]
	if c == nil {
		c = &Seen{Name: name}
		s.clients[name] = c
	}
	c.LastSeen = now
	c.Messages += messages
	c.Refused += refused
}

func (s *seen) all() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Seen, 0, len(s.clients))
	for _, c := range s.clients {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Seen) int { return strings.Compare(a.Name, b.Name) })
	return list
}
