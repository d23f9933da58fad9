// Package admin tells an administrator what one account needs on the
// provider's side: pages to open, in order, and PowerShell to run, with the
// account's own names and IDs in it. It reaches nothing and knows no secrets.
//
// The PowerShell may be run again: it looks before it creates. Values stand in
// it quoted, so that none of them can become a command.
package admin

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"traymail/internal/account"
)

// A Step is one thing to do, or to look at. Fields that do not apply are empty.
type Step struct {
	// ID is the step's name, which stays the same from one version to the next.
	ID    string `json:"id"`
	Title string `json:"title"`
	Why   string `json:"why"`
	// Where is the way through the portal in words, and Link the page itself.
	Where string `json:"where,omitempty"`
	Link  string `json:"link,omitempty"`
	// Command is PowerShell. Steps follow one another in one window: a later one
	// uses variables of an earlier one. The exception is the step connect-graph,
	// which opens a window of its own.
	Command string `json:"command,omitempty"`
	// Verify is PowerShell that changes nothing, and Expect what it prints, in
	// words, when the step is done. What has commands of Microsoft Graph (Get-Mg…)
	// is for the window of connect-graph, everything else for Exchange's.
	Verify string `json:"verify,omitempty"`
	Expect string `json:"expect,omitempty"`
	// Role is who may do it.
	Role string `json:"role,omitempty"`
	// Takes is how long it takes until it has an effect.
	Takes string `json:"takes,omitempty"`
	// Note is what else there is to know, and what is only assumed.
	Note string `json:"note,omitempty"`
	// Optional steps are for some organisations only; the script has them as
	// comments.
	Optional bool `json:"optional,omitempty"`

	// prepares: the commands of the other steps need this one, and the
	// verification as well.
	prepares bool
	// look takes the place of Command in the verification, when it must not
	// change what Command may.
	look string
}

// Options choose among the ways to set up an account.
type Options struct {
	// TenantID is the Directory (tenant) ID, when it is known better than from
	// the account, as after a sign-in.
	TenantID string
	// RBAC permits an application by Exchange's roles (App RBAC) instead of by
	// API permissions, which hold for every mailbox.
	RBAC bool
}

// ErrNoRBAC means that Options.RBAC was set for an account that is no
// application at Microsoft 365.
var ErrNoRBAC = errors.New("app RBAC is for applications of Microsoft 365 that sign in without a person")

// Steps returns what the account needs, in order. The account must be valid.
// The error is ErrNoRBAC.
func Steps(a account.Account, o Options) ([]Step, error) {
	h := help{a: a, cloud: clouds[a.Provider], tenant: tenantOf(a, o), rbac: o.RBAC}
	organisation := a.HasEntra() && a.Provider != account.OutlookCom
	switch {
	case o.RBAC && !(organisation && a.SignIn == account.AppOnly):
		return nil, ErrNoRBAC
	case !organisation:
		return h.elsewhere(), nil
	case a.SignIn == account.PasswordSignIn:
		return h.password(), nil
	case a.SignIn == account.AppOnly:
		return h.application(), nil
	}
	return h.person(), nil
}

// help makes the steps of one account.
type help struct {
	a      account.Account
	cloud  cloud
	tenant string
	rbac   bool
}

// tenantOf is the tenant as one is named at the admin consent endpoint, which
// does not take names that stand for several.
func tenantOf(a account.Account, o Options) string {
	if o.TenantID != "" {
		return o.TenantID
	}
	if _, domain, ok := strings.Cut(a.Username, "@"); ok && (a.Tenant == "common" || a.Tenant == "organizations") {
		return strings.ToLower(domain)
	}
	return a.Tenant
}

// The roles of Entra and Exchange that may do a step. Those that may consent to
// application permissions are own knowledge.
const (
	appRole      = "Application Administrator or Cloud Application Administrator"
	consentRole  = "Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator"
	exchangeRole = "Exchange Administrator"
	rbacRole     = "Exchange Administrator with the role Role Management (Organization Management has it)"
	userRole     = "Exchange Administrator or User Administrator"
	readerRole   = "Global Reader, or one of the other roles here"
)

// The times until something has an effect.
const (
	consentTakes    = "at once for new tokens; a token that was issued before lasts up to 90 minutes"
	permissionTakes = "5 to 10 minutes, sometimes an hour"
	sendAsTakes     = "about an hour"
	smtpAuthTakes   = "minutes, sometimes an hour"
	rbacTakes       = "30 minutes for an application that has been idle, up to 2 hours for one in use"
)

