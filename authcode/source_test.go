package authcode

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// store is where a test's Source keeps the refresh token, and its clock.
type store struct {
	mu      sync.Mutex
	token   Secret
	saved   []Secret
	failing error // of Save
	locked  error // of Load
	unsaved []error
	now     time.Time
}

func (s *store) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// newSource is a Source that is signed in with the refresh token "stored".
func newSource(t *testing.T, p *provider) (*Source, *store) {
	st := &store{token: "stored", now: time.Now()}
	c := p.client()
	c.Now = func() time.Time { st.mu.Lock(); defer st.mu.Unlock(); return st.now }
	s := &Source{
		Client: c,
		Load:   func(context.Context) (Secret, error) { st.mu.Lock(); defer st.mu.Unlock(); return st.token, st.locked },
		Save: func(_ context.Context, token Secret) error {
			st.mu.Lock()
			defer st.mu.Unlock()
			if st.failing != nil {
				return st.failing
			}
			st.token, st.saved = token, append(st.saved, token)
			return nil
		},
		Unsaved: func(err error) { st.with(func() { st.unsaved = append(st.unsaved, err) }) },
	}
	t.Cleanup(s.Close)
	return s, st
}

func (s *store) pass(d time.Duration) { s.with(func() { s.now = s.now.Add(d) }) }

// gets fails the test unless Token gives the access token want.
func gets(t *testing.T, s *Source, resource, want string) Token {
	t.Helper()
	tok, err := s.Token(t.Context(), resource)
	if err != nil || tok.Access != Secret(want) {
		t.Fatalf("got %s, %v; want %s", tok.Access.Reveal(), err, want)
	}
	return tok
}

func TestAHundredCallersCauseOneTokenRequest(t *testing.T) {
	p := newProvider(t)
	s, _ := newSource(t, p)
	release := make(chan struct{})
	p.next(func(w http.ResponseWriter, r *http.Request) { <-release; p.yes(w, r) })
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if tok, err := s.Token(t.Context(), "smtp"); err != nil || tok.Access != "access-1" {
				t.Errorf("got %v", err)
			}
		})
	}
	close(release)
	callers.Wait()
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestTwoResourcesNeverUseOneRefreshTokenAtOnce(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	var callers sync.WaitGroup
	for range 20 {
		for _, r := range []string{"smtp", "graph"} {
			callers.Go(func() {
				if _, err := s.Token(t.Context(), r); err != nil {
					t.Error(err)
				}
			})
		}
	}
	callers.Wait()
	asked := p.asked()
	if len(asked) != 2 || asked[0].Get("refresh_token") != "stored" || asked[1].Get("refresh_token") != "refresh-1" || st.token != "refresh-2" {
		t.Errorf("%d requests, stored %q", len(asked), st.token.Reveal())
	}
}

func TestATokenIsRefreshedTenMinutesBeforeItExpires(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	gets(t, s, "smtp", "access-1")
	st.pass(50*time.Minute - time.Second)
	gets(t, s, "smtp", "access-1")
	st.pass(2 * time.Second)
	gets(t, s, "smtp", "access-2")
	st.pass(8 * time.Hour) // suspended over night
	gets(t, s, "smtp", "access-3")
	if want := []Secret{"refresh-1", "refresh-2", "refresh-3"}; !slices.Equal(st.saved, want) {
		t.Errorf("saved %d refresh tokens", len(st.saved))
	}
}

func TestAShortLivedTokenIsRefreshedAtHalfItsLife(t *testing.T) {
	p := newProvider(t)
	p.next(func(w http.ResponseWriter, r *http.Request) {
		b := p.grant(r)
		b["expires_in"] = "300"
		reply(w, 200, b)
	})
	s, st := newSource(t, p)
	gets(t, s, "smtp", "access-1")
	st.pass(149 * time.Second)
	gets(t, s, "smtp", "access-1")
	st.pass(2 * time.Second)
	gets(t, s, "smtp", "access-2")
}

func TestARefusedTokenIsForgottenUnlessANewerOneIsThere(t *testing.T) {
	p := newProvider(t)
	s, _ := newSource(t, p)
	first := gets(t, s, "smtp", "access-1")
	s.Refused("smtp", first)
	gets(t, s, "smtp", "access-2")
	s.Refused("smtp", first) // another connection that still had the first
	gets(t, s, "smtp", "access-2")
}

