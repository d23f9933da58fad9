//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A scale is how much of everything there is.
type scale struct {
	one, many      int // messages of one client, and of sixteen
	far, warm      int // messages at a distance, and to count waits
	large, largest int // octets
	slow, fast     int // messages that come at 1 and at 100 a second
	seeds          int // messages that a long queue is copied from
	second         time.Duration
	idle, settle   time.Duration
	patience       time.Duration // for the last message
}

var (
	full  = scale{1000, 2000, 200, 20, 25_000_000, 150_000_000, 20, 1000, 500, time.Second, 3 * time.Second, time.Second, time.Minute}
	small = scale{30, 48, 24, 4, 1_000_000, 3_000_000, 3, 20, 50, 50 * time.Millisecond, 100 * time.Millisecond, 50 * time.Millisecond, 20 * time.Second}
)

// distance is that of a server of Microsoft's, there and back.
const distance = 50 * time.Millisecond

// patienceThrottled is how long all messages may take where sessions are refused.
const patienceThrottled = 40 * time.Second

// A trial measures some figures of a relay in one round.
type trial struct {
	name   string
	relays string // which ones, as words
	once   bool   // one round is enough
	brief  bool   // one round is enough of Postfix, which takes all the patience there is
	long   bool   // left out with -queued 0
	run    func(*bench, relay) error
}

const (
	everybody = "traymail pipelined reuse installed"
	three     = "traymail reuse installed"
	ours      = "traymail"
)

// shapes are the loads of 10 KB messages.
var shapes = []struct {
	name  string
	multi bool // sixteen clients
	args  []string
}{
	{"1 client, many messages a connection", false, []string{"-c", "1"}},
	{"1 client, a connection a message", false, []string{"-c", "1", "-per", "1"}},
	{"16 clients, many messages a connection", true, []string{"-c", "16"}},
	{"16 clients, a connection a message", true, []string{"-c", "16", "-per", "1"}},
}

var trials = makeTrials()

func makeTrials() []trial {
	all := []trial{{name: "start", relays: three, run: (*bench).tryStart}}
	for _, s := range shapes {
		all = append(all, trial{name: s.name, relays: three, run: func(b *bench, r relay) error {
			n := b.scale.one
			if s.multi {
				n = b.scale.many
			}
			return b.with(r, variant{}, 0, 0, func(v *server) error { return b.tryLoad(r, v, s.name, n, s.args) })
		}})
	}
	return append(all,
		trial{name: "far", relays: everybody, run: func(b *bench, r relay) error {
			return b.with(r, variant{sessions: 3}, distance, 0, func(s *server) error { return b.tryFar(r, s) })
		}},
		trial{name: "waits", relays: everybody, run: func(b *bench, r relay) error {
			return b.with(r, variant{sessions: 1}, distance, 0, func(s *server) error { return b.tryWaits(r, s) })
		}},
		trial{name: "first clients", relays: ours, run: func(b *bench, r relay) error {
			return b.with(r, variant{}, 0, 0, func(s *server) error { return b.tryFirst(r, s) })
		}},
		trial{name: "throttled", relays: three, brief: true, run: func(b *bench, r relay) error {
			return b.with(r, variant{}, 0, 3, func(s *server) error { return b.tryThrottled(r, s, "throttled") })
		}},
		trial{name: "throttled, more sessions set", relays: ours, run: func(b *bench, r relay) error {
			return b.with(r, variant{sessions: 10}, 0, 3, func(s *server) error { return b.tryThrottled(r, s, "throttled, more") })
		}},
		trial{name: "1 a second", relays: three, run: func(b *bench, r relay) error {
			return b.with(r, variant{}, 0, 0, func(s *server) error { return b.tryTrickle(r, s, "slow", b.scale.slow, b.scale.second) })
		}},
		trial{name: "100 a second", relays: three, run: func(b *bench, r relay) error {
			return b.with(r, variant{}, 0, 0, func(s *server) error { return b.tryTrickle(r, s, "fast", b.scale.fast, 10*time.Millisecond) })
		}},
		trial{name: "25 MB", relays: three, run: func(b *bench, r relay) error {
			return b.with(r, variant{}, 0, 0, func(s *server) error { return b.tryLarge(r, s, "large", b.scale.large) })
		}},
		trial{name: "150 MB", relays: three, run: func(b *bench, r relay) error {
			return b.with(r, variant{}, 0, 0, func(s *server) error { return b.tryLarge(r, s, "largest", b.scale.largest) })
		}},
		trial{name: "allocations", relays: ours, once: true, run: (*bench).tryAllocations},
		trial{name: "long queue", relays: ours, once: true, long: true, run: (*bench).tryQueued},
		trial{name: "sizes", relays: ours, once: true, run: (*bench).trySizes},
	)
}

// with starts a relay, places the server, measures, and stops the relay.
func (b *bench) with(r relay, v variant, away time.Duration, sessions int, measure func(*server) error) error {
	return b.during(func() (*server, error) { return r.start(v) }, away, sessions, measure)
}

