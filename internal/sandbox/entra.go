package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// entra is the identity provider: the sign-in pages, the token endpoint and
// what discovery says of them. Its handlers are safe for concurrent use.
type entra struct {
	tenant *Tenant
	keys   *keyring
	seals  *sealer
	base   string // "https://localhost:1234"
	faults tokenFaults
	now    func() time.Time

	mu        sync.Mutex // guards what follows, and what the shelves hold
	signIns   shelf[*signIn]
	sessions  shelf[*session]
	codes     shelf[*grant]
	refreshes shelf[*grant]
	devices   shelf[*deviceRequest] // by device code
	// idleBefore: refresh tokens issued earlier count as long unused.
	idleBefore time.Time
}

// maxForm is the most that a request's body may have, in octets.
const maxForm = 64 << 10

// register adds the endpoints to mux.
func (e *entra) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /signin/{step}", e.locked(e.showStep))
	mux.HandleFunc("POST /signin/{step}", e.locked(e.takeStep))
	if e.google() {
		e.registerGoogle(mux)
		return
	}
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", e.here(e.discovery))
	mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", e.here(e.jwks))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/authorize", e.here(e.authorize))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/token", e.here(e.token))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/devicecode", e.here(e.deviceCode))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/logout", e.here(e.logout))
	mux.HandleFunc("/devicelogin", e.locked(e.deviceLogin))
	if !e.personal() {
		mux.HandleFunc("GET /{tenant}/v2.0/adminconsent", e.here(e.adminConsent))
	}
}

// here is locked for the endpoints of a tenant: another cloud does not know it.
func (e *entra) here(h func(*http.Request) answer) http.HandlerFunc {
	return e.locked(func(r *http.Request) answer {
		if !e.elsewhere(r) {
			return h(r)
		}
		unknown := newIncident(tenantUnknown(r.PathValue("tenant")), e.now(), r)
		if strings.HasSuffix(r.URL.Path, "/authorize") || strings.HasSuffix(r.URL.Path, "/adminconsent") {
			return errorPage(unknown)
		}
		return unknown.answer()
	})
}

// locked makes a handler of h, which runs with the lock held, and sends what it
// returns without it.
func (e *entra) locked(h func(*http.Request) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		r.ParseForm() // what it could not read is a parameter missing
		e.mu.Lock()
		var a answer
		if e.faults.proxyEverywhere {
			a = proxyAnswer()
		} else {
			a = h(r)
		}
		e.mu.Unlock()
		a.send(w)
	}
}

// mend changes what the scenario breaks.
func (e *entra) mend(f func(*tokenFaults)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.faults)
}

// issuer is the iss of this tenant's ID tokens, for clients that know it under
// base.
func (e *entra) issuer(base string) string { return base + "/" + e.tenant.ID + "/v2.0" }

// ours reports whether a path's first segment names this tenant itself.
func (e *entra) ours(segment string) bool {
	return strings.EqualFold(segment, e.tenant.ID) || strings.EqualFold(segment, e.tenant.Domain)
}

// checkTenant checks the first path segment alone.
func (e *entra) checkTenant(segment string) *refusal {
	switch {
	case e.ours(segment), segment == "common", segment == "organizations", segment == "consumers":
		return nil
	}
	return tenantUnknown(segment)
}

// checkApp finds the application and checks that this address serves it.
func (e *entra) checkApp(segment, clientID string) (app *App, refused *refusal) {
	if refused = e.checkTenant(segment); refused != nil {
		return nil, refused
	}
	e.tenant.View(func(t *Tenant) {
		if found := t.app(clientID); found != nil {
			app = found.clone()
		}
	})
	switch {
	case app == nil:
		return nil, appUnknown(clientID, e.tenant.Domain)
	case app.Disabled:
		return nil, appDisabled(app)
	case segment == "consumers" && !e.personal():
		return nil, consumersRefused(app)
	case segment == "organizations" && e.personal():
		return nil, organizationsRefused(app)
	case app.SingleTenant && !e.ours(segment):
		return nil, singleTenantOnly(app, segment)
	}
	return app, nil
}

// clone copies the parts of a registration that handlers read after the
// tenant's lock is given back.
func (a *App) clone() *App {
	c := *a
	c.Redirects = make(map[string]Platform, len(a.Redirects))
	for uri, platform := range a.Redirects {
		c.Redirects[uri] = platform
	}
	c.Permissions = slices.Clone(a.Permissions)
	c.AppRoles, c.GrantedRoles = slices.Clone(a.AppRoles), slices.Clone(a.GrantedRoles)
	c.Certificates, c.Federated = slices.Clone(a.Certificates), slices.Clone(a.Federated)
	c.Assigned = slices.Clone(a.Assigned)
	c.AdminConsented = nil // consented reads it where it can change
	return &c
}

// account copies what sign-in needs of a user; nil when there is none.
func (e *entra) account(name string) (found *User) {
	e.tenant.View(func(t *Tenant) {
		if u := t.user(name); u != nil {
			c := *u
			c.Consented = nil
			found = &c
		}
	})
	return found
}

// consented lists what user and administrators have granted to app, as ids.
func (e *entra) consented(app *App, upn string) []string {
	var list []string
	e.tenant.View(func(t *Tenant) {
		if a := t.app(app.ClientID); a != nil {
			list = append(list, a.AdminConsented...)
		}
		if u := t.user(upn); u != nil {
			list = append(list, u.Consented[app.ClientID]...)
		}
	})
	return list
}

// missingConsent lists those of ids that nobody has granted.
func (e *entra) missingConsent(app *App, upn string, ids []string) (missing []string) {
	granted := e.consented(app, upn)
	for _, id := range ids {
		if !slices.ContainsFunc(granted, func(g string) bool { return strings.EqualFold(g, id) || isSMTPSend(g) && isSMTPSend(id) }) {
			missing = append(missing, id)
		}
	}
	return missing
}

// isSMTPSend reports whether a scope is SMTP.Send: the portal lists it under
// Graph, and consent to it there is consent to Exchange's.
func isSMTPSend(id string) bool { return strings.HasSuffix(strings.ToLower(id), "/smtp.send") }

// duplicated names a parameter that was sent twice, "" when none was.
func duplicated(form url.Values) string {
	var names []string
	for name, values := range form {
		if len(values) > 1 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// discovery is the OpenID Connect configuration document.
func (e *entra) discovery(r *http.Request) answer {
	segment := r.PathValue("tenant")
	if refused := e.checkTenant(segment); refused != nil {
		return newIncident(refused, e.now(), r).answer()
	}
	base := e.at(r)
	issuer := e.issuer(base)
	switch {
	case e.ours(segment), segment == "consumers" && e.personal():
	default:
		issuer = base + "/{tenantid}/v2.0" // literally so: the token's tid goes there
	}
	root, userInfo := base+"/"+segment, base
	if base != e.base {
		userInfo = "https://" + clouds[e.tenant.Provider].graph
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                root + "/oauth2/v2.0/authorize",
		"token_endpoint":                        root + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         root + "/oauth2/v2.0/devicecode",
		"end_session_endpoint":                  root + "/oauth2/v2.0/logout",
		"jwks_uri":                              root + "/discovery/v2.0/keys",
		"userinfo_endpoint":                     userInfo + "/oidc/userinfo",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "oid", "ver"},
	})
}

// jwks publishes the keys that tokens are signed with.
func (e *entra) jwks(r *http.Request) answer {
	if refused := e.checkTenant(r.PathValue("tenant")); refused != nil {
		return newIncident(refused, e.now(), r).answer()
	}
	return jsonAnswer(http.StatusOK, e.keys.public())
}
