package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// googleIssuer is the iss of Google's ID tokens, whatever address they came
// from.
const googleIssuer = "https://accounts.google.com"

// googleScopes are how Google's token endpoint spells the scopes that a client
// may abbreviate.
var googleScopes = map[string]string{
	"email":   "https://www.googleapis.com/auth/userinfo.email",
	"profile": "https://www.googleapis.com/auth/userinfo.profile",
}

// registerGoogle adds Google's authorization server to mux; the walk through
// its pages is the same as at Microsoft's.
func (e *entra) registerGoogle(mux *http.ServeMux) {
	mux.HandleFunc("GET /.well-known/openid-configuration", e.locked(e.googleDiscovery))
	mux.HandleFunc("GET /oauth2/v3/certs", e.locked(func(*http.Request) answer {
		return jsonAnswer(http.StatusOK, e.keys.public())
	}))
	mux.HandleFunc("/o/oauth2/v2/auth", e.locked(e.googleAuthorize))
	mux.HandleFunc("POST /token", e.locked(e.googleToken))
}

// googleEndpoints are the addresses for a client that sent r.
func (e *entra) googleEndpoints(r *http.Request) (authorize, token, keys string) {
	accounts, oauth, www := e.base, e.base, e.base
	if name, _ := realHost(r); name != "" {
		accounts, oauth, www = "https://accounts.google.com", "https://oauth2.googleapis.com", "https://www.googleapis.com"
	}
	return accounts + "/o/oauth2/v2/auth", oauth + "/token", www + "/oauth2/v3/certs"
}

func (e *entra) googleDiscovery(r *http.Request) answer {
	authorize, token, keys := e.googleEndpoints(r)
	return jsonAnswer(http.StatusOK, map[string]any{
		"issuer":                                googleIssuer,
		"authorization_endpoint":                authorize,
		"token_endpoint":                        token,
		"jwks_uri":                              keys,
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"code_challenge_methods_supported":      []string{"plain", "S256"},
		"scopes_supported":                      []string{"openid", "email", "profile"},
	})
}

// googleError is Google's page for a request that it does not go on with. The
// client hears nothing of it.
func googleError(status, oauth, text string) answer {
	return render(http.StatusBadRequest, "message", page{
		Title: "Access blocked: This app’s request is invalid", Google: true,
		Alert: &alert{"Error " + status + ": " + oauth, text},
	})
}

// googleAuthorize is the authorize endpoint. Everything that is wrong with a
// request is shown here.
func (e *entra) googleAuthorize(r *http.Request) answer {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return answer{status: http.StatusMethodNotAllowed}
	}
	form := r.Form
	if name := duplicated(form); name != "" {
		return googleError("400", "invalid_request", "OAuth 2 parameters can only have a single value: "+name)
	}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope"} {
		if strings.TrimSpace(form.Get(name)) == "" {
			return googleError("400", "invalid_request", "Required parameter is missing: "+name)
		}
	}
	app := e.googleApp(form.Get("client_id"))
	if app == nil {
		return googleError("401", "invalid_client", "The OAuth client was not found.")
	}
	a := authorizeRequest{
		app: app, redirectURI: form.Get("redirect_uri"), platform: PublicClient, responseMode: "query",
		state: form.Get("state"), nonce: form.Get("nonce"), loginHint: form.Get("login_hint"),
		prompt: strings.Fields(form.Get("prompt")), offline: form.Get("access_type") == "offline",
	}
	if !googleRedirect(a.redirectURI) {
		return googleError("400", "redirect_uri_mismatch", "You can’t sign in to this app because it doesn’t comply with Google’s OAuth 2.0 policy. redirect_uri="+a.redirectURI)
	}
	if kind := form.Get("response_type"); kind != "code" {
		return googleError("400", "unsupported_response_type", "Invalid response_type: "+kind)
	}
	if mode := form.Get("response_mode"); mode != "" && mode != "query" {
		return googleError("400", "invalid_request", "Invalid response_mode: "+mode)
	}
	if refused := a.readChallenge(form); refused != nil {
		return googleError("400", "invalid_request", "Invalid parameter value for code_challenge or code_challenge_method")
	}
	bad := ""
	if a.scopes, bad = parseGoogleScopes(form.Get("scope")); bad != "" {
		return googleError("400", "invalid_scope", "Some requested scopes were invalid. {invalid=["+bad+"]}")
	}
	return e.googleBegin(r, a)
}

