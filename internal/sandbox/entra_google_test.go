package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const googleRedirectURI = "http://127.0.0.1:5"

// googleURL is a good request of the desktop client; pairs change it.
func (b *bench) googleURL(change ...string) string {
	q := url.Values{
		"client_id": {googleAppID}, "response_type": {"code"}, "redirect_uri": {googleRedirectURI}, "state": {"state-1"},
		"scope": {"https://mail.google.com/ openid email"}, "access_type": {"offline"},
		"code_challenge": {testVerifier}, "code_challenge_method": {"plain"},
	}
	set(q, change)
	return b.AuthorizeURL + "?" + q.Encode()
}

// googleSignIn walks Google's pages and redeems the code.
func (b *bench) googleSignIn(change ...string) tokenAnswer {
	b.Helper()
	c := b.browser()
	v := b.get(c, b.googleURL(change...))
	for v.back.Get("code") == "" {
		v = b.submit(c, v, "login", "svc@gmail.com", "passwd", "svc-password-1")
	}
	return b.token(googleForm(v.back.Get("code")), nil)
}

// googleForm redeems a code of the desktop client; pairs change it.
func googleForm(code string, change ...string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {googleAppID}, "client_secret": {googleSecret},
		"code": {code}, "redirect_uri": {googleRedirectURI}, "code_verifier": {testVerifier},
	}
	set(form, change)
	return form
}

func TestGoogleGivesARefreshTokenWithAConsentOnly(t *testing.T) {
	b := newBench(t, "google")
	if a := b.googleSignIn("access_type", ""); a.status != 200 || a.RefreshToken != "" {
		t.Errorf("online: %d, refresh token %v", a.status, a.RefreshToken != "")
	}
	if a := b.googleSignIn(); a.status != 200 || a.RefreshToken != "" {
		t.Errorf("already consented: %d, refresh token %v", a.status, a.RefreshToken != "")
	}
	a := b.googleSignIn("prompt", "consent")
	if a.RefreshToken == "" || a.Scope != "openid https://www.googleapis.com/auth/userinfo.email https://mail.google.com/" || a.ExpiresIn != 3599 || a.TokenType != "Bearer" {
		t.Fatalf("%d %s %q %d", a.status, a.Description, a.Scope, a.ExpiresIn)
	}
	var id googleIDClaims
	if !b.entra.keys.verify(a.IDToken, &id) || id.Issuer != googleIssuer || id.Email != "svc@gmail.com" || !id.EmailVerified || len(id.Subject) != 21 || id.AZP != googleAppID {
		t.Errorf("%+v", id)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {googleAppID}, "client_secret": {googleSecret}, "refresh_token": {a.RefreshToken}}
	next := b.token(refresh, nil)
	claims, ok := b.entra.check(next.AccessToken)
	if next.status != 200 || next.RefreshToken != "" || !ok || !slices.Contains(claims.Scopes, "https://mail.google.com/") || claims.UPN != "svc@gmail.com" {
		t.Errorf("%d %s %+v", next.status, next.Description, claims)
	}
	b.clock.add(time.Second)
	b.Tenant().Change(func(tenant *Tenant) { tenant.RevokedBefore = b.clock.now() })
	if a := b.token(refresh, nil); a.status != 400 || a.Error != "invalid_grant" || a.Description != "Token has been expired or revoked." {
		t.Errorf("revoked: %d %s %s", a.status, a.Error, a.Description)
	}
}

func TestGoogleShowsWhatIsWrongWithARequest(t *testing.T) {
	b := newBench(t, "google")
	for name, test := range map[string]struct {
		change []string
		says   string
	}{
		"client":        {[]string{"client_id", "nobody"}, "Error 401: invalid_client The OAuth client was not found."},
		"redirect":      {[]string{"redirect_uri", "https://traymail.example/"}, "Error 400: redirect_uri_mismatch"},
		"no type":       {[]string{"response_type", ""}, "Error 400: invalid_request Required parameter is missing: response_type"},
		"type":          {[]string{"response_type", "token"}, "Error 400: unsupported_response_type"},
		"response mode": {[]string{"response_mode", "form_post"}, "Error 400: invalid_request Invalid response_mode: form_post"},
		"challenge":     {[]string{"code_challenge", "short"}, "Error 400: invalid_request"},
		"scope":         {[]string{"scope", "https://outlook.office.com/SMTP.Send"}, "Error 400: invalid_scope Some requested scopes were invalid. {invalid=[https://outlook.office.com/SMTP.Send]}"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.get(b.browser(), b.googleURL(test.change...))
			v.says(t, "Sandbox: this is not Google", "Access blocked", test.says)
			if v.status != http.StatusBadRequest || v.back != nil {
				t.Errorf("%d %v", v.status, v.back)
			}
		})
	}
}

