package authcode

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// signedIn finishes a sign-in and returns its outcome.
func signedIn(t *testing.T, p *provider, c *Client) (*Grant, error) {
	t.Helper()
	b := begin(t, p, c, Options{})
	b.post(b.code())
	return b.s.Wait(t.Context())
}

func TestAnIDTokenThatDoesNotVerifyEndsTheSignIn(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	forged := func(make func(p *provider) any) func(*provider) {
		return func(p *provider) {
			p.next(func(w http.ResponseWriter, r *http.Request) {
				b := p.grant(r)
				b["id_token"] = make(p)
				reply(w, 200, b)
			})
		}
	}
	claim := func(name string, v any) func(*provider) { return func(p *provider) { p.claims[name] = v } }
	for _, tc := range []struct {
		name   string
		before func(p *provider)
		want   string
	}{
		{"none at all", forged(func(*provider) any { return nil }), "openid"},
		{"garbage", forged(func(*provider) any { return "a.b.c" }), "not one that is signed"},
		{"without a signature", forged(func(p *provider) any {
			parts := strings.Split(p.idToken(jose.RS256, signingKey(), nil), ".")
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
		}), "not one that is signed"},
		{"signed with a shared key", forged(func(p *provider) any { return p.idToken(jose.HS256, make([]byte, 32), nil) }), "not one that is signed"},
		{"signed by somebody else", forged(func(p *provider) any { return p.idToken(jose.RS256, other, nil) }), "no key that the provider publishes"},
		{"of another issuer", claim("iss", "https://evil.example/"+testTenant+"/v2.0"), "different provider"},
		{"of another tenant than it says", claim("tid", "99999999-2222-3333-4444-555555555555"), "different provider"},
		{"without a tenant", claim("tid", nil), "no tenant"},
		{"whose tenant is a path", claim("tid", "../../evil.example/x/y/aaaaaaaaaaaaaaa"), "no tenant"},
		{"for another client", claim("aud", "app-2"), "audience"},
		{"of another sign-in", claim("nonce", "n"), "nonce differs"},
		{"without a nonce", claim("nonce", nil), "nonce differs"},
		{"that has expired", func(p *provider) { p.claims["exp"], p.claims["iat"], p.claims["nbf"] = now-60, now-120, now-120 }, "expired"},
		{"that names nobody", claim("preferred_username", nil), "names no account"},
		{"while the keys are not JSON", func(p *provider) { p.keys = body(404, "text/html", "x") }, "instead of JSON"},
		{"while the keys cannot be had", func(p *provider) { p.keys = refuse(403, "x") }, "keys cannot be had"},
		{"signed with the key of another tenant", func(p *provider) {
			p.keys = func(w http.ResponseWriter, _ *http.Request) {
				reply(w, 200, p.jwks(map[string]any{"issuer": "https://login.example/other/v2.0"}))
			}
		}, "no key that the provider publishes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			tc.before(p)
			g, err := signedIn(t, p, p.client())
			var e *Error
			if g != nil || !errors.As(err, &e) || e.Stage != StageIdentity || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, %v; want %q", g, err, tc.want)
			}
			if n := len(p.asked()); n != 1 {
				t.Errorf("%d token requests: tokens were asked for nobody", n)
			}
			if strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), "access-1") {
				t.Errorf("the error shows a token: %v", err)
			}
		})
	}
}

func TestTheSignedInAccountMustBeTheOneExpected(t *testing.T) {
	for _, tc := range []struct {
		name, username string
		claims         map[string]any
		as             string // "" when it is the right one
	}{
		{"the same in other letters", "SVC@Contoso.com", nil, ""},
		{"the upn although another name is preferred", "svc@contoso.com", map[string]any{"preferred_username": "+15550100", "upn": "svc@contoso.com"}, ""},
		{"only an email (Google)", "svc@contoso.com", map[string]any{"preferred_username": nil, "email": "svc@contoso.com"}, ""},
		{"whoever signs in", "", nil, ""},
		{"the administrator who consented", "svc@contoso.com", map[string]any{"preferred_username": "admin@contoso.com"}, "admin@contoso.com"},
		{"an email that anybody may set", "svc@contoso.com", map[string]any{"preferred_username": "x@contoso.com", "email": "svc@contoso.com"}, "x@contoso.com"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			for k, v := range tc.claims {
				p.claims[k] = v
			}
			c := p.client()
			c.Username = tc.username
			g, err := signedIn(t, p, c)
			if tc.as == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var wrong *WrongAccountError
			if g != nil || !errors.As(err, &wrong) || wrong.SignedInAs != tc.as || wrong.Username != tc.username ||
				!strings.Contains(err.Error(), "you signed in as "+tc.as+", this account authenticates as "+tc.username) {
				t.Errorf("got %v, %v", g, err)
			}
		})
	}
}

func TestAnIssuerWithoutAPlaceholderIsComparedAsItIs(t *testing.T) {
	p := newProvider(t)
	p.claims["iss"], p.claims["tid"] = "https://accounts.example", nil
	c := p.client()
	c.Endpoints.Issuer = "https://accounts.example"
	g, err := signedIn(t, p, c)
	if err != nil || g.Identity.Issuer != "https://accounts.example" {
		t.Errorf("got %v, %v", g, err)
	}
}

func TestAKeyBoundToTheTenantIsAccepted(t *testing.T) {
	for _, issuer := range []string{"https://login.example/{tenantid}/v2.0", "https://login.example/" + testTenant + "/v2.0"} {
		p := newProvider(t)
		p.keys = func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, p.jwks(map[string]any{"issuer": issuer}))
		}
		if _, err := signedIn(t, p, p.client()); err != nil {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

func TestAClockThatIsOffByADayIsNamedWithTheDifference(t *testing.T) {
	for _, tc := range []struct {
		name     string
		off      time.Duration
		withDate bool
		want     string
	}{
		{"ahead", 24 * time.Hour, true, "it is 24h0m0s ahead of the provider's"},
		{"behind", -24 * time.Hour, true, "it is 24h0m0s behind the provider's"},
		{"ahead of a server that tells no time", 24 * time.Hour, false, "it is 24h0m0s ahead of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			server := time.Now().Truncate(time.Second)
			p.claims["iat"], p.claims["nbf"], p.claims["exp"] = server.Unix(), server.Unix(), server.Unix()+3600
			p.next(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				if tc.withDate {
					w.Header().Set("Date", server.UTC().Format(http.TimeFormat))
				}
				p.yes(w, r)
			})
			c := p.client()
			c.Now = func() time.Time { return server.Add(tc.off) }
			_, err := signedIn(t, p, c)
			if err == nil || !strings.Contains(err.Error(), "this computer's clock is wrong: "+tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAClockThatIsAFewMinutesOffIsTolerated(t *testing.T) {
	for _, off := range []time.Duration{-4 * time.Minute, 4 * time.Minute} {
		p := newProvider(t)
		c := p.client()
		c.Now = func() time.Time { return time.Now().Add(off) }
		if _, err := signedIn(t, p, c); err != nil {
			t.Errorf("%v: %v", off, err)
		}
	}
}

func TestTheKeysAreFetchedAgainAfterAnOutage(t *testing.T) {
	p := newProvider(t)
	down := true
	p.keys = func(w http.ResponseWriter, _ *http.Request) {
		if down {
			down = false
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "later")
			return
		}
		reply(w, 200, p.jwks(nil))
	}
	if _, err := signedIn(t, p, p.client()); err != nil {
		t.Error(err)
	}
}
