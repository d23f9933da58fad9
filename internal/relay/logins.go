package relay

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	firstDelay   = time.Second      // after a first wrong password
	longestDelay = 30 * time.Second // of one attempt
	forgetAfter  = 15 * time.Minute // without a wrong password
	maxSuspects  = 10000            // remembered at a time
	maxNames     = 10               // with a wrong password, of one address, before all its unknown passwords wait
	maxName      = 64               // octets of a name that are remembered and logged
)

// hashesAtOnce leaves the other half of the processors to those who are signed
// in: each hash takes one, and 7 MiB.
func hashesAtOnce() int { return max(1, min(2, runtime.GOMAXPROCS(0)/2)) }

// logins checks passwords. Wrong ones make the next attempts for the same name
// from the same address wait, each twice as long as the one before, and all of
// them in one line: many connections do not help. Other names and other
// addresses do not wait, so that one tool with an old password does not hold
// up those beside it. An address that tries one name after the other waits too,
// except with a password that was right before.
type logins struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	busy  chan struct{} // holds one for each hash in the making

	key      [32]byte // of verified
	dummy    string   // the hash that an unknown name is checked against
	mu       sync.Mutex
	suspects map[suspect]*record
	looked   time.Time // for records that are old
	lines    map[netip.Prefix]*line
	// verified holds a keyed digest of the right password for a hash, so that a
	// tool that signs in for every message does not cost 10 ms each time.
	verified map[string][32]byte
}

// A suspect is an address, or an IPv6 network of 64 bits, and a name or all of
// them.
type suspect struct {
	network netip.Prefix
	name    string
	all     bool
}

// A line lets one password of an address be hashed at a time, so that many at
// once from there keep nobody else waiting.
type line struct {
	turn    chan struct{} // holds one for the hash in the making
	waiting int
}

type record struct {
	failures int // for all names: how many have one
	last     time.Time
	next     time.Time // when the next attempt may be checked
}

func newLogins(now func() time.Time, sleep func(context.Context, time.Duration) error) *logins {
	l := &logins{
		now: now, sleep: sleep,
		busy:     make(chan struct{}, hashesAtOnce()),
		dummy:    HashPassword(rand.Text()),
		suspects: map[suspect]*record{}, lines: map[netip.Prefix]*line{}, verified: map[string][32]byte{},
	}
	rand.Read(l.key[:]) // never fails, see crypto/rand
	return l
}

// check reports whether the password is the client's; client is nil for an
// unknown name. It blocks while the caller has to wait its turn.
func (l *logins) check(ctx context.Context, from netip.Addr, name string, client *Client, password string) (bool, error) {
	s := suspectOf(from, name)
	hash := l.dummy
	if client != nil && client.PasswordHash != "" {
		hash = client.PasswordHash
	}
	wait := l.turn(s)
	if !l.isKnown(hash, password) {
		wait = max(wait, l.turn(suspect{network: s.network, all: true}))
	}
	if err := l.sleep(ctx, wait); err != nil {
		return false, err
	}
	ok, err := l.matches(ctx, s.network, hash, password)
	if err != nil {
		return false, err
	}
	l.note(s, ok)
	return ok, nil
}

func suspectOf(from netip.Addr, name string) suspect {
	from = from.Unmap()
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	network, _ := from.Prefix(bits) // the zero address has the zero network
	return suspect{network: network, name: strings.ToLower(clip(name))}
}

// clip returns what is remembered of a name, without holding on to the rest.
func clip(name string) string { return strings.Clone(name[:min(len(name), maxName)]) }

// turn returns how long an attempt has to wait, and takes its place in the line.
func (l *logins) turn(s suspect) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.suspects[s]
	if r == nil || s.all && r.failures < maxNames {
		return 0
	}
	failures := r.failures
	if s.all {
		failures -= maxNames - 1
	}
	now := l.now()
	wait := max(0, r.next.Sub(now))
	r.next = now.Add(wait + delay(failures))
	return wait
}

func delay(failures int) time.Duration {
	return min(longestDelay, firstDelay<<min(failures-1, 8))
}

func (l *logins) note(s suspect, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		delete(l.suspects, s)
		return
	}
	now := l.now()
	r := l.suspects[s]
	if r == nil {
		r = l.suspect(s, now)
		all := suspect{network: s.network, all: true}
		network := l.suspects[all]
		if network == nil {
			network = l.suspect(all, now)
		}
		network.failures++
		network.last = now
	}
	r.failures++
	r.last = now
	if next := now.Add(delay(r.failures)); next.After(r.next) {
		r.next = next
	}
}

// suspect remembers another one. l.mu is held.
func (l *logins) suspect(s suspect, now time.Time) *record {
	l.forget(now)
	r := &record{}
	l.suspects[s] = r
	return r
}

// forget makes room. When all records are fresh, any have to go. Looking for the
// old ones takes long, so that it is not done for each that comes.
func (l *logins) forget(now time.Time) {
	if len(l.suspects) < maxSuspects {
		return
	}
	if now.Sub(l.looked) > time.Minute {
		l.looked = now
		for s, r := range l.suspects {
			if now.Sub(r.last) > forgetAfter {
				delete(l.suspects, s)
			}
		}
	}
	for s := range l.suspects {
		if len(l.suspects) < maxSuspects-maxSuspects/100 {
			return
		}
		delete(l.suspects, s)
	}
}

func (l *logins) digest(password string) [32]byte {
	mac := hmac.New(sha256.New, l.key[:])
	mac.Write([]byte(password))
	return [32]byte(mac.Sum(nil))
}

// isKnown reports whether the password was right for the hash before.
func (l *logins) isKnown(hash, password string) bool {
	digest := l.digest(password)
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.verified[hash]
	return ok && hmac.Equal(known[:], digest[:])
}

func (l *logins) matches(ctx context.Context, network netip.Prefix, hash, password string) (bool, error) {
	if l.isKnown(hash, password) {
		return true, nil
	}
	done, err := l.queue(ctx, network)
	if err != nil {
		return false, err
	}
	defer done()
	ok, err := VerifyPassword(hash, password)
	if ok {
		l.mu.Lock()
		l.verified[hash] = l.digest(password)
		l.mu.Unlock()
	}
	return ok, err
}

// queue waits until a password from a network may be hashed. The caller calls
// done after it.
func (l *logins) queue(ctx context.Context, network netip.Prefix) (done func(), err error) {
	own := l.join(network)
	select {
	case own.turn <- struct{}{}:
	case <-ctx.Done():
		l.part(network, own)
		return nil, ctx.Err()
	}
	select {
	case l.busy <- struct{}{}:
	case <-ctx.Done():
		<-own.turn
		l.part(network, own)
		return nil, ctx.Err()
	}
	return func() {
		<-l.busy
		<-own.turn
		l.part(network, own)
	}, nil
}

func (l *logins) join(network netip.Prefix) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.lines[network]
	if own == nil {
		own = &line{turn: make(chan struct{}, 1)}
		l.lines[network] = own
	}
	own.waiting++
	return own
}

func (l *logins) part(network netip.Prefix, own *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own.waiting--; own.waiting == 0 {
		delete(l.lines, network)
	}
}

// clear forgets verified passwords; the configuration has new hashes.
func (l *logins) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.verified)
}
