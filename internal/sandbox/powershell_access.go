package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// A psAccess is an application access policy that was made in the console.
type psAccess struct {
	id, app, description string
	group                *psGroup // nil: the one mailbox
	mailbox              string
}

func (a *psAccess) mailboxes() []string {
	if a.group == nil {
		return []string{a.mailbox}
	}
	return append([]string{}, a.group.members...)
}

// applyPolicies gives the tenant the mailboxes that the policies now allow. It
// forgets those of an app whose restriction was lifted by other means.
func (t *Tenant) applyPolicies() {
	d := &t.console
	d.access = slices.DeleteFunc(slices.Clone(d.access), func(a *psAccess) bool {
		_, restricted := accessPolicy(t, a.app)
		return !restricted
	})
	t.setPolicies()
}

// setPolicies writes the policies of the console to the tenant's map, which
// readers may hold.
func (t *Tenant) setPolicies() {
	policies := map[string][]string{}
	own := func(id string) bool {
		return slices.ContainsFunc(t.console.access, func(a *psAccess) bool { return strings.EqualFold(a.app, id) })
	}
	for id, list := range t.AccessPolicies {
		if !own(id) {
			policies[id] = list
		}
	}
	for _, a := range t.console.access {
		policies[a.app] = append(policies[a.app], a.mailboxes()...)
	}
	if len(policies) > 0 || t.AccessPolicies != nil {
		t.AccessPolicies = policies
	}
}

func psAccessObject(a *psAccess, scope string) *psObject {
	return &psObject{kind: "ApplicationAccessPolicy", text: a.id, view: []string{"Identity", "AppId", "ScopeName", "AccessRight", "Description"}, props: []psProp{
		{"Identity", a.id}, {"AppId", a.app}, {"ScopeName", scope}, {"ScopeIdentity", scope}, {"AccessRight", "RestrictAccess"}, {"Description", a.description},
	}}
}

// psPolicyObjects lists the policies; one that was not made in the console has
// its mailboxes as its scope.
func psPolicyObjects(t *Tenant) (out []*psObject) {
	t.applyPolicies()
	seen := map[string]bool{}
	for _, a := range t.console.access {
		seen[strings.ToLower(a.app)] = true
		scope := a.mailbox
		if a.group != nil {
			scope = a.group.name
		}
		out = append(out, psAccessObject(a, scope))
	}
	var others []string
	for id := range t.AccessPolicies {
		if !seen[strings.ToLower(id)] {
			others = append(others, id)
		}
	}
	slices.Sort(others)
	for _, id := range others {
		out = append(out, psAccessObject(&psAccess{id: t.ID + `\` + id, app: id}, strings.Join(t.AccessPolicies[id], ", ")))
	}
	return out
}

func psAccessCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "New-ApplicationAccessPolicy", module: psExchangeModule, params: "AppId:l! PolicyScopeGroupId:s! AccessRight:s! Description:s Confirm:w", do: psNewAccess},
		{name: "Get-ApplicationAccessPolicy", module: psExchangeModule, params: "Identity:s0", do: func(c *psCall) (out []any, err error) {
			for _, o := range psPolicyObjects(c.t) {
				if !c.has("Identity") || strings.EqualFold(o.text, c.str("Identity")) {
					out = append(out, o)
				}
			}
			if c.has("Identity") && out == nil {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			return out, nil
		}},
		{name: "Remove-ApplicationAccessPolicy", module: psExchangeModule, asks: true, params: "Identity:s0!", do: func(c *psCall) ([]any, error) {
			all := psPolicyObjects(c.t)
			i := slices.IndexFunc(all, func(o *psObject) bool { return strings.EqualFold(o.text, c.str("Identity")) })
			if i < 0 {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			app, _ := all[i].get("AppId")
			c.t.console.access = slices.DeleteFunc(c.t.console.access, func(a *psAccess) bool { return strings.EqualFold(a.id, c.str("Identity")) })
			rest := map[string][]string{}
			for id, list := range c.t.AccessPolicies {
				if !psEqual(app, id) {
					rest[id] = list
				}
			}
			c.t.AccessPolicies = rest
			c.t.setPolicies()
			return nil, nil
		}},
		{name: "Test-ApplicationAccessPolicy", module: psExchangeModule, params: "Identity:s0! AppId:s!", do: func(c *psCall) ([]any, error) {
			m, err := psMailboxOf(c)
			if err != nil {
				return nil, err
			}
			c.t.applyPolicies()
			list, restricted := accessPolicy(c.t, c.str("AppId"))
			result := "Denied"
			if !restricted || slices.ContainsFunc(list, func(address string) bool { return c.t.mailbox(address) == m }) {
				result = "Granted"
			}
			return []any{&psObject{kind: "ApplicationAccessPolicyTest", text: result, view: []string{"AppId", "Mailbox", "AccessCheckResult"}, props: []psProp{
				{"AppId", c.str("AppId")}, {"Mailbox", psAlias(m.Address)}, {"AccessCheckResult", result},
			}}}, nil
		}},
	}
}

func psNewAccess(c *psCall) (out []any, err error) {
	if !strings.EqualFold(c.str("AccessRight"), "RestrictAccess") {
		return nil, psTerminating("Cannot process argument transformation on parameter 'AccessRight'. The sandbox knows RestrictAccess alone, not \"%s\".", c.str("AccessRight"))
	}
	scope := psAccess{description: c.str("Description")}
	switch scope.group = c.t.group(c.str("PolicyScopeGroupId")); {
	case scope.group != nil && !scope.group.security:
		return nil, psFails("The group '%s' isn't a security principal: a policy's scope is a mail-enabled security group.", scope.group.name)
	case scope.group == nil:
		m := psFind(c.t, c.str("PolicyScopeGroupId"))
		if m == nil {
			return nil, psNotFound(c.t, c.str("PolicyScopeGroupId"))
		}
		scope.mailbox = m.Address
	}
	for _, id := range c.list("AppId") {
		if !isGUID(id) {
			return nil, psTerminating("Cannot process argument transformation on parameter 'AppId'. Cannot convert value \"%s\" to type \"System.Guid\".", id)
		}
	}
	c.t.applyPolicies()
	for _, id := range c.list("AppId") {
		a := scope
		a.app, a.id = id, fmt.Sprintf(`%s\%s:%s`, c.t.ID, id, c.str("PolicyScopeGroupId"))
		if slices.ContainsFunc(c.t.console.access, func(o *psAccess) bool { return strings.EqualFold(o.id, a.id) }) {
			return out, psExists("application access policy", a.id, "")
		}
		c.t.console.access = append(c.t.console.access, &a)
		c.t.setPolicies()
		all := psPolicyObjects(c.t)
		i := slices.IndexFunc(all, func(o *psObject) bool { return o.text == a.id })
		out = append(out, all[i])
	}
	return out, nil
}
