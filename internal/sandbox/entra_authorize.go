package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An authorizeRequest is what a client asked of the authorize endpoint, once
// it is known to be a registered client at a registered address.
type authorizeRequest struct {
	app          *App
	tenant       string // the path's first segment
	redirectURI  string
	platform     Platform
	responseMode string // query, fragment or form_post
	state, nonce string
	// challenge is PKCE's, "" when the client sent none; method S256 or plain.
	challenge, method string
	scopes            scopeSet
	prompt            []string
	loginHint         string
	offline           bool // at Google: a refresh token was asked for
}

// asks reports whether the prompt parameter has value.
func (a authorizeRequest) asks(value string) bool { return slices.Contains(a.prompt, value) }

// A session is a browser's single sign-on.
type session struct {
	upn string
	mfa bool
	at  time.Time
	// insistent is picked whatever account the client hints at.
	insistent bool
}

const (
	sessionCookie   = "sandbox_session"
	sessionLifetime = 24 * time.Hour
	signInLifetime  = 15 * time.Minute
)

// session returns the browser's single sign-on, nil when it has none that is
// still good.
func (e *entra) session(r *http.Request) *session {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		if e.faults.remembered == "" {
			return nil
		}
		return &session{upn: e.faults.remembered, at: e.now(), insistent: true}
	}
	s, ok := e.sessions.get(cookie.Value, e.now())
	if !ok {
		return nil
	}
	user := e.account(s.upn)
	var revoked time.Time
	e.tenant.View(func(t *Tenant) { revoked = t.RevokedBefore })
	if user == nil || user.Disabled || user.MFA && !s.mfa || s.at.Before(revoked) {
		return nil
	}
	return s
}

// authorize is the authorize endpoint. An error about the client or its
// address is shown here and never sent to the address.
func (e *entra) authorize(r *http.Request) answer {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return answer{status: http.StatusMethodNotAllowed}
	}
	request, refused := e.clientAndAddress(r)
	if refused != nil {
		return errorPage(newIncident(refused, e.now(), r))
	}
	if refused := request.readRest(r.Form, e.tenant.Provider); refused != nil {
		return e.respondRefusal(r, request, refused, "")
	}
	s := e.session(r)
	if s != nil && !s.insistent && request.loginHint != "" && !strings.EqualFold(s.upn, request.loginHint) {
		s = nil
	}
	if request.asks("none") {
		return e.silently(r, request, s)
	}
	flow := &signIn{id: randomName(), request: request, typed: request.loginHint}
	if s != nil && !request.asks("login") && !request.asks("select_account") {
		flow.typed, flow.upn, flow.password, flow.mfa = s.upn, s.upn, true, s.mfa
	} else if s != nil && flow.typed == "" && request.asks("select_account") {
		flow.typed = s.upn
	}
	now := e.now()
	e.signIns.put(flow.id, flow, now, now.Add(signInLifetime))
	return e.proceed(r, flow)
}

// clientAndAddress reads the parameters that decide whether an answer may be
// sent to the redirect URI.
func (e *entra) clientAndAddress(r *http.Request) (a authorizeRequest, refused *refusal) {
	a = authorizeRequest{tenant: r.PathValue("tenant"), responseMode: "query", state: r.Form.Get("state")}
	if refused = e.checkTenant(a.tenant); refused != nil {
		return a, refused
	}
	if name := duplicated(r.Form); name != "" {
		return a, parameterTwice(name)
	}
	clientID := r.Form.Get("client_id")
	if clientID == "" {
		return a, parameterMissing("client_id")
	}
	if a.app, refused = e.checkApp(a.tenant, clientID); refused != nil {
		return a, refused
	}
	if a.redirectURI = r.Form.Get("redirect_uri"); a.redirectURI == "" {
		return a, parameterMissing("redirect_uri")
	}
	registered := false
	if a.platform, registered = a.app.matchRedirect(a.redirectURI); !registered {
		return a, redirectUnregistered(a.redirectURI, a.app)
	}
	switch mode := r.Form.Get("response_mode"); mode {
	case "":
	case "query", "fragment", "form_post":
		a.responseMode = mode
	default:
		return a, parameterInvalid("response_mode", mode)
	}
	return a, nil
}

