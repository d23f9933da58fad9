package admin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"traymail/internal/account"
)

// The modules of PowerShell. Exchange's and Graph's bring their own copies of the
// same libraries: whichever is loaded second in one window fails to sign in
// (microsoftgraph/msgraph-sdk-powershell issue 3394).
const (
	exchangeModule  = "ExchangeOnlineManagement"
	graphModule     = "Microsoft.Graph.Authentication" // that every other one of Graph loads
	exchangeConnect = "connect-exchange"
	graphConnect    = "connect-graph"
)

// notBeside stops a script in a window in which the other module is loaded.
func notBeside(module, other string) string {
	return fmt.Sprintf("if (Get-Module -Name %s) {\n    throw '%[1]s is loaded in this window and conflicts with %s: open a new window of PowerShell, and run this there.'\n}\n", other, module)
}

// missing runs do for a module that is not installed.
func missing(module, do string) string {
	return fmt.Sprintf("if (-not (Get-Module -ListAvailable -Name %s)) {\n    %s\n}\n", module, do)
}

func install(module string) string { return "Install-Module -Name " + module + " -Scope CurrentUser" }

// sayMissing installs nothing.
func sayMissing(module string) string {
	return missing(module, "throw 'A module is missing. Install it, then run this again: "+install(module)+"'")
}

// organisation is the tenant where Exchange Online PowerShell can be told it; a
// sign-in in the browser finds it by itself.
func (h *help) organisation() string {
	if uuid.MatchString(h.tenant) || strings.HasSuffix(strings.ToLower(h.tenant), ".onmicrosoft.com") {
		return h.tenant
	}
	return ""
}

var uuid = regexp.MustCompile("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")

// connectExchange opens the session for everything that is Exchange's.
func (h *help) connectExchange() Step {
	connect := "Connect-ExchangeOnline -ShowBanner:$false"
	if o := h.organisation(); o != "" && h.a.SignIn == account.AppOnly {
		connect += " -Organization " + quote(o)
	}
	if h.cloud.environment != "" {
		connect += " -ExchangeEnvironmentName " + h.cloud.environment
	}
	alone := notBeside(exchangeModule, graphModule)
	return Step{
		ID: exchangeConnect, Title: "Connect to Exchange Online PowerShell",
		Why:     "The permissions on mailboxes are Exchange's, and most have no page in a portal.",
		Command: alone + missing(exchangeModule, install(exchangeModule)) + connect,
		Role:    exchangeRole, prepares: true,
		look: alone + sayMissing(exchangeModule) + connect,
	}
}

// connectGraph opens the session for what is Entra's, with the modules that its
// checks use. No command needs it, so it installs nothing.
func (h *help) connectGraph(scope string, modules ...string) Step {
	command := notBeside("Microsoft.Graph", exchangeModule)
	for _, m := range modules {
		command += sayMissing(m)
	}
	command += "Connect-MgGraph -NoWelcome -Scopes " + quote(scope)
	if h.cloud.graph != "" {
		command += " -Environment " + h.cloud.graph
	}
	if h.tenant != "" && !slices.Contains([]string{"common", "organizations"}, h.tenant) {
		command += " -TenantId " + quote(h.tenant)
	}
	return Step{
		ID: graphConnect, Title: "Connect to Microsoft Graph PowerShell, in a window of its own", Optional: true,
		Why:     "It checks what was consented to, and the Object ID of the enterprise application. The portal shows both as well.",
		Command: command, Role: readerRole, prepares: true,
		Note: "Its module and Exchange's conflict in one window, whichever comes first.",
	}
}

