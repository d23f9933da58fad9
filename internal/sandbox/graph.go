package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// graph is Microsoft Graph: who is this, what is their licence, and, in
// graphMail, their mail. Texts that no public document or transcript shows are
// marked as assumed where they stand.
type graph struct {
	tenant *Tenant
	check  accessChecker
	now    func() time.Time
}

// register adds the endpoints to mux and returns what can go wrong with those
// of mail.
func (g graph) register(mux *http.ServeMux) *GraphFaults {
	mux.HandleFunc("GET /v1.0/me", func(w http.ResponseWriter, r *http.Request) { g.me(r).send(w) })
	mux.HandleFunc("GET /v1.0/users/{user}", func(w http.ResponseWriter, r *http.Request) { g.user(r).send(w) })
	mux.HandleFunc("GET /oidc/userinfo", func(w http.ResponseWriter, r *http.Request) { g.userInfo(r).send(w) })
	mux.HandleFunc("GET /v1.0/me/licenseDetails", func(w http.ResponseWriter, r *http.Request) { g.licences(r).send(w) })
	mux.HandleFunc("GET /v1.0/users/{user}/licenseDetails", func(w http.ResponseWriter, r *http.Request) { g.licences(r).send(w) })
	m := &graphMail{graph: g, running: map[string]int{}, sessions: map[string]*uploadSession{}}
	m.register(mux)
	return &m.faults
}

