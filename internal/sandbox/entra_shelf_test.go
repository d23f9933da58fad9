package sandbox

import (
	"strconv"
	"testing"
	"time"
)

func TestAShelfForgetsWhatExpired(t *testing.T) {
	var s shelf[int]
	now := newClock().now()
	s.put("a", 1, now, now.Add(time.Minute))
	if v, ok := s.get("a", now.Add(time.Minute-1)); !ok || v != 1 {
		t.Errorf("before the end: %d %v", v, ok)
	}
	if _, ok := s.get("a", now.Add(time.Minute)); ok {
		t.Error("it is there after its time")
	}
	s.put("b", 2, now.Add(time.Minute), now.Add(time.Hour))
	if len(s.items) != 1 || len(s.order) != 1 {
		t.Errorf("%d items, %d in order", len(s.items), len(s.order))
	}
}

func TestAFullShelfDropsTheOldest(t *testing.T) {
	var s shelf[int]
	now := newClock().now()
	for i := range shelfLimit + 1 {
		s.put(strconv.Itoa(i), i, now, now.Add(time.Hour))
	}
	if _, ok := s.get("0", now); ok || len(s.items) != shelfLimit {
		t.Errorf("%d items, the oldest among them: %v", len(s.items), ok)
	}
	if _, ok := s.get(strconv.Itoa(shelfLimit), now); !ok {
		t.Error("the newest is gone")
	}
	s.drop("1")
	if _, ok := s.get("1", now); ok {
		t.Error("what was dropped is there")
	}
}
