package sandbox

import (
	"slices"
	"strings"
	"unicode"
)

// A psGroup is a distribution group, or a security group with an address.
type psGroup struct {
	name     string
	security bool
	hidden   bool
	members  []string // primary addresses of mailboxes
}

// address is the group's, made of its name.
func (g *psGroup) address(t *Tenant) string {
	alias := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-._", r)) {
			return r
		}
		return -1
	}, g.name)
	return alias + "@" + t.Domain
}

// group finds a group by any of its names, nil when there is none.
func (t *Tenant) group(identity string) *psGroup {
	for _, g := range t.console.groups {
		address := g.address(t)
		for _, name := range []string{g.name, address, psAlias(address), psDN(t, g.name)} {
			if name != "" && strings.EqualFold(name, identity) {
				return g
			}
		}
	}
	return nil
}

func psGroupObject(t *Tenant, g *psGroup) *psObject {
	kind := "MailUniversalDistributionGroup"
	if g.security {
		kind = "MailUniversalSecurityGroup"
	}
	address := g.address(t)
	return &psObject{kind: "DistributionGroup", text: g.name, view: []string{"Name", "DisplayName", "GroupType", "PrimarySmtpAddress"}, props: []psProp{
		{"Name", g.name}, {"DisplayName", g.name}, {"Identity", g.name}, {"Alias", psAlias(address)}, {"GroupType", map[bool]string{false: "Universal", true: "Universal, SecurityEnabled"}[g.security]},
		{"RecipientTypeDetails", kind}, {"PrimarySmtpAddress", address}, {"DistinguishedName", psDN(t, g.name)}, {"HiddenFromAddressListsEnabled", g.hidden},
	}}
}

// psGroupOf is the group that the parameter Identity names.
func psGroupOf(c *psCall) (*psGroup, error) {
	if g := c.t.group(c.str("Identity")); g != nil {
		return g, nil
	}
	return nil, psNotFound(c.t, c.str("Identity"))
}

func psGroupCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-DistributionGroup", module: psExchangeModule, params: "Identity:s0 ResultSize:a", do: func(c *psCall) (out []any, err error) {
			if c.has("Identity") {
				g, err := psGroupOf(c)
				if err != nil {
					return nil, err
				}
				return []any{psGroupObject(c.t, g)}, nil
			}
			for _, g := range c.t.console.groups {
				out = append(out, psGroupObject(c.t, g))
			}
			return out, nil
		}},
		{name: "New-DistributionGroup", module: psExchangeModule, params: "Name:s0! Type:s Members:l Confirm:w", do: psNewGroup},
		{name: "Set-DistributionGroup", module: psExchangeModule, params: "Identity:s0! HiddenFromAddressListsEnabled:b BypassSecurityGroupManagerCheck:w Confirm:w", do: func(c *psCall) ([]any, error) {
			g, err := psGroupOf(c)
			if err != nil {
				return nil, err
			}
			if !c.has("HiddenFromAddressListsEnabled") || g.hidden == c.is("HiddenFromAddressListsEnabled") {
				c.unchanged(g.name)
			}
			if c.has("HiddenFromAddressListsEnabled") {
				g.hidden = c.is("HiddenFromAddressListsEnabled")
			}
			return nil, nil
		}},
		{name: "Remove-DistributionGroup", module: psExchangeModule, asks: true, params: "Identity:s0! BypassSecurityGroupManagerCheck:w", do: func(c *psCall) ([]any, error) {
			g, err := psGroupOf(c)
			if err != nil {
				return nil, err
			}
			g.members = nil
			c.t.console.groups = slices.DeleteFunc(c.t.console.groups, func(o *psGroup) bool { return o == g })
			c.t.applyScopes()
			return nil, nil
		}},
		{name: "Get-DistributionGroupMember", module: psExchangeModule, params: "Identity:s0! ResultSize:a", do: func(c *psCall) (out []any, err error) {
			g, err := psGroupOf(c)
			if err != nil {
				return nil, err
			}
			most, ok := psResultSize(c)
			if !ok {
				return nil, psTerminating("Cannot process argument transformation on parameter 'ResultSize'. It is a number or Unlimited.")
			}
			for _, address := range g.members {
				if m := c.t.mailbox(address); m != nil && len(out) < most {
					out = append(out, psMailbox(c.t, m))
				}
			}
			return out, nil
		}},
		{name: "Add-DistributionGroupMember", module: psExchangeModule, params: "Identity:s0! Member:s! BypassSecurityGroupManagerCheck:w Confirm:w",
			do: func(c *psCall) ([]any, error) { return psEditMembers(c, true) }},
		{name: "Remove-DistributionGroupMember", module: psExchangeModule, asks: true, params: "Identity:s0! Member:s! BypassSecurityGroupManagerCheck:w",
			do: func(c *psCall) ([]any, error) { return psEditMembers(c, false) }},
	}
}

func psNewGroup(c *psCall) ([]any, error) {
	g := &psGroup{name: c.str("Name")}
	switch kind := c.str("Type"); {
	case strings.EqualFold(kind, "Security"):
		g.security = true
	case kind != "" && !strings.EqualFold(kind, "Distribution"):
		return nil, psTerminating("Cannot process argument transformation on parameter 'Type'. Cannot convert value \"%s\". Specify one of: Distribution, Security.", kind)
	}
	switch {
	case len([]rune(g.name)) > psLongestName:
		return nil, psTooLong("Name", g.name)
	case psAlias(g.address(c.t)) == "":
		return nil, psFails("The sandbox makes a group's address of its name, and '%s' has no letter or digit of ASCII for it.", g.name)
	case c.t.group(g.name) != nil || c.t.group(g.address(c.t)) != nil || c.t.mailbox(g.address(c.t)) != nil:
		return nil, psExists("group", g.name, "Please choose another name.")
	}
	for _, member := range c.list("Members") {
		m := psFind(c.t, member)
		if m == nil {
			return nil, psNotFound(c.t, member)
		}
		g.members = edited(g.members, m.Address, true)
	}
	c.t.console.groups = append(c.t.console.groups, g)
	return []any{psGroupObject(c.t, g)}, nil
}

func psEditMembers(c *psCall, add bool) ([]any, error) {
	g, err := psGroupOf(c)
	if err != nil {
		return nil, err
	}
	m := psFind(c.t, c.str("Member"))
	switch {
	case m == nil:
		return nil, psNotFound(c.t, c.str("Member"))
	case add && contains(g.members, m.Address):
		return nil, psFails("Ex4B5E9A|Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException|The recipient \"%s\" is already a member of the group \"%s\".", psAlias(m.Address), g.name)
	case !add && !contains(g.members, m.Address):
		return nil, psFails("Ex2E8C0F|Microsoft.Exchange.Management.Tasks.MemberNotFoundException|The recipient \"%s\" isn't a member of the group \"%s\".", psAlias(m.Address), g.name)
	}
	g.members = edited(g.members, m.Address, add)
	c.t.applyScopes()
	return nil, nil
}
