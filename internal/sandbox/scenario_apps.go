package sandbox

import (
	"math"
	"time"
)

// appScenarios are those of applications that sign in by themselves: what an
// administrator forgot or did in another way, in Entra ID and in Exchange.
func appScenarios() []Scenario {
	// Both applications, the one for SMTP and the one for Graph.
	both := func(change func(*App)) func(*Tenant) {
		return func(t *Tenant) { change(t.app(daemonAppID)); change(t.app(graphAppID)) }
	}
	return []Scenario{
		{Name: "app-no-permission", What: "The registrations of the applications list no permission.",
			tenant: both(func(a *App) { a.AppRoles, a.GrantedRoles = nil, nil })},
		{Name: "app-no-consent", What: "The registrations of the applications list their permission, but no administrator has consented to it.",
			tenant: both(func(a *App) { a.GrantedRoles = nil })},
		{Name: "app-secret-expired", What: "The client secrets of the applications have expired.",
			tenant: both(func(a *App) { a.SecretExpires = a.SecretExpires.AddDate(0, -6, -3) })},
		{Name: "app-disabled", What: "The enterprise applications are switched off for sign-in.",
			tenant: both(func(a *App) { a.Disabled = true })},
		{Name: "app-no-service-principal", What: "Nobody has made the application known to Exchange with New-ServicePrincipal.",
			tenant: func(t *Tenant) { t.ServicePrincipals = nil }},
		{Name: "app-wrong-object-id", What: "Exchange knows the application by the Object ID of its registration instead of the enterprise application's.",
			tenant: func(t *Tenant) { t.ServicePrincipals[0].ObjectID = t.app(daemonAppID).ObjectID }},
		{Name: "app-no-full-access", What: "The application has Full Access to no mailbox.",
			tenant: func(t *Tenant) {
				for _, m := range t.Mailboxes {
					m.FullAccess = nil
				}
			}},
		{Name: "app-rbac", What: "The application may send as svc and ops by a role in Exchange (App RBAC), without a permission in Entra ID or Full Access.",
			tenant: byRole("svc@contoso.com", "ops@contoso.com")},
		{Name: "app-rbac-out-of-scope", What: "As app-rbac, but the role's scope holds ops alone, without svc.",
			tenant: byRole("ops@contoso.com")},
		{Name: "federated-credential", What: "The application for SMTP has no secret, and trusts the tokens of the sandbox's own issuer for the subject " + issuerSubject + ".",
			federated: true, tenant: func(t *Tenant) { a := t.app(daemonAppID); a.Secret, a.SecretID = "", "" }},
	}
}

// byRole replaces the permission of the application for SMTP by a role over
// mailboxes: with the permission in the token, Exchange would ask for Full
// Access besides.
func byRole(mailboxes ...string) func(*Tenant) {
	return func(t *Tenant) {
		a := t.app(daemonAppID)
		a.AppRoles, a.GrantedRoles = nil, nil
		for _, m := range t.Mailboxes {
			m.FullAccess, m.SendAs = edited(m.FullAccess, a.EnterpriseID, false), edited(m.SendAs, a.EnterpriseID, false)
		}
		t.RoleAssignments = append(t.RoleAssignments, RoleAssignment{AppID: a.ClientID, Role: smtpRBACRole, Mailboxes: mailboxes})
	}
}

// graphScenarios are those of sending over Graph.
func graphScenarios() []Scenario {
	const send = "/send" // sendMail, and the sending of a draft
	return []Scenario{
		{Name: "graph-large", What: "Mail.ReadWrite is granted besides Mail.Send, so that Graph takes messages above 3 MB.",
			tenant: func(t *Tenant) {
				const write = graphID + "/Mail.ReadWrite"
				a := t.app(graphAppID)
				a.AppRoles, a.GrantedRoles = append(a.AppRoles, write), append(a.GrantedRoles, write)
				for _, id := range []string{desktopAppID, webAppID} {
					a := t.app(id)
					a.Permissions = append(a.Permissions[:len(a.Permissions):len(a.Permissions)], write)
					a.AdminConsented = append(a.AdminConsented, write)
				}
			}},
		{Name: "graph-access-policy", What: "An application access policy keeps the application for Graph from every mailbox but ops.",
			tenant: func(t *Tenant) { t.AccessPolicies = map[string][]string{graphAppID: {"ops@contoso.com"}} }},
		{Name: "graph-rbac", What: "The application for Graph may send as svc and ops by a role in Exchange (App RBAC), without a permission in Entra ID.",
			tenant: func(t *Tenant) {
				a := t.app(graphAppID)
				a.AppRoles, a.GrantedRoles = nil, nil
				t.ServicePrincipals = append(t.ServicePrincipals, ServicePrincipal{a.ClientID, a.EnterpriseID})
				t.RoleAssignments = append(t.RoleAssignments,
					RoleAssignment{AppID: a.ClientID, Role: rbac("Mail.Send"), Mailboxes: []string{"svc@contoso.com", "ops@contoso.com"}})
			}},
		{Name: "graph-throttled", What: "Graph answers 429 with Retry-After to the first two messages, then works.",
			graph: GraphFault{On: send, Times: 2, Status: 429, RetryAfter: 2 * time.Second}},
		{Name: "graph-unavailable", What: "Graph answers 503 to every message.",
			graph: GraphFault{On: send, Times: math.MaxInt, Status: 503}},
		{Name: "graph-200", What: "Graph takes every message, and answers 200 instead of 202.",
			graph: GraphFault{On: send, Times: math.MaxInt, Plain200: true}},
		{Name: "graph-silent", What: "Graph takes the first message and never answers, then works.",
			graph: GraphFault{On: send, Silent: true}},
	}
}

// mailboxScenarios are states of accounts and mailboxes, whichever way a
// message goes.
func mailboxScenarios() []Scenario {
	return []Scenario{
		{Name: "no-licence", What: "svc has no licence with Exchange Online.",
			tenant: func(t *Tenant) { t.user("svc@contoso.com").Unlicensed = true }},
		{Name: "send-as-missing", What: "svc may not send as invoices, whether a person signs in as svc or an application sends from it.",
			tenant: func(t *Tenant) { t.mailbox("invoices@contoso.com").SendAs = nil }},
		{Name: "send-on-behalf-missing", What: "svc may not send on behalf of alerts.",
			tenant: func(t *Tenant) { t.mailbox("alerts@contoso.com").SendOnBehalf = nil }},
		{Name: "security-defaults", What: "Security defaults block passwords at SMTP, and not tokens, which nobody could verify.",
			tenant: func(t *Tenant) { t.BasicAuthAllowed, t.SecurityDefaults = true, true }},
	}
}
