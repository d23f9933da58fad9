package relay

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	complaintWindow = time.Minute
	// complaintPlaces bounds what is remembered of where complaints come from.
	complaintPlaces = 1000
)

// complaints logs what strangers can cause as often as they like, so that ten
// thousand connections do not write ten thousand lines: the first few of a kind
// at once, and the rest of the minute as one line with their number. Its methods
// may be called concurrently.
type complaints struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds map[string]*complaint
}

// A complaint is one kind in its minute.
type complaint struct {
	message string
	timer   *time.Timer
	first   int // how many are logged at once
	n       int
	last    []any // the attributes of the last one
	places  map[netip.Addr]int
}

func newComplaints(log *slog.Logger) *complaints {
	return &complaints{log: log, kinds: map[string]*complaint{}}
}

// say logs a warning about a peer, or counts it when there were first of its
// message and kind in this minute. There must be few kinds; args are slog's.
func (c *complaints) say(first int, message, kind string, from netip.Addr, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := message + "\x00" + kind
	k := c.kinds[key]
	if k == nil {
		k = &complaint{message: message, first: first, places: map[netip.Addr]int{}}
		c.kinds[key] = k
		k.timer = time.AfterFunc(complaintWindow, func() { c.end(key, k) })
	}
	if k.n++; k.n <= k.first {
		if from.IsValid() {
			args = append(args, "remote", from.String())
		}
		c.log.Warn(message, args...)
		return
	}
	k.last = args
	if k.places[from] > 0 || len(k.places) < complaintPlaces {
		k.places[from]++
	}
}

// end logs how many of a kind were not.
func (c *complaints) end(key string, k *complaint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds[key] == k {
		delete(c.kinds, key)
		k.sum(c.log)
	}
}

func (k *complaint) sum(log *slog.Logger) {
	more := k.n - k.first
	if more <= 0 {
		return
	}
	var most netip.Addr
	for place, n := range k.places {
		if n > k.places[most] || n == k.places[most] && place.Less(most) {
			most = place
		}
	}
	log.Warn(k.message, slices.Concat([]any{"more", more, "addresses", len(k.places), "most_from", most.String()}, k.last)...)
}

// close logs what is still to be counted. The owner says nothing after it.
func (c *complaints) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, k := range c.kinds {
		k.timer.Stop()
		delete(c.kinds, key)
		k.sum(c.log)
	}
}
