package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An adminRequest is what an application asks an administrator to grant for
// everybody.
type adminRequest struct {
	delegated []string // ids
	roles     []string // ids of application permissions
}

// names lists everything as this provider's clients spell it.
func (a adminRequest) names(p Provider) (list []string) {
	for _, id := range append(slices.Clone(a.delegated), a.roles...) {
		if id = p.spell(id); !slices.Contains(list, id) { // Mail.Send is the name of two
			list = append(list, id)
		}
	}
	return list
}

// adminConsent is the admin consent endpoint. An error about the client or its
// address is shown here, others go to the address.
func (e *entra) adminConsent(r *http.Request) answer {
	segment := r.PathValue("tenant")
	refused := e.checkTenant(segment)
	if refused == nil && (segment == "common" || segment == "consumers") {
		refused = e.checkAppTenant("common") // no account implies a tenant here either
	}
	if refused != nil {
		return errorPage(newIncident(refused, e.now(), r))
	}
	request, refused := e.clientAndAddress(r)
	if refused != nil {
		return errorPage(newIncident(refused, e.now(), r))
	}
	request.responseMode = "query"
	wanted, refused := e.readAdminScope(r.Form.Get("scope"), request.app)
	if refused != nil {
		return e.respondAdminRefusal(r, request, refused)
	}
	flow := &signIn{id: randomName(), request: request, admin: wanted}
	if s := e.session(r); s != nil {
		flow.typed, flow.upn, flow.password, flow.mfa = s.upn, s.upn, true, s.mfa
	}
	now := e.now()
	e.signIns.put(flow.id, flow, now, now.Add(signInLifetime))
	return e.proceed(r, flow)
}

// readAdminScope reads the scope parameter: .default of a resource stands for
// everything that the registration lists, and application permissions can be
// asked for in no other way.
func (e *entra) readAdminScope(raw string, app *App) (*adminRequest, *refusal) {
	var wanted adminRequest
	words := strings.Fields(raw)
	if len(words) == 0 {
		return nil, parameterMissing("scope")
	}
	for _, word := range words {
		if prefix, ok := strings.CutSuffix(word, "/.default"); ok {
			if e.tenant.Provider.resource(prefix) == nil {
				return nil, resourceUnknown(prefix)
			}
			wanted.delegated = append(wanted.delegated, app.Permissions...)
			wanted.roles = append(wanted.roles, app.AppRoles...)
			continue
		}
		set, refused := e.tenant.Provider.parseScopes(word, app)
		if refused != nil {
			return nil, refused
		}
		wanted.delegated = append(wanted.delegated, set.ids()...)
	}
	for _, list := range []*[]string{&wanted.delegated, &wanted.roles} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return &wanted, nil
}

// grantForEverybody is an administrator's Accept.
func (e *entra) grantForEverybody(f *signIn) {
	e.tenant.Change(func(t *Tenant) {
		app := t.app(f.request.app.ClientID)
		if app == nil { // removed meanwhile
			return
		}
		for _, id := range f.admin.delegated {
			if !slices.Contains(app.AdminConsented, id) {
				app.AdminConsented = append(app.AdminConsented, id)
			}
		}
		for _, id := range f.admin.roles {
			if !slices.Contains(app.GrantedRoles, id) {
				app.GrantedRoles = append(app.GrantedRoles, id)
			}
		}
	})
}

// respondAdmin ends the walk well. The tenant is not proof of anything: anybody
// can call the redirect address with one.
func (e *entra) respondAdmin(r *http.Request, f *signIn) answer {
	return f.request.respond(r, url.Values{
		"admin_consent": {"True"},
		"tenant":        {e.tenant.ID},
		"scope":         {strings.Join(f.admin.names(e.tenant.Provider), " ")},
	})
}

// respondAdminRefusal is respondAdmin for an error, which says admin_consent=True
// too.
func (e *entra) respondAdminRefusal(r *http.Request, a authorizeRequest, f *refusal) answer {
	return a.respond(r, url.Values{
		"admin_consent":     {"True"},
		"error":             {f.oauth},
		"error_description": {newIncident(f, e.now(), r).description()},
	})
}

// adminDeclined is Cancel on the page for administrators.
func adminDeclined() *refusal {
	return refuse("consent_required", 65004, "The resource owner or authorization server denied the request.")
}
