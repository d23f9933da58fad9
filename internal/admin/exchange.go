package admin

import (
	"fmt"
	"slices"

	"traymail/internal/account"
)

// connectExchange opens the session for everything that is Exchange's.
func (h *help) connectExchange() Step {
	command := "if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {\n    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser\n}\nConnect-ExchangeOnline -ShowBanner:$false"
	if h.a.SignIn == account.AppOnly {
		command += " -Organization " + quote(h.tenant)
	}
	if h.cloud.environment != "" {
		command += " -ExchangeEnvironmentName " + h.cloud.environment
	}
	return Step{
		ID: "connect-exchange", Title: "Connect to Exchange Online PowerShell",
		Why:     "The permissions on mailboxes are Exchange's, and most have no page in a portal.",
		Command: command, Role: exchangeRole, prepares: true,
	}
}

// connectGraph opens the session for what is Entra's.
func (h *help) connectGraph(scope string) Step {
	command := "if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {\n    Install-Module -Name Microsoft.Graph.Applications, Microsoft.Graph.Identity.SignIns -Scope CurrentUser\n}\nConnect-MgGraph -NoWelcome -Scopes " + quote(scope)
	if h.cloud.graph != "" {
		command += " -Environment " + h.cloud.graph
	}
	if h.tenant != "" && !slices.Contains([]string{"common", "organizations"}, h.tenant) {
		command += " -TenantId " + quote(h.tenant)
	}
	return Step{
		ID: "connect-graph", Title: "Connect to Microsoft Graph PowerShell",
		Why:     "It reads what was consented to, and the IDs of the enterprise application.",
		Command: command, Role: readerRole, prepares: true,
	}
}

// smtpAuth switches authenticated SMTP on for the mailboxes that authenticate.
func (h *help) smtpAuth() []Step {
	command := func(mailbox string) string {
		// $null means "as the organisation": only False is sure.
		return fmt.Sprintf("if ((Get-CASMailbox -Identity %s).SmtpClientAuthenticationDisabled -ne $false) {\n    Set-CASMailbox -Identity %[1]s -SmtpClientAuthenticationDisabled $false\n}", mailbox)
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
	s := Step{
		ID: "test", Title: "Send the test email",
		Why: "Send As shows only when a message was sent. A permission that was granted just now may still be refused: wait, and try again.",
	}
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
