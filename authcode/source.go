package authcode

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	refreshAhead   = 10 * time.Minute // before expiry, or half of a shorter lifetime
	refreshTimeout = 2 * time.Minute  // for one refresh with its retries
	saveTimeout    = 30 * time.Second
	pauseAfter     = 30 * time.Second // between tries, while a cached token lasts or a save is due
	usableUntil    = 30 * time.Second // before expiry: a token must survive its use
)

// Source hands out access tokens for one account. They are kept in memory and
// refreshed ten minutes before they expire. However many callers wait, at most
// one request is under way. Client must be set, and either Load and Save or
// Application; a Source must not be copied, is safe for concurrent use, and is
// ended with Close.
//
// A provider may give a new refresh token with each refresh. It is saved before
// the old one is let go. When Save fails, the access token is good all the same
// and is handed out: mail flows on. The new refresh token stays in memory, is
// what the next refresh uses, and is saved again at each refresh and each call
// of Token, at most twice a minute, until it works; Unsaved hears of each
// failure. If the process ends before that, the old one in the store decides:
// Entra honours it, a provider that lets each be used once wants a new sign-in.
type Source struct {
	Client *Client
	// Load reads the stored refresh token before each refresh, so that one
	// which another process has stored counts at once. "" means not signed in.
	Load func(context.Context) (Secret, error)
	// Save stores a new refresh token. Its context ends after 30 s, and not
	// because a caller or the Source gave up: the token may be the only one left.
	Save func(context.Context, Secret) error
	// Unsaved, if set, is told each time that Save fails, and told nil when a
	// later Save has worked. It must not call the Source.
	Unsaved func(error)
	// Application is for tokens of the client itself, by the client credentials
	// grant (RFC 6749 §4.4): there is no sign-in and no refresh token, Load, Save
	// and Unsaved are not used, and Adopt must not be called. Of the Client's
	// fields only those count that a token request needs. A token that is still
	// valid makes up for any failure here, since nothing has ended it.
	Application bool

	once  sync.Once
	state *sourceState // nil until once
}

type sourceState struct {
	// ctx lives as long as the Source: a refresh serves all callers, so none of
	// their contexts may end it.
	ctx     context.Context
	cancel  context.CancelFunc
	flights sync.WaitGroup
	turn    chan struct{} // held by whoever uses or replaces the refresh token

	mu      sync.Mutex
	closed  bool
	running map[string]*flight // by resource
	cache   map[string]cached  // by resource

	// The following belong to the holder of turn; unsaved and saveAt are
	// written under mu as well.
	unsaved Secret             // newer than what is stored
	saveAt  time.Time          // not before
	refused map[string]refusal // by resource
}

// refusal is the refresh token for which the provider wants a new sign-in. It
// holds for one resource: without consent for Graph, mail flows all the same.
type refusal struct {
	token Secret
	err   error
}

type cached struct {
	token Token
	due   time.Time // when to refresh
	// After a failure: until when not to ask again, and what failed.
	hold time.Time
	err  error
}

// settled reports whether nothing needs to be asked: there is a token, or an
// error that still holds.
func (c cached) settled(now time.Time) bool {
	return now.Before(c.hold) || c.usable(now) && now.Before(c.due)
}

// result is what a settled entry has for the caller.
func (c cached) result(now time.Time) (Token, error) {
	if c.usable(now) {
		return c.token, nil
	}
	return Token{}, c.err
}

// usable reports whether the token can still be handed out.
func (c cached) usable(now time.Time) bool {
	return c.token.Access != "" && now.Before(c.token.Expiry.Add(-usableUntil))
}

// flight is one refresh that callers wait for.
type flight struct {
	done  chan struct{}
	token Token
	err   error
}

// Format writes for whom it is, for every verb; see Secret.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "tokens of %v", s.Client) }

func (s *Source) started() *sourceState {
	s.once.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		s.state = &sourceState{ctx: ctx, cancel: cancel, turn: make(chan struct{}, 1),
			running: map[string]*flight{}, cache: map[string]cached{}, refused: map[string]refusal{}}
	})
	return s.state
}

// Token returns an access token for the resource of that name. It blocks only
// for a refresh, and then no longer than ctx; the refresh goes on for the others.
//
// An *Error tells whether to try later (Temporary) or to sign in (SignInAgain).
// After the latter no request is made until another refresh token is there.
// While a refresh fails only temporarily, a cached token that is still valid is
// returned instead of the error.
func (s *Source) Token(ctx context.Context, resource string) (Token, error) {
	r, ok := s.Client.resource(resource)
	if !ok {
		return Token{}, fmt.Errorf("resource %q is not among those of the account", resource)
	}
	st := s.started()
	st.mu.Lock()
	if st.closed {
		st.mu.Unlock()
		return Token{}, errors.New("the token source is closed")
	}
	now := s.Client.now()
	c := st.cache[resource]
	if saveDue := st.unsaved != "" && !now.Before(st.saveAt); c.settled(now) && !saveDue {
		st.mu.Unlock()
		return c.result(now)
	}
	f := st.running[resource]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		st.running[resource] = f
		st.flights.Go(func() { s.fly(r, f) })
	}
	st.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, context.Cause(ctx)
	}
}

// Refused forgets t, because the server it was for did not accept it: the next
// Token refreshes. It does nothing when a newer token has taken t's place, so
// any number of connections may report the same one.
func (s *Source) Refused(resource string, t Token) {
	st := s.started()
	st.mu.Lock()
	defer st.mu.Unlock()
	if c := st.cache[resource]; c.token.Access == t.Access {
		c.token = Token{}
		st.cache[resource] = c
	}
}

// Adopt stores the refresh token of a new sign-in and hands out its tokens from
// now on. It waits for a running refresh, lest that one's token be stored last.
// When Save fails nothing is adopted, and Adopt may be called again.
func (s *Source) Adopt(ctx context.Context, g *Grant) error {
	st := s.started()
	select {
	case st.turn <- struct{}{}:
		defer func() { <-st.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.Save(ctx, g.RefreshToken); err != nil {
		return fmt.Errorf("storing the sign-in: %w", err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.unsaved = ""
	clear(st.refused)
	clear(st.cache)
	for name, t := range g.Tokens {
		st.cache[name] = newCached(t, s.Client.now())
	}
	return nil
}

// Close ends running refreshes and waits for them, at most for a Save that has
// begun. Token fails from then on.
func (s *Source) Close() {
	st := s.started()
	st.mu.Lock()
	st.closed = true
	st.mu.Unlock()
	st.cancel()
	st.flights.Wait()
}

func newCached(t Token, now time.Time) cached {
	return cached{token: t, due: t.Expiry.Add(-min(refreshAhead, t.Expiry.Sub(now)/2))}
}
