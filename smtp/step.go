package smtp

import (
	"bytes"
	"errors"
	"strings"
	"time"
)

// surplusTimeout is how long a reply is waited for that may be the verdict on a
// message, when what came in its place seems to be the one to a recipient.
const surplusTimeout = 30 * time.Second

// A server, or something on the way, that answers a command twice puts each later
// reply in the place of the one after it: "250 Recipient OK" then stands where the
// verdict on the message belongs, and the verdict comes as a reply to nothing. To
// believe the former is to lose a message that was refused.
//
// confirmed returns nil for a message whose acceptance nothing speaks against.
func (t *transaction) confirmed() error {
	s := t.s
	// RFC 3463 §3.2: codes of this subject are about addresses, not messages.
	misplaced := strings.HasPrefix(t.final.Enhanced, "2.1.")
	extra := s.extra()
	if extra == nil && misplaced {
		if s.shared {
			// What comes next may be for the message behind. Tried again this one
			// is alone, where that can be told.
			t.misplaced = true
			s.spend()
			return &Error{Op: OpBDAT, Server: s.server, Unknown: true, Err: errors.New("what it says to the message reads like the reply to a recipient: " + t.final.String())}
		}
		extra = s.awaitExtra(surplusTimeout)
	}
	switch {
	case extra == nil || extra.Code == 421: // its farewell
		return nil
	case extra.ok():
		if misplaced {
			t.final = *extra
		}
		return nil
	}
	e := s.refused(OpBDAT, *extra)
	if !misplaced {
		e.Unknown, e.Err = true, errors.New("and yet it accepted the message before that")
	}
	return e
}

// extra is a reply that came though none was awaited, nil if none did.
func (s *session) extra() *Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.surplus
}

// awaitExtra is extra, for which it waits until the session ends.
func (s *session) awaitExtra(timeout time.Duration) *Reply {
	s.timer.Reset(timeout)
	defer s.timer.Stop()
	for s.connected() {
		select {
		case <-s.arrived:
		case <-s.timer.C:
			return nil
		}
	}
	return s.extra()
}

// lineAtHand reports whether another line came together with what was read.
func (s *session) lineAtHand() bool {
	b, _ := s.in.Peek(s.in.Buffered())
	return bytes.IndexByte(b, '\n') >= 0
}