func TestATemporaryFailureIsBridgedByATokenThatIsStillValid(t *testing.T) {
	down := refuse(http.StatusServiceUnavailable, "temporarily_unavailable")
	p := newProvider(t)
	s, st := newSource(t, p)
	gets(t, s, "smtp", "access-1")
	st.pass(51 * time.Minute)
	p.next(down, down, down, down)
	gets(t, s, "smtp", "access-1")
	gets(t, s, "smtp", "access-1")
	if n := len(p.asked()); n != 5 {
		t.Errorf("%d requests: each message waits for a refresh", n)
	}
	st.pass(9 * time.Minute)
	p.next(down, down, down, down)
	_, err := s.Token(t.Context(), "smtp")
	var e *Error
	if !errors.As(err, &e) || !e.Temporary() {
		t.Errorf("an expired token was handed out, or %v", err)
	}
	gets(t, s, "smtp", "access-2")
}

func TestAStoreThatCannotBeReadIsBridgedToo(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	gets(t, s, "smtp", "access-1")
	locked := errors.New("the keychain is locked")
	st.with(func() { st.locked = locked })
	st.pass(51 * time.Minute)
	gets(t, s, "smtp", "access-1")
	st.pass(9 * time.Minute)
	if _, err := s.Token(t.Context(), "smtp"); !errors.Is(err, locked) {
		t.Errorf("got %v", err)
	}
	st.with(func() { st.locked = nil })
	gets(t, s, "smtp", "access-2")
}

func TestALongRetryAfterHoldsFurtherRequestsBack(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	p.next(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "300")
		refuse(http.StatusTooManyRequests, "temporarily_unavailable")(w, r)
	})
	for range 3 {
		if _, err := s.Token(t.Context(), "smtp"); err == nil || !strings.Contains(err.Error(), "try again in 5m") {
			t.Errorf("got %v", err)
		}
	}
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d requests within the five minutes", n)
	}
	st.pass(5*time.Minute + time.Second)
	gets(t, s, "smtp", "access-1")
}

func TestARefusalThatNeedsASignInIsNotRepeatedUntilThereIsOne(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	p.next(body(400, "application/json", entraBody))
	for range 3 {
		_, err := s.Token(t.Context(), "smtp")
		var e *Error
		if !errors.As(err, &e) || !e.SignInAgain() || e.Claims != `{"access_token":{}}` {
			t.Fatalf("got %v", err)
		}
	}
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d requests with a token that is refused", n)
	}
	gets(t, s, "graph", "access-1") // the refusal was for the other resource
	st.with(func() { st.token = "of another process" })
	gets(t, s, "smtp", "access-2")
}

func TestWrongSettingsDoNotCauseARequestForEachMessage(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	p.next(refuse(401, "invalid_client"))
	for range 3 {
		if _, err := s.Token(t.Context(), "smtp"); err == nil {
			t.Error("no error")
		}
	}
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d requests", n)
	}
	st.pass(pauseAfter)
	gets(t, s, "smtp", "access-1")
}

func TestWithoutAStoredSignInNothingIsAsked(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	st.token = ""
	_, err := s.Token(t.Context(), "smtp")
	var e *Error
	if !errors.Is(err, ErrNotSignedIn) || !errors.As(err, &e) || !e.SignInAgain() || len(p.asked()) != 0 {
		t.Errorf("got %v", err)
	}
	if _, err := s.Token(t.Context(), "other"); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("got %v", err)
	}
}

