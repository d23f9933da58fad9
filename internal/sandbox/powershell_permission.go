package sandbox

import (
	"slices"
	"strings"
)

// psPermission is a permission on a mailbox as its cmdlet shows it.
func psPermission(m *Mailbox, who, right string) *psObject {
	if right == "SendAs" {
		return &psObject{kind: "RecipientPermission", text: m.Address, view: []string{"Identity", "Trustee", "AccessControlType", "AccessRights"}, props: []psProp{
			{"Identity", m.Address}, {"Trustee", who}, {"AccessControlType", "Allow"}, {"AccessRights", []any{right}}, {"IsInherited", false}, {"InheritanceType", "None"},
		}}
	}
	return &psObject{kind: "MailboxPermission", text: m.Address, view: []string{"Identity", "User", "AccessRights", "Deny"}, props: []psProp{
		{"Identity", m.Address}, {"User", who}, {"AccessRights", []any{right}}, {"IsInherited", false}, {"Deny", false}, {"InheritanceType", "All"},
	}}
}

// psSelf is who every mailbox has permissions for: itself.
const psSelf = `NT AUTHORITY\SELF`

func psPermissionCmdlets() []*psCmdlet {
	fullAccess := func(m *Mailbox) *[]string { return &m.FullAccess }
	sendAs := func(m *Mailbox) *[]string { return &m.SendAs }
	return []*psCmdlet{
		{name: "Get-MailboxPermission", module: psExchangeModule, params: "Identity:s0! User:s ResultSize:a",
			do: func(c *psCall) ([]any, error) { return psGetPermission(c, "User", "FullAccess", fullAccess) }},
		{name: "Add-MailboxPermission", module: psExchangeModule, params: "Identity:s0! User:s! AccessRights:l! InheritanceType:s AutoMapping:b Confirm:w",
			do: func(c *psCall) ([]any, error) { return psEditPermission(c, "User", "FullAccess", fullAccess, true) }},
		{name: "Remove-MailboxPermission", module: psExchangeModule, asks: true, params: "Identity:s0! User:s! AccessRights:l! InheritanceType:s",
			do: func(c *psCall) ([]any, error) { return psEditPermission(c, "User", "FullAccess", fullAccess, false) }},
		{name: "Get-RecipientPermission", module: psExchangeModule, params: "Identity:s0 Trustee:s AccessRights:l ResultSize:a",
			do: func(c *psCall) ([]any, error) { return psGetPermission(c, "Trustee", "SendAs", sendAs) }},
		{name: "Add-RecipientPermission", module: psExchangeModule, asks: true, params: "Identity:s0! Trustee:s! AccessRights:l!",
			do: func(c *psCall) ([]any, error) { return psEditPermission(c, "Trustee", "SendAs", sendAs, true) }},
		{name: "Remove-RecipientPermission", module: psExchangeModule, asks: true, params: "Identity:s0! Trustee:s! AccessRights:l!",
			do: func(c *psCall) ([]any, error) { return psEditPermission(c, "Trustee", "SendAs", sendAs, false) }},
	}
}

// rights refuses other rights than the one that the sandbox's mailboxes have.
func (c *psCall) rights(right string) error {
	for _, r := range c.list("AccessRights") {
		if !strings.EqualFold(r, right) {
			return psTerminating("Cannot process argument transformation on parameter 'AccessRights'. Cannot convert value \"%s\": the sandbox's mailboxes know %s alone.", r, right)
		}
	}
	return nil
}

// psGetPermission lists who has a right; who is the parameter that asks for one.
func psGetPermission(c *psCall, who, right string, list func(*Mailbox) *[]string) (out []any, err error) {
	if err := c.rights(right); err != nil {
		return nil, err
	}
	mailboxes := c.t.Mailboxes
	if c.has("Identity") {
		m, err := psMailboxOf(c)
		if err != nil {
			return nil, err
		}
		mailboxes = []*Mailbox{m}
	}
	wanted := ""
	if c.has(who) {
		if wanted, _, err = psTrustee(c.t, c.str(who)); err != nil {
			return nil, err
		}
	}
	for _, m := range mailboxes {
		if wanted == "" && licensed(c.t, m) {
			out = append(out, psPermission(m, psSelf, right))
		}
		for _, id := range *list(m) {
			if licensed(c.t, m) && (wanted == "" || strings.EqualFold(id, wanted)) {
				out = append(out, psPermission(m, id, right))
			}
		}
	}
	return out, nil
}

// psEditPermission adds or removes one. What is there already, or is not, is a
// warning.
func psEditPermission(c *psCall, who, right string, list func(*Mailbox) *[]string, add bool) ([]any, error) {
	if err := c.rights(right); err != nil {
		return nil, err
	}
	m, err := psMailboxOf(c)
	if err != nil {
		return nil, err
	}
	id, _, err := psTrustee(c.t, c.str(who))
	if err != nil {
		return nil, err
	}
	l := list(m)
	switch {
	case contains(*l, id) == add && add:
		c.warn("The appropriate access control entry is already present on the object \"%s\" for account \"%s\".", m.Address, id)
	case contains(*l, id) == add:
		c.warn("Can't remove the access control entry on the object \"%s\" for account \"%s\" because the ACE isn't present.", m.Address, id)
	default:
		*l = edited(*l, id, add)
	}
	if !add {
		return nil, nil
	}
	c.mended = append(c.mended, causePermission)
	return []any{psPermission(m, id, right)}, nil
}

// psDelegates is what a value of GrantSendOnBehalfTo makes of a list: a plain
// list takes its place, and @{Add=...; Remove=...} changes it.
func psDelegates(c *psCall, old []string, value any) ([]string, error) {
	find := func(v any) (ids []string, err error) {
		for _, item := range psItems(v) {
			if psText(item) == "" {
				continue
			}
			id, app, err := psTrustee(c.t, psText(item))
			if err != nil {
				return nil, err
			}
			if app {
				return nil, psNotFound(c.t, psText(item)) // no recipient
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	h, isHash := value.(*psHash)
	if !isHash {
		ids, err := find(value)
		var list []string
		for _, id := range ids {
			list = edited(list, id, true)
		}
		return list, err
	}
	list := slices.Clone(old)
	for i, key := range h.keys {
		add := strings.EqualFold(key, "Add")
		if !add && !strings.EqualFold(key, "Remove") {
			return nil, psTerminating("Cannot process argument transformation on parameter 'GrantSendOnBehalfTo'. A hashtable for it has the keys Add and Remove, not '%s'.", key)
		}
		ids, err := find(h.values[i])
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if contains(list, id) != add {
				list = edited(list, id, add)
			}
		}
	}
	return list, nil
}
