package admin

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"traymail/internal/account"
)

// delegatedScopes are what a person's sign-in asks for, in full: SMTP first, as
// a sign-in does it.
func delegatedScopes(a *account.Account) []string {
	scopes := []string{"offline_access"}
	if a.SendsOver(account.SMTP) {
		scopes = append(scopes, strings.Fields(a.SMTPScope)...)
	}
	graph := strings.Fields(a.GraphScope)
	scopes = append(scopes, graph...)
	if len(graph) > 0 && a.SendsOver(account.Graph) && !strings.EqualFold(a.Sender, a.Username) {
		// Of the resource that the other scopes are of: Entra knows that one, and
		// an address of the account's own for Graph it may not (AADSTS500011).
		shared := graph[0][:strings.LastIndexByte(graph[0], '/')+1] + "Mail.Send.Shared"
		if !slices.ContainsFunc(graph, func(s string) bool { return strings.EqualFold(s, shared) }) {
			scopes = append(scopes, shared)
		}
	}
	return scopes
}

// delegatedPermissions are their names, as the portal lists them.
func delegatedPermissions(a *account.Account) []string {
	var names []string
	for _, s := range delegatedScopes(a) {
		names = append(names, s[strings.LastIndexByte(s, '/')+1:])
	}
	return names
}

// DelegatedPermissions are the permissions that the app of an account needs for
// a person's sign-in, as the portal names them.
func DelegatedPermissions(a account.Account) []string { return delegatedPermissions(&a) }

// person is an account that a person signs in to.
func (h *help) person() []Step {
	steps := []Step{h.redirectURL()}
	if h.a.Registration == account.Web {
		steps = append(steps, h.secret())
	}
	steps = append(steps, h.delegated(), h.connectGraph("Directory.Read.All", "Microsoft.Graph.Applications", "Microsoft.Graph.Identity.SignIns"), h.consent(strings.Join(delegatedPermissions(&h.a), ", ")),
		h.connectExchange(), h.licence())
	if h.a.SendsOver(account.SMTP) {
		steps = append(steps, h.smtpAuth()...)
	}
	steps = append(steps, h.delegate()...)
	return append(steps, h.conditionalAccess(), h.afterwards())
}

// redirectURL is where a browser sign-in ends.
func (h *help) redirectURL() Step {
	platform, why := "Mobile and desktop applications", "This platform has no client secret, and a sign-in with one is refused (AADSTS700025)."
	if h.a.Registration == account.Web {
		platform, why = "Web", "This platform has a client secret, and a sign-in without it is refused (AADSTS7000218)."
	}
	s := Step{
		ID: "redirect-url", Title: fmt.Sprintf("Register the redirect URL %s under %s", h.a.RedirectURL, platform),
		Why:   "The browser comes back there after the sign-in. Another URL is refused (AADSTS50011). " + why,
		Where: "Entra → App registrations → the app → Authentication → Add a platform → " + platform,
		Link:  h.cloud.app("Authentication", h.a.ClientID), Role: appRole, Takes: "a few minutes", Note: h.cloud.note,
	}
	if h.a.RedirectURL == account.PublicRedirectURL {
		s.Note = join(s.Note, "The port is not part of it: Entra ignores the port of http://localhost.")
	}
	return s
}

// secret is how the app proves itself, where it does so with a client secret.
func (h *help) secret() Step {
	s := Step{
		ID: "client-secret", Title: "Have a client secret that is valid",
		Why:   "The app proves itself with it. The Value is shown once, right after the secret was made; the Secret ID beside it is not the secret (AADSTS7000215).",
		Where: "Entra → App registrations → the app → Certificates & secrets → Client secrets → New client secret",
		Link:  h.cloud.app("Credentials", h.a.ClientID), Role: appRole, Takes: "at once",
		Note: "Store it: traymail account edit " + h.a.Name + " --secret-stdin",
	}
	if h.a.SecretExpires != "" {
		s.Note = fmt.Sprintf("The one in use ends on %s. %s", h.a.SecretExpires, s.Note)
	} else {
		s.Note += "; and the day on which it ends with --secret-expires."
	}
	return s
}

func (h *help) delegated() Step {
	names := strings.Join(delegatedPermissions(&h.a), ", ")
	s := Step{
		ID: "api-permissions", Title: "Add the delegated permissions " + names,
		Why:   "They let the app act for " + h.a.Username + ", and for nobody who has not signed in.",
		Where: "Entra → App registrations → the app → API permissions → Add a permission → Microsoft Graph → Delegated permissions",
		Link:  h.cloud.app("CallAnAPI", h.a.ClientID), Role: appRole, Takes: "with the consent",
	}
	if h.a.SendsOver(account.SMTP) {
		s.Note = "SMTP.Send stands under Microsoft Graph, although the token is Exchange's: traymail asks for " + h.a.SMTPScope + "."
	}
	return s
}

