package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// googleRefused is Google's form of an error of the token endpoint.
func googleRefused(status int, oauth, text string) answer {
	return jsonAnswer(status, map[string]string{"error": oauth, "error_description": text})
}

func googleGrantRefused(text string) answer {
	return googleRefused(http.StatusBadRequest, "invalid_grant", text)
}

// googleReply is a good answer of the token endpoint.
type googleReply struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
	IDToken      string `json:"id_token,omitempty"`
}

// googleToken is the token endpoint. A desktop client has to send its secret,
// although everybody can read it there.
func (e *entra) googleToken(r *http.Request) answer {
	form := r.PostForm
	if name := duplicated(form); name != "" {
		return googleRefused(http.StatusBadRequest, "invalid_request", "Parameter not allowed more than once: "+name)
	}
	kind := form.Get("grant_type")
	switch kind {
	case "authorization_code", "refresh_token":
	case "":
		return googleRefused(http.StatusBadRequest, "invalid_request", "Required parameter is missing: grant_type")
	default:
		return googleRefused(http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+kind)
	}
	clientID, secret := clientCredentials(r)
	app := e.googleApp(clientID)
	switch {
	case clientID == "":
		return googleRefused(http.StatusBadRequest, "invalid_request", "Could not determine client ID from request.")
	case app == nil:
		return googleRefused(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	case secret == "":
		return googleRefused(http.StatusBadRequest, "invalid_request", "client_secret is missing.")
	case secret != app.Secret:
		return googleRefused(http.StatusUnauthorized, "invalid_client", "The provided client secret is invalid.")
	case kind == "refresh_token":
		return e.googleRefresh(r, app)
	}
	return e.googleCode(r, app)
}

// googleCode is grant_type=authorization_code.
func (e *entra) googleCode(r *http.Request, app *App) answer {
	form := r.PostForm
	if form.Get("code") == "" {
		return googleRefused(http.StatusBadRequest, "invalid_request", "Missing required parameter: code")
	}
	g, ok := e.codes.get(form.Get("code"), e.now())
	switch {
	case !ok, !strings.EqualFold(g.clientID, app.ClientID):
		return googleGrantRefused("Malformed auth code.")
	case g.used:
		return googleGrantRefused("Bad Request")
	case form.Get("redirect_uri") != g.redirectURI:
		return googleRefused(http.StatusBadRequest, "redirect_uri_mismatch", "Bad Request")
	case g.challenge != "" && form.Get("code_verifier") == "":
		return googleGrantRefused("Missing code verifier.")
	case !g.verify(form.Get("code_verifier")):
		return googleGrantRefused("Invalid code verifier.")
	}
	g.used = true
	refresh := ""
	if g.offline {
		now := e.now()
		next := *g
		next.issued = now
		refresh = "1//0" + randomName() + randomName()
		e.refreshes.put(refresh, &next, now, now.Add(10*refreshIdle))
	}
	return e.googleIssue(g, app, refresh)
}

// googleRefresh is grant_type=refresh_token. The token stays the same.
func (e *entra) googleRefresh(r *http.Request, app *App) answer {
	name := r.PostForm.Get("refresh_token")
	if name == "" {
		return googleRefused(http.StatusBadRequest, "invalid_request", "Missing required parameter: refresh_token")
	}
	now := e.now()
	g, ok := e.refreshes.get(name, now)
	if !ok || !strings.EqualFold(g.clientID, app.ClientID) {
		return googleGrantRefused("Bad Request")
	}
	var revoked time.Time
	idle := refreshIdle
	e.tenant.View(func(t *Tenant) {
		revoked = t.RevokedBefore
		if t.RefreshTokenLifetime > 0 {
			idle = t.RefreshTokenLifetime
		}
	})
	if g.issued.Before(revoked) || !now.Before(g.issued.Add(idle)) ||
		len(e.missingConsent(app, g.upn, g.scopes.ids())) > 0 {
		return googleGrantRefused("Token has been expired or revoked.")
	}
	g.issued = now // in use
	return e.googleIssue(g, app, "")
}

// googleIssue makes the tokens of a grant.
func (e *entra) googleIssue(g *grant, app *App, refresh string) answer {
	user := e.account(g.upn)
	if user == nil || user.Disabled {
		return googleGrantRefused("Account has been deleted or disabled")
	}
	lifetime := time.Hour
	e.tenant.View(func(t *Tenant) {
		if t.AccessTokenLifetime > 0 {
			lifetime = t.AccessTokenLifetime
		}
	})
	now, scopes := e.now(), googleSpelling(g.scopes)
	failed := googleRefused(http.StatusInternalServerError, "internal_failure", "Internal error. Try again.")
	token, err := e.seals.seal(googleToken, accessClaims{
		Audience: googleMailID + "/", UPN: user.UPN, ObjectID: googleSubject(user), TenantID: e.tenant.ID, AppID: app.ClientID,
		Scopes: scopes, Expires: now.Add(lifetime),
	})
	if err != nil {
		return failed
	}
	reply := googleReply{
		AccessToken: token, ExpiresIn: int(lifetime/time.Second) - 1, RefreshToken: refresh,
		Scope: strings.Join(scopes, " "), TokenType: "Bearer",
	}
	if g.scopes.has("openid") {
		if reply.IDToken, err = e.googleIDToken(g, app, user, token); err != nil {
			return failed
		}
	}
	return jsonAnswer(http.StatusOK, reply)
}

// googleIDClaims are those of Google's ID tokens.
type googleIDClaims struct {
	jwt.Claims
	AZP           string `json:"azp"`
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"`
	AtHash        string `json:"at_hash"`
	Nonce         string `json:"nonce,omitempty"`
	Name          string `json:"name,omitempty"`
}

func (e *entra) googleIDToken(g *grant, app *App, user *User, access string) (string, error) {
	now := e.now()
	sum := sha256.Sum256([]byte(access))
	claims := googleIDClaims{
		Claims: jwt.Claims{
			Issuer: googleIssuer, Subject: googleSubject(user), Audience: jwt.Audience{app.ClientID},
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
		},
		AZP: app.ClientID, AtHash: base64.RawURLEncoding.EncodeToString(sum[:16]), Nonce: g.nonce,
	}
	if g.scopes.has("email") {
		claims.Email, claims.EmailVerified = user.UPN, true
	}
	if g.scopes.has("profile") {
		claims.Name = user.Name
	}
	return e.keys.sign(claims)
}

// googleSubject is the sub of an account: 21 digits, the same for every client.
func googleSubject(u *User) string {
	sum := sha256.Sum256([]byte(u.ObjectID))
	n := strconv.FormatUint(binary.BigEndian.Uint64(sum[:8]), 10)
	return "1" + strings.Repeat("0", 20-len(n)) + n
}