func TestGoogleTakesAnyPortAndPathOfTheMachine(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:1": true, "http://127.0.0.1:65535/callback": true, "http://[::1]:1": true, "http://localhost:1": true,
		"https://127.0.0.1:1": false, "http://127.0.0.2:1": false, "http://10.0.0.1": false, "urn:ietf:wg:oauth:2.0:oob": false,
		"http://127.0.0.1:1/#x": false, "http://u@127.0.0.1:1": false, "http://127.0.0.1.example": false,
	} {
		if googleRedirect(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}

func TestGoogleTellsThePersonAndTheClient(t *testing.T) {
	b := newBench(t, "google")
	c := b.browser()
	v := b.submit(c, b.get(c, b.googleURL()), "login", "nobody@gmail.com")
	v.says(t, "Couldn’t find your Google Account", "Sandbox: this is not Google")
	v = b.submit(c, b.submit(c, v, "login", "svc@gmail.com"), "passwd", "wrong")
	v.says(t, "Wrong password. Try again")
	if strings.Contains(v.body, "AADSTS") || strings.Contains(v.body, "Microsoft") {
		t.Error("Google's page speaks of Microsoft's codes")
	}
	v = b.submit(c, v, "passwd", "svc-password-1")
	v.says(t, "Read, compose, send, and permanently delete all your email from Gmail", "https://mail.google.com/")
	if back := b.cancel(c, v).back; back.Encode() != "error=access_denied&state=state-1" {
		t.Errorf("back with %v", back)
	}
	if back := b.get(c, b.googleURL("prompt", "none")).back; back.Get("error") != "consent_required" {
		t.Errorf("back with %v", back)
	}
	if back := b.get(b.browser(), b.googleURL("prompt", "none")).back; back.Get("error") != "login_required" {
		t.Errorf("back with %v", back)
	}
	p := Person{Username: "left@gmail.com", Password: "left-password-1", Client: b.browser()}
	if _, err := p.Visit(context.Background(), b.googleURL()); err == nil || !strings.Contains(err.Error(), "Your account has been disabled") {
		t.Errorf("error %v", err)
	}
}

func TestGooglesTokenEndpointRefuses(t *testing.T) {
	b := newBench(t, "google")
	c := b.browser()
	v := b.get(c, b.googleURL())
	for v.back.Get("code") == "" {
		v = b.submit(c, v, "login", "svc@gmail.com", "passwd", "svc-password-1")
	}
	code := v.back.Get("code")
	for name, test := range map[string]struct {
		change      []string
		status      int
		oauth, text string
	}{
		"without the secret":        {[]string{"client_secret", ""}, 400, "invalid_request", "client_secret is missing."},
		"with another secret":       {[]string{"client_secret", "x"}, 401, "invalid_client", "The provided client secret is invalid."},
		"by an unknown client":      {[]string{"client_id", "x"}, 401, "invalid_client", "The OAuth client was not found."},
		"without a client":          {[]string{"client_id", ""}, 400, "invalid_request", "Could not determine client ID from request."},
		"by an application alone":   {[]string{"grant_type", "client_credentials"}, 400, "unsupported_grant_type", "Invalid grant_type: client_credentials"},
		"without a grant type":      {[]string{"grant_type", ""}, 400, "invalid_request", "Required parameter is missing: grant_type"},
		"with another code":         {[]string{"code", "x"}, 400, "invalid_grant", "Malformed auth code."},
		"without a code":            {[]string{"code", ""}, 400, "invalid_request", "Missing required parameter: code"},
		"with another address":      {[]string{"redirect_uri", "http://127.0.0.1:6"}, 400, "redirect_uri_mismatch", "Bad Request"},
		"without a verifier":        {[]string{"code_verifier", ""}, 400, "invalid_grant", "Missing code verifier."},
		"with another verifier":     {[]string{"code_verifier", "x"}, 400, "invalid_grant", "Invalid code verifier."},
		"with no refresh token":     {[]string{"grant_type", "refresh_token"}, 400, "invalid_request", "Missing required parameter: refresh_token"},
		"with another refresh word": {[]string{"grant_type", "refresh_token", "refresh_token", "x"}, 400, "invalid_grant", "Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.token(googleForm(code, test.change...), nil)
			if a.status != test.status || a.Error != test.oauth || a.Description != test.text || len(a.Codes) > 0 {
				t.Errorf("%d %s %s", a.status, a.Error, a.Description)
			}
		})
	}
	if a := b.token(googleForm(code), nil); a.status != 200 {
		t.Fatal(a.Description)
	}
	if a := b.token(googleForm(code), nil); a.status != 400 || a.Error != "invalid_grant" {
		t.Errorf("twice: %d %s", a.status, a.Description)
	}
}
