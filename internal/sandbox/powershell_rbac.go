package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

// A psScope is a management scope: the direct members of a group.
type psScope struct {
	name, filter string
	group        *psGroup
}

// A psAssignment is a role assignment that was made in the console. The tenant
// has it as well, with the mailboxes that were in its scope at the last change.
type psAssignment struct {
	name, app, role string
	scope           *psScope // nil: every mailbox
	mailboxes       []string
}

// memberOfGroup is the only filter here; its string is quoted as PowerShell's.
var memberOfGroup = regexp.MustCompile(`(?i)^\s*MemberOfGroup\s+-eq\s+'((?:[^']|'')*)'\s*$`)

// psAppRoles are the roles that an application can have.
func psAppRoles() []string {
	return []string{smtpRBACRole, rbac("Mail.Send"), rbac("Mail.ReadWrite"), adminRBACRole}
}

func (t *Tenant) scope(name string) *psScope {
	for _, s := range t.console.scopes {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// applyScopes gives the tenant's role assignments and access policies the
// mailboxes that are now in their groups. Those that were taken away by other
// means than the console, it forgets.
func (t *Tenant) applyScopes() {
	roles := slices.Clone(t.RoleAssignments)
	t.console.assignments = slices.DeleteFunc(slices.Clone(t.console.assignments), func(a *psAssignment) bool {
		i := slices.IndexFunc(roles, func(r RoleAssignment) bool {
			return strings.EqualFold(r.AppID, a.app) && r.Role == a.role && (r.Mailboxes == nil) == (a.mailboxes == nil) && slices.Equal(r.Mailboxes, a.mailboxes)
		})
		if i >= 0 && a.scope != nil {
			a.mailboxes = append([]string{}, a.scope.group.members...)
			roles[i].Mailboxes = slices.Clone(a.mailboxes)
		}
		return i < 0
	})
	t.RoleAssignments = roles
	t.applyPolicies()
}

// psRoles lists the assignments: those of the console by their names, and others
// by the names that Exchange would have given them.
func psRoles(t *Tenant) (out []*psObject) {
	t.applyScopes()
	rest := slices.Clone(t.console.assignments)
	for _, r := range t.RoleAssignments {
		name, scope := r.Role+"-"+r.AppID, "Organization"
		if r.Mailboxes != nil {
			scope = strings.Join(r.Mailboxes, ", ")
		}
		i := slices.IndexFunc(rest, func(a *psAssignment) bool {
			return strings.EqualFold(r.AppID, a.app) && r.Role == a.role && slices.Equal(r.Mailboxes, a.mailboxes)
		})
		if i >= 0 {
			if name = rest[i].name; rest[i].scope != nil {
				scope = rest[i].scope.name
			}
			rest = slices.Delete(rest, i, i+1)
		}
		object, app := r.AppID, t.app(r.AppID)
		if p := t.principal(r.AppID); p >= 0 {
			object = t.ServicePrincipals[p].ObjectID
		} else if app != nil {
			object = app.EnterpriseID
		}
		out = append(out, &psObject{kind: "ManagementRoleAssignment", text: name, view: []string{"Name", "Role", "RoleAssigneeName", "CustomResourceScope"}, props: []psProp{
			{"Name", name}, {"Identity", name}, {"Role", r.Role}, {"RoleAssigneeName", object}, {"RoleAssignee", object}, {"App", object}, {"RoleAssigneeType", "ServicePrincipal"}, {"CustomResourceScope", scope}, {"Enabled", true},
		}})
	}
	return out
}

func psRBACCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-ManagementScope", module: psExchangeModule, params: "Identity:s0", do: func(c *psCall) (out []any, err error) {
			for _, s := range c.t.console.scopes {
				if c.has("Identity") && !strings.EqualFold(s.name, c.str("Identity")) {
					continue
				}
				out = append(out, psScopeObject(s))
			}
			if c.has("Identity") && out == nil {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			return out, nil
		}},
		{name: "New-ManagementScope", module: psExchangeModule, params: "Name:s0! RecipientRestrictionFilter:s! Confirm:w", do: psNewScope},
		{name: "Remove-ManagementScope", module: psExchangeModule, asks: true, params: "Identity:s0!", do: func(c *psCall) ([]any, error) {
			s := c.t.scope(c.str("Identity"))
			if s == nil {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			c.t.applyScopes()
			if slices.ContainsFunc(c.t.console.assignments, func(a *psAssignment) bool { return a.scope == s }) {
				return nil, psFails("The management scope '%s' is still used by role assignments. Remove-ManagementRoleAssignment first.", s.name)
			}
			c.t.console.scopes = slices.DeleteFunc(c.t.console.scopes, func(o *psScope) bool { return o == s })
			return nil, nil
		}},
		{name: "Get-ManagementRoleAssignment", module: psExchangeModule, params: "Identity:s0 Role:s RoleAssignee:s", do: func(c *psCall) (out []any, err error) {
			assignee := c.str("RoleAssignee")
			if i := c.t.principal(assignee); assignee != "" && i >= 0 {
				assignee = c.t.ServicePrincipals[i].ObjectID
			}
			for _, o := range psRoles(c.t) {
				app, _ := o.get("App")
				role, _ := o.get("Role")
				if (!c.has("Identity") || strings.EqualFold(o.text, c.str("Identity"))) && (!c.has("Role") || psEqual(role, c.str("Role"))) && (assignee == "" || psEqual(app, assignee)) {
					out = append(out, o)
				}
			}
			if c.has("Identity") && out == nil {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			return out, nil
		}},
		{name: "New-ManagementRoleAssignment", module: psExchangeModule, params: "Name:s Role:s! App:s! CustomResourceScope:s Confirm:w", do: psNewAssignment},
		{name: "Remove-ManagementRoleAssignment", module: psExchangeModule, asks: true, params: "Identity:s0!", do: func(c *psCall) ([]any, error) {
			all := psRoles(c.t)
			i := slices.IndexFunc(all, func(o *psObject) bool { return strings.EqualFold(o.text, c.str("Identity")) })
			if i < 0 {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			c.t.RoleAssignments = slices.Delete(slices.Clone(c.t.RoleAssignments), i, i+1)
			c.t.console.assignments = slices.DeleteFunc(c.t.console.assignments, func(a *psAssignment) bool { return strings.EqualFold(a.name, c.str("Identity")) })
			return nil, nil
		}},
		{name: "Test-ServicePrincipalAuthorization", module: psExchangeModule, params: "Identity:s0! Resource:s", do: psTestAuthorization},
	}
}

func psScopeObject(s *psScope) *psObject {
	return &psObject{kind: "ManagementScope", text: s.name, view: []string{"Name", "ScopeRestrictionType", "Exclusive", "RecipientFilter"}, props: []psProp{
		{"Name", s.name}, {"Identity", s.name}, {"ScopeRestrictionType", "RecipientScope"}, {"Exclusive", false}, {"RecipientFilter", s.filter},
	}}
}

func psNewScope(c *psCall) ([]any, error) {
	s := &psScope{name: c.str("Name"), filter: c.str("RecipientRestrictionFilter")}
	match := memberOfGroup.FindStringSubmatch(s.filter)
	switch {
	case len([]rune(s.name)) > psLongestName:
		return nil, psTooLong("Name", s.name)
	case c.t.scope(s.name) != nil:
		return nil, psExists("management scope", s.name, "Please choose another name.")
	case match == nil:
		return nil, psFails("The sandbox knows filters of the form \"MemberOfGroup -eq 'the group's DistinguishedName'\" alone, not %s.", s.filter)
	}
	dn := strings.ReplaceAll(match[1], "''", "'")
	// Only by its distinguished name: Exchange takes a filter with another one,
	// and nothing is in its scope.
	for _, g := range c.t.console.groups {
		if strings.EqualFold(psDN(c.t, g.name), dn) {
			s.group = g
		}
	}
	if s.group == nil {
		return nil, psNotFound(c.t, dn)
	}
	c.t.console.scopes = append(c.t.console.scopes, s)
	return []any{psScopeObject(s)}, nil
}

func psNewAssignment(c *psCall) ([]any, error) {
	i := c.t.principal(c.str("App"))
	if i < 0 {
		return nil, psNotFound(c.t, c.str("App"))
	}
	a := &psAssignment{name: c.str("Name"), app: c.t.ServicePrincipals[i].AppID}
	for _, role := range psAppRoles() {
		if strings.EqualFold(role, c.str("Role")) {
			a.role = role
		}
	}
	if a.role == "" {
		return nil, psNotFound(c.t, c.str("Role"))
	}
	if c.has("CustomResourceScope") {
		if a.scope = c.t.scope(c.str("CustomResourceScope")); a.scope == nil {
			return nil, psNotFound(c.t, c.str("CustomResourceScope"))
		}
		a.mailboxes = append([]string{}, a.scope.group.members...)
	}
	if a.name == "" {
		a.name = a.role + "-" + a.app
	}
	exists := slices.ContainsFunc(psRoles(c.t), func(o *psObject) bool { return strings.EqualFold(o.text, a.name) })
	switch {
	case len([]rune(a.name)) > psLongestName:
		return nil, psTooLong("Name", a.name)
	case exists:
		return nil, psExists("management role assignment", a.name, "Please choose another name.")
	}
	c.t.console.assignments = append(c.t.console.assignments, a)
	c.t.RoleAssignments = append(slices.Clone(c.t.RoleAssignments), RoleAssignment{a.app, a.role, slices.Clone(a.mailboxes)})
	all := psRoles(c.t)
	return []any{all[len(all)-1]}, nil
}

// psTestAuthorization looks at the roles and not at what Entra granted.
func psTestAuthorization(c *psCall) (out []any, err error) {
	i := c.t.principal(c.str("Identity"))
	if i < 0 {
		return nil, psNotFound(c.t, c.str("Identity"))
	}
	var mailbox *Mailbox
	if c.has("Resource") {
		if mailbox = psFind(c.t, c.str("Resource")); mailbox == nil {
			return nil, psNotFound(c.t, c.str("Resource"))
		}
	}
	app := &App{ClientID: c.t.ServicePrincipals[i].AppID}
	for k, o := range psRoles(c.t) {
		r := c.t.RoleAssignments[k]
		if !strings.EqualFold(r.AppID, app.ClientID) {
			continue
		}
		scope, _ := o.get("CustomResourceScope")
		kind, in := "CustomRecipientScope", any("Not Run")
		if r.Mailboxes == nil {
			kind = "Organization"
		}
		if mailbox != nil {
			in = r.Mailboxes == nil || slices.ContainsFunc(r.Mailboxes, func(address string) bool { return c.t.mailbox(address) == mailbox })
		}
		permission := strings.TrimPrefix(r.Role, "Application ")
		out = append(out, &psObject{kind: "ServicePrincipalAuthorization", text: r.Role, view: []string{"RoleName", "GrantedPermissions", "AllowedResourceScope", "ScopeType", "InScope"}, props: []psProp{
			{"RoleName", r.Role}, {"GrantedPermissions", permission}, {"AllowedResourceScope", scope}, {"ScopeType", kind}, {"InScope", in},
		}})
	}
	return out, nil
}
