package sandbox

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// psFilter is the only form of an OData filter here; its string doubles quotes.
var psFilter = regexp.MustCompile(`(?i)^\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*$`)

// filter is the property and the value of the parameter Filter, "" without it.
func (c *psCall) filter(properties ...string) (property, value string, err error) {
	if !c.has("Filter") {
		return "", "", nil
	}
	match := psFilter.FindStringSubmatch(c.str("Filter"))
	if match == nil {
		return "", "", psFails("[Request_UnsupportedQuery] : Invalid filter clause: the sandbox knows filters of the form \"appId eq 'ID'\" alone, not %s", c.str("Filter"))
	}
	if !contains(properties, match[1]) {
		return "", "", psFails("[Request_UnsupportedQuery] : Unsupported or invalid query filter clause specified for property '%s'.", match[1])
	}
	return strings.ToLower(match[1]), strings.ReplaceAll(match[2], "''", "'"), nil
}

// psGUID is an ID that is always the same for the same name.
func psGUID(name string) string {
	sum := sha1.Sum([]byte("traymail sandbox " + strings.ToLower(name)))
	h := hex.EncodeToString(sum[:])
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
}

// psRoleID is the ID of an application permission.
func psRoleID(permission string) string { return psGUID("app role " + permission) }

// psEnterprise is an enterprise application as Microsoft Graph shows it: an app
// of the tenant's, or one of the APIs.
func psEnterprise(id, appID, name string, enabled bool, roles []any) *psObject {
	return &psObject{kind: "MgServicePrincipal", text: id, view: []string{"DisplayName", "Id", "AppId"}, props: []psProp{
		{"DisplayName", name}, {"Id", id}, {"AppId", appID}, {"AccountEnabled", enabled}, {"ServicePrincipalType", "Application"}, {"AppRoles", roles},
	}}
}

// psEnterprises are all of them.
func psEnterprises(t *Tenant) (out []*psObject) {
	for _, a := range t.Apps {
		out = append(out, psEnterprise(a.EnterpriseID, a.ClientID, a.Name, !a.Disabled, []any{}))
	}
	for _, r := range resources {
		if r.guid == "" {
			continue
		}
		var names []string
		for name := range r.roles {
			names = append(names, name)
		}
		slices.Sort(names)
		roles := []any{}
		for _, name := range names {
			id := psRoleID(r.id + "/" + name)
			roles = append(roles, &psObject{kind: "AppRole", text: id, view: []string{"Value", "Id", "DisplayName"}, props: []psProp{
				{"Id", id}, {"Value", name}, {"DisplayName", r.roles[name]}, {"IsEnabled", true}, {"AllowedMemberTypes", []any{"Application"}},
			}})
		}
		out = append(out, psEnterprise(psGUID(r.guid), r.guid, r.name, true, roles))
	}
	return out
}

// enterprise is the app whose enterprise application has an ID.
func (t *Tenant) enterprise(id string) *App {
	for _, a := range t.Apps {
		if strings.EqualFold(a.EnterpriseID, id) {
			return a
		}
	}
	return nil
}

// psNoResource is in the words of Microsoft Graph.
func psNoResource(id string) error {
	return psFails("[Request_ResourceNotFound] : Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
}

var (
	psReadApps  = []string{"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	psWriteApps = []string{"Application.ReadWrite.All", "Directory.ReadWrite.All"}
	psReadUsers = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	psEditUsers = []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
)

func psGraphCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-MgServicePrincipal", module: psApplications, scopes: psReadApps, params: "ServicePrincipalId:s Filter:s All:w Property:l", do: func(c *psCall) (out []any, err error) {
			property, value, err := c.filter("appId", "displayName", "id")
			if err != nil {
				return nil, err
			}
			for _, o := range psEnterprises(c.t) {
				v, _ := o.get(property)
				if (property == "" || psEqual(v, value)) && (!c.has("ServicePrincipalId") || strings.EqualFold(o.text, c.str("ServicePrincipalId"))) {
					out = append(out, o)
				}
			}
			if c.has("ServicePrincipalId") && out == nil {
				return nil, psNoResource(c.str("ServicePrincipalId"))
			}
			return out, nil
		}},
		{name: "Get-MgServicePrincipalByAppId", module: psApplications, scopes: psReadApps, params: "AppId:s! Property:l", do: func(c *psCall) ([]any, error) {
			for _, o := range psEnterprises(c.t) {
				if v, _ := o.get("AppId"); psEqual(v, c.str("AppId")) {
					return []any{o}, nil
				}
			}
			return nil, psNoResource(c.str("AppId"))
		}},
		// Every app of the sandbox has an enterprise application.
		{name: "New-MgServicePrincipal", module: psApplications, scopes: psWriteApps, params: "AppId:s!", do: func(c *psCall) ([]any, error) {
			if c.t.app(c.str("AppId")) == nil {
				return nil, psFails("[Request_BadRequest] : The appId '%s' of the service principal does not reference a valid application object.", c.str("AppId"))
			}
			return nil, psFails("[Request_MultipleObjectsWithSameKeyValue] : The service principal cannot be created, updated, or restored because the service principal name %s is already in use.", c.str("AppId"))
		}},
		{name: "Update-MgServicePrincipal", module: psApplications, scopes: psWriteApps, params: "ServicePrincipalId:s! AccountEnabled:w", do: func(c *psCall) ([]any, error) {
			app := c.t.enterprise(c.str("ServicePrincipalId"))
			if app == nil {
				return nil, psNoResource(c.str("ServicePrincipalId"))
			}
			if c.has("AccountEnabled") {
				app.Disabled = !c.is("AccountEnabled")
			}
			return nil, nil
		}},
		{name: "Get-MgUser", module: psUsers, scopes: psReadUsers, params: "UserId:s Filter:s All:w Property:l", do: psGetMgUser},
		{name: "Update-MgUser", module: psUsers, scopes: psEditUsers, params: "UserId:s! AccountEnabled:w UsageLocation:s", do: func(c *psCall) ([]any, error) {
			user, err := c.mgUser()
			if err == nil && c.has("AccountEnabled") {
				user.Disabled = !c.is("AccountEnabled")
				c.mended = append(c.mended, causeSignIn)
			}
			return nil, err
		}},
		{name: "Get-MgSubscribedSku", module: psDirectoryObjs, scopes: append([]string{"Organization.Read.All", "LicenseAssignment.Read.All"}, psReadUsers[2:]...), params: "All:w", do: func(*psCall) ([]any, error) {
			return []any{&psObject{kind: "MgSubscribedSku", text: psSKU, view: []string{"SkuPartNumber", "SkuId"}, props: []psProp{{"SkuId", psSKU}, {"SkuPartNumber", psSKUName}}}}, nil
		}},
		{name: "Set-MgUserLicense", module: psUserActions, scopes: append([]string{"LicenseAssignment.ReadWrite.All"}, psEditUsers...), params: "UserId:s! AddLicenses:a RemoveLicenses:a", do: psSetLicense},
	}
}

