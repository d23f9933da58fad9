package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// graph is Microsoft Graph as far as sign-in needs it: who is this?
type graph struct {
	tenant *Tenant
	check  accessChecker
	now    func() time.Time
}

// register adds the endpoints to mux.
func (g graph) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1.0/me", func(w http.ResponseWriter, r *http.Request) { g.me(r).send(w) })
	mux.HandleFunc("GET /oidc/userinfo", func(w http.ResponseWriter, r *http.Request) { g.userInfo(r).send(w) })
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

// caller finds the user that a request's token belongs to and the client it was
// issued to, or the answer that refuses the token.
func (g graph) caller(r *http.Request, scope string) (user *User, clientID string, refused answer) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return nil, "", g.refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	}
	claims, ok := g.check(strings.TrimSpace(token))
	switch {
	case !ok:
		return nil, "", g.refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token validation failure. The token is malformed, expired or not of this tenant.")
	case findResource(claims.Audience) == nil || findResource(claims.Audience).id != graphID:
		return nil, "", g.refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
	case !slices.Contains(claims.Scopes, scope):
		return nil, "", g.refuse(http.StatusUnauthorized, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	g.tenant.View(func(t *Tenant) {
		if u := t.user(claims.UPN); u != nil {
			c := *u
			user = &c
		}
	})
	if user == nil {
		return nil, "", g.refuse(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+claims.UPN+"' does not exist or one of its queried reference-property objects are not present.")
	}
	return user, claims.AppID, answer{}
}

// me is GET /v1.0/me, with $select.
func (g graph) me(r *http.Request) answer {
	user, _, refused := g.caller(r, "User.Read")
	if user == nil {
		return refused
	}
	addresses := []string{"SMTP:" + user.UPN}
	for _, p := range user.Proxies {
		addresses = append(addresses, "smtp:"+p)
	}
	all := map[string]any{
		"id": user.ObjectID, "displayName": user.Name, "userPrincipalName": user.UPN,
		"mail": user.UPN, "proxyAddresses": addresses, "otherMails": []string{},
		"accountEnabled": !user.Disabled,
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
