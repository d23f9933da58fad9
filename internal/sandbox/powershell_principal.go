package sandbox

import (
	"slices"
	"strings"
)

// A psDirectory is what the cmdlets know of a tenant besides what its servers
// look at. It is read and written with the tenant locked.
type psDirectory struct {
	uninstalled []string          // modules
	principals  map[string]string // display names by the application's ID
	settings    map[*Mailbox]*psMailboxSettings
	groups      []*psGroup
	scopes      []*psScope
	assignments []*psAssignment
	access      []*psAccess
	policies    []*psPolicy
	// userPolicies are authentication policies by object IDs of users.
	userPolicies  map[string]*psPolicy
	defaultPolicy *psPolicy
	sendFromAlias bool
}

// psNotFound and psExists are in the words of Exchange Online's module; the
// second's are assumed.
func psNotFound(t *Tenant, identity string) error {
	return psFails("Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '%s' couldn't be found on 'SANDBOXDC01.%s'.", identity, t.Domain)
}

func psExists(what, name, instead string) error {
	return psFails("ExA36AF2|Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException|The %s '%s' already exists. %s", what, name, instead)
}

// principal finds an app as Exchange knows it: by its application ID, its Object
// ID or its name. -1 is none.
func (t *Tenant) principal(identity string) int {
	return slices.IndexFunc(t.ServicePrincipals, func(p ServicePrincipal) bool {
		name := t.console.principals[strings.ToLower(p.AppID)]
		return strings.EqualFold(p.AppID, identity) || strings.EqualFold(p.ObjectID, identity) || name != "" && strings.EqualFold(name, identity)
	})
}

// psPrincipal is a service principal as Exchange shows it.
func psPrincipal(t *Tenant, p ServicePrincipal) *psObject {
	return &psObject{kind: "ServicePrincipal", text: p.ObjectID, view: []string{"DisplayName", "AppId", "ObjectId"}, props: []psProp{
		{"DisplayName", t.console.principals[strings.ToLower(p.AppID)]}, {"AppId", p.AppID}, {"ObjectId", p.ObjectID}, {"ServiceId", p.ObjectID},
		{"Identity", p.ObjectID}, {"Id", p.ObjectID}, {"Name", p.ObjectID},
	}}
}

func psPrincipalCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-ServicePrincipal", module: psExchangeModule, params: "Identity:s0", do: func(c *psCall) (out []any, err error) {
			if c.has("Identity") {
				i := c.t.principal(c.str("Identity"))
				if i < 0 {
					return nil, psNotFound(c.t, c.str("Identity"))
				}
				return []any{psPrincipal(c.t, c.t.ServicePrincipals[i])}, nil
			}
			for _, p := range c.t.ServicePrincipals {
				out = append(out, psPrincipal(c.t, p))
			}
			return out, nil
		}},
		{name: "New-ServicePrincipal", module: psExchangeModule, params: "AppId:s! ObjectId|ServiceId:s! DisplayName:s Confirm:w", do: psNewPrincipal},
		{name: "Remove-ServicePrincipal", module: psExchangeModule, asks: true, params: "Identity:s0!", do: func(c *psCall) ([]any, error) {
			i := c.t.principal(c.str("Identity"))
			if i < 0 {
				return nil, psNotFound(c.t, c.str("Identity"))
			}
			delete(c.t.console.principals, strings.ToLower(c.t.ServicePrincipals[i].AppID))
			c.t.ServicePrincipals = slices.Delete(slices.Clone(c.t.ServicePrincipals), i, i+1)
			return nil, nil
		}},
	}
}

// psNewPrincipal takes any Object ID, as Exchange does.
func psNewPrincipal(c *psCall) ([]any, error) {
	p := ServicePrincipal{c.str("AppId"), c.str("ObjectId")}
	for name, id := range map[string]string{"AppId": p.AppID, "ObjectId": p.ObjectID} {
		if !isGUID(id) {
			return nil, psTerminating("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%s\" to type \"System.Guid\".", name, id)
		}
	}
	if len([]rune(c.str("DisplayName"))) > psLongestName {
		return nil, psTooLong("DisplayName", c.str("DisplayName"))
	}
	for _, id := range []string{p.AppID, p.ObjectID} {
		if i := c.t.principal(id); i >= 0 {
			return nil, psExists("service principal", id, "Its Object ID is "+c.t.ServicePrincipals[i].ObjectID+"; Remove-ServicePrincipal takes it away.")
		}
	}
	c.t.ServicePrincipals = append(slices.Clone(c.t.ServicePrincipals), p)
	if c.t.console.principals == nil {
		c.t.console.principals = map[string]string{}
	}
	c.t.console.principals[strings.ToLower(p.AppID)] = c.str("DisplayName")
	return []any{psPrincipal(c.t, p)}, nil
}

// psLongestName is how many characters names in Exchange have at most.
const psLongestName = 64

func psTooLong(name, value string) error {
	return psFails("Cannot validate argument on parameter '%s': \"%s\" is too long. Its length can't be greater than %d.", name, value, psLongestName)
}

// psAlias is what comes before the @ of an address.
func psAlias(address string) string { alias, _, _ := strings.Cut(address, "@"); return alias }

// psDN is the distinguished name of something in Exchange's directory.
func psDN(t *Tenant, name string) string {
	escaped := strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`, `"`, `\"`, "=", `\=`).Replace(name)
	return "CN=" + escaped + ",OU=" + t.initialDomain() + ",OU=Microsoft Exchange Hosted Organizations,DC=SANDBOX,DC=PROD,DC=OUTLOOK,DC=COM"
}

// initialDomain is the one that every organisation begins with.
func (t *Tenant) initialDomain() string {
	name, _, _ := strings.Cut(t.Domain, ".")
	return name + ".onmicrosoft.com"
}

// psFind finds a mailbox that works, by any name that Exchange takes. Nil when
// there is none.
func psFind(t *Tenant, identity string) *Mailbox {
	is := func(m *Mailbox) bool {
		user := t.user(m.Address)
		return strings.EqualFold(psAlias(m.Address), identity) || strings.EqualFold(displayName(t, m.Address), identity) ||
			strings.EqualFold(psDN(t, psAlias(m.Address)), identity) || user != nil && strings.EqualFold(user.ObjectID, identity)
	}
	m := t.mailbox(identity)
	if i := slices.IndexFunc(t.Mailboxes, is); m == nil && i >= 0 {
		m = t.Mailboxes[i]
	}
	if m == nil || !licensed(t, m) {
		return nil
	}
	return m
}

// psMailboxOf is the mailbox that the parameter Identity names.
func psMailboxOf(c *psCall) (*Mailbox, error) {
	if m := psFind(c.t, c.str("Identity")); m != nil {
		return m, nil
	}
	return nil, psNotFound(c.t, c.str("Identity"))
}

// psTrustee finds who a permission is for, as a mailbox lists it: the UPN of a
// user, the address of a mailbox, or the Object ID of a service principal.
func psTrustee(t *Tenant, identity string) (id string, app bool, err error) {
	if user := t.user(identity); user != nil {
		return user.UPN, false, nil
	}
	if m := psFind(t, identity); m != nil {
		return m.Address, false, nil
	}
	if i := t.principal(identity); i >= 0 {
		return t.ServicePrincipals[i].ObjectID, true, nil
	}
	if t.group(identity) != nil {
		return "", false, psFails("The sandbox's mailboxes know users and applications; Exchange would take the group '%s' as well.", identity)
	}
	return "", false, psNotFound(t, identity)
}
