package sandbox

import (
	"math"
	"time"
)

// graphScenarios are those of sending over Graph.
func graphScenarios() []Scenario {
	const send = "/send" // sendMail, and the sending of a draft
	recover := []Mend{mend("tenant/service", "do", "recover")}
	alone := []string{KindMailApp}
	return []Scenario{
		{Name: "graph-large", Works: true, What: "Mail.ReadWrite is granted besides Mail.Send, so that Graph takes messages above 3 MB.", Meets: overMail,
			tenant: func(t *Tenant) {
				const write = graphID + "/Mail.ReadWrite"
				a := t.app(graphAppID)
				a.AppRoles, a.GrantedRoles = append(a.AppRoles, write), append(a.GrantedRoles, write)
				for _, id := range personApps {
					a := t.app(id)
					a.Permissions = append(a.Permissions[:len(a.Permissions):len(a.Permissions)], write)
					a.AdminConsented = append(a.AdminConsented, write)
				}
			}},
		{Name: "graph-no-consent", What: "The registration of the application for Graph lists Mail.Send, but no administrator has consented to it.", Meets: alone,
			Mend:   mendApps([]string{graphAppID}, "consent", "do", "grant"),
			tenant: ofApps([]string{graphAppID}, func(a *App) { a.GrantedRoles = nil })},
		{Name: "graph-access-policy", What: "An application access policy keeps the application for Graph from every mailbox but ops.", Meets: alone,
			Mend:   mendApps([]string{graphAppID}, "access-policy", "mailboxes", "ops@contoso.com svc@contoso.com", "do", "add"),
			tenant: func(t *Tenant) { t.AccessPolicies = map[string][]string{graphAppID: {"ops@contoso.com"}} }},
		{Name: "graph-rbac", Works: true, What: "The application for Graph may send as svc and ops by a role in Exchange (App RBAC), without a permission in Entra ID.", Meets: alone,
			tenant: graphByRole("svc@contoso.com", "ops@contoso.com")},
		{Name: "graph-rbac-out-of-scope", What: "As graph-rbac, but the role's scope holds ops alone, without svc.", Meets: alone,
			Mend:   mendApps([]string{graphAppID}, "role-assignments", "role", rbac("Mail.Send"), "mailboxes", "svc@contoso.com ops@contoso.com", "do", "add"),
			tenant: graphByRole("ops@contoso.com")},
		{Name: "graph-throttled", Works: true, What: "Graph answers 429 with Retry-After to the first two messages, then works.", Meets: overMail,
			Mend:  []Mend{mend("tenant/time", "passes", "1m")},
			graph: GraphFault{On: send, Times: 2, Status: 429, RetryAfter: 2 * time.Second}},
		{Name: "graph-unavailable", What: "Graph answers 503 to every message.", Meets: overMail, Mend: recover,
			graph: GraphFault{On: send, Times: math.MaxInt, Status: 503}},
		{Name: "graph-200", Works: true, What: "Graph takes every message, and answers 200 instead of 202.", Meets: overMail, Mend: recover,
			graph: GraphFault{On: send, Times: math.MaxInt, Plain200: true}},
		{Name: "graph-silent", Works: true, What: "Graph takes the first message and never answers, then works.", Meets: overMail, Mend: recover,
			graph: GraphFault{On: send, Silent: true}},
	}
}

// graphByRole replaces the permission of the application for Graph by a role.
func graphByRole(mailboxes ...string) func(*Tenant) {
	return func(t *Tenant) {
		a := t.app(graphAppID)
		a.AppRoles, a.GrantedRoles = nil, nil
		t.ServicePrincipals = append(t.ServicePrincipals, ServicePrincipal{a.ClientID, a.EnterpriseID})
		t.RoleAssignments = append(t.RoleAssignments, RoleAssignment{AppID: a.ClientID, Role: rbac("Mail.Send"), Mailboxes: mailboxes})
	}
}