// smtpAuth switches authenticated SMTP on for the mailboxes that authenticate.
func (h *help) smtpAuth() []Step {
	command := func(mailbox string) string {
		// $null means "as the organisation": only False is sure.
		return fmt.Sprintf("if ((Get-CASMailbox -Identity %s).SmtpClientAuthenticationDisabled -ne $false) {\n    Set-CASMailbox -Identity %[1]s -SmtpClientAuthenticationDisabled $false -ErrorAction Stop\n}", mailbox)
	}
	verify := func(mailbox string) string {
		return fmt.Sprintf("Get-CASMailbox -Identity %s | Format-List PrimarySmtpAddress, SmtpClientAuthenticationDisabled", mailbox)
	}
	who := h.a.Username
	set, look := command(quote(who)), verify(quote(who))
	if h.a.SignIn == account.AppOnly {
		who, set, look = h.a.Sender, h.each(command), h.each(verify)
		if h.a.Mailbox == account.FromMailbox {
			who = "every mailbox that sends"
		}
	}
	return []Step{{
		ID: "smtp-auth", Title: "Switch Authenticated SMTP on for " + who,
		Why:   "While it is off, Exchange refuses every sign-in over SMTP, with OAuth as well (535 5.7.139).",
		Where: "Microsoft 365 admin center → Users → Active users → " + who + " → Mail → Manage email apps → Authenticated SMTP", Link: h.cloud.users,
		Command: set, Verify: look, Expect: "SmtpClientAuthenticationDisabled False; empty means that the organisation's setting holds",
		Role: userRole, Takes: smtpAuthTakes,
	}, {
		ID: "smtp-auth-organisation", Title: "Look at the organisation's setting for SMTP AUTH",
		Why:    "Organisations made after January 2020 have it switched off. The mailbox's own setting wins, so it can stay off here.",
		Where:  `Exchange admin center → Settings → Mail flow → "Turn off SMTP AUTH protocol for your organization"`,
		Link:   h.cloud.eac("settings"),
		Verify: "Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled", Expect: "False; or True, and the mailbox has False",
		Role: readerRole,
	}}
}

// conditionalAccess is the other thing that stops a sign-in.
func (h *help) conditionalAccess() Step {
	return Step{
		ID: "conditional-access", Title: "Look for policies that stop the sign-in", Optional: true,
		Why:   "Conditional Access may want a device that this machine is not (AADSTS53003 and its neighbours). The sign-in logs name the policy.",
		Where: "Entra → Protection → Conditional Access → Policies; Entra → Monitoring & health → Sign-in logs", Link: h.cloud.conditionalAccess(),
		Role: "Conditional Access Administrator, or Security Reader to look",
	}
}

// afterwards is what to do when everything is done.
func (h *help) afterwards() Step {
	s := Step{ID: "test", Title: "Send the test email", Why: h.proof()}
	switch {
	case h.a.SignIn == account.BrowserSignIn:
		s.Note = fmt.Sprintf("traymail login %s, then traymail test %[1]s", h.a.Name)
	default:
		s.Note = "traymail test " + h.a.Name
	}
	if h.cloud.exchange != "" && h.a.SendsOver(account.SMTP) {
		s.Where, s.Link = "Exchange admin center → Reports → Mail flow → SMTP AUTH clients report, which shows who sends", h.cloud.eac("reports/smtpauthmailflowdetails")
		s.Note += ". Microsoft's own self-test: https://aka.ms/smtprelay"
	}
	return s
}

// proof is what the test email shows that nothing else does.
func (h *help) proof() string {
	const wait = " A permission that was granted just now may still be refused: wait, and try again."
	switch {
	case h.cloud == (cloud{}) || h.a.Provider == account.OutlookCom:
		return "It shows that the provider takes the sign-in and the message; the message that arrives shows whether the provider kept the sender."
	case h.a.SignIn == account.AppOnly && h.rbac:
		return "It shows that the role holds for the mailbox." + wait
	case h.a.Transport == account.Graph && h.a.SignIn == account.AppOnly:
		return "It shows that Mail.Send holds for the mailbox: without it Microsoft Graph answers 403 ErrorAccessDenied." + wait
	case h.a.SignIn == account.AppOnly:
		return "Send As shows only when a message was sent." + wait
	case len(h.others()) == 0:
		return "It shows that the mailbox takes the sign-in and the message. What was switched on just now may still be refused: wait, and try again."
	case h.a.Transport == account.Graph:
		return "Send As shows only when a message was sent: without it Microsoft Graph answers 403 ErrorSendAsDenied." + wait
	}
	return "Send As shows only when a message was sent." + wait
}