// readRest reads the parameters whose errors go to the client.
func (a *authorizeRequest) readRest(form url.Values, p Provider) *refusal {
	switch form.Get("response_type") {
	case "code":
	case "":
		return parameterMissing("response_type")
	default:
		return refuse("unsupported_response_type", 70005, "The response type '%s' is not enabled for the application.", form.Get("response_type"))
	}
	a.nonce = form.Get("nonce")
	if refused := a.readChallenge(form); refused != nil {
		return refused
	}
	a.prompt = strings.Fields(form.Get("prompt"))
	for _, wanted := range a.prompt {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, wanted) {
			return parameterInvalid("prompt", wanted)
		}
	}
	if a.asks("none") && len(a.prompt) > 1 {
		return parameterInvalid("prompt", strings.Join(a.prompt, " "))
	}
	if a.loginHint = form.Get("login_hint"); a.asks("select_account") {
		a.loginHint = "" // the two cannot be used together
	}
	if strings.TrimSpace(form.Get("scope")) == "" {
		return parameterMissing("scope")
	}
	var refused *refusal
	a.scopes, refused = p.parseScopes(form.Get("scope"), a.app)
	return refused
}

// readChallenge reads PKCE's half of the request (RFC 7636 §4.3).
func (a *authorizeRequest) readChallenge(form url.Values) *refusal {
	a.challenge, a.method = form.Get("code_challenge"), form.Get("code_challenge_method")
	if a.challenge == "" {
		if a.platform == SPA {
			return refuse("invalid_request", 9002325, "Proof Key for Code Exchange is required for cross-origin authorization code redemption.")
		}
		return nil
	}
	if a.method == "" {
		a.method = "plain"
	}
	if a.method != "plain" && a.method != "S256" {
		return challengeInvalid("The code_challenge_method must be 'plain' or 'S256'.")
	}
	if len(a.challenge) < 43 || len(a.challenge) > 128 {
		return challengeInvalid("The size of the code_challenge parameter is invalid: 43 to 128 characters.")
	}
	return nil
}

// silently answers prompt=none: no page may be shown.
func (e *entra) silently(r *http.Request, a authorizeRequest, s *session) answer {
	if s == nil {
		return e.respondRefusal(r, a, refuse("login_required", 50058, "A silent sign-in request was sent but no user is signed in."), "")
	}
	if why := e.barred(s.upn, a.app); why != nil {
		return e.respondRefusal(r, a, why, "")
	}
	if len(e.missingConsent(a.app, s.upn, a.scopes.ids())) > 0 {
		return e.respondRefusal(r, a, consentMissing("consent_required", a.app), "")
	}
	return e.respondCode(r, a, s.upn, s.mfa)
}

// respondCode ends a sign-in well: the client gets a code.
func (e *entra) respondCode(r *http.Request, a authorizeRequest, upn string, mfa bool) answer {
	now := e.now()
	code := "1." + randomName()
	// It stays longer than it is good, so that a late client hears why.
	e.codes.put(code, &grant{
		clientID: a.app.ClientID, upn: upn, tenant: a.tenant,
		redirectURI: a.redirectURI, platform: a.platform,
		scopes: a.scopes, nonce: a.nonce, challenge: a.challenge, method: a.method,
		mfa: mfa, issued: now, began: now,
	}, now, now.Add(6*codeLifetime))
	return a.respond(r, url.Values{"code": {code}, "session_state": {randomGUID()}})
}

// logout ends the browser's single sign-on and goes back to the client if the
// address is one of a registration's.
func (e *entra) logout(r *http.Request) answer {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		e.sessions.drop(cookie.Value)
	}
	gone := &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true}
	a := messagePage("Signed out", "You signed out of this browser.")
	if to := r.Form.Get("post_logout_redirect_uri"); to != "" {
		known := false
		e.tenant.View(func(t *Tenant) {
			for _, app := range t.Apps {
				if _, ok := app.matchRedirect(to); ok {
					known = true
				}
			}
		})
		if known {
			a = redirectAnswer(http.StatusSeeOther, to)
		}
	}
	a.header.Add("Set-Cookie", gone.String())
	return a
}
