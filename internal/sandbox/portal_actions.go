package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A portalAction is something that an administrator does to an app or to the
// tenant. It is a form on the portal's page and a POST to the path that ends in
// its Name.
type portalAction struct {
	Name string
	// Title is what the real portal or the cmdlet calls it.
	Title  string
	Fields []portalField
	do     func(*portalChange) error
}

// A portalField is a field of the action's form.
type portalField struct {
	Name, Label string
	// Options are the only values; nil is any text.
	Options []string
	// Example is a value that would do, and what the form begins with.
	Example  string
	Optional bool
}

// A portalChange is an action under way, with the tenant locked.
type portalChange struct {
	t      *Tenant
	app    *App // nil for an action on the tenant
	form   url.Values
	issuer tokenIssuer
	now    time.Time
	// after is what remains to do once the tenant is no longer locked.
	after []func(*Sandbox) error
}

func (c *portalChange) value(name string) string { return strings.TrimSpace(c.form.Get(name)) }

// adds is the choice of field addOrRemove.
func (c *portalChange) adds() bool { return c.value("do") == "add" }

var (
	addOrRemove  = portalField{Name: "do", Label: "Do", Options: []string{"add", "remove"}}
	onOrOff      = portalField{Name: "do", Label: "Do", Options: []string{"on", "off"}}
	mailboxField = portalField{Name: "mailbox", Label: "Mailbox", Example: "svc@contoso.com"}
)

// appActions are those on a registration and its service principal.
var appActions = []portalAction{
	{"application-permissions", "API permissions: application permissions", []portalField{
		{Name: "permission", Label: "Permission", Example: "SMTP.SendAsApp"}, addOrRemove,
	}, func(c *portalChange) error { return c.permission(&c.app.AppRoles, "application", true) }},
	{"delegated-permissions", "API permissions: delegated permissions", []portalField{
		{Name: "permission", Label: "Permission", Example: "SMTP.Send"}, addOrRemove,
	}, func(c *portalChange) error { return c.permission(&c.app.Permissions, "delegated", false) }},
	{"consent", "API permissions: grant admin consent for what is listed, or revoke it", []portalField{
		{Name: "do", Label: "Do", Options: []string{"grant", "revoke"}},
	}, (*portalChange).consent},
	{"federated-credentials", "Certificates & secrets: federated credentials", []portalField{
		{Name: "issuer", Label: "Issuer"},
		{Name: "subject", Label: "Subject identifier", Example: issuerSubject},
		{Name: "audience", Label: "Audience", Example: federatedAudience, Optional: true},
		{Name: "keys", Label: "The issuer's JWK set, which Entra ID would fetch (nothing for the sandbox's own issuer)", Optional: true}, addOrRemove,
	}, (*portalChange).federate},
	{"secrets", "Certificates & secrets: new client secret, in place of the one there", []portalField{
		{Name: "months", Label: "Expires in months", Example: "6"},
	}, (*portalChange).newSecret},
	{"sign-in", "Enterprise application: enabled for users to sign in", []portalField{onOrOff},
		func(c *portalChange) error { c.app.Disabled = c.value("do") == "off"; return nil }},
	{"service-principals", "New-ServicePrincipal, Remove-ServicePrincipal", []portalField{
		{Name: "object_id", Label: "Object ID, that of the enterprise application"}, addOrRemove,
	}, (*portalChange).servicePrincipal},
	{"role-assignments", "New-ManagementRoleAssignment, with its scope (App RBAC)", []portalField{
		{Name: "role", Label: "Role", Options: []string{smtpRBACRole, rbac("Mail.Send"), rbac("Mail.ReadWrite"), adminRBACRole}},
		{Name: "mailboxes", Label: "Mailboxes in the scope, nothing for all", Example: "ops@contoso.com", Optional: true}, addOrRemove,
	}, (*portalChange).roleAssignment},
	{"access-policy", "New-ApplicationAccessPolicy -AccessRight RestrictAccess, for Graph", []portalField{
		{Name: "mailboxes", Label: "Mailboxes in the group", Example: "ops@contoso.com"}, addOrRemove,
	}, (*portalChange).accessPolicy},
}

// check finds what is wrong with the form's fields.
func (a portalAction) check(form url.Values) error {
	for _, f := range a.Fields {
		value := strings.TrimSpace(form.Get(f.Name))
		switch {
		case value == "" && !f.Optional && f.Options == nil:
			return fmt.Errorf("the form has no %s", f.Name)
		case f.Options != nil && !slices.Contains(f.Options, value):
			return fmt.Errorf("%s is one of %s, not %q", f.Name, strings.Join(f.Options, ", "), value)
		}
	}
	return nil
}

func notFound(what, name string) error { return fmt.Errorf("the tenant has no %s %q", what, name) }

// edited adds value to a list that lacks it, or removes it, whatever its
// letters' case. It returns a new list.
func edited(list []string, value string, add bool) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.EqualFold(s, value) })
	if add {
		list = append(list, value)
	}
	return list
}

