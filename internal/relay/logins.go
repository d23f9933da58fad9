package relay

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	firstDelay   = time.Second      // after a first wrong password
	longestDelay = 30 * time.Second // of one attempt
	forgetAfter  = 15 * time.Minute // without a wrong password
	maxSuspects  = 10000            // remembered at a time
	hashesAtOnce = 2                // each takes 7 MiB and a processor
)

// logins checks passwords. Wrong ones make the next attempts for the same name
// from the same address wait, each twice as long as the one before, and all of
// them in one line: many connections do not help. Other names and other
// addresses do not wait, so that one tool with an old password does not hold
// up those beside it.
type logins struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	busy  chan struct{} // holds one for each hash in the making

	key      [32]byte // of verified
	dummy    string   // the hash that an unknown name is checked against
	mu       sync.Mutex
	suspects map[suspect]*record
	// verified holds a keyed digest of the right password for a hash, so that a
	// tool that signs in for every message does not cost 10 ms each time.
	verified map[string][32]byte
}

// A suspect is an address, or an IPv6 network of 64 bits, and a name.
type suspect struct {
	network netip.Prefix
	name    string
}

type record struct {
	failures int
	last     time.Time
	next     time.Time // when the next attempt may be checked
}

func newLogins(now func() time.Time, sleep func(context.Context, time.Duration) error) *logins {
	l := &logins{
		now: now, sleep: sleep,
		busy:     make(chan struct{}, hashesAtOnce),
		dummy:    HashPassword(rand.Text()),
		suspects: map[suspect]*record{}, verified: map[string][32]byte{},
	}
	rand.Read(l.key[:]) // never fails, see crypto/rand
	return l
}

// check reports whether the password is the client's; client is nil for an
// unknown name. It blocks while the caller has to wait its turn.
func (l *logins) check(ctx context.Context, from netip.Addr, name string, client *Client, password string) (bool, error) {
	s := suspectOf(from, name)
	if err := l.sleep(ctx, l.turn(s)); err != nil {
		return false, err
	}
	hash := l.dummy
	if client != nil && client.PasswordHash != "" {
		hash = client.PasswordHash
	}
	ok, err := l.matches(ctx, hash, password)
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
	return suspect{network, strings.ToLower(name)}
}

// turn returns how long an attempt has to wait, and takes its place in the line.
func (l *logins) turn(s suspect) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.suspects[s]
	if r == nil {
		return 0
	}
	now := l.now()
	wait := max(0, r.next.Sub(now))
	r.next = now.Add(wait + delay(r.failures))
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
		l.forget(now)
		r = &record{}
		l.suspects[s] = r
	}
	r.failures++
	r.last = now
	if next := now.Add(delay(r.failures)); next.After(r.next) {
		r.next = next
	}
}

// forget makes room. When all records are fresh, any one has to go.
func (l *logins) forget(now time.Time) {
	if len(l.suspects) < maxSuspects {
		return
	}
	for s, r := range l.suspects {
		if now.Sub(r.last) > forgetAfter {
			delete(l.suspects, s)
		}
	}
	for s := range l.suspects {
		if len(l.suspects) < maxSuspects {
			return
		}
		delete(l.suspects, s)
	}
}

func (l *logins) matches(ctx context.Context, hash, password string) (bool, error) {
	mac := hmac.New(sha256.New, l.key[:])
	mac.Write([]byte(password))
	digest := [32]byte(mac.Sum(nil))
	l.mu.Lock()
	known, seen := l.verified[hash]
	l.mu.Unlock()
	if seen && hmac.Equal(known[:], digest[:]) {
		return true, nil
	}
	select {
	case l.busy <- struct{}{}:
		defer func() { <-l.busy }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	ok, err := VerifyPassword(hash, password)
	if ok {
		l.mu.Lock()
		l.verified[hash] = digest
		l.mu.Unlock()
	}
	return ok, err
}

// clear forgets verified passwords; the configuration has new hashes.
func (l *logins) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.verified)
}
