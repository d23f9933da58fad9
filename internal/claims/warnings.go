package claims

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Resource is the API that a token is wanted for.
type Resource string

// The two that take mail.
const (
	Exchange Resource = "Exchange Online"
	Graph    Resource = "Microsoft Graph"
)

// audiences are the values of aud that a resource accepts, in all clouds.
var audiences = map[Resource][]string{
	Exchange: {"00000002-0000-0ff1-ce00-000000000000", "https://outlook.office.com", "https://outlook.office365.com",
		"https://outlook.office365.us", "https://partner.outlook.cn"},
	Graph: {"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com", "https://graph.microsoft.us",
		"https://dod-graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn"},
}

// clockLeeway is how far apart the clocks of this computer and of a server may be.
const clockLeeway = 5 * time.Minute

// Want is what a token is going to be used for.
type Want struct {
	Resource Resource
	// AppOnly is for an application's own token, not one for a person.
	AppOnly bool
	// Username is who must have signed in. It is not compared when it is empty
	// or AppOnly is set.
	Username string
	// TenantID is compared when it is a GUID: a token never names a domain.
	TenantID string
	ClientID string // "" is not compared
	Now      time.Time
}

// The IDs of warnings.
const (
	WrongAudience = "wrong-audience"
	NotAppOnly    = "not-app-only" // somebody signed in, and nobody should have
	AppOnly       = "app-only"     // nobody signed in, and somebody should have
	MissingScope  = "missing-scope"
	MissingRole   = "missing-role"
	WrongUser     = "wrong-user"
	WrongTenant   = "wrong-tenant"
	WrongClient   = "wrong-client"
	Expired       = "expired"
	NotYetValid   = "not-yet-valid"
)

// A Warning is something in a token that stands against its use.
type Warning struct {
	ID      string // one of the above
	Meaning string // what is so and what will follow, in one line
	Fix     string // what to do, in one line
	// Fatal says that the server is sure to refuse the token. Otherwise it may
	// take it, as there are ways to permit things that a token does not show.
	Fatal bool
}

var guid = regexp.MustCompile(`^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$`)

// Warnings compares the token with its use. The most fundamental comes first,
// and what only follows from another warning is left out.
func (c Claims) Warnings(w Want) []Warning {
	var all []Warning
	warn := func(found *Warning) {
		if found != nil {
			all = append(all, *found)
		}
	}
	audience := c.audience(w)
	warn(audience)
	kind := c.kind(w)
	warn(kind)
	if audience == nil && kind == nil {
		warn(c.permission(w))
	}
	if kind == nil {
		warn(c.user(w))
	}
	warn(c.tenant(w))
	warn(c.client(w))
	warn(c.times(w))
	return all
}

func (c Claims) audience(w Want) *Warning {
	isFor := func(r Resource) bool {
		return slices.ContainsFunc(c.Audience, func(a string) bool {
			return slices.ContainsFunc(audiences[r], func(known string) bool { return strings.EqualFold(strings.TrimRight(a, "/"), known) })
		})
	}
	if isFor(w.Resource) {
		return nil
	}
	other := fmt.Sprintf("%q", c.Audience)
	if len(c.Audience) == 0 {
		other = "no API"
	}
	for _, r := range []Resource{Exchange, Graph} {
		if isFor(r) {
			other = string(r)
		}
	}
	if w.Resource == Graph {
		return &Warning{ID: WrongAudience, Fatal: true,
			Meaning: fmt.Sprintf("the token is for %s, not for Microsoft Graph: Graph will refuse it, with 401 InvalidAuthenticationToken", other),
			Fix:     "ask for a scope of Graph, " + scopeOf(w)}
	}
	return &Warning{ID: WrongAudience, Fatal: true,
		Meaning: fmt.Sprintf("the token is for %s, not for Exchange Online: the server will refuse it, with 535 5.7.3", other),
		Fix:     "ask for the scope " + scopeOf(w) + ": the portal lists SMTP.Send under Microsoft Graph, but a token that is asked for there is for Graph"}
}

// scopeOf is the scope to ask for, in the global cloud.
func scopeOf(w Want) string {
	switch {
	case w.Resource == Graph && w.AppOnly:
		return "https://graph.microsoft.com/.default"
	case w.Resource == Graph:
		return "https://graph.microsoft.com/Mail.Send"
	case w.AppOnly:
		return "https://outlook.office365.com/.default"
	}
	return "https://outlook.office.com/SMTP.Send"
}

// kind tells a person's token from an application's.
func (c Claims) kind(w Want) *Warning {
	switch appOnly := c.AppOnly(); {
	case w.AppOnly && !appOnly:
		who := "somebody"
		if len(c.Usernames) > 0 {
			who = fmt.Sprintf("%q", c.Usernames[0])
		}
		return &Warning{ID: NotAppOnly, Fatal: true,
			Meaning: fmt.Sprintf("the token is a delegated one, from a sign-in of %s, where the application's own is expected: it opens that person's mailbox alone", who),
			Fix:     "get the token by client credentials (grant_type=client_credentials), or set the account up with a sign-in"}
	case !w.AppOnly && appOnly:
		return &Warning{ID: AppOnly, Fatal: true,
			Meaning: "the token is the application's own, and nobody signed in for it, where a person's is expected",
			Fix:     "sign in, or set the account up as app-only"}
	}
	return nil
}

