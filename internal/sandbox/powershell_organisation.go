package sandbox

import "strings"

// A psPolicy is an authentication policy. The sandbox's servers do not look at
// it.
type psPolicy struct {
	name string
	smtp bool // AllowBasicAuthSmtp
}

func (t *Tenant) policy(name string) *psPolicy {
	for _, p := range t.console.policies {
		if strings.EqualFold(p.name, name) {
			return p
		}
	}
	return nil
}

// policyName is what shows of a policy that may be none.
func policyName(p *psPolicy) any {
	if p == nil {
		return nil
	}
	return p.name
}

// chosenPolicy is the one that a parameter names, none for null.
func (c *psCall) chosenPolicy(name string) (*psPolicy, error) {
	if c.str(name) == "" {
		return nil, nil
	}
	if p := c.t.policy(c.str(name)); p != nil {
		return p, nil
	}
	return nil, psNotFound(c.t, c.str(name))
}

func psPolicyObject(p *psPolicy) *psObject {
	return &psObject{kind: "AuthenticationPolicy", text: p.name, view: []string{"Name", "AllowBasicAuthSmtp"}, props: []psProp{
		{"Name", p.name}, {"Identity", p.name}, {"AllowBasicAuthSmtp", p.smtp},
	}}
}

// userOf is the user that the parameter Identity names.
func (c *psCall) userOf() (*User, error) {
	user := c.t.user(c.str("Identity"))
	if m := psFind(c.t, c.str("Identity")); user == nil && m != nil {
		user = c.t.user(m.Address)
	}
	if user == nil {
		return nil, psNotFound(c.t, c.str("Identity"))
	}
	return user, nil
}

func psOrganisationCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-TransportConfig", module: psExchangeModule, params: "", do: func(c *psCall) ([]any, error) {
			return []any{&psObject{kind: "TransportConfig", text: "Transport Settings", view: []string{"Name", "SmtpClientAuthenticationDisabled"}, props: []psProp{
				{"Name", "Transport Settings"}, {"SmtpClientAuthenticationDisabled", c.t.SMTPAuthDisabled},
			}}}, nil
		}},
		{name: "Set-TransportConfig", module: psExchangeModule, params: "SmtpClientAuthenticationDisabled:b Confirm:w", do: func(c *psCall) ([]any, error) {
			if !c.has("SmtpClientAuthenticationDisabled") || c.is("SmtpClientAuthenticationDisabled") == c.t.SMTPAuthDisabled {
				c.unchanged("Transport Settings")
				return nil, nil
			}
			c.t.SMTPAuthDisabled = c.is("SmtpClientAuthenticationDisabled")
			return nil, nil
		}},
		{name: "Get-OrganizationConfig", module: psExchangeModule, params: "", do: func(c *psCall) ([]any, error) {
			return []any{&psObject{kind: "OrganizationConfig", text: c.t.Domain, view: []string{"Name", "DefaultAuthenticationPolicy", "SendFromAliasEnabled"}, props: []psProp{
				{"Name", c.t.Domain}, {"DefaultAuthenticationPolicy", policyName(c.t.console.defaultPolicy)}, {"SendFromAliasEnabled", c.t.console.sendFromAlias},
			}}}, nil
		}},
		{name: "Set-OrganizationConfig", module: psExchangeModule, params: "DefaultAuthenticationPolicy:s SendFromAliasEnabled:b Confirm:w", do: func(c *psCall) ([]any, error) {
			policy, err := c.chosenPolicy("DefaultAuthenticationPolicy")
			if err != nil {
				return nil, err
			}
			if c.has("DefaultAuthenticationPolicy") {
				c.t.console.defaultPolicy = policy
			}
			if c.has("SendFromAliasEnabled") {
				c.t.console.sendFromAlias = c.is("SendFromAliasEnabled")
			}
			return nil, nil
		}},
		{name: "Get-AuthenticationPolicy", module: psExchangeModule, params: "Identity:s0", do: func(c *psCall) (out []any, err error) {
			for _, p := range c.t.console.policies {
				if !c.has("Identity") || strings.EqualFold(p.name, c.str("Identity")) {
					out = append(out, psPolicyObject(p))
				}
			}
			if c.has("Identity") && out == nil {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			return out, nil
		}},
		{name: "New-AuthenticationPolicy", module: psExchangeModule, params: "Name:s0! AllowBasicAuthSmtp:w Confirm:w", do: func(c *psCall) ([]any, error) {
			p := &psPolicy{c.str("Name"), c.is("AllowBasicAuthSmtp")}
			switch {
			case len([]rune(p.name)) > psLongestName:
				return nil, psTooLong("Name", p.name)
			case c.t.policy(p.name) != nil:
				return nil, psExists("authentication policy", p.name, "Please choose another name.")
			}
			c.t.console.policies = append(c.t.console.policies, p)
			return []any{psPolicyObject(p)}, nil
		}},
		{name: "Set-AuthenticationPolicy", module: psExchangeModule, params: "Identity:s0! AllowBasicAuthSmtp:w Confirm:w", do: func(c *psCall) ([]any, error) {
			p, err := c.chosenPolicy("Identity")
			if err == nil && c.has("AllowBasicAuthSmtp") {
				p.smtp = c.is("AllowBasicAuthSmtp")
			}
			return nil, err
		}},
		{name: "Get-User", module: psExchangeModule, params: "Identity:s0!", do: func(c *psCall) ([]any, error) {
			user, err := c.userOf()
			if err != nil {
				return nil, err
			}
			return []any{&psObject{kind: "User", text: psAlias(user.UPN), view: []string{"Name", "UserPrincipalName", "AuthenticationPolicy"}, props: []psProp{
				{"Name", psAlias(user.UPN)}, {"DisplayName", user.Name}, {"UserPrincipalName", user.UPN}, {"ExternalDirectoryObjectId", user.ObjectID},
				{"AccountDisabled", user.Disabled}, {"AuthenticationPolicy", policyName(c.t.console.userPolicies[user.ObjectID])},
			}}}, nil
		}},
		{name: "Set-User", module: psExchangeModule, params: "Identity:s0! AuthenticationPolicy:s Confirm:w", do: func(c *psCall) ([]any, error) {
			user, err := c.userOf()
			if err != nil {
				return nil, err
			}
			policy, err := c.chosenPolicy("AuthenticationPolicy")
			if err != nil {
				return nil, err
			}
			if !c.has("AuthenticationPolicy") || policy == c.t.console.userPolicies[user.ObjectID] {
				c.unchanged(user.UPN)
				return nil, nil
			}
			if c.t.console.userPolicies == nil {
				c.t.console.userPolicies = map[string]*psPolicy{}
			}
			c.t.console.userPolicies[user.ObjectID] = policy
			return nil, nil
		}},
		// Its properties are assumed.
		{name: "Get-LimitsEnforcementStatus", module: psExchangeModule, params: "", do: func(c *psCall) ([]any, error) {
			return []any{&psObject{kind: "LimitsEnforcementStatus", view: []string{"EnforcementEnabled", "Threshold", "ObservedValue", "Verdict"}, props: []psProp{
				{"EnforcementEnabled", true}, {"Threshold", int64(10000)}, {"ObservedValue", int64(len(c.t.inbox))}, {"Verdict", "Under the limit"},
			}}}, nil
		}},
	}
}
