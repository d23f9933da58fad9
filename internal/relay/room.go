package relay

import (
	"context"
	"net/netip"
	"time"
)

// How long a connection has to have been of no use before it may have to make
// room: for a client with fewer connections than its own, and for any. One of
// many has to at once for a client with a fraction of them.
const (
	shareAfter = time.Second
	staleAfter = 10 * time.Second
	fraction   = 4
)

type connection struct {
	remote netip.Addr
	wire   *wire // nil during a TLS handshake
	leave  context.CancelFunc
	left   bool // it was told to make room, and is counted no more
}

// admit counts a connection in, or says why not. leave ends what the connection
// waits for when it has to make room.
//
// A full relay is not closed: many connections that do nothing must not keep
// out a tool with a message. Who has the most connections gives one to who has
// fewer, and one that was of no use for long goes for any. What it was sending
// is not taken then, and it is told to come again; a message that is being
// stored is finished and answered first.
func (s *Server) admit(st *state, l *Listener, m *meter, addr netip.Addr, leave context.CancelFunc) *Refusal {
	if l.TLS == NoTLS && !addr.IsLoopback() && st.clientAt(l, addr) == nil {
		return refuse(554, [3]int{5, 7, 1}, "this address may not send here")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	open, shares := 0, map[netip.Addr]int{}
	for _, c := range s.conns {
		if !c.left {
			open++
			shares[c.remote]++
		}
	}
	switch {
	case s.quit.Err() != nil:
		return refuse(421, [3]int{4, 3, 2}, "the relay is closing; try again later")
	case len(s.conns) >= st.MaxConnections+max(1, st.MaxConnections/4): // those told to leave take their time
		return refuse(421, [3]int{4, 7, 0}, "too many connections; try again later")
	case shares[addr] >= st.MaxPerAddress:
		own := func(c *connection, idle time.Duration) bool { return c.remote == addr && idle >= staleAfter }
		if !s.makeRoom(l, shares, own) {
			return refuse(421, [3]int{4, 7, 0}, "too many connections from your address; try again later")
		}
	case open >= st.MaxConnections:
		fair := func(c *connection, idle time.Duration) bool {
			theirs, ours := shares[c.remote], shares[addr]+1
			return idle >= staleAfter || theirs > ours && idle >= shareAfter || theirs > fraction*ours
		}
		if !s.makeRoom(l, shares, fair) {
			return refuse(421, [3]int{4, 7, 0}, "too many connections; try again later")
		}
	}
	s.conns[m] = &connection{remote: addr, leave: leave}
	return nil
}

// makeRoom tells one connection of those that may go to leave: of the address
// with the most, the one that has been of no use for longest. s.mu is held.
func (s *Server) makeRoom(l *Listener, shares map[netip.Addr]int, may func(c *connection, idle time.Duration) bool) bool {
	var goes *connection
	var meter *meter
	var longest time.Duration
	for m, c := range s.conns {
		idle := m.idle()
		if c.left || !may(c, idle) {
			continue
		}
		if goes == nil || shares[c.remote] > shares[goes.remote] || shares[c.remote] == shares[goes.remote] && idle > longest {
			goes, meter, longest = c, m, idle
		}
	}
	if goes == nil {
		return false
	}
	goes.left = true
	goes.leave()
	meter.wake()
	s.complaints.say(1, "connection ended to make room for another", l.Name, goes.remote,
		"listener", l.Name, "connections", shares[goes.remote], "idle", longest.Round(time.Second).String())
	return true
}
