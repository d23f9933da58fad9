package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenFaults is what a scenario breaks at the token endpoint. It is read and
// written with entra's lock held.
type tokenFaults struct {
	throttled       int  // so many requests still get 429
	proxyPage       bool // a proxy answers instead
	proxyEverywhere bool // and at every other address of the sign-in
	rotateKeys      bool // every ID token is signed by a new key
	// renewal befalls at the first renewal of Exchange's token.
	renewal renewalFault
	// remembered is who every browser is signed in as already, by UPN.
	remembered string
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// tokenReply is a good answer of the token endpoint.
type tokenReply struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"` // an application gets none
	ExpiresIn    int    `json:"expires_in"`
	ExtExpiresIn int    `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// token is the token endpoint.
func (e *entra) token(r *http.Request) answer {
	if e.faults.proxyPage {
		return proxyAnswer()
	}
	if e.faults.throttled > 0 {
		e.faults.throttled--
		a := newIncident(refuse("temporarily_unavailable", 90055, "Tenant %s has exceeded its budget of requests. Try again later.", e.tenant.ID), e.now(), r).answer()
		a.status = http.StatusTooManyRequests
		a.header.Set("Retry-After", "1")
		return a
	}
	reply, platform, refused := e.redeem(r)
	var a answer
	if refused != nil {
		a = newIncident(refused, e.now(), r).answer()
	} else {
		a = jsonAnswer(http.StatusOK, reply)
	}
	if platform == SPA {
		a.header.Set("Access-Control-Allow-Origin", "*")
	}
	return a
}

// proxyAnswer is what a proxy says instead of whoever was asked.
func proxyAnswer() answer {
	return answer{http.StatusOK, http.Header{"Content-Type": {"text/html"}},
		[]byte("<html><head><title>Web filter</title></head><body><h1>Access to this site needs a login</h1></body></html>")}
}

// redeem checks the client and hands the request to its grant type.
func (e *entra) redeem(r *http.Request) (reply tokenReply, platform Platform, refused *refusal) {
	if r.Method != http.MethodPost {
		return reply, "", refuse("invalid_request", 900561, "The endpoint only accepts POST requests. Received a %s request.", r.Method)
	}
	form := r.PostForm
	if name := duplicated(form); name != "" {
		return reply, "", parameterTwice(name)
	}
	clientID, secret := clientCredentials(r)
	switch {
	case form.Get("grant_type") == "":
		return reply, "", parameterMissing("grant_type")
	case clientID == "":
		return reply, "", parameterMissing("client_id")
	}
	alone := form.Get("grant_type") == "client_credentials"
	if alone {
		if refused = e.checkAppTenant(r.PathValue("tenant")); refused != nil {
			return reply, "", refused
		}
	}
	app, refused := e.checkApp(r.PathValue("tenant"), clientID)
	if refused != nil {
		return reply, "", refused
	}
	if alone {
		reply, refused = e.redeemApp(r, app, secret)
		return reply, "", refused
	}
	var g *grant
	var scopes scopeSet
	switch kind := form.Get("grant_type"); kind {
	case "authorization_code":
		g, scopes, refused = e.redeemCode(r, app, secret)
	case "refresh_token":
		g, scopes, refused = e.redeemRefresh(r, app, secret)
	case deviceGrant:
		g, scopes, refused = e.redeemDevice(r, app, secret)
	default:
		refused = refuse("unsupported_grant_type", 70003, "The app requested an unsupported grant type '%s'.", kind)
	}
	if g != nil {
		platform = g.platform
	}
	if refused != nil {
		return reply, platform, refused
	}
	reply, refused = e.issue(e.at(r), g, app, scopes)
	return reply, platform, refused
}

// clientCredentials reads the client from the body, or from the Authorization
// header (RFC 6749 §2.3.1).
func clientCredentials(r *http.Request) (id, secret string) {
	id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		if u, err := url.QueryUnescape(user); err == nil && id == "" {
			id = u
		}
		if p, err := url.QueryUnescape(password); err == nil && secret == "" {
			secret = p
		}
	}
	return id, secret
}

// checkClient applies the rules of the platform type: who must send a secret,
// who must not, and who must be a page of another origin.
func (e *entra) checkClient(r *http.Request, app *App, platform Platform, secret string) *refusal {
	origin := r.Header.Get("Origin") != ""
	switch {
	case platform == SPA && !origin:
		return refuse("invalid_request", 9002327, "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.")
	case platform != SPA && origin:
		return refuse("invalid_request", 9002326, "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.")
	case platform != Web && (secret != "" || r.PostForm.Get("client_assertion") != ""):
		return clientPublic()
	case platform != Web:
		return nil
	}
	return e.prove(r, app, secret)
}

// redeemCode is grant_type=authorization_code.
func (e *entra) redeemCode(r *http.Request, app *App, secret string) (*grant, scopeSet, *refusal) {
	form := r.PostForm
	if form.Get("code") == "" {
		return nil, scopeSet{}, parameterMissing("code")
	}
	now := e.now()
	g, ok := e.codes.get(form.Get("code"), now)
	if !ok || !strings.EqualFold(g.clientID, app.ClientID) {
		return nil, scopeSet{}, refuse("invalid_grant", 70000, "The provided value for the input parameter 'code' is not valid.")
	}
	if refused := e.checkClient(r, app, g.platform, secret); refused != nil {
		return g, scopeSet{}, refused
	}
	switch {
	case g.used:
		return g, scopeSet{}, refuse("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case !now.Before(g.issued.Add(codeLifetime)):
		return g, scopeSet{}, refuse("invalid_grant", 70008, "The provided authorization code has expired. Send a new interactive authorization request for this user and resource.")
	case !e.sameTenant(g.tenant, r.PathValue("tenant")):
		return g, scopeSet{}, refuse("invalid_grant", 700005, "Provided Authorization Code is intended to use against other tenant, thus rejected.")
	case form.Get("redirect_uri") != g.redirectURI:
		return g, scopeSet{}, refuse("invalid_grant", 500112, "The redirect URI '%s' does not match the redirect URI of the authorization request.", form.Get("redirect_uri"))
	case !g.verify(form.Get("code_verifier")):
		return g, scopeSet{}, refuse("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	scopes, refused := e.tenant.Provider.parseScopes(form.Get("scope"), app)
	if refused != nil {
		return g, scopes, refused
	}
	if len(scopes.resources()) > 1 {
		return g, scopes, severalResources(form.Get("scope"))
	}
	if len(scopes.permissions) == 0 {
		if len(g.scopes.resources()) > 1 {
			return g, scopes, refuse("invalid_request", 28003, "Provided value for the input parameter scope cannot be empty when requesting an access token using the provided authorization code. Name the scopes of one resource.")
		}
		scopes.permissions = g.scopes.permissions
	}
	if strings.TrimSpace(form.Get("scope")) == "" {
		scopes.oidc = g.scopes.oidc
	}
	g.used = true
	return g, scopes, nil
}

// sameTenant compares the path segments of the two legs of a sign-in.
func (e *entra) sameTenant(a, b string) bool {
	return strings.EqualFold(a, b) || e.ours(a) && e.ours(b)
}

func severalResources(scope string) *refusal {
	return refuse("invalid_request", 28000, "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid.", scope)
}

// redeemRefresh is grant_type=refresh_token. The token stays good: its
// successor may get lost on the way.
func (e *entra) redeemRefresh(r *http.Request, app *App, secret string) (*grant, scopeSet, *refusal) {
	form := r.PostForm
	if form.Get("refresh_token") == "" {
		return nil, scopeSet{}, parameterMissing("refresh_token")
	}
	now := e.now()
	g, ok := e.refreshes.get(form.Get("refresh_token"), now)
	if !ok || !strings.EqualFold(g.clientID, app.ClientID) {
		return nil, scopeSet{}, refuse("invalid_grant", 70000, "The provided value for the input parameter 'refresh_token' is not valid.")
	}
	if refused := e.checkClient(r, app, g.platform, secret); refused != nil {
		return g, scopeSet{}, refused
	}
	scopes, refused := e.tenant.Provider.parseScopes(form.Get("scope"), app)
	if refused != nil {
		return g, scopes, refused
	}
	if len(scopes.permissions) == 0 {
		scopes.permissions = g.scopes.permissions
	}
	if first := scopes.resources(); len(first) > 1 {
		scopes.permissions = slices.DeleteFunc(slices.Clone(scopes.permissions), func(p permission) bool { return p.resource != first[0] })
	}
	if strings.TrimSpace(form.Get("scope")) == "" {
		scopes.oidc = g.scopes.oidc
	}
	return g, scopes, e.checkRefresh(g, scopes, now)
}

// checkRefresh finds out whether a refresh token has lost its force.
func (e *entra) checkRefresh(g *grant, scopes scopeSet, now time.Time) *refusal {
	forExchange := len(scopes.permissions) > 0 && scopes.permissions[0].resource.id == exchangeID
	if e.faults.renewal != 0 && forExchange {
		e.befall(g)
	}
	var revoked time.Time
	tooOften := false
	idle := refreshIdle
	e.tenant.View(func(t *Tenant) {
		revoked = t.RevokedBefore
		tooOften = forExchange && t.ruled(RuleFrequency, g.upn)
		if t.RefreshTokenLifetime > 0 {
			idle = t.RefreshTokenLifetime
		}
	})
	const stamp = "2006-01-02T15:04:05.0000000Z"
	issued := g.issued.UTC().Format(stamp)
	switch {
	case g.issued.Before(revoked):
		return refuse("invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '%s' and the TokensValidFrom date for this user is '%s'.", issued, revoked.UTC().Format(stamp))
	case g.platform == SPA && !now.Before(g.began.Add(spaRefreshLifetime)):
		return refuse("invalid_grant", 700084, "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent. The sign-in was on %s.", g.began.UTC().Format(stamp))
	case tooOften:
		return tooSeldom(issued)
	case g.issued.Before(e.idleBefore): // as if it had been issued so long ago
		issued = now.Add(-idle - time.Hour).UTC().Format(stamp)
		return refuse("invalid_grant", 700082, "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for %.0f days.", issued, idle.Hours()/24)
	case !now.Before(g.issued.Add(idle)):
		return refuse("invalid_grant", 700082, "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for %.0f days.", issued, idle.Hours()/24)
	}
	return nil
}

// issue makes the tokens of a grant for the permissions of one resource, or
// for Graph's userinfo when there are none, with base in the ID token's issuer. OpenID Connect's scopes that the
// sign-in did not ask for are passed over.
func (e *entra) issue(base string, g *grant, app *App, scopes scopeSet) (reply tokenReply, refused *refusal) {
	user := e.account(g.upn)
	switch {
	case user == nil:
		return reply, userUnknown(g.upn, e.tenant.Domain)
	case user.Disabled:
		return reply, userDisabled(user.UPN)
	case user.MFA && !g.mfa:
		return reply, mfaRequired()
	}
	if refused = e.barred(g.upn, app); refused != nil {
		return reply, refused
	}
	if len(e.missingConsent(app, g.upn, scopeSet{permissions: scopes.permissions}.ids())) > 0 {
		return reply, consentMissing("invalid_grant", app)
	}
	audience, prefix, granted := graphAudience, "", g.scopes.oidc
	if len(scopes.permissions) > 0 {
		p := scopes.permissions[0]
		audience, prefix, granted = p.audience(), p.prefix+"/", e.grantedOn(p.resource, app, g.upn)
	}
	token, lifetime, err := e.accessToken(g, app, user, audience, granted)
	if err != nil {
		return reply, refuse("server_error", 90033, "A transient error has occurred. Please try again.")
	}
	reply = tokenReply{TokenType: "Bearer", AccessToken: token, ExpiresIn: int(lifetime/time.Second) - 1}
	reply.ExtExpiresIn = reply.ExpiresIn
	for i, name := range granted {
		if i > 0 {
			reply.Scope += " "
		}
		reply.Scope += prefix + name
	}
	now := e.now()
	if g.scopes.has("offline_access") {
		next := *g
		next.issued = now
		reply.RefreshToken = "1.A" + randomName() + randomName()
		// Kept longer than it is good, so that a late client hears why.
		e.refreshes.put(reply.RefreshToken, &next, now, now.Add(10*refreshIdle))
	}
	if scopes.has("openid") && g.scopes.has("openid") {
		if reply.IDToken, err = e.idToken(base, g, app, user); err != nil {
			return tokenReply{}, refuse("server_error", 90033, "A transient error has occurred. Please try again.")
		}
	}
	return reply, nil
}

// grantedOn lists the permissions of r that were consented to: a token carries
// all of them, whatever part was asked for.
func (e *entra) grantedOn(r *resource, app *App, upn string) (names []string) {
	for _, id := range e.consented(app, upn) {
		i := strings.LastIndexByte(id, '/')
		if i < 0 || findResource(id[:i]) != r && !(r.id == exchangeID && isSMTPSend(id)) || slices.Contains(names, id[i+1:]) {
			continue
		}
		names = append(names, id[i+1:])
	}
	return names
}