func TestARefreshTokenThatCannotBeStoredIsUsedAndStoredLater(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	full := errors.New("the disk is full")
	st.with(func() { st.failing = full })
	gets(t, s, "smtp", "access-1") // mail flows
	if len(st.unsaved) != 1 || !errors.Is(st.unsaved[0], full) || st.token != "stored" {
		t.Fatalf("Unsaved heard %v, stored is %q", st.unsaved, st.token.Reveal())
	}
	gets(t, s, "graph", "access-2") // from the newer one, not from the stored one
	if got := p.asked()[1].Get("refresh_token"); got != "refresh-1" {
		t.Errorf("refreshed with %q", got)
	}
	st.with(func() { st.failing = nil })
	st.pass(pauseAfter)
	gets(t, s, "smtp", "access-1")
	if st.token != "refresh-2" || st.unsaved[len(st.unsaved)-1] != nil {
		t.Errorf("stored is %q, Unsaved heard %v", st.token.Reveal(), st.unsaved)
	}
	if n := len(p.asked()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestTheNewRefreshTokenIsStoredBeforeItsAccessTokenIsUsed(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	gets(t, s, "smtp", "access-1")
	if st.token != "refresh-1" {
		t.Errorf("stored is %q", st.token.Reveal())
	}
}

func TestACallerWhoGivesUpDoesNotEndTheRefreshOfTheOthers(t *testing.T) {
	p := newProvider(t)
	s, _ := newSource(t, p)
	asked, release := make(chan struct{}), make(chan struct{})
	p.next(func(w http.ResponseWriter, r *http.Request) { close(asked); <-release; p.yes(w, r) })
	ctx, cancel := context.WithCancel(t.Context())
	impatient := make(chan error)
	go func() {
		_, err := s.Token(ctx, "smtp")
		impatient <- err
	}()
	<-asked
	cancel()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("the impatient caller got %v", err)
	}
	close(release)
	gets(t, s, "smtp", "access-1")
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestASignInIsStoredThenUsed(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	p.next(refuse(400, "invalid_grant"))
	if _, err := s.Token(t.Context(), "smtp"); err == nil {
		t.Fatal("no error")
	}
	g := &Grant{RefreshToken: "of the sign-in", Tokens: map[string]Token{"smtp": {Access: "fresh", Expiry: st.now.Add(time.Hour)}}}
	full := errors.New("the disk is full")
	st.with(func() { st.failing = full })
	if err := s.Adopt(t.Context(), g); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Token(t.Context(), "smtp"); err == nil {
		t.Error("a sign-in that is not stored was adopted")
	}
	st.with(func() { st.failing = nil })
	if err := s.Adopt(t.Context(), g); err != nil || st.token != "of the sign-in" {
		t.Errorf("got %v", err)
	}
	gets(t, s, "smtp", "fresh")
	gets(t, s, "graph", "access-1")
	if got := p.asked()[1].Get("refresh_token"); got != "of the sign-in" {
		t.Errorf("refreshed with %q", got)
	}
}

func TestARunningRefreshCannotOverwriteASignIn(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	asked, release := make(chan struct{}), make(chan struct{})
	p.next(func(w http.ResponseWriter, r *http.Request) { close(asked); <-release; p.yes(w, r) })
	refreshed, adopted := make(chan error), make(chan error)
	go func() { _, err := s.Token(t.Context(), "smtp"); refreshed <- err }()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Adopt(ctx, &Grant{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Adopt did not wait: %v", err)
	}
	go func() { adopted <- s.Adopt(t.Context(), &Grant{RefreshToken: "of the sign-in"}) }()
	close(release)
	if err := errors.Join(<-refreshed, <-adopted); err != nil {
		t.Error(err)
	}
	if want := []Secret{"refresh-1", "of the sign-in"}; !slices.Equal(st.saved, want) {
		t.Errorf("stored last is %q", st.token.Reveal())
	}
}

func TestCloseEndsARunningRefreshAndWaits(t *testing.T) {
	p := newProvider(t)
	s, _ := newSource(t, p)
	asked := make(chan struct{})
	p.next(func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done() })
	got := make(chan error)
	go func() { _, err := s.Token(t.Context(), "smtp"); got <- err }()
	<-asked
	s.Close()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Token(t.Context(), "smtp"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close: %v", err)
	}
}

func TestCloseWaitsForASaveThatHasBegunAndDoesNotEndIt(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	saving := make(chan struct{})
	save := s.Save
	s.Save = func(ctx context.Context, token Secret) error {
		close(saving)
		<-s.state.ctx.Done() // Close has begun
		if err := ctx.Err(); err != nil {
			return err
		}
		return save(ctx, token)
	}
	got := make(chan error)
	go func() { _, err := s.Token(t.Context(), "smtp"); got <- err }()
	<-saving
	s.Close()
	if st.token != "refresh-1" {
		t.Errorf("stored is %q", st.token.Reveal())
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// The provider takes each refresh token once, and another process was quicker.
func TestARefusedRefreshTokenThatWasReplacedMeanwhileIsNotTheEnd(t *testing.T) {
	p := newProvider(t)
	s, st := newSource(t, p)
	p.next(func(w http.ResponseWriter, r *http.Request) {
		st.with(func() { st.token = "of another process" })
		refuse(400, "invalid_grant")(w, r)
	})
	gets(t, s, "smtp", "access-1")
	asked := p.asked()
	if len(asked) != 2 || asked[1].Get("refresh_token") != "of another process" {
		t.Errorf("%d requests", len(asked))
	}
	// What the other one stored is of no use either: the person has to sign in.
	p.next(func(w http.ResponseWriter, r *http.Request) {
		st.with(func() { st.token = "one more" })
		refuse(400, "invalid_grant")(w, r)
	}, refuse(400, "invalid_grant"))
	var e *Error
	if _, err := s.Token(t.Context(), "graph"); !errors.As(err, &e) || !e.SignInAgain() {
		t.Errorf("got %v", err)
	}
	if n := len(p.asked()); n != 4 {
		t.Errorf("%d requests", n)
	}
}