// permission changes what a registration lists; the name may stand alone or
// behind its API.
func (c *portalChange) permission(list *[]string, kind string, roles bool) error {
	prefix, name, full := "", c.value("permission"), false
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		prefix, name, full = name[:i], name[i+1:], true
	}
	for _, r := range resources {
		known := r.words
		if roles {
			known = r.roles
		}
		for candidate := range known {
			if candidate != "" && strings.EqualFold(candidate, name) && (!full || findResource(prefix) == r) {
				*list = edited(*list, r.id+"/"+candidate, c.adds())
				return nil
			}
		}
	}
	return fmt.Errorf("no API here has the %s permission %q", kind, c.value("permission"))
}

// consent grants what the registration lists and nothing else, as the portal's
// button does.
func (c *portalChange) consent() error {
	c.app.GrantedRoles, c.app.AdminConsented = nil, nil
	if c.value("do") == "grant" {
		c.app.GrantedRoles, c.app.AdminConsented = slices.Clone(c.app.AppRoles), slices.Clone(c.app.Permissions)
	}
	return nil
}

func (c *portalChange) federate() error {
	f := FederatedCredential{Issuer: c.value("issuer"), Subject: c.value("subject"),
		Audience: cmp.Or(c.value("audience"), federatedAudience), Keys: []byte(c.value("keys"))}
	others := slices.DeleteFunc(slices.Clone(c.app.Federated), func(o FederatedCredential) bool { return o.Issuer == f.Issuer && o.Subject == f.Subject })
	if !c.adds() {
		c.app.Federated = others
		return nil
	}
	var set jose.JSONWebKeySet
	switch {
	case !strings.HasPrefix(f.Issuer, "https://"):
		return errors.New("the issuer is an address that begins with https://")
	case len(f.Keys) == 0 && f.Issuer == c.issuer.url:
		f.Keys = c.issuer.jwks()
	case json.Unmarshal(f.Keys, &set) != nil || len(set.Keys) == 0:
		return errors.New("keys is not a JWK set with a key; send what the issuer has at its jwks_uri")
	}
	c.app.Federated = append(others, f)
	return nil
}

func (c *portalChange) newSecret() error {
	months, err := strconv.Atoi(c.value("months"))
	if err != nil || months < 1 || months > 24 {
		return errors.New("months is a number from 1 to 24")
	}
	c.app.Secret, c.app.SecretID = "new8Q~"+randomName()[:34], randomGUID()
	c.app.SecretExpires = c.now.AddDate(0, months, 0)
	return nil
}

// servicePrincipal makes the app known to Exchange. Any Object ID is taken, as
// by Exchange.
func (c *portalChange) servicePrincipal() error {
	id := c.value("object_id")
	list := slices.Clone(c.t.ServicePrincipals)
	at := slices.IndexFunc(list, func(p ServicePrincipal) bool { return strings.EqualFold(p.AppID, c.app.ClientID) })
	switch {
	case !isGUID(id):
		return fmt.Errorf("object_id is a GUID, not %q", id)
	case c.adds() && at >= 0:
		return fmt.Errorf("exchange knows this app by the Object ID %s: remove that first", list[at].ObjectID)
	case c.adds():
		list = append(list, ServicePrincipal{c.app.ClientID, id})
	case at < 0 || !strings.EqualFold(list[at].ObjectID, id):
		return fmt.Errorf("exchange does not know this app by the Object ID %s", id)
	default:
		list = slices.Delete(list, at, at+1)
	}
	c.t.ServicePrincipals = list
	return nil
}

// mailboxes reads the field with that name: addresses between spaces or commas,
// nil when there are none.
func (c *portalChange) mailboxes() (list []string, err error) {
	for _, address := range strings.FieldsFunc(c.value("mailboxes"), func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		if c.t.mailbox(address) == nil {
			return nil, notFound("mailbox", address)
		}
		list = append(list, address)
	}
	return list, nil
}

func (c *portalChange) roleAssignment() error {
	mailboxes, err := c.mailboxes()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(c.t.ServicePrincipals, func(p ServicePrincipal) bool { return strings.EqualFold(p.AppID, c.app.ClientID) }) {
		return errors.New("exchange does not know this app: New-ServicePrincipal first")
	}
	list := slices.DeleteFunc(slices.Clone(c.t.RoleAssignments), func(a RoleAssignment) bool {
		return strings.EqualFold(a.AppID, c.app.ClientID) && a.Role == c.value("role")
	})
	if c.adds() {
		list = append(list, RoleAssignment{c.app.ClientID, c.value("role"), mailboxes})
	}
	c.t.RoleAssignments = list
	return nil
}

func (c *portalChange) accessPolicy() error {
	mailboxes, err := c.mailboxes()
	if err != nil {
		return err
	}
	policies := map[string][]string{}
	for id, list := range c.t.AccessPolicies {
		if !strings.EqualFold(id, c.app.ClientID) {
			policies[id] = list
		}
	}
	if c.adds() {
		policies[c.app.ClientID] = mailboxes
	}
	c.t.AccessPolicies = policies
	return nil
}