// The only licence of the tenant: it has Exchange Online.
const (
	psSKU     = "4b9405b0-7788-4568-add1-99614e613b69"
	psSKUName = "EXCHANGESTANDARD"
)

// mgUser is the user of the parameter UserId: an object ID or UPN.
func (c *psCall) mgUser() (*User, error) {
	if user := graphUser(c.t, c.str("UserId")); user != nil {
		return user, nil
	}
	return nil, psNoResource(c.str("UserId"))
}

func psGetMgUser(c *psCall) (out []any, err error) {
	property, value, err := c.filter("userPrincipalName", "displayName", "mail")
	if err != nil {
		return nil, err
	}
	users := c.t.Users
	if c.has("UserId") {
		user, err := c.mgUser()
		if err != nil {
			return nil, err
		}
		users = []*User{user}
	}
	for _, u := range users {
		licences := []any{psSKU}
		if u.Unlicensed {
			licences = []any{}
		}
		o := &psObject{kind: "MgUser", text: u.ObjectID, view: []string{"DisplayName", "Id", "UserPrincipalName"}, props: []psProp{
			{"DisplayName", u.Name}, {"Id", u.ObjectID}, {"UserPrincipalName", u.UPN}, {"Mail", u.UPN}, {"AccountEnabled", !u.Disabled}, {"AssignedLicenses", licences},
		}}
		if v, _ := o.get(property); property == "" || psEqual(v, value) {
			out = append(out, o)
		}
	}
	return out, nil
}

// psSetLicense gives or takes the tenant's licence. Both lists have to be there,
// as in Microsoft Graph.
func psSetLicense(c *psCall) ([]any, error) {
	user, err := c.mgUser()
	if err != nil {
		return nil, err
	}
	if !c.has("AddLicenses") || !c.has("RemoveLicenses") {
		return nil, psFails("[Request_BadRequest] : One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: addLicenses, removeLicenses: give @() for the one that is empty.")
	}
	var add, remove []string
	for _, v := range psItems(c.args["AddLicenses"]) {
		if _, ok := v.(*psHash); !ok {
			return nil, psTerminating("Cannot process argument transformation on parameter 'AddLicenses'. It takes @{SkuId = 'ID'}.")
		}
		add = append(add, psText(psProperty(v, "SkuId")))
	}
	for _, v := range psItems(c.args["RemoveLicenses"]) {
		remove = append(remove, psText(v))
	}
	for _, id := range append(slices.Clone(add), remove...) {
		if !strings.EqualFold(id, psSKU) {
			return nil, psFails("[Request_BadRequest] : License %s does not correspond to a valid company License. The sandbox has %s (%s).", id, psSKU, psSKUName)
		}
	}
	switch {
	case len(add) > 0 && len(remove) > 0:
		return nil, psFails("[Request_BadRequest] : License %s is to be added and removed.", psSKU)
	case len(add) > 0:
		user.Unlicensed = false
	case len(remove) > 0 && user.Unlicensed:
		return nil, psFails("[Request_BadRequest] : User does not have a corresponding license.")
	case len(remove) > 0:
		user.Unlicensed = true
	}
	return nil, nil
}