// mailboxes are the addresses that an application sends for, and the domains
// that stand for addresses which only the administrator knows.
func (h *help) mailboxes() (addresses, domains []string) {
	addresses = []string{h.a.Sender}
	if h.a.Mailbox != account.FromMailbox {
		return addresses, nil
	}
	for _, s := range h.a.Senders {
		switch {
		case strings.HasPrefix(s, "@"):
			domains = append(domains, s)
		case !slices.ContainsFunc(addresses, func(other string) bool { return strings.EqualFold(other, s) }):
			addresses = append(addresses, s)
		}
	}
	return addresses, domains
}

// list is the step that names the mailboxes, where each message's From is a
// mailbox of its own; without it there is one mailbox.
func (h *help) list() []Step {
	if h.a.Mailbox != account.FromMailbox {
		return nil
	}
	addresses, domains := h.mailboxes()
	var b strings.Builder
	b.WriteString("$mailboxes = @(\n")
	for _, s := range addresses {
		b.WriteString("    " + quote(s) + "\n")
	}
	for _, d := range domains {
		b.WriteString("    " + comment("every mailbox of "+d+" that sends, each on a line, in single quotes"))
	}
	if len(domains) == 0 {
		b.WriteString("    # every further mailbox that sends, each on a line, in single quotes\n")
	}
	b.WriteString(")")
	return []Step{{
		ID: "mailboxes", Title: "Name the mailboxes that send",
		Why:     `With mailbox = "from" each message goes through the mailbox of its own From, and each of these needs the permissions below.`,
		Command: b.String(), prepares: true,
	}}
}

// each writes PowerShell for one mailbox, or for each of the list. do is given
// the mailbox as an expression.
func (h *help) each(do func(mailbox string) string) string {
	if h.a.Mailbox != account.FromMailbox {
		return do(quote(h.a.Sender))
	}
	return "foreach ($mailbox in $mailboxes) {\n" + indent(do("$mailbox")) + "\n}"
}

// longestName is how many characters names in Exchange have at most.
const longestName = 64

// displayName is what the administrator's tools show for the account: a line of
// at most longestName characters.
func (h *help) displayName() string {
	name := strings.Join(strings.FieldsFunc(h.a.Label, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if name == "" {
		name = "traymail " + h.a.Name
	}
	if all := []rune(name); len(all) > longestName {
		name = strings.TrimSpace(string(all[:longestName]))
	}
	return name
}

// A Consent is one page on which an administrator permits the app what it asks
// of one resource.
type Consent struct {
	// For is what it permits, in a word or two.
	For   string
	Scope string

	endpoint, clientID string
}

// Consents returns the consents that the account needs, none where nobody has
// to consent for an organisation.
func Consents(a account.Account, o Options) []Consent {
	if !a.HasEntra() || a.Provider == account.OutlookCom || a.SignIn == account.PasswordSignIn || o.RBAC {
		return nil
	}
	in := a
	in.Tenant = tenantOf(a, o)
	c := Consent{endpoint: in.Endpoint("v2.0/adminconsent"), clientID: a.ClientID}
	if a.SignIn == account.BrowserSignIn {
		c.For, c.Scope = "sign-in", strings.Join(delegatedScopes(&a), " ")
		return []Consent{c}
	}
	// An application asks for everything of one resource, and that for one
	// resource at a time.
	var all []Consent
	if a.SendsOver(account.SMTP) {
		c.For, c.Scope = "SMTP", a.SMTPScope
		all = append(all, c)
	}
	if a.SendsOver(account.Graph) {
		c.For, c.Scope = "Microsoft Graph", a.GraphScope
		all = append(all, c)
	}
	return all
}

// ConsentRedirect is the redirect URL at which the answer of a consent is
// received: the account's, or http://localhost for an application, which has
// none and must have this one registered for it.
func ConsentRedirect(a account.Account) string {
	if a.RedirectURL != "" {
		return a.RedirectURL
	}
	return account.PublicRedirectURL
}

// Link is the page's address. Without a state nobody receives the answer.
func (c Consent) Link(redirect, state string) string {
	// url.Values would write a blank as "+", which not every page decodes.
	esc := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	link := fmt.Sprintf("%s?client_id=%s&scope=%s&redirect_uri=%s", c.endpoint, esc(c.clientID), esc(c.Scope), esc(redirect))
	if state != "" {
		link += "&state=" + esc(state)
	}
	return link
}
