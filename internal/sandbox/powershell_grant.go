package sandbox

import (
	"slices"
	"strings"
)

// psRoleGrant is an application permission that was consented to.
func psRoleGrant(app *App, id string) *psObject {
	api := findResource(id[:strings.LastIndexByte(id, '/')])
	return &psObject{kind: "MgServicePrincipalAppRoleAssignment", text: psGUID(app.ClientID + id), view: []string{"Id", "AppRoleId", "PrincipalDisplayName", "ResourceDisplayName"}, props: []psProp{
		{"Id", psGUID(app.ClientID + id)}, {"AppRoleId", psRoleID(id)}, {"PrincipalId", app.EnterpriseID}, {"PrincipalDisplayName", app.Name}, {"PrincipalType", "ServicePrincipal"},
		{"ResourceId", psGUID(api.guid)}, {"ResourceDisplayName", api.name},
	}}
}

// psDelegatedGrants are the delegated permissions of an app: for everybody, and
// of each user, by API. The scopes of OpenID Connect are Microsoft Graph's.
func psDelegatedGrants(t *Tenant, app *App) (out []any) {
	add := func(kind string, principal any, ids []string) {
		for _, r := range resources {
			var scopes []string
			for _, id := range ids {
				i := strings.LastIndexByte(id, '/')
				if i < 0 && r.id == graphID || i >= 0 && findResource(id[:i]) == r {
					scopes = append(scopes, id[i+1:])
				}
			}
			if len(scopes) == 0 {
				continue
			}
			id := psGUID(app.ClientID + kind + psText(principal) + r.id)
			out = append(out, &psObject{kind: "MgOauth2PermissionGrant", text: id, view: []string{"Id", "ClientId", "ConsentType", "PrincipalId", "ResourceId", "Scope"}, props: []psProp{
				{"Id", id}, {"ClientId", app.EnterpriseID}, {"ConsentType", kind}, {"PrincipalId", principal}, {"ResourceId", psGUID(r.guid)}, {"Scope", strings.Join(scopes, " ")},
			}})
		}
	}
	add("AllPrincipals", nil, app.AdminConsented)
	for _, u := range t.Users {
		add("Principal", u.ObjectID, u.Consented[app.ClientID])
	}
	return out
}

var (
	psReadGrants = []string{"DelegatedPermissionGrant.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	psWriteRoles = []string{"AppRoleAssignment.ReadWrite.All"}
)

func psGrantCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-MgServicePrincipalAppRoleAssignment", module: psApplications, scopes: psReadApps, params: "ServicePrincipalId:s! All:w", do: func(c *psCall) (out []any, err error) {
			app := c.t.enterprise(c.str("ServicePrincipalId"))
			if app == nil {
				return nil, psNoResource(c.str("ServicePrincipalId"))
			}
			for _, id := range app.GrantedRoles {
				out = append(out, psRoleGrant(app, id))
			}
			return out, nil
		}},
		{name: "New-MgServicePrincipalAppRoleAssignment", module: psApplications, scopes: psWriteRoles, params: "ServicePrincipalId:s! PrincipalId:s! ResourceId:s! AppRoleId:s!", do: psGrantRole},
		{name: "Remove-MgServicePrincipalAppRoleAssignment", module: psApplications, scopes: psWriteRoles, params: "ServicePrincipalId:s! AppRoleAssignmentId:s!", do: func(c *psCall) ([]any, error) {
			app := c.t.enterprise(c.str("ServicePrincipalId"))
			if app == nil {
				return nil, psNoResource(c.str("ServicePrincipalId"))
			}
			i := slices.IndexFunc(app.GrantedRoles, func(id string) bool { return strings.EqualFold(psGUID(app.ClientID+id), c.str("AppRoleAssignmentId")) })
			if i < 0 {
				return nil, psNoResource(c.str("AppRoleAssignmentId"))
			}
			app.GrantedRoles = slices.Delete(slices.Clone(app.GrantedRoles), i, i+1)
			return nil, nil
		}},
		{name: "Get-MgOauth2PermissionGrant", module: psSignIns, scopes: psReadGrants, params: "Filter:s All:w", do: func(c *psCall) (out []any, err error) {
			property, value, err := c.filter("clientId", "consentType")
			if err != nil {
				return nil, err
			}
			for _, app := range c.t.Apps {
				for _, grant := range psDelegatedGrants(c.t, app) {
					if property == "" || psEqual(psProperty(grant, property), value) {
						out = append(out, grant)
					}
				}
			}
			return out, nil
		}},
	}
}

// psGrantRole consents to an application permission for everybody, which is as
// good as the portal's button.
func psGrantRole(c *psCall) ([]any, error) {
	app := c.t.enterprise(c.str("ServicePrincipalId"))
	switch {
	case app == nil:
		return nil, psNoResource(c.str("ServicePrincipalId"))
	case !strings.EqualFold(app.EnterpriseID, c.str("PrincipalId")):
		return nil, psNoResource(c.str("PrincipalId"))
	}
	for _, r := range resources {
		if r.guid == "" || !strings.EqualFold(psGUID(r.guid), c.str("ResourceId")) {
			continue
		}
		for name := range r.roles {
			id := r.id + "/" + name
			if !strings.EqualFold(psRoleID(id), c.str("AppRoleId")) {
				continue
			}
			if slices.Contains(app.GrantedRoles, id) {
				return nil, psFails("[Request_BadRequest] : Permission being assigned already exists on the object")
			}
			app.GrantedRoles = append(slices.Clone(app.GrantedRoles), id)
			return []any{psRoleGrant(app, id)}, nil
		}
		return nil, psFails("[Request_BadRequest] : Permission being assigned was not found on application '%s'.", c.str("ResourceId"))
	}
	return nil, psNoResource(c.str("ResourceId"))
}