func (b *bench) during(start func() (*server, error), away time.Duration, sessions int, measure func(*server) error) (err error) {
	s, err := start()
	if err != nil {
		return err
	}
	defer func() {
		if e := s.stop(); err == nil {
			err = e
		}
	}()
	b.pause(b.scale.settle) // what a start leaves to do is no part of the load
	if err := b.sink.place(away, sessions); err != nil {
		return err
	}
	return measure(s)
}

func (b *bench) tryStart(r relay) error {
	return b.with(r, variant{}, 0, 0, func(s *server) error {
		b.note("start", r, s.took.Seconds()*1000)
		b.pause(b.scale.idle)
		b.note("idle", r, s.memory())
		return nil
	})
}

func (b *bench) tryLoad(r relay, s *server, shape string, n int, args []string) error {
	label := shape + ", " + r.name()
	o, err := b.load(s, label, n, b.scale.patience, args...)
	if err != nil {
		return err
	}
	b.complete(o, label, n)
	b.note("accepted, "+shape, r, o.accepted)
	b.note("delivered, "+shape, r, float64(o.arrived)/o.seconds)
	b.note("work, "+shape, r, o.worked.Seconds()*1000)
	b.note("memory, "+shape, r, o.peak)
	return nil
}

func (b *bench) tryFar(r relay, s *server) error {
	label := "at a distance, " + r.name()
	o, err := b.load(s, label, b.scale.far, 2*b.scale.patience, "-c", "1")
	if err != nil {
		return err
	}
	b.complete(o, label, b.scale.far)
	b.note("far", r, o.seconds)
	b.note("memory, far", r, o.peak)
	return nil
}

// tryWaits counts how often the relay waits for the server: for the first message
// on its only session, and for each of those after it.
func (b *bench) tryWaits(r relay, s *server) error {
	label := "waits, " + r.name()
	first, err := b.load(s, label, 1, b.scale.patience)
	if err != nil {
		return err
	}
	b.note("waits, cold", r, float64(first.counts.TurnsSetup+first.counts.TurnsMessage))
	b.note("time, cold", r, first.counts.P50)
	rest, err := b.load(s, label, b.scale.warm, b.scale.patience, "-c", "1")
	if err != nil {
		return err
	}
	b.complete(rest, label, 1+b.scale.warm)
	now, then := rest.counts, first.counts
	b.note("waits, warm", r, float64(now.TurnsSetup+now.TurnsMessage-then.TurnsSetup-then.TurnsMessage)/float64(b.scale.warm))
	return nil
}

func (b *bench) tryFirst(r relay, s *server) error {
	o, err := b.load(s, "20 first clients", 20, b.scale.patience, "-c", "20", "-per", "1")
	if err != nil {
		return err
	}
	b.complete(o, "20 first clients", 20)
	b.note("tokens", r, float64(o.counts.tokens()))
	return nil
}

// tryThrottled notes an endless time when not all messages arrive in time.
func (b *bench) tryThrottled(r relay, s *server, figure string) error {
	label := figure + ", " + r.name()
	o, err := b.load(s, label, b.scale.far, patienceThrottled, "-c", "16")
	if err != nil {
		return err
	}
	if o.arrived < b.scale.far {
		b.remark("%s: %d of %d messages reached the server within %v", label, o.arrived, b.scale.far, patienceThrottled)
		o.seconds = math.Inf(1)
	}
	b.note(figure, r, o.seconds)
	b.note(figure+", refused", r, float64(o.counts.Throttled))
	return nil
}

func (b *bench) tryTrickle(r relay, s *server, figure string, n int, interval time.Duration) error {
	label := fmt.Sprintf("a message each %v, %s", interval, r.name())
	highest := s.process.peak()
	if err := trickle(b.ctx, s.addr, n, interval); err != nil {
		b.remark("%s: %v", label, err)
	}
	err := b.await(s, n, b.scale.patience)
	b.note("memory, "+figure, r, highest())
	if err != nil {
		return err
	}
	c, err := b.sink.counts()
	if err != nil {
		return err
	}
	b.complete(outcome{arrived: int(c.Distinct)}, label, n)
	b.note(figure+", p50", r, c.P50)
	b.note(figure+", p99", r, c.P99)
	return nil
}

func (b *bench) tryLarge(r relay, s *server, figure string, size int) error {
	label := fmt.Sprintf("%d MB, %s", size/1_000_000, r.name())
	o, err := b.load(s, label, 1, b.scale.patience, "-size", fmt.Sprint(size))
	if err != nil {
		return err
	}
	b.complete(o, label, 1)
	b.note(figure, r, o.seconds)
	b.note("memory, "+figure, r, o.peak)
	return nil
}

func (t trial) skip(b *bench) bool { return t.long && b.queued == 0 }

func (t trial) takes(r relay) bool { return slices.Contains(strings.Fields(t.relays), r.name()) }
