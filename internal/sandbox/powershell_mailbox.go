package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// psMailboxSettings are those of a mailbox that are kept and shown, and that the
// sandbox's servers do not look at.
type psMailboxSettings struct {
	maxSend, maxReceive     int64 // octets
	recipients              string
	sentAs, onBehalf, byOwn bool // copies for the mailbox that was sent for
}

// psMailboxMost is the most that MaxSendSize may be, in octets.
const psMailboxMost = 150 << 20

func (t *Tenant) settings(m *Mailbox) *psMailboxSettings {
	d := &t.console
	if d.settings == nil {
		d.settings = map[*Mailbox]*psMailboxSettings{}
	}
	if d.settings[m] == nil {
		d.settings[m] = &psMailboxSettings{maxSend: 35 << 20, maxReceive: 36 << 20, recipients: "500"}
	}
	return d.settings[m]
}

// psBytes is a size as Exchange shows it: 35 MB (36,700,160 bytes).
func psBytes(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return fmt.Sprintf("%s MB (%s bytes)", strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(float64(n)/(1<<20), 'f', 2, 64), "0"), "."), digits)
}

// psMailbox is a mailbox as Get-Mailbox shows it.
func psMailbox(t *Tenant, m *Mailbox) *psObject {
	kind, settings := "UserMailbox", t.settings(m)
	if m.Shared {
		kind = "SharedMailbox"
	}
	id := ""
	if user := t.user(m.Address); user != nil {
		id = user.ObjectID
	}
	addresses := []any{"SMTP:" + m.Address}
	for _, p := range m.Proxies {
		addresses = append(addresses, "smtp:"+p)
	}
	var delegates []any
	for _, d := range m.SendOnBehalf {
		delegates = append(delegates, displayName(t, d))
	}
	alias := psAlias(m.Address)
	return &psObject{kind: "Mailbox", text: alias, view: []string{"Name", "Alias", "PrimarySmtpAddress", "RecipientTypeDetails"}, props: []psProp{
		{"Name", alias}, {"Alias", alias}, {"Identity", alias}, {"DisplayName", displayName(t, m.Address)},
		{"UserPrincipalName", m.Address}, {"PrimarySmtpAddress", m.Address}, {"EmailAddresses", addresses},
		{"RecipientType", "UserMailbox"}, {"RecipientTypeDetails", kind}, {"ExternalDirectoryObjectId", id}, {"DistinguishedName", psDN(t, alias)},
		{"GrantSendOnBehalfTo", append([]any{}, delegates...)}, {"MaxSendSize", psBytes(settings.maxSend)}, {"MaxReceiveSize", psBytes(settings.maxReceive)},
		{"RecipientLimits", settings.recipients}, {"MessageCopyForSentAsEnabled", settings.sentAs}, {"MessageCopyForSendOnBehalfEnabled", settings.onBehalf},
		{"MessageCopyForSMTPClientSubmissionEnabled", !settings.byOwn},
	}}
}

func psCASMailbox(t *Tenant, m *Mailbox) *psObject {
	var disabled any
	if m.SMTPAuthDisabled != nil {
		disabled = *m.SMTPAuthDisabled
	}
	return &psObject{kind: "CASMailbox", text: psAlias(m.Address), view: []string{"Name", "PrimarySmtpAddress", "SmtpClientAuthenticationDisabled"}, props: []psProp{
		{"Name", psAlias(m.Address)}, {"Identity", psAlias(m.Address)}, {"DisplayName", displayName(t, m.Address)}, {"PrimarySmtpAddress", m.Address},
		{"SmtpClientAuthenticationDisabled", disabled},
	}}
}

// psGetMailboxes is the mailbox of Identity, or all that work.
func psGetMailboxes(as func(*Tenant, *Mailbox) *psObject) func(*psCall) ([]any, error) {
	return func(c *psCall) (out []any, err error) {
		if c.has("Identity") {
			m, err := psMailboxOf(c)
			if err != nil {
				return nil, err
			}
			return []any{as(c.t, m)}, nil
		}
		most, ok := psResultSize(c)
		if !ok {
			return nil, psTerminating("Cannot process argument transformation on parameter 'ResultSize'. It is a number or Unlimited.")
		}
		for _, m := range c.t.Mailboxes {
			if licensed(c.t, m) && len(out) < most {
				out = append(out, as(c.t, m))
			}
		}
		return out, nil
	}
}

// psResultSize reads the parameter; without it there are 1000 at most.
func psResultSize(c *psCall) (most int, ok bool) {
	switch v := c.args["ResultSize"].(type) {
	case nil:
		return 1000, true
	case int64:
		return int(min(v, 1<<30)), v > 0
	default:
		return 1 << 30, strings.EqualFold(psText(v), "Unlimited")
	}
}

func psMailboxCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Get-Mailbox", module: psExchangeModule, params: "Identity:s0 ResultSize:a", do: psGetMailboxes(psMailbox)},
		{name: "Get-CASMailbox", module: psExchangeModule, params: "Identity:s0 ResultSize:a", do: psGetMailboxes(psCASMailbox)},
		{name: "Set-CASMailbox", module: psExchangeModule, params: "Identity:s0! SmtpClientAuthenticationDisabled:n Confirm:w", do: func(c *psCall) ([]any, error) {
			m, err := psMailboxOf(c)
			if err != nil {
				return nil, err
			}
			var wanted *bool
			if v, ok := c.args["SmtpClientAuthenticationDisabled"].(bool); ok {
				wanted = &v
			}
			old := m.SMTPAuthDisabled
			if !c.has("SmtpClientAuthenticationDisabled") || (old == nil) == (wanted == nil) && (old == nil || *old == *wanted) {
				c.unchanged(m.Address)
				return nil, nil
			}
			m.SMTPAuthDisabled = wanted
			return nil, nil
		}},
		// That the mailbox is empty is the sandbox's: it keeps messages by themselves.
		{name: "Get-MailboxStatistics", module: psExchangeModule, params: "Identity:s0!", do: func(c *psCall) ([]any, error) {
			m, err := psMailboxOf(c)
			if err != nil {
				return nil, err
			}
			return []any{&psObject{kind: "MailboxStatistics", text: m.Address, view: []string{"DisplayName", "ItemCount", "TotalItemSize", "StorageLimitStatus"}, props: []psProp{
				{"DisplayName", displayName(c.t, m.Address)}, {"ItemCount", int64(0)}, {"TotalItemSize", psBytes(0)}, {"StorageLimitStatus", "BelowLimit"},
			}}}, nil
		}},
		{name: "Get-MailboxFolderStatistics", module: psExchangeModule, params: "Identity:s0!", do: func(c *psCall) (out []any, err error) {
			m, err := psMailboxOf(c)
			if err != nil {
				return nil, err
			}
			for _, path := range []string{"/Inbox", "/Sent Items", "/Deleted Items"} {
				out = append(out, &psObject{kind: "MailboxFolder", text: m.Address + path, view: []string{"FolderPath", "ItemsInFolder"}, props: []psProp{
					{"Name", path[1:]}, {"FolderPath", path}, {"ItemsInFolder", int64(0)},
				}})
			}
			return out, nil
		}},
		{name: "Set-Mailbox", module: psExchangeModule, do: psSetMailbox, params: "Identity:s0! GrantSendOnBehalfTo:a MaxSendSize:a MaxReceiveSize:a RecipientLimits:a " +
			"MessageCopyForSentAsEnabled:b MessageCopyForSendOnBehalfEnabled:b MessageCopyForSMTPClientSubmissionEnabled:b Confirm:w"},
	}
}

// unchanged warns that a Set- cmdlet set nothing.
func (c *psCall) unchanged(what string) {
	c.warn("The command completed successfully but no settings of '%s' have been modified.", what)
}

// psSize reads a size for a mailbox.
func psSize(name string, value any) (int64, error) {
	n, ok := psInteger(value)
	switch text := psText(value); {
	case strings.EqualFold(text, "Unlimited"):
		return psMailboxMost, nil
	case !ok || n < 0 || text == "":
		return 0, psTerminating("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%s\" to type \"Microsoft.Exchange.Data.ByteQuantifiedSize\".", name, text)
	case n > psMailboxMost:
		return 0, psFails("The value of property '%s' exceeds the maximum allowed for the mailbox. The maximum allowed is %s.", name, psBytes(psMailboxMost))
	}
	return n, nil
}

func psSetMailbox(c *psCall) ([]any, error) {
	m, err := psMailboxOf(c)
	if err != nil {
		return nil, err
	}
	settings, delegates := *c.t.settings(m), m.SendOnBehalf
	if c.has("GrantSendOnBehalfTo") {
		if delegates, err = psDelegates(c, delegates, c.args["GrantSendOnBehalfTo"]); err != nil {
			return nil, err
		}
	}
	for name, field := range map[string]*int64{"MaxSendSize": &settings.maxSend, "MaxReceiveSize": &settings.maxReceive} {
		if c.has(name) {
			if *field, err = psSize(name, c.args[name]); err != nil {
				return nil, err
			}
			c.mended = append(c.mended, causeLimits)
		}
	}
	if c.has("RecipientLimits") {
		n, ok := psInteger(c.args["RecipientLimits"])
		text := psText(c.args["RecipientLimits"])
		if !strings.EqualFold(text, "Unlimited") && (!ok || n < 1 || n > 1000) {
			return nil, psFails("The value of property 'RecipientLimits' is a number from 1 to 1000, or Unlimited, not \"%s\".", text)
		}
		settings.recipients = cmp.Or(map[bool]string{false: strconv.FormatInt(n, 10)}[!ok], "Unlimited")
	}
	for name, field := range map[string]*bool{"MessageCopyForSentAsEnabled": &settings.sentAs, "MessageCopyForSendOnBehalfEnabled": &settings.onBehalf} {
		if c.has(name) {
			*field = c.is(name)
		}
	}
	if c.has("MessageCopyForSMTPClientSubmissionEnabled") {
		settings.byOwn = !c.is("MessageCopyForSMTPClientSubmissionEnabled")
	}
	if settings == *c.t.settings(m) && slices.Equal(delegates, m.SendOnBehalf) {
		c.unchanged(m.Address)
		return nil, nil
	}
	*c.t.settings(m), m.SendOnBehalf = settings, delegates
	return nil, nil
}
