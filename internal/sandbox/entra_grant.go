package sandbox

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	codeLifetime       = 10 * time.Minute
	spaRefreshLifetime = 24 * time.Hour
	// refreshIdle is how long a refresh token may lie unused where the tenant
	// does not say.
	refreshIdle = 90 * 24 * time.Hour
)

// A grant is what stands behind an authorization code or a refresh token.
type grant struct {
	clientID    string
	upn         string
	tenant      string // the path segment of the authorize request
	redirectURI string
	platform    Platform
	scopes      scopeSet // asked for at the start
	nonce       string
	// challenge and method are PKCE's; challenge is "" without it.
	challenge, method string
	mfa               bool
	offline           bool      // at Google: a refresh token comes with it
	issued            time.Time // this code or token
	began             time.Time // the sign-in
	used              bool      // a code that was redeemed
}

// verify checks PKCE's second half (RFC 7636 §4.6).
func (g *grant) verify(verifier string) bool {
	if g.challenge == "" {
		return verifier == ""
	}
	derived := verifier
	if g.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		derived = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(derived), []byte(g.challenge)) == 1
}

// accessTokenClaims are those of a v1.0 access token, as Exchange and Graph get
// them. Nobody but the resource is meant to read it, so a client must not rely
// on them; the long ones make it as long as a real one.
type accessTokenClaims struct {
	jwt.Claims
	Acct          int      `json:"acct"`
	ACR           string   `json:"acr"`
	AIO           string   `json:"aio"`
	AMR           []string `json:"amr"`
	AppName       string   `json:"app_displayname"`
	AppID         string   `json:"appid"`
	AppACR        string   `json:"appidacr"`
	GivenName     string   `json:"given_name"`
	IDP           string   `json:"idp,omitempty"` // a guest's alone
	IdentityType  string   `json:"idtyp"`
	IPAddress     string   `json:"ipaddr"`
	Name          string   `json:"name"`
	ObjectID      string   `json:"oid"`
	PUID          string   `json:"puid"`
	RH            string   `json:"rh"`
	Roles         []string `json:"roles,omitempty"` // an application's alone
	Scope         string   `json:"scp"`
	SID           string   `json:"sid"`
	SignInState   []string `json:"signin_state"`
	TenantID      string   `json:"tid"`
	UniqueName    string   `json:"unique_name"`
	UPN           string   `json:"upn"`
	UTI           string   `json:"uti"`
	Version       string   `json:"ver"`
	WIDs          []string `json:"wids"`
	TenantCreated int64    `json:"xms_tcdt"`
}

// accessLifetime is how long a new access token is good.
func (e *entra) accessLifetime() (lifetime time.Duration) {
	e.tenant.View(func(t *Tenant) { lifetime = t.AccessTokenLifetime })
	if lifetime == 0 {
		lifetime = 60*time.Minute + rand.N(30*time.Minute)
	}
	return lifetime
}

// accessToken makes a token of audience for scopes, and says how long it is
// good. Nobody can read one for a personal account but Microsoft.
func (e *entra) accessToken(g *grant, app *App, user *User, audience string, scopes []string) (string, time.Duration, error) {
	lifetime, now := e.accessLifetime(), e.now()
	if e.personal() {
		token, err := e.seals.seal(personalToken, accessClaims{
			Audience: audience, UPN: user.UPN, ObjectID: user.ObjectID, TenantID: e.tenant.ID, AppID: app.ClientID,
			Scopes: scopes, Expires: now.Add(lifetime),
		})
		return token, lifetime, err
	}
	acr := "0"
	if g.platform == Web {
		acr = "1"
	}
	claims := accessTokenClaims{
		Claims: jwt.Claims{
			Issuer: e.accessIssuer(), Subject: pairwise(user.ObjectID, app.ClientID),
			Audience: jwt.Audience{audience}, IssuedAt: jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(lifetime)),
		},
		Acct: map[bool]int{true: 1}[user.HomeTenant != ""],
		ACR:  "1", AIO: randomName() + randomName(), AMR: methods(g.mfa),
		AppName: app.Name, AppID: app.ClientID, AppACR: acr,
		GivenName: user.Name, IDP: user.idp(), IdentityType: "user", IPAddress: "127.0.0.1", Name: user.Name,
		ObjectID: user.ObjectID, PUID: "10032000" + strings.ToUpper(user.ObjectID[:8]),
		RH: "1." + randomName() + randomName() + ".", Scope: strings.Join(scopes, " "), SID: randomGUID(),
		SignInState: []string{"kmsi"}, TenantID: e.tenant.ID, UniqueName: user.UPN, UPN: user.UPN,
		UTI: randomName()[:22], Version: "1.0", WIDs: []string{"b79fbf4d-3ef9-4689-8143-76b194e85509"},
		TenantCreated: 1577836800,
	}
	token, err := e.keys.sign(claims)
	return token, lifetime, err
}

