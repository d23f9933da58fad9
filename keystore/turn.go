package keystore

import (
	"context"
	"fmt"
)

// turn lets calls into a store go one after the other and lets their callers
// leave. Neither the keychain's client nor scrypt knows contexts, so the work
// runs in a goroutine which keeps the turn until it is really over: what an
// abandoned call still does can then never overtake a later call.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// inTurn runs work when it is its turn, and returns its result or, as soon as
// ctx ends, an error wrapping ErrUnavailable and the context's cause.
func inTurn[T any](ctx context.Context, t turn, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, gaveUp(ctx)
	}
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return none, gaveUp(ctx)
	}
	// The buffer lets the goroutine end when nobody waits for the result.
	done := make(chan result, 1)
	go func() {
		value, err := work()
		// The turn is given back first, so that a caller who has its result
		// leaves no goroutine behind that still holds it.
		<-t
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, gaveUp(ctx)
	}
}

func gaveUp(ctx context.Context) error {
	return fmt.Errorf("%w: gave up waiting for it: %w", ErrUnavailable, context.Cause(ctx))
}