func (c Claims) permission(w Want) *Warning {
	has := func(granted []string, names ...string) bool {
		return slices.ContainsFunc(granted, func(g string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(g, n) })
		})
	}
	switch {
	case w.AppOnly && w.Resource == Exchange && !has(c.Roles, "SMTP.SendAsApp"):
		return &Warning{ID: MissingRole,
			Meaning: "the token has no role SMTP.SendAsApp: either the permission comes by App RBAC, which no token shows, or the administrator's consent is missing, and the server will answer 535 5.7.3",
			Fix: "with App RBAC nothing is to be done here; otherwise add the application permission Office 365 Exchange Online → SMTP.SendAsApp under API permissions " +
				"(APIs my organization uses), then Grant admin consent"}
	case w.AppOnly && w.Resource == Graph && !has(c.Roles, "Mail.Send"):
		return &Warning{ID: MissingRole,
			Meaning: "the token has no role Mail.Send: either the permission comes by App RBAC (Application Mail.Send), which no token shows, or the administrator's consent is missing, and Graph will answer 403 ErrorAccessDenied",
			Fix:     "with App RBAC nothing is to be done here; otherwise add the application permission Microsoft Graph → Mail.Send under API permissions, then Grant admin consent"}
	case !w.AppOnly && w.Resource == Exchange && !has(c.Scopes, "SMTP.Send"):
		return &Warning{ID: MissingScope, Fatal: true,
			Meaning: "the token does not hold the permission SMTP.Send: the server will refuse it, with 535 5.7.3",
			Fix:     "add the delegated permission SMTP.Send under API permissions, consent to it, then sign in again"}
	case !w.AppOnly && w.Resource == Graph && !has(c.Scopes, "Mail.Send", "Mail.Send.Shared"):
		return &Warning{ID: MissingScope, Fatal: true,
			Meaning: "the token does not hold the permission Mail.Send: Graph will refuse to send, with 403 ErrorAccessDenied",
			Fix:     "add the delegated permission Microsoft Graph → Mail.Send under API permissions, consent to it, then sign in again"}
	}
	return nil
}

func (c Claims) user(w Want) *Warning {
	if w.AppOnly || w.Username == "" || len(c.Usernames) == 0 {
		return nil
	}
	if slices.ContainsFunc(c.Usernames, func(name string) bool { return strings.EqualFold(name, w.Username) }) {
		return nil
	}
	follows := "the server wants both to be the same, and will answer 535 5.7.3"
	if w.Resource == Graph {
		follows = "mail will leave from the first one's mailbox, or be refused"
	}
	return &Warning{ID: WrongUser, Fatal: w.Resource == Exchange,
		Meaning: fmt.Sprintf("the token belongs to %q, and the account's username is %q: %s", c.Usernames[0], w.Username, follows),
		Fix:     "sign in as the username, in a private browser window, or make the one who signed in the username; a shared mailbox or an alias belongs in the sender"}
}

func (c Claims) tenant(w Want) *Warning {
	if !guid.MatchString(w.TenantID) || c.TenantID == "" || strings.EqualFold(c.TenantID, w.TenantID) {
		return nil
	}
	return &Warning{ID: WrongTenant, Fatal: true,
		Meaning: fmt.Sprintf("the token comes from the tenant %q, and the account's tenant is %q", c.TenantID, w.TenantID),
		Fix:     "set the account's tenant to the Directory (tenant) ID of the tenant that has the mailbox"}
}

func (c Claims) client(w Want) *Warning {
	if w.ClientID == "" || c.ClientID == "" || strings.EqualFold(c.ClientID, w.ClientID) {
		return nil
	}
	return &Warning{ID: WrongClient,
		Meaning: fmt.Sprintf("the token was issued to the application %q, and the account's client ID is %q: permissions of the one do not count for the other", c.ClientID, w.ClientID),
		Fix:     "set the client ID to the Application (client) ID of the app registration's Overview page, then get a new token"}
}

func (c Claims) times(w Want) *Warning {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case !c.Expires.IsZero() && !w.Now.Before(c.Expires):
		return &Warning{ID: Expired, Fatal: true,
			Meaning: fmt.Sprintf("the token expired at %s, and this computer's clock says %s: the server will refuse it", stamp(c.Expires), stamp(w.Now)),
			Fix:     "get a new token; if it is new, this computer's clock is ahead: set it"}
	case !c.NotBefore.IsZero() && w.Now.Add(clockLeeway).Before(c.NotBefore):
		return &Warning{ID: NotYetValid,
			Meaning: fmt.Sprintf("the token is valid from %s, and this computer's clock says %s: that clock is behind", stamp(c.NotBefore), stamp(w.Now)),
			Fix:     "set this computer's clock"}
	}
	return nil
}
