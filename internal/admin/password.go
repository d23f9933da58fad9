package admin

import "fmt"

// password is basic authentication at Microsoft 365.
func (h *help) password() []Step {
	steps := []Step{{
		ID: "retirement", Title: "Know when passwords end",
		Why: "Exchange Online switches basic authentication for SMTP off at the end of December 2026 for every existing organisation; an administrator can switch it on again. " +
			"Organisations made after that have it off and cannot send with a password. The day on which it is removed will be announced in the second half of 2027 " +
			"(Microsoft's notice MC786329 of 27 January 2026; earlier dates on many pages are void).",
		Note: "A browser sign-in or an application does the same without a password: traymail account edit.",
	}, h.connectExchange(), h.licence()}
	steps = append(steps, h.smtpAuth()...)
	user := quote(h.a.Username)
	steps = append(steps, Step{
		ID: "authentication-policy", Title: "Look for a policy that stops passwords",
		Why:    "An authentication policy without AllowBasicAuthSmtp overrides the switches (535 5.7.139, basic authentication is disabled).",
		Where:  "Microsoft 365 admin center → Settings → Org settings → Modern authentication",
		Verify: fmt.Sprintf("Get-User -Identity %s | Format-List AuthenticationPolicy\nGet-OrganizationConfig | Format-List DefaultAuthenticationPolicy\nGet-AuthenticationPolicy | Format-Table Name, AllowBasicAuthSmtp", user),
		Expect: "no policy for the user, or one with AllowBasicAuthSmtp True", Role: readerRole,
	}, Step{
		ID: "authentication-policy-own", Title: "Give " + h.a.Username + " a policy of its own that takes passwords over SMTP", Optional: true,
		Why: "Only where the policy in force stops it, and for this one mailbox.",
		Command: fmt.Sprintf(`if (-not (Get-AuthenticationPolicy -Identity 'traymail SMTP' -ErrorAction SilentlyContinue)) {
    New-AuthenticationPolicy -Name 'traymail SMTP' -AllowBasicAuthSmtp -ErrorAction Stop
}
Set-User -Identity %s -AuthenticationPolicy 'traymail SMTP' -ErrorAction Stop`, user),
		Verify: fmt.Sprintf("Get-User -Identity %s | Format-List AuthenticationPolicy", user), Expect: "traymail SMTP", Role: exchangeRole, Takes: "up to 24 hours",
	}, Step{
		ID: "security-defaults", Title: "See that security defaults are off",
		Why:   "They stop passwords over SMTP, whatever the switches say (535 5.7.139, user is locked by your organization's security defaults policy).",
		Where: "Entra → Overview → Properties → Manage security defaults", Link: h.cloud.portal + "/#view/Microsoft_AAD_IAM/TenantOverview.ReactView",
		Role: "Conditional Access Administrator", Note: "Without them, Conditional Access should ask for a second factor elsewhere. Whether they stop OAuth over SMTP as well is not proven.",
	})
	steps = append(steps, h.delegate()...)
	return append(steps, h.afterwards())
}