// googleBegin starts the walk through the pages, or skips those that the
// browser's session makes unnecessary.
func (e *entra) googleBegin(r *http.Request, a authorizeRequest) answer {
	s := e.session(r)
	if s != nil && a.loginHint != "" && !strings.EqualFold(s.upn, a.loginHint) {
		s = nil
	}
	if a.asks("none") {
		switch {
		case s == nil:
			return a.respond(r, url.Values{"error": {"login_required"}})
		case len(e.missingConsent(a.app, s.upn, a.scopes.ids())) > 0:
			return a.respond(r, url.Values{"error": {"consent_required"}})
		}
	}
	flow := &signIn{id: randomName(), request: a, typed: a.loginHint}
	if s != nil && !a.asks("select_account") {
		flow.typed, flow.upn, flow.password, flow.mfa = s.upn, s.upn, true, s.mfa
	}
	now := e.now()
	e.signIns.put(flow.id, flow, now, now.Add(signInLifetime))
	return e.proceed(r, flow)
}

// googleApp finds a client; nil when there is none.
func (e *entra) googleApp(clientID string) (found *App) {
	e.tenant.View(func(t *Tenant) {
		if a := t.app(clientID); a != nil && !a.Disabled {
			found = a.clone()
		}
	})
	return found
}

// googleRedirect reports whether a desktop client may be answered at raw: at
// any port and path of this machine.
func googleRedirect(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "http" && u.User == nil && !strings.Contains(raw, "#") &&
		(loopbackName(u.Hostname()) || u.Hostname() == "::1")
}

// parseGoogleScopes takes a scope parameter apart; bad is what it does not know.
func parseGoogleScopes(raw string) (set scopeSet, bad string) {
	mail := GoogleGmail.resource(googleMailID)
	for _, word := range strings.Fields(raw) {
		for short, long := range googleScopes {
			if word == long {
				word = short
			}
		}
		switch {
		case word == googleMailID+"/":
			if p := (permission{mail, googleMailID, ""}); !slices.Contains(set.permissions, p) {
				set.permissions = append(set.permissions, p)
			}
		case word == "openid", googleScopes[word] != "":
			if !set.has(word) {
				set.oidc = append(set.oidc, word)
			}
		default:
			return set, word
		}
	}
	return set, ""
}

// googleSpelling is a set of scopes as the token endpoint reports it.
func googleSpelling(s scopeSet) (list []string) {
	for _, id := range s.ids() {
		if long := googleScopes[id]; long != "" {
			id = long
		}
		list = append(list, id)
	}
	return list
}

// respondGoogle ends a sign-in well: the client gets a code. Only a consent
// that was given in this walk brings a refresh token.
func (e *entra) respondGoogle(r *http.Request, f *signIn) answer {
	now, a := e.now(), f.request
	code := "4/0A" + randomName()
	e.codes.put(code, &grant{
		clientID: a.app.ClientID, upn: f.upn, redirectURI: a.redirectURI, platform: a.platform,
		scopes: a.scopes, nonce: a.nonce, challenge: a.challenge, method: a.method,
		offline: a.offline && f.consent, mfa: f.mfa, issued: now, began: now,
	}, now, now.Add(codeLifetime))
	return a.respond(r, url.Values{"code": {code}, "scope": {strings.Join(googleSpelling(a.scopes), " ")}})
}

// googleWords says what a step of the walk complains of, at Google.
func googleWords(code int) string {
	switch code {
	case 50126:
		return "Wrong password. Try again or click Forgot password to reset it."
	case 50034:
		return "Couldn’t find your Google Account"
	case 50057:
		return "Your account has been disabled"
	case 500121:
		return "Wrong code. Try again."
	}
	return "Something went wrong"
}