// accessIssuer is the iss of this tenant's access tokens, version 1.0.
func (e *entra) accessIssuer() string {
	return "https://" + clouds[e.tenant.Provider].sts + "/" + e.tenant.ID + "/"
}

// methods is the amr claim.
func methods(mfa bool) []string {
	if mfa {
		return []string{"pwd", "mfa"}
	}
	return []string{"pwd"}
}

// pairwise is the sub claim: the same person differs from one application to
// the next.
func pairwise(objectID, clientID string) string {
	sum := sha256.Sum256([]byte(objectID + clientID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// idTokenClaims are those of a v2.0 ID token.
type idTokenClaims struct {
	jwt.Claims
	Nonce    string `json:"nonce,omitempty"`
	ObjectID string `json:"oid"`
	Username string `json:"preferred_username,omitempty"` // needs the scope profile
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	IDP      string `json:"idp,omitempty"` // a guest's alone
	TenantID string `json:"tid"`
	UTI      string `json:"uti"`
	Version  string `json:"ver"`
}

// idToken signs an ID token. Where the scenario says so, a new key signs it.
func (e *entra) idToken(base string, g *grant, app *App, user *User) (string, error) {
	if e.faults.rotateKeys {
		if err := e.keys.rotate(); err != nil {
			return "", err
		}
	}
	now := e.now()
	claims := idTokenClaims{
		Claims: jwt.Claims{
			Issuer: e.issuer(base), Subject: pairwise(user.ObjectID, app.ClientID), Audience: jwt.Audience{app.ClientID},
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now),
			Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
		},
		Nonce: g.nonce, ObjectID: user.ObjectID, IDP: user.idp(), TenantID: e.tenant.ID,
		UTI: randomName()[:22], Version: "2.0",
	}
	if g.scopes.has("profile") {
		claims.Username, claims.Name = cmp.Or(user.SignInName, user.UPN), user.Name // a guest's own address (assumed)
	}
	if g.scopes.has("email") {
		claims.Email = user.UPN
	}
	return e.keys.sign(claims)
}

// check is the tenant's accessChecker.
func (e *entra) check(token string) (accessClaims, bool) {
	if prefix, opaque := opaqueTokens[e.tenant.Provider]; opaque {
		c, ok := e.seals.open(prefix, token)
		return c, ok && e.now().Before(c.Expires)
	}
	var c accessTokenClaims
	if !e.keys.verify(token, &c) || c.ValidateWithLeeway(jwt.Expected{Time: e.now()}, 0) != nil ||
		len(c.Audience) != 1 || c.TenantID != e.tenant.ID || c.Version != "1.0" {
		return accessClaims{}, false
	}
	return accessClaims{
		Audience: c.Audience[0], UPN: c.UPN, ObjectID: c.ObjectID, TenantID: c.TenantID, AppID: c.AppID,
		Scopes: strings.Fields(c.Scope), Roles: c.Roles, Expires: c.Expiry.Time(),
	}, true
}
