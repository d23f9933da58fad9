package authcode

import (
	"context"
	"errors"
	"fmt"
)

// fly gets the token that the waiters of f want, and tells them.
func (s *Source) fly(r Resource, f *flight) {
	st := s.state
	st.turn <- struct{}{} // whoever holds it is bounded
	ctx, cancel := context.WithTimeout(st.ctx, refreshTimeout)
	f.token, f.err = s.obtain(ctx, r)
	cancel()
	<-st.turn
	st.mu.Lock()
	delete(st.running, r.Name)
	st.mu.Unlock()
	close(f.done)
}

// obtain saves what is still unsaved, and refreshes if that is due. The caller
// holds turn.
func (s *Source) obtain(ctx context.Context, r Resource) (Token, error) {
	st := s.state
	if st.unsaved != "" && !s.Client.now().Before(st.saveAt) {
		s.save(ctx, st.unsaved)
	}
	st.mu.Lock()
	c := st.cache[r.Name]
	st.mu.Unlock()
	if now := s.Client.now(); c.settled(now) {
		return c.result(now)
	}
	t, err := s.refresh(ctx, r)
	if err == nil {
		c = newCached(t.token, s.Client.now())
	} else {
		c, err = s.hold(c, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.cache[r.Name] = c
	if err != nil {
		return Token{}, err
	}
	return c.token, nil
}

// hold decides what a failed refresh leaves, and until when it is not repeated.
// A token that is still valid makes up for a temporary failure, and for a store
// that cannot be read just now.
func (s *Source) hold(c cached, err error) (cached, error) {
	now := s.Client.now()
	var e *Error
	if errors.As(err, &e) {
		switch {
		case e.SignInAgain():
			return cached{}, err // st.refused remembers it
		case !e.Temporary() && !(s.Application && c.usable(now)):
			// Settings must change first; until then one request in a while is enough.
			return cached{hold: now.Add(pauseAfter), err: err}, err
		}
		c.hold = now.Add(e.RetryAfter)
	}
	c.err = err
	if !c.usable(now) {
		return c, err
	}
	if pause := now.Add(pauseAfter); c.hold.Before(pause) {
		c.hold = pause // lest each message wait for one more try
	}
	return c, nil
}

// refresh uses the newest refresh token and stores the one that replaces it; an
// application has none. The caller holds turn.
func (s *Source) refresh(ctx context.Context, r Resource) (*tokens, error) {
	if s.Application {
		t, err := s.Client.application(ctx, r)
		if err != nil && ctx.Err() != nil {
			err = &Error{Stage: StageApplication, Username: s.Client.Username, Err: context.Cause(ctx)}
		}
		return t, err
	}
	st := s.state
	old := st.unsaved
	if old == "" {
		var err error
		if old, err = s.Load(ctx); err != nil {
			return nil, fmt.Errorf("reading the stored sign-in of %s: %w", s.Client.Username, err)
		}
	}
	if old == "" {
		return nil, &Error{Stage: StageRefresh, Username: s.Client.Username, Err: ErrNotSignedIn}
	}
	if no := st.refused[r.Name]; old == no.token {
		return nil, no.err // Entra locks out who repeats a refused request (AADSTS50196)
	}
	t, err := s.Client.refresh(ctx, old, r)
	if newer := s.rotated(ctx, old, err); newer != "" {
		old = newer
		t, err = s.Client.refresh(ctx, old, r)
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.SignInAgain() {
			st.refused[r.Name] = refusal{token: old, err: err}
		} else if ctx.Err() != nil {
			// Whatever was read as the connection was closed is not the provider's word.
			err = &Error{Stage: StageRefresh, Username: s.Client.Username, Err: context.Cause(ctx)}
		}
		return nil, err
	}
	if t.refresh != "" && t.refresh != old {
		s.save(ctx, t.refresh)
	}
	return t, nil
}

// rotated is the refresh token that another process has stored since old was
// read, when old was refused: a provider that lets each be used once refuses the
// slower of two. "" is that there is none.
func (s *Source) rotated(ctx context.Context, old Secret, err error) Secret {
	var e *Error
	if err == nil || !errors.As(err, &e) || !e.SignInAgain() || s.state.unsaved != "" {
		return ""
	}
	newer, err := s.Load(ctx)
	if err != nil || newer == old {
		return ""
	}
	return newer
}

// save stores a refresh token, and keeps it in memory until that has worked. The
// caller holds turn.
func (s *Source) save(ctx context.Context, token Secret) {
	st := s.state
	again := st.unsaved != ""
	st.mu.Lock()
	st.unsaved = token
	st.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	err := s.Save(ctx, token)
	st.mu.Lock()
	if err == nil {
		st.unsaved = ""
	} else {
		st.saveAt = s.Client.now().Add(pauseAfter)
	}
	st.mu.Unlock()
	if s.Unsaved == nil {
		return
	}
	switch {
	case err != nil:
		s.Unsaved(fmt.Errorf("the refreshed sign-in of %s is not stored, only kept in memory: %w", s.Client.Username, err))
	case again:
		s.Unsaved(nil)
	}
}