// refuse is Graph's form of an error.
func (g graph) refuse(status int, code, message string) answer {
	type inner struct {
		Date            string `json:"date"`
		RequestID       string `json:"request-id"`
		ClientRequestID string `json:"client-request-id"`
	}
	type graphError struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   inner  `json:"innerError"`
	}
	id := randomGUID()
	a := jsonAnswer(status, map[string]any{"error": graphError{code, message,
		inner{g.now().UTC().Format("2006-01-02T15:04:05"), id, id}}})
	if status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="`+graphAudience+`"`)
	}
	return a
}

// bearer verifies a request's token for Graph, or gives the answer that refuses
// it; what the token allows is the caller's question.
func (g graph) bearer(r *http.Request) (claims accessClaims, refused answer, ok bool) {
	deny := func(text string) (accessClaims, answer, bool) {
		return accessClaims{}, g.refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", text), false
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return deny("Access token is empty.")
	}
	if claims, ok = g.check(strings.TrimSpace(token)); !ok {
		return deny("Access token validation failure. The token is malformed, expired or not of this tenant.")
	}
	if r := findResource(claims.Audience); r == nil || r.id != graphID {
		return deny("Access token validation failure. Invalid audience.")
	}
	return claims, answer{}, true
}

// onlyDelegated refuses an application at an address that means a person.
func (g graph) onlyDelegated() answer {
	return g.refuse(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
}

// noSuchResource refuses a user that the directory does not have.
func (g graph) noSuchResource(name string) answer {
	return g.refuse(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+name+"' does not exist or one of its queried reference-property objects are not present.")
}

// caller finds the user that a request's token belongs to and the client it was
// issued to, or the answer that refuses the token.
func (g graph) caller(r *http.Request, scope string) (user *User, clientID string, refused answer) {
	claims, refused, ok := g.bearer(r)
	switch {
	case !ok:
		return nil, "", refused
	case claims.UPN == "":
		return nil, "", g.onlyDelegated()
	case !slices.Contains(claims.Scopes, scope):
		return nil, "", g.refuse(http.StatusUnauthorized, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	if user = g.account(claims.UPN); user == nil {
		return nil, "", g.noSuchResource(claims.UPN)
	}
	return user, claims.AppID, answer{}
}

// account copies a user, found by UPN or object ID; nil when there is none.
func (g graph) account(name string) (found *User) {
	g.tenant.View(func(t *Tenant) {
		if u := graphUser(t, name); u != nil {
			c := *u
			found = &c
		}
	})
	return found
}

// graphUser finds a user as Graph's paths name one; call with the tenant's lock
// held.
func graphUser(t *Tenant, name string) *User {
	if u := t.user(name); u != nil {
		return u
	}
	for _, u := range t.Users {
		if strings.EqualFold(u.ObjectID, name) {
			return u
		}
	}
	return nil
}

// me is GET /v1.0/me, with $select.
func (g graph) me(r *http.Request) answer {
	user, _, refused := g.caller(r, "User.Read")
	if user == nil {
		return refused
	}
	return g.show(r, user)
}

// directoryReaders are the permissions with which every user can be read.
var directoryReaders = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}

// user is GET /v1.0/users/{user}, with $select. A token that may only send is
// refused, whether there is such a user or not.
func (g graph) user(r *http.Request) answer {
	claims, refused, ok := g.bearer(r)
	if !ok {
		return refused
	}
	name, granted, need := r.PathValue("user"), claims.Roles, directoryReaders
	if claims.UPN != "" {
		granted = claims.Scopes
		if me := g.account(claims.UPN); me != nil && g.same(name, me) {
			need = append([]string{"User.Read"}, need...)
		}
	}
	if !slices.ContainsFunc(need, func(n string) bool { return slices.Contains(granted, n) }) {
		return g.refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	user := g.account(name)
	if user == nil {
		g.tenant.View(func(t *Tenant) { // a shared mailbox has a user of its own, whom nobody signs in as
			if b := t.mailbox(name); b != nil && b.Shared {
				user = &User{ObjectID: b.Address, UPN: b.Address, Name: b.Address, Proxies: b.Proxies, Disabled: true}
			}
		})
	}
	if user == nil {
		return g.noSuchResource(name)
	}
	return g.show(r, user)
}

// show is a user's properties, those that $select names.
func (g graph) show(r *http.Request, user *User) answer {
	addresses := []string{"SMTP:" + cmp.Or(user.SignInName, user.UPN)} // a guest has the address of its home (assumed)
	for _, p := range user.Proxies {
		addresses = append(addresses, "smtp:"+p)
	}
	all := map[string]any{
		"id": user.ObjectID, "displayName": user.Name, "userPrincipalName": user.UPN,
		"mail": cmp.Or(user.SignInName, user.UPN), "proxyAddresses": addresses, "otherMails": []string{},
		"accountEnabled": !user.Disabled, "userType": "Member",
	}
	if strings.Contains(user.UPN, "#EXT#") {
		all["userType"] = "Guest"
	}
	// Without $select Graph sends a default set, without the addresses.
	chosen := []string{"id", "displayName", "userPrincipalName", "mail"}
	context := "https://graph.microsoft.com/v1.0/$metadata#users/$entity"
	if list := r.URL.Query().Get("$select"); list != "" {
		chosen = strings.Split(list, ",")
		context = "https://graph.microsoft.com/v1.0/$metadata#users(" + list + ")/$entity"
	}
	reply := map[string]any{"@odata.context": context}
	for _, name := range chosen {
		name = strings.TrimSpace(name)
		value, ok := all[name]
		if !ok {
			return g.refuse(http.StatusBadRequest, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named '"+name+"' on type 'microsoft.graph.user'.")
		}
		reply[name] = value
	}
	return jsonAnswer(http.StatusOK, reply)
}

// userInfo is OpenID Connect's endpoint.
func (g graph) userInfo(r *http.Request) answer {
	user, clientID, refused := g.caller(r, "openid")
	if user == nil {
		return refused
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"sub": pairwise(user.ObjectID, clientID), "name": user.Name, "email": user.UPN,
	})
}

// licences is GET …/licenseDetails: which plans a user has. A user without an
// Exchange Online plan has none at all here.
func (g graph) licences(r *http.Request) answer {
	claims, refused, ok := g.bearer(r)
	if !ok {
		return refused
	}
	name := r.PathValue("user")
	granted, need := claims.Scopes, append([]string{"LicenseAssignment.Read.All"}, directoryReaders...)
	switch {
	case name == "" && claims.UPN == "":
		return g.onlyDelegated()
	case claims.UPN == "":
		granted = claims.Roles
	default:
		if me := g.account(claims.UPN); me != nil && (name == "" || g.same(name, me)) {
			name, need = me.UPN, append(need, "User.Read")
		}
	}
	if !slices.ContainsFunc(need, func(n string) bool { return slices.Contains(granted, n) }) {
		return g.refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	user := g.account(name)
	if user == nil {
		return g.noSuchResource(cmp.Or(name, claims.UPN))
	}
	value := []any{}
	if !user.Unlicensed {
		value = append(value, map[string]any{
			"id": "Xbs4yHI9YkWvXbzLw0bVkg", "skuId": "f245ecc8-75af-4f8e-b61f-27d8114de5f3", "skuPartNumber": "O365_BUSINESS_PREMIUM",
			"servicePlans": []any{map[string]any{
				"servicePlanId": "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "servicePlanName": "EXCHANGE_S_STANDARD",
				"provisioningStatus": "Success", "appliesTo": "User",
			}},
		})
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('" + user.ObjectID + "')/licenseDetails", "value": value,
	})
}

// same tells whether a path names this user.
func (g graph) same(name string, user *User) bool {
	return strings.EqualFold(name, user.UPN) || strings.EqualFold(name, user.ObjectID)
}
