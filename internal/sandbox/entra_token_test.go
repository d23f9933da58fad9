package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// refused fails the test unless a is this refusal in Entra's form.
func (a tokenAnswer) refused(t *testing.T, status int, oauth string, code int) {
	t.Helper()
	if a.status != status || a.Error != oauth || a.code() != code {
		t.Errorf("%d %s AADSTS%d: %s; want %d %s %d", a.status, a.Error, a.code(), a.Description, status, oauth, code)
	}
	if !strings.Contains(a.Description, "\r\nTrace ID: ") || !strings.Contains(a.Description, "\r\nTimestamp: 202") {
		t.Errorf("description %q", a.Description)
	}
	if a.header.Get("Cache-Control") != "no-store, no-cache" {
		t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
}

func TestACodeBecomesTokensForOneResourceAndRefreshesToAnother(t *testing.T) {
	b := newBench(t, "default")
	first := b.redeem(b.signIn())
	if first.status != http.StatusOK || first.TokenType != "Bearer" || first.Scope != smtpScope || first.RefreshToken == "" {
		t.Fatalf("%d %s %q", first.status, first.Description, first.Scope)
	}
	if first.ExpiresIn < 3599 || first.ExpiresIn > 5400 {
		t.Errorf("expires in %d s", first.ExpiresIn)
	}
	if n := len(first.AccessToken); n < 1500 || n > 2300 {
		t.Errorf("the access token has %d octets", n)
	}
	claims, ok := b.entra.check(first.AccessToken)
	if !ok || claims.Audience != exchangeID || claims.UPN != "svc@contoso.com" || claims.TenantID != b.TenantID ||
		claims.AppID != desktopAppID || len(claims.Scopes) != 1 || claims.Scopes[0] != "SMTP.Send" {
		t.Errorf("claims %+v", claims)
	}
	second := b.refresh(first.RefreshToken, "scope", "https://graph.microsoft.com/User.Read")
	if claims, ok := b.entra.check(second.AccessToken); !ok || claims.Audience != graphAudience || claims.Scopes[0] != "User.Read" {
		t.Errorf("claims %+v of %s", claims, second.Description)
	}
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken {
		t.Error("the refresh token did not change")
	}
	if again := b.refresh(first.RefreshToken); again.status != http.StatusOK {
		t.Errorf("the old refresh token is dead: %s", again.Description)
	}
	if both := b.refresh(first.RefreshToken, "scope", bothScopes); both.Scope != smtpScope {
		t.Errorf("two resources gave %q (%s), not the first", both.Scope, both.Description)
	}
	if none := b.refresh(first.RefreshToken, "scope", ""); none.Scope != smtpScope {
		t.Errorf("no scope gave %q (%s), not the first resource", none.Scope, none.Description)
	}
}

func TestAnAccessTokenEndsAndBelongsToItsTenant(t *testing.T) {
	b, other := newBench(t, "token-short-lived"), newBench(t, "default")
	a := b.redeem(b.signIn())
	if a.ExpiresIn != 59 {
		t.Errorf("expires in %d s", a.ExpiresIn)
	}
	if _, ok := other.entra.check(a.AccessToken); ok {
		t.Error("another sandbox takes the token")
	}
	for _, garbage := range []string{"", "x", "a.b.c", a.AccessToken + "x", a.IDToken} {
		if _, ok := b.entra.check(garbage); ok {
			t.Errorf("%d octets of garbage are a token", len(garbage))
		}
	}
	if _, ok := b.entra.check(a.AccessToken); !ok {
		t.Error("the token is not good")
	}
	b.clock.add(61 * time.Second)
	if _, ok := b.entra.check(a.AccessToken); ok {
		t.Error("the token outlives its minute")
	}
}

func TestTheIDTokenVerifies(t *testing.T) {
	for _, scenario := range []string{"default", "signing-key-rotated"} {
		t.Run(scenario, func(t *testing.T) {
			b := newBench(t, scenario)
			ctx := oidc.ClientContext(context.Background(), b.browser())
			provider, err := oidc.NewProvider(ctx, b.Issuer)
			if err != nil {
				t.Fatal(err)
			}
			verifier := provider.Verifier(&oidc.Config{ClientID: desktopAppID, Now: b.clock.now})
			var kept string
			for range 2 {
				raw := b.redeem(b.signIn()).IDToken
				token, err := verifier.Verify(ctx, raw)
				if err != nil {
					t.Fatal(err)
				}
				var claims idTokenClaims
				if err := token.Claims(&claims); err != nil {
					t.Fatal(err)
				}
				if token.Nonce != "nonce-1" || claims.TenantID != b.TenantID || claims.Username != "svc@contoso.com" || claims.ObjectID == "" || claims.Name == "" {
					t.Errorf("claims %+v", claims)
				}
				header, _, _ := strings.Cut(raw, ".")
				if scenario == "signing-key-rotated" && header == kept {
					t.Error("the key was not rotated")
				}
				kept = header
			}
		})
	}
}

func TestCodeRedemptionIsRefused(t *testing.T) {
	b := newBench(t, "default")
	for _, test := range []struct {
		name   string
		change []string
		status int
		oauth  string
		code   int
	}{
		{"with another verifier", []string{"code_verifier", strings.Repeat("x", 43)}, 400, "invalid_grant", 501481},
		{"without a verifier", []string{"code_verifier", ""}, 400, "invalid_grant", 501481},
		{"with another redirect URI", []string{"redirect_uri", "http://localhost:2"}, 400, "invalid_grant", 500112},
		{"without a redirect URI", []string{"redirect_uri", ""}, 400, "invalid_grant", 500112},
		{"with a code that was never issued", []string{"code", "1.x"}, 400, "invalid_grant", 70000},
		{"without a code", []string{"code", ""}, 400, "invalid_request", 900144},
		{"by another application", []string{"client_id", webAppID}, 400, "invalid_grant", 70000},
		{"by an unknown application", []string{"client_id", "nobody"}, 400, "unauthorized_client", 700016},
		{"without an application", []string{"client_id", ""}, 400, "invalid_request", 900144},
		{"by a public client with a secret", []string{"client_secret", "x"}, 401, "invalid_client", 700025},
		{"for two resources", []string{"scope", bothScopes}, 400, "invalid_request", 28000},
		{"without a scope after asking for two resources", []string{"scope", ""}, 400, "invalid_request", 28003},
		{"for a scope that does not exist", []string{"scope", "https://outlook.office.com/SMTP.SendAsApp"}, 400, "invalid_scope", 70011},
		{"without a grant type", []string{"grant_type", ""}, 400, "invalid_request", 900144},
		{"with an unknown grant type", []string{"grant_type", "password"}, 400, "unsupported_grant_type", 70003},
	} {
		t.Run(test.name, func(t *testing.T) {
			code := b.signIn()
			b.redeem(code, test.change...).refused(t, test.status, test.oauth, test.code)
			if a := b.redeem(code); a.status != http.StatusOK {
				t.Errorf("the code is spent by a refusal: %s", a.Description)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		code := b.signIn()
		b.redeem(code)
		b.redeem(code).refused(t, 400, "invalid_grant", 54005)
	})
	t.Run("after ten minutes", func(t *testing.T) {
		code := b.signIn()
		b.clock.add(codeLifetime)
		b.redeem(code).refused(t, 400, "invalid_grant", 70008)
	})
	t.Run("at another tenant segment", func(t *testing.T) {
		code := b.signIn()
		b.TokenURL = strings.Replace(b.TokenURL, b.TenantID, "organizations", 1)
		b.redeem(code).refused(t, 400, "invalid_grant", 700005)
		b.TokenURL = strings.Replace(b.TokenURL, "organizations", b.Domain, 1)
		if a := b.redeem(code); a.status != http.StatusOK {
			t.Errorf("the domain is not the tenant: %s", a.Description)
		}
		b.TokenURL = strings.Replace(b.TokenURL, b.Domain, "fabrikam.com", 1)
		b.redeem(code).refused(t, 400, "invalid_request", 90002)
	})
}

func TestPlainPKCEAndNoPKCEWork(t *testing.T) {
	b := newBench(t, "default")
	plain := b.signIn("code_challenge", testVerifier, "code_challenge_method", "")
	if a := b.redeem(plain); a.status != http.StatusOK {
		t.Error(a.Description)
	}
	none := b.signIn("code_challenge", "", "code_challenge_method", "")
	b.redeem(none).refused(t, 400, "invalid_grant", 501481)
	if a := b.redeem(none, "code_verifier", ""); a.status != http.StatusOK {
		t.Error(a.Description)
	}
}

func TestOnlyTheScopesAskedForBringTheirTokens(t *testing.T) {
	b := newBench(t, "default")
	a := b.redeem(b.signIn("scope", "openid "+smtpScope), "scope", "")
	if a.RefreshToken != "" || a.IDToken == "" || a.AccessToken == "" {
		t.Errorf("without offline_access: refresh %v, ID %v (%s)", a.RefreshToken != "", a.IDToken != "", a.Description)
	}
	var claims idTokenClaims
	if !b.entra.keys.verify(a.IDToken, &claims) || claims.Username != "" || claims.Name != "" {
		t.Errorf("without profile the ID token has %q, %q", claims.Username, claims.Name)
	}
	a = b.redeem(b.signIn("scope", "offline_access "+smtpScope))
	if a.RefreshToken == "" || a.IDToken != "" {
		t.Errorf("without openid: refresh %v, ID %v", a.RefreshToken != "", a.IDToken != "")
	}
	a = b.redeem(b.signIn("scope", "openid profile"), "scope", "")
	if claims, ok := b.entra.check(a.AccessToken); !ok || claims.Audience != graphAudience || a.Scope != "openid profile" {
		t.Errorf("openid alone: %+v %q", claims, a.Scope)
	}
}

// webForm redeems a code of the Web registration.
func webForm(code, secret string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {webAppID}, "code": {code},
		"redirect_uri": {"http://localhost:53682/callback"}, "code_verifier": {testVerifier}, "scope": {smtpScope},
	}
	if secret != "" {
		form.Set("client_secret", secret)
	}
	return form
}

func TestAWebRegistrationNeedsItsSecretValue(t *testing.T) {
	b := newBench(t, "default")
	app := b.Tenant().app(webAppID)
	code := b.signIn("client_id", webAppID, "redirect_uri", "http://localhost:53682/callback")
	b.token(webForm(code, ""), nil).refused(t, 401, "invalid_client", 7000218)
	for _, wrong := range []string{"wrong", app.SecretID} {
		a := b.token(webForm(code, wrong), nil)
		a.refused(t, 401, "invalid_client", 7000215)
		if !strings.HasPrefix(a.Description, "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+webAppID+"'.\r\n") {
			t.Errorf("%q", a.Description)
		}
	}
	a := b.token(webForm(code, app.Secret), nil)
	if a.status != http.StatusOK {
		t.Fatal(a.Description)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {webAppID}, "refresh_token": {a.RefreshToken}, "scope": {smtpScope}}
	b.token(form, nil).refused(t, 401, "invalid_client", 7000218)
	form.Del("client_id")
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth(webAppID, url.QueryEscape(app.Secret))
	if a := b.token(form, basic.Header); a.status != http.StatusOK {
		t.Errorf("with the secret in the header: %s", a.Description)
	}
}

func TestAnExpiredSecretSaysSo(t *testing.T) {
	b := newBench(t, "secret-expired")
	code := b.signIn("client_id", webAppID, "redirect_uri", "http://localhost:53682/callback")
	b.token(webForm(code, b.Tenant().app(webAppID).Secret), nil).refused(t, 401, "invalid_client", 7000222)
	b.token(webForm(code, "wrong"), nil).refused(t, 401, "invalid_client", 7000215)
}

func TestASinglePageAppRedeemsAcrossOriginsForADay(t *testing.T) {
	b := newBench(t, "default")
	form := webForm(b.signIn("client_id", spaAppID, "redirect_uri", "http://localhost:53683/"), "")
	form.Set("client_id", spaAppID)
	form.Set("redirect_uri", "http://localhost:53683/")
	b.token(form, nil).refused(t, 400, "invalid_request", 9002327)
	origin := http.Header{"Origin": {"http://localhost:53683"}}
	a := b.token(form, origin)
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d %s %v", a.status, a.Description, a.header)
	}
	form = url.Values{"grant_type": {"refresh_token"}, "client_id": {spaAppID}, "scope": {smtpScope}}
	b.clock.add(23 * time.Hour)
	form.Set("refresh_token", a.RefreshToken)
	if a = b.token(form, origin); a.status != http.StatusOK {
		t.Fatal(a.Description)
	}
	b.clock.add(time.Hour) // a new token does not begin a new day
	form.Set("refresh_token", a.RefreshToken)
	b.token(form, origin).refused(t, 400, "invalid_grant", 700084)

	desktop := url.Values{"grant_type": {"authorization_code"}, "client_id": {desktopAppID}, "code": {b.signIn()}}
	b.token(desktop, origin).refused(t, 400, "invalid_request", 9002326)
}

func TestARefreshIsRefused(t *testing.T) {
	for _, test := range []struct {
		name      string
		breakIt   func(*bench)
		change    []string
		oauth     string
		code      int
		interrupt bool // the client has to go through the browser with claims
	}{
		{name: "after 90 idle days", breakIt: func(b *bench) { b.clock.add(refreshIdle) }, oauth: "invalid_grant", code: 700082},
		{name: "after the tenant's own idle time", breakIt: func(b *bench) {
			b.Tenant().Change(func(tenant *Tenant) { tenant.RefreshTokenLifetime = time.Hour })
			b.clock.add(time.Hour)
		}, oauth: "invalid_grant", code: 700082},
		{name: "after a password change", breakIt: func(b *bench) {
			b.clock.add(time.Second)
			b.Tenant().Change(func(tenant *Tenant) { tenant.RevokedBefore = b.clock.now() })
		}, oauth: "invalid_grant", code: 50173},
		{name: "when the account is disabled", breakIt: func(b *bench) {
			b.Tenant().Change(func(tenant *Tenant) { tenant.user("svc@contoso.com").Disabled = true })
		}, oauth: "invalid_grant", code: 50057},
		{name: "when the account is gone", breakIt: func(b *bench) {
			b.Tenant().Change(func(tenant *Tenant) { tenant.Users = tenant.Users[1:] })
		}, oauth: "invalid_grant", code: 50034},
		{name: "when consent was withdrawn", breakIt: func(b *bench) {
			b.Tenant().Change(func(tenant *Tenant) { tenant.user("svc@contoso.com").Consented = nil })
		}, oauth: "invalid_grant", code: 65001},
		{name: "when a second factor became necessary", breakIt: func(b *bench) {
			b.Tenant().Change(func(tenant *Tenant) { tenant.user("svc@contoso.com").MFA = true })
		}, oauth: "interaction_required", code: 50076, interrupt: true},
		{name: "when the application was disabled", breakIt: func(b *bench) {
			b.Tenant().Change(func(tenant *Tenant) { tenant.app(desktopAppID).Disabled = true })
		}, oauth: "unauthorized_client", code: 7000112},
		{name: "with a token that was never issued", change: []string{"refresh_token", "x"}, oauth: "invalid_grant", code: 70000},
		{name: "without a token", change: []string{"refresh_token", ""}, oauth: "invalid_request", code: 900144},
		{name: "by another application", change: []string{"client_id", webAppID}, oauth: "invalid_grant", code: 70000},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, "default")
			token := b.redeem(b.signIn()).RefreshToken
			if test.breakIt != nil {
				test.breakIt(b)
			}
			a := b.refresh(token, test.change...)
			a.refused(t, 400, test.oauth, test.code)
			if test.interrupt != strings.Contains(a.Claims, `"access_token"`) {
				t.Errorf("claims %q", a.Claims)
			}
		})
	}
}

func TestTheTokenEndpointTakesFormsOnly(t *testing.T) {
	b := newBench(t, "default")
	if v := b.get(b.browser(), b.TokenURL); v.status != 400 || !strings.Contains(v.body, "AADSTS900561") {
		t.Errorf("GET: %d %s", v.status, v.body)
	}
	b.token(url.Values{"grant_type": {"refresh_token", "authorization_code"}}, nil).refused(t, 400, "invalid_request", 9000411)
	if a := b.token(url.Values{"junk": {strings.Repeat("x", 2*maxForm)}}, nil); a.status != 400 {
		t.Errorf("a body over the limit: %d", a.status)
	}
}

func TestACorrelationIDComesBack(t *testing.T) {
	b := newBench(t, "default")
	const id = "0f0e0d0c-0b0a-4908-8706-050403020100"
	a := b.token(url.Values{}, http.Header{"Client-Request-Id": {id}})
	if !strings.Contains(a.Description, "\r\nCorrelation ID: "+id+"\r\n") {
		t.Errorf("%q", a.Description)
	}
	a = b.token(url.Values{}, http.Header{"Client-Request-Id": {"not one"}})
	if strings.Contains(a.Description, "not one") {
		t.Errorf("%q", a.Description)
	}
}
