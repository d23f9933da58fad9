package authcode

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newApplication is a Source for an application's own tokens, and its clock.
func newApplication(t *testing.T, p *provider) (*Source, *store) {
	s, st := newSource(t, p)
	s.Client.Resources = []Resource{{Name: "smtp", Scopes: []string{"https://outlook.office365.com/.default"}}}
	s.Load, s.Save, s.Unsaved, s.Application = nil, nil, nil, true
	return s, st
}

func TestAnApplicationGetsItsTokensByClientCredentialsAlone(t *testing.T) {
	p := newProvider(t)
	s, st := newApplication(t, p)
	s.Client.ClientSecret = "secret-1"
	gets(t, s, "smtp", "access-1")
	st.pass(2 * time.Hour)
	gets(t, s, "smtp", "access-2") // and nothing is done with the refresh tokens that this server adds
	want := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app-1"}, "client_secret": {"secret-1"}, "scope": {"https://outlook.office365.com/.default"}}
	if diff := cmp.Diff([]url.Values{want, want}, p.asked()); diff != "" {
		t.Error(diff)
	}
}

func TestEachRequestBringsAnAssertionOfItsOwnInsteadOfTheSecret(t *testing.T) {
	p := newProvider(t)
	s, _ := newApplication(t, p)
	made := 0
	s.Client.ClientSecret = "secret-1"
	s.Client.Assertion = func() (Secret, error) { made++; return Secret(strings.Repeat("a", made)), nil }
	p.next(refuse(http.StatusServiceUnavailable, "temporarily_unavailable"))
	gets(t, s, "smtp", "access-1")
	var sent []string
	for _, form := range p.asked() {
		if form.Has("client_secret") || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			t.Errorf("the form has a secret, or the wrong assertion type %q", form.Get("client_assertion_type"))
		}
		sent = append(sent, form.Get("client_assertion"))
	}
	if diff := cmp.Diff([]string{"a", "aa"}, sent); diff != "" {
		t.Error(diff)
	}
}

func TestAnApplicationsRefusalAsksNobodyToSignIn(t *testing.T) {
	p := newProvider(t)
	s, st := newApplication(t, p)
	s.Client.Assertion = func() (Secret, error) { return "the-assertion", nil }
	p.next(refuse(http.StatusUnauthorized, "invalid_grant", "error_description", "AADSTS7000222: expired; got the-assertion"))
	_, err := s.Token(t.Context(), "smtp")
	var e *Error
	if !errors.As(err, &e) || e.Stage != StageApplication || e.SignInAgain() || e.Temporary() || e.AADSTS != 7000222 {
		t.Fatalf("got %v", err)
	}
	if want := "getting an application token for svc@contoso.com: invalid_grant: AADSTS7000222: expired; got [secret]"; e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
	if _, again := s.Token(t.Context(), "smtp"); again != err || len(p.asked()) != 1 {
		t.Errorf("the refused request was repeated at once: %d requests, %v", len(p.asked()), again)
	}
	st.pass(pauseAfter)
	gets(t, s, "smtp", "access-1")
}

func TestAnApplicationsValidTokenMakesUpForARefusalOfTheNext(t *testing.T) {
	p := newProvider(t)
	s, st := newApplication(t, p)
	gets(t, s, "smtp", "access-1")
	p.next(refuse(http.StatusUnauthorized, "invalid_client"), refuse(http.StatusUnauthorized, "invalid_client"))
	st.pass(55 * time.Minute)
	gets(t, s, "smtp", "access-1")
	st.pass(5 * time.Minute)
	if _, err := s.Token(t.Context(), "smtp"); err == nil {
		t.Error("an expired token was handed out")
	}
}

func TestAnAssertionThatCannotBeMadeEndsTheRequest(t *testing.T) {
	p := newProvider(t)
	s, _ := newApplication(t, p)
	cause := errors.New("no file")
	s.Client.Assertion = func() (Secret, error) { return "", cause }
	_, err := s.Token(t.Context(), "smtp")
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, cause) || e.Temporary() || len(p.asked()) != 0 {
		t.Errorf("got %v after %d requests", err, len(p.asked()))
	}
}

func TestClosingAnApplicationsSourceEndsItsRequest(t *testing.T) {
	p := newProvider(t)
	s, _ := newApplication(t, p)
	asked := make(chan struct{})
	p.next(func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done() })
	failed := make(chan error)
	go func() { _, err := s.Token(t.Context(), "smtp"); failed <- err }()
	<-asked
	s.Close()
	var e *Error
	if err := <-failed; !errors.As(err, &e) || e.Stage != StageApplication || e.Temporary() {
		t.Errorf("got %v", err)
	}
}
