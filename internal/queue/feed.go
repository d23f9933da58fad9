package queue

import "sync"

// An Event tells that something changed. ID is empty when it is the account.
type Event struct {
	ID      string `json:"id,omitempty"`
	Account string `json:"account"`
	State   State  `json:"state,omitempty"`
}

// Subscribe tells of changes made by this program. A reader that falls 256
// events behind misses the oldest, so an event is a reason to look and not the
// news itself. The channel is closed by cancel and by Shutdown.
func (q *Queue) Subscribe() (events <-chan Event, cancel func()) {
	c := make(chan Event, 256)
	f := &q.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(c)
		return c, func() {}
	}
	if f.readers == nil {
		f.readers = map[chan Event]bool{}
	}
	f.readers[c] = true
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.readers[c] {
			delete(f.readers, c)
			close(c)
		}
	}
}

type feed struct {
	mu      sync.Mutex
	readers map[chan Event]bool
	closed  bool
}

func (f *feed) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.readers {
		for sent := false; !sent; {
			select {
			case c <- e:
				sent = true
			default:
				select {
				case <-c: // the oldest gives way
				default:
				}
			}
		}
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.readers {
		close(c)
	}
	f.readers = nil
}
