package checks

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// theOutside are the checks of everything but tokens and mailboxes.
var theOutside = []string{Configuration, NameResolution, Port, TLS, Clock, Authority, ClientID, RedirectURL}

// atRealNames reaches the sandbox where requests are for the provider's names.
func (b tenant) atRealNames(t *testing.T, s *Setup) {
	t.Helper()
	u, err := url.Parse(b.Authority)
	if err != nil {
		t.Fatal(err)
	}
	s.Web.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, u.Host)
	}
}

func TestTheOutsideOfEveryProviderPasses(t *testing.T) {
	for _, scenario := range []string{"default", "gcc-high", "dod", "21vianet", "outlook.com", "google"} {
		t.Run(scenario, func(t *testing.T) {
			b := newTenant(t, sandbox.Options{Scenario: scenario})
			app := b.Apps[0]
			a := &account.Account{
				Name: "main", ID: "0123456789abcdef", Provider: b.Provider, Username: b.Users[0].Username,
				ClientID: app.ClientID, RedirectURL: app.RedirectURL, SMTPHost: b.SMTPHost, SMTPPort: b.SMTPPort,
			}
			if scenario == "google" {
				a.TokenURL, a.JWKSURL, a.Issuer = b.TokenURL, b.JWKSURL, b.Issuer
			} else {
				a.AuthorityURL, a.GraphURL = b.Authority, b.GraphURL
			}
			s := b.setup(t, valid(t, a))
			b.atRealNames(t, &s)
			r := newRun(s, Options{})
			r.steps = slices.DeleteFunc(slices.Clone(steps), func(s step) bool { return !slices.Contains(theOutside, s.id) })
			for _, result := range r.all(t.Context(), nil) {
				if scenario == "google" && (result.ID == ClientID || result.ID == RedirectURL) {
					want(t, result, Skip, "")
					continue
				}
				want(t, result, Pass, "")
			}
		})
	}
}

func TestTheOutsideThatIsMendedMeanwhilePasses(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	a := b.person(t, func(a *account.Account) { a.RedirectURL = "http://localhost/callback" })
	s := b.setup(t, a)
	// The first wait is 15 seconds; to the program they are over at once.
	ended := time.Now()
	s.Now = func() time.Time { return ended }
	r := newRun(s, Options{Wait: time.Hour})
	r.steps = slices.DeleteFunc(slices.Clone(steps), func(s step) bool { return !slices.Contains(theOutside, s.id) })
	r.pause = func(_ context.Context, d time.Duration) bool {
		ended = ended.Add(d)
		b.Tenant().Change(func(t *sandbox.Tenant) { t.Apps[0].Redirects[a.RedirectURL] = sandbox.PublicClient })
		return true
	}
	results := r.all(t.Context(), nil)
	want(t, results[len(results)-1], Pass, "", "http://localhost/callback is registered")
}
