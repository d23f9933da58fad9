package sandbox

import "time"

// A shelf keeps values under unguessable names until they expire, and no more
// than shelfLimit of them, so that a client that never finishes anything
// cannot fill the memory. It is not safe for concurrent use.
type shelf[T any] struct {
	items map[string]shelved[T]
	order []string // oldest first
}

type shelved[T any] struct {
	value   T
	expires time.Time
}

const shelfLimit = 1000

// put stores value until expires and makes room first.
func (s *shelf[T]) put(name string, value T, now, expires time.Time) {
	if s.items == nil {
		s.items = map[string]shelved[T]{}
	}
	for len(s.order) > 0 {
		oldest := s.order[0]
		if len(s.order) < shelfLimit && now.Before(s.items[oldest].expires) {
			break
		}
		delete(s.items, oldest)
		s.order = s.order[1:]
	}
	s.items[name] = shelved[T]{value, expires}
	s.order = append(s.order, name)
}

// get returns the value called name, false if there is none or its time is over.
func (s *shelf[T]) get(name string, now time.Time) (T, bool) {
	item, ok := s.items[name]
	if !ok || !now.Before(item.expires) {
		var none T
		return none, false
	}
	return item.value, true
}

// drop forgets name, so that get no longer finds it. Its place in the order
// stays until it is the oldest.
func (s *shelf[T]) drop(name string) { delete(s.items, name) }
