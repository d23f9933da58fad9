package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tenantActions are those on mailboxes, accounts and the organisation.
var tenantActions = []portalAction{
	{"mailbox-permissions", "Add-MailboxPermission, Add-RecipientPermission, Set-Mailbox -GrantSendOnBehalfTo, and their reverse", []portalField{
		mailboxField, {Name: "right", Label: "Right", Options: []string{"FullAccess", "SendAs", "SendOnBehalf"}},
		{Name: "who", Label: "For whom: an address, or the Object ID of a service principal"}, addOrRemove,
	}, (*portalChange).mailboxPermission},
	{"smtp-auth", "SMTP AUTH: Set-CASMailbox of a mailbox, Set-TransportConfig of the organisation", []portalField{
		{Name: "mailbox", Label: "Mailbox, nothing for the organisation", Optional: true},
		{Name: "do", Label: "Do", Options: []string{"on", "off", "inherit"}},
	}, (*portalChange).smtpAuth},
	{"licences", "Active users: licence with Exchange Online", []portalField{
		{Name: "user", Label: "User", Example: "svc@contoso.com"}, addOrRemove,
	}, func(c *portalChange) error {
		user := c.t.user(c.value("user"))
		if user == nil {
			return notFound("user", c.value("user"))
		}
		user.Unlicensed = !c.adds()
		return nil
	}},
	{"security-defaults", "Security defaults, which block passwords at SMTP and unsafe sign-ins", []portalField{onOrOff},
		func(c *portalChange) error {
			c.t.SecurityDefaults = c.value("do") == "on"
			c.t.ConditionalAccess = slices.DeleteFunc(slices.Clone(c.t.ConditionalAccess), func(r AccessRule) bool { return r.Kind == RuleBaseline })
			return nil
		}},
}

func (c *portalChange) mailboxPermission() error {
	mailbox, who, right := c.t.mailbox(c.value("mailbox")), c.value("who"), c.value("right")
	if mailbox == nil {
		return notFound("mailbox", c.value("mailbox"))
	}
	principal := slices.ContainsFunc(c.t.ServicePrincipals, func(p ServicePrincipal) bool { return strings.EqualFold(p.ObjectID, who) })
	person := c.t.user(who) != nil || c.t.mailbox(who) != nil
	switch {
	case c.adds() && !person && !principal:
		return fmt.Errorf("exchange finds no user, mailbox or service principal %q", who)
	case c.adds() && !person && right == "SendOnBehalf":
		return errors.New("send on behalf is granted to people and mailboxes, not to a service principal")
	}
	c.lift(causePermission)
	list := map[string]*[]string{"FullAccess": &mailbox.FullAccess, "SendAs": &mailbox.SendAs, "SendOnBehalf": &mailbox.SendOnBehalf}[right]
	*list = edited(*list, who, c.adds())
	return nil
}

func (c *portalChange) smtpAuth() error {
	do, address := c.value("do"), c.value("mailbox")
	off := do == "off"
	if address == "" {
		if do == "inherit" {
			return errors.New("the organisation's switch is on or off; only a mailbox inherits")
		}
		c.t.SMTPAuthDisabled = off
		return nil
	}
	mailbox := c.t.mailbox(address)
	if mailbox == nil {
		return notFound("mailbox", address)
	}
	if mailbox.SMTPAuthDisabled = &off; do == "inherit" {
		mailbox.SMTPAuthDisabled = nil
	}
	return nil
}
