package sandbox

// appScenarios are those of applications that sign in by themselves: what an
// administrator forgot or did in another way, in Entra ID and in Exchange.
func appScenarios() []Scenario {
	// Both applications, the one for SMTP and the one for Graph.
	both := func(change func(*App)) func(*Tenant) { return ofApps(aloneApps, change) }
	daemon := "apps/" + daemonAppID + "/"
	smtpOnly := []string{KindApp}
	grant := mendApps(aloneApps, "consent", "do", "grant")
	list := []Mend{
		mend(daemon+"application-permissions", "permission", roleSMTP, "do", "add"),
		mend("apps/"+graphAppID+"/application-permissions", "permission", roleMail, "do", "add"),
	}
	secrets := mendApps(aloneApps, "secrets", "months", "6")
	newSecrets := []Setting{newSecretOf(KindApp), newSecretOf(KindMailApp)}
	var fullAccess []Mend
	for _, mailbox := range []string{"svc@contoso.com", "ops@contoso.com"} {
		fullAccess = append(fullAccess, mend("tenant/mailbox-permissions", "mailbox", mailbox, "right", "FullAccess", "who", daemonEnterpriseID, "do", "add"))
	}
	known := mend(daemon+"service-principals", "object_id", daemonEnterpriseID, "do", "add")
	upload := []Mend{mend(daemon+"certificates", "certificate", "{certificate}")}
	withoutSecret := func(t *Tenant) { a := t.app(daemonAppID); a.Secret, a.SecretID = "", "" }
	inScope := mend(daemon+"role-assignments", "role", smtpRBACRole, "mailboxes", "svc@contoso.com ops@contoso.com", "do", "add")
	return []Scenario{
		{Name: "app-no-permission", What: "The registrations of the applications list no permission.", Meets: apps,
			Mend: append(list, grant...), tenant: both(func(a *App) { a.AppRoles, a.GrantedRoles = nil, nil })},
		{Name: "app-no-consent", What: "The registrations of the applications list their permission, but no administrator has consented to it.", Meets: apps,
			Mend: grant, tenant: both(func(a *App) { a.GrantedRoles = nil })},
		{Name: "app-consent-without-permission", Works: true, What: "An administrator consented to the applications' permissions, and then somebody took them out of the registrations.", Meets: apps,
			Mend: list, tenant: both(func(a *App) { a.AppRoles = nil })},
		{Name: "app-secret-expired", What: "The client secrets of the applications have expired.", Meets: apps,
			Mend: secrets, Settings: newSecrets, tenant: both(expireSecret)},
		{Name: "app-secret-expires-soon", Works: true, What: "The client secrets of the applications expire in five days.", Meets: apps,
			Mend: secrets, Settings: newSecrets, tenant: both(func(a *App) { a.SecretExpires = a.SecretExpires.AddDate(0, -6, 5) })},
		{Name: "app-certificate-missing", What: "The application for SMTP has no secret, and nobody has uploaded its certificate.", Meets: smtpOnly,
			Mend: upload, tenant: withoutSecret},
		{Name: "app-certificate-expired", What: "The application for SMTP has no secret, and the first certificate that is uploaded for it counts as expired.", Meets: smtpOnly,
			Mend: upload, tenant: func(t *Tenant) { withoutSecret(t); t.app(daemonAppID).FirstCertificateExpired = true }},
		{Name: "app-disabled", What: "The enterprise applications are switched off for sign-in.", Meets: apps,
			Mend: mendApps(aloneApps, "sign-in", "do", "on"), tenant: both(func(a *App) { a.Disabled = true })},
		{Name: "app-no-service-principal", What: "Nobody has made the application known to Exchange with New-ServicePrincipal.", Meets: smtpOnly,
			Mend: []Mend{known}, tenant: func(t *Tenant) { t.ServicePrincipals = nil }},
		{Name: "app-wrong-object-id", What: "Exchange knows the application by the Object ID of its registration instead of the enterprise application's.", Meets: smtpOnly,
			Mend:   []Mend{mend(daemon+"service-principals", "object_id", daemonObjectID, "do", "remove"), known},
			tenant: func(t *Tenant) { t.ServicePrincipals[0].ObjectID = t.app(daemonAppID).ObjectID }},
		{Name: "app-no-full-access", What: "The application has Full Access to no mailbox.", Meets: smtpOnly, Mend: fullAccess,
			tenant: func(t *Tenant) {
				for _, m := range t.Mailboxes {
					m.FullAccess = nil
				}
			}},
		{Name: "app-full-access-elsewhere", What: "The application has Full Access to ops and not to svc.", Meets: smtpOnly, Mend: fullAccess[:1],
			tenant: func(t *Tenant) { t.mailbox("svc@contoso.com").FullAccess = nil }},
		{Name: "app-rbac", Works: true, What: "The application may send as svc and ops by a role in Exchange (App RBAC), without a permission in Entra ID or Full Access.", Meets: smtpOnly,
			tenant: byRole("svc@contoso.com", "ops@contoso.com")},
		{Name: "app-rbac-out-of-scope", What: "As app-rbac, but the role's scope holds ops alone, without svc.", Meets: smtpOnly,
			Mend: []Mend{inScope}, tenant: byRole("ops@contoso.com")},
		{Name: "federated-credential", Works: true, What: "The application for SMTP has no secret, and trusts the tokens of the sandbox's own issuer for the subject " + issuerSubject + ".", Meets: smtpOnly,
			federated: issuerSubject, tenant: withoutSecret},
		{Name: "federated-mismatch", What: "As federated-credential, but for another subject, system:serviceaccount:default:other.", Meets: smtpOnly,
			Mend:      []Mend{mend(daemon+"federated-credentials", "issuer", "{issuer}", "subject", issuerSubject, "do", "add")},
			federated: "system:serviceaccount:default:other", tenant: withoutSecret},
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