// consent is the administrator's, for what names lists.
func (h *help) consent(names string) Step {
	consents := Consents(h.a, Options{TenantID: h.tenant})
	s := Step{
		ID: "admin-consent", Title: "Grant admin consent",
		Why:   fmt.Sprintf("Without it nobody gets a token with %s (AADSTS65001, AADSTS90094).", names),
		Where: "Entra → App registrations → the app → API permissions → Grant admin consent; or the link, which asks for the same",
		Link:  consents[0].Link(ConsentRedirect(h.a), ""), Role: consentRole, Takes: consentTakes,
		Note: fmt.Sprintf("The link ends on %s with admin_consent=True in the address.", ConsentRedirect(h.a)),
	}
	if u, err := url.Parse(ConsentRedirect(h.a)); err == nil && u.Scheme == "http" { // to this machine, then
		s.Note += fmt.Sprintf(" 'traymail admin %s --consent' opens it and receives the answer.", h.a.Name)
	}
	for _, c := range consents[1:] {
		s.Note = join(fmt.Sprintf("For %s there is a second one: %s", c.For, c.Link(ConsentRedirect(h.a), "")), s.Note)
	}
	if h.a.SignIn == account.AppOnly {
		s.Note += " For the link, " + account.PublicRedirectURL + " must be registered under Mobile and desktop applications; the button in the portal needs no redirect URL."
		s.Verify, s.Expect = h.verifyRoles(), "True"
		return s
	}
	s.Verify = fmt.Sprintf("$app = Get-MgServicePrincipal -Filter %s\nGet-MgOauth2PermissionGrant -Filter (\"clientId eq '\" + $app.Id + \"'\") | Format-List ConsentType, Scope", h.appFilter())
	s.Expect = "ConsentType AllPrincipals, and a Scope with " + names
	return s
}

// licence: a person without a mailbox cannot send.
func (h *help) licence() Step {
	return Step{
		ID: "licence", Title: "See that " + h.a.Username + " has an Exchange Online licence",
		Why:   "A person without a mailbox cannot send; the username must be a person's mailbox, not a shared one.",
		Where: "Microsoft 365 admin center → Users → Active users → " + h.a.Username + " → Licenses and apps", Link: h.cloud.users, Role: userRole,
		Verify: fmt.Sprintf("Get-Mailbox -Identity %s | Format-List RecipientTypeDetails, PrimarySmtpAddress", quote(h.a.Username)),
		Expect: "RecipientTypeDetails UserMailbox",
	}
}

// others are the addresses that stand in From and are not the username's.
func (h *help) others() []string {
	addresses := []string{h.a.Sender}
	if h.a.From == account.KeepFrom {
		addresses = append(addresses, h.a.Senders...)
	}
	var others []string
	for _, s := range addresses {
		known := func(other string) bool { return strings.EqualFold(s, other) }
		if !known(h.a.Username) && !strings.HasPrefix(s, "@") && !slices.ContainsFunc(others, known) {
			others = append(others, s)
		}
	}
	return others
}

// delegate lets the username send for the other addresses.
func (h *help) delegate() []Step {
	others := h.others()
	if len(others) == 0 {
		return nil
	}
	user, all := quote(h.a.Username), strings.Join(others, ", ")
	of := func(do func(mailbox string) string) string {
		var lines []string
		for _, s := range others {
			lines = append(lines, do(quote(s)))
		}
		return strings.Join(lines, "\n")
	}
	sendAs := Step{
		ID: "send-as", Title: fmt.Sprintf("Let %s send as %s", h.a.Username, all),
		Why:     "The username signs in and the sender stands in From. Exchange takes the message and then refuses it without this (554 5.2.252 SendAsDenied). Recipients see the sender alone.",
		Where:   "Exchange admin center → Recipients → Mailboxes → " + all + " → Delegation → Send as",
		Link:    h.cloud.eac("mailboxes"),
		Command: of(func(mailbox string) string { return unlessSendAs(mailbox, user, addSendAs(mailbox, user)) }),
		Verify: of(func(mailbox string) string {
			return fmt.Sprintf("Get-RecipientPermission -Identity %s -Trustee %s | Format-Table Identity, Trustee, AccessRights, AccessControlType", mailbox, user)
		}),
		Expect: "a line with " + h.a.Username + ", SendAs and Allow", Role: exchangeRole, Takes: sendAsTakes,
		Optional: h.a.OnBehalf,
	}
	onBehalf := Step{
		ID: "send-on-behalf", Title: fmt.Sprintf("Let %s send on behalf of %s", h.a.Username, all),
		Why:   "Some guides ask for Send on Behalf, with which recipients see both names. Microsoft's pages on SMTP name Send As alone; with both, Send As wins.",
		Where: "Exchange admin center → Recipients → Mailboxes → " + all + " → Delegation → Send on behalf",
		Link:  h.cloud.eac("mailboxes"),
		// Add keeps those who have the permission; a plain list replaces them.
		Command: of(func(mailbox string) string {
			return fmt.Sprintf("Set-Mailbox -Identity %s -GrantSendOnBehalfTo @{Add=%s} -ErrorAction Stop", mailbox, user)
		}),
		Verify: of(func(mailbox string) string {
			return fmt.Sprintf("Get-Mailbox -Identity %s | Format-List PrimarySmtpAddress, GrantSendOnBehalfTo", mailbox)
		}),
		Expect: "the name of " + h.a.Username + ", among others perhaps", Role: exchangeRole, Takes: sendAsTakes,
		Optional: !h.a.OnBehalf,
		Note:     "That Exchange takes Send on Behalf over SMTP is not proven: send a test email.",
	}
	if h.a.OnBehalf {
		return []Step{onBehalf, sendAs}
	}
	return []Step{sendAs, onBehalf}
}

func addSendAs(mailbox, trustee string) string {
	return fmt.Sprintf("Add-RecipientPermission -Identity %s -Trustee %s -AccessRights SendAs -Confirm:$false -ErrorAction Stop", mailbox, trustee)
}

// unlessSendAs runs add when trustee may not send as mailbox yet.
func unlessSendAs(mailbox, trustee, add string) string {
	return fmt.Sprintf("if (-not (Get-RecipientPermission -Identity %s -Trustee %s -AccessRights SendAs -ErrorAction SilentlyContinue)) {\n%s\n}",
		mailbox, trustee, indent(add))
}

// join puts two remarks, either of which may be empty, after one another.
func join(a, b string) string { return strings.TrimSpace(a + " " + b) }
