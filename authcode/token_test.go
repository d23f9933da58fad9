package authcode

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func body(status int, contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestATokenAnswerThatIsNotUsableSaysWhy(t *testing.T) {
	const js = "application/json"
	for _, tc := range []struct {
		name      string
		answer    http.HandlerFunc
		want      string
		temporary bool
	}{
		{"the page of a proxy", body(200, "text/html; charset=utf-8", "<html>TOPSECRET"), "text/html instead of JSON", true},
		{"the page of a proxy that forbids", body(403, "text/html", "no"), "text/html instead of JSON", false},
		{"no content type", body(200, "", "{}"), "instead of JSON", true},
		{"a gateway that is down", body(502, "text/html", "bad gateway"), "(HTTP 502)", true},
		{"a redirect to a login page", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://portal.example/", http.StatusTemporaryRedirect)
		}, "(HTTP 307)", true},
		{"a body over the limit", body(200, js, strings.Repeat(" ", maxAnswer+1)), "more than 1048576 bytes", false},
		{"broken JSON", body(200, js, `{"access_token":"TOPSECRET`), "not the JSON of a token response", false},
		{"JSON without an error", body(400, js, `{"hello":1}`), "without an OAuth error", false},
		{"another token type", body(200, js, `{"token_type":"mac","access_token":"TOPSECRET"}`), "token_type is not Bearer", false},
		{"no access token", body(200, js, `{"token_type":"Bearer"}`), "no access_token", false},
		{"a token with a line end", body(200, js, `{"token_type":"Bearer","access_token":"TOPSECRET\r\nMAIL"}`), "forbidden characters", false},
		{"a lifetime that is none", body(200, js, `{"token_type":"Bearer","access_token":"TOPSECRET","expires_in":"soon"}`), "expires_in", false},
		{"a lifetime below zero", body(200, js, `{"token_type":"Bearer","access_token":"TOPSECRET","expires_in":-1}`), "expires_in", false},
		{"a text that repeats the secret", refuse(400, "invalid_request", "error_description", "bad token TOPSECRET"), "bad token [secret]", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			p.next(tc.answer, tc.answer, tc.answer, tc.answer)
			c := p.client()
			_, err := c.refresh(t.Context(), "TOPSECRET", c.Resources[0])
			var e *Error
			if !errors.As(err, &e) || e.Stage != StageRefresh || !strings.Contains(err.Error(), tc.want) || e.Temporary() != tc.temporary {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "TOPSECRET") {
				t.Errorf("the error shows a secret: %v", err)
			}
			if n := len(p.asked()); n != map[bool]int{true: attempts, false: 1}[tc.temporary] {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsTriedAgain(t *testing.T) {
	p := newProvider(t)
	p.next(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "999")
		_, _ = io.WriteString(w, `{"token_type":`)
	})
	c := p.client()
	if tok, err := c.refresh(t.Context(), "r", c.Resources[0]); err != nil || tok.token.Access != "access-1" {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfterIsObeyedUnlessItIsLong(t *testing.T) {
	busy := func(after string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", after)
			refuse(429, "temporarily_unavailable")(w, r)
		}
	}
	p := newProvider(t)
	c := p.client()
	var pauses []time.Duration
	c.Sleep = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	p.next(busy("17"))
	if _, err := c.refresh(t.Context(), "r", c.Resources[0]); err != nil || len(pauses) != 1 || pauses[0] != 17*time.Second {
		t.Errorf("got %v after pauses %v, want one of 17 s", err, pauses)
	}
	p.next(busy("300"))
	_, err := c.refresh(t.Context(), "r", c.Resources[0])
	var e *Error
	if !errors.As(err, &e) || e.RetryAfter != 5*time.Minute || len(pauses) != 1 || !strings.Contains(err.Error(), "try again in 5m") {
		t.Errorf("got %v after pauses %v, want the 5 minutes to be left to the caller", err, pauses)
	}
}

func TestExpiresInIsANumberOrAString(t *testing.T) {
	for raw, want := range map[string]time.Duration{"3599": 3599 * time.Second, `"3599"`: 3599 * time.Second, "60.5": time.Minute, "": defaultLifetime, "null": defaultLifetime} {
		if got, err := parseSeconds(json.RawMessage(raw), defaultLifetime); err != nil || got != want {
			t.Errorf("%q: got %v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"0", "-1", `"NaN"`, `"Inf"`, "1e300", "{}", "true"} {
		if got, err := parseSeconds(json.RawMessage(raw), defaultLifetime); err == nil {
			t.Errorf("%q: got %v", raw, got)
		}
	}
}

func TestWithoutARefreshTokenTheSignInNamesOfflineAccess(t *testing.T) {
	p := newProvider(t)
	p.next(func(w http.ResponseWriter, r *http.Request) {
		b := p.grant(r)
		delete(b, "refresh_token")
		reply(w, 200, b)
	})
	b := begin(t, p, p.client(), Options{})
	b.post(b.code())
	if _, err := b.s.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "offline_access") {
		t.Errorf("got %v", err)
	}
}

func TestAnotherResourceThatIsRefusedIsNotFatal(t *testing.T) {
	p := newProvider(t)
	p.next(p.yes, refuse(400, "invalid_grant", "error_description", "AADSTS65001: consent", "suberror", "consent_required"))
	g := begin(t, p, p.client(), Options{}).succeeds()
	var e *Error
	if !errors.As(g.Missing["graph"], &e) || e.AADSTS != 65001 || g.Tokens["smtp"].Access == "" || g.RefreshToken != "refresh-1" {
		t.Errorf("got %+v", g)
	}
}

func TestAProviderWithoutOpenIDConnectSignsInUnnamed(t *testing.T) {
	p := newProvider(t)
	c := p.client()
	c.Endpoints.Issuer, c.Endpoints.JWKSURL, c.Scopes = "", "", []string{}
	c.Resources = c.Resources[:1]
	g := begin(t, p, c, Options{}).succeeds()
	if g.Identity != (Identity{}) || p.asked()[0].Get("scope") != smtpScope {
		t.Errorf("got %+v for scope %q", g.Identity, p.asked()[0].Get("scope"))
	}
}

func TestAScopeThatIsNotToldIsTheOneAskedFor(t *testing.T) {
	p := newProvider(t)
	p.next(body(200, "application/json", `{"token_type":"bearer","access_token":"a"}`))
	c := p.client()
	got, err := c.refresh(t.Context(), "r", c.Resources[0])
	if err != nil || !slices.Equal(got.token.Scopes, c.Resources[0].Scopes) || got.refresh != "" {
		t.Errorf("got %v, %v", got, err)
	}
}
