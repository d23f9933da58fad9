package sandbox

import "time"

// The IDs of the default tenant, the same in every run.
const (
	contosoID     = "5c1f9a70-3a61-4a6e-9a0d-7d1f0c2b8e11"
	contosoDomain = "contoso.com"

	desktopAppID = "0d5a4f3c-61e8-4f0b-8a4e-2b9c7d1e6f01"
	webAppID     = "7b2e8c14-95d3-4d6a-b1f7-3c8e0a5d9b02"
	spaAppID     = "c94d1e57-2f8b-4c3a-9e60-8a7b5d4f1c03"
	daemonAppID  = "a81f6d20-7c4b-4f19-b3d5-6e0c9a2b7f04"
	graphAppID   = "f27c0b95-1d6e-4a83-8c72-5b9d3e4a1f05"

	daemonObjectID     = "5e1b7a60-0001-4000-8000-00000000da01"
	daemonEnterpriseID = "6d0c2f31-0001-4000-8000-00000000da01"
	graphEnterpriseID  = "6d0c2f31-0002-4000-8000-00000000da02"

	// The client secrets, and what the portal shows beside each.
	webSecret      = "sbx8Q~web-client-secret-value-of-the-sandbox"
	webSecretID    = "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b04"
	daemonSecret   = "dmn8Q~application-client-secret-of-the-sandbox"
	daemonSecretID = "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b05"
	graphSecret    = "gph8Q~graph-client-secret-value-of-the-sandbox"
	graphSecretID  = "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b06"

	// The application permissions, in full.
	roleSMTP = exchangeID + "/SMTP.SendAsApp"
	roleMail = graphID + "/Mail.Send"
)

// contoso is the default tenant, as an organisation has it on its first day
// with traymail: applications registered, nothing consented to yet. now is
// only used for the dates of the client secret.
func contoso(now time.Time) *Tenant {
	scopes := []string{
		exchangeID + "/SMTP.Send", graphID + "/User.Read", graphID + "/Mail.Send", graphID + "/Mail.Send.Shared",
		"offline_access", "openid", "profile",
	}
	const svc = "svc@contoso.com"
	return &Tenant{
		ID:     contosoID,
		Domain: contosoDomain,
		Users: []*User{
			{ObjectID: "10a6c0de-0001-4000-8000-000000000001", UPN: svc, Name: "Mail Service", Password: "svc-password-1", Proxies: []string{"service@contoso.com"}},
			{ObjectID: "10a6c0de-0002-4000-8000-000000000002", UPN: "admin@contoso.com", Name: "Ada Admin", Password: "admin-password-1", Admin: true, ExchangeAdmin: true},
			{ObjectID: "10a6c0de-0003-4000-8000-000000000003", UPN: "mfa@contoso.com", Name: "Mia Factor", Password: "mfa-password-1", MFA: true, MFACode: "246810"},
			{ObjectID: "10a6c0de-0004-4000-8000-000000000004", UPN: "ops@contoso.com", Name: "Operations", Password: "ops-password-1"},
			{ObjectID: "10a6c0de-0005-4000-8000-000000000005", UPN: "left@contoso.com", Name: "Lee Left", Password: "left-password-1", Disabled: true},
		},
		Mailboxes: []*Mailbox{
			{Address: svc, Proxies: []string{"service@contoso.com"}, FullAccess: []string{daemonEnterpriseID}, SendAs: []string{daemonEnterpriseID}},
			{Address: "admin@contoso.com"},
			{Address: "mfa@contoso.com"},
			{Address: "ops@contoso.com", FullAccess: []string{daemonEnterpriseID}, SendAs: []string{daemonEnterpriseID}},
			{Address: "invoices@contoso.com", Shared: true, SendAs: []string{svc}},
			{Address: "alerts@contoso.com", Shared: true, SendOnBehalf: []string{svc}},
			{Address: "board@contoso.com", Shared: true},
		},
		Apps: []*App{
			{
				ClientID: desktopAppID, Name: "traymail (desktop)", AllowPublicFlows: true,
				ObjectID: "5e1b7a60-0003-4000-8000-00000000da03", EnterpriseID: "6d0c2f31-0003-4000-8000-00000000da03",
				Redirects: map[string]Platform{"http://localhost": PublicClient}, Permissions: scopes,
			},
			{
				ClientID: webAppID, Name: "traymail (web)", SingleTenant: true,
				ObjectID: "5e1b7a60-0004-4000-8000-00000000da04", EnterpriseID: "6d0c2f31-0004-4000-8000-00000000da04",
				Redirects: map[string]Platform{"http://localhost:53682/callback": Web}, Permissions: scopes,
				Secret: webSecret, SecretID: webSecretID,
				SecretExpires: now.AddDate(0, 6, 0),
			},
			{
				ClientID: spaAppID, Name: "traymail (single page)",
				ObjectID: "5e1b7a60-0005-4000-8000-00000000da05", EnterpriseID: "6d0c2f31-0005-4000-8000-00000000da05",
				Redirects: map[string]Platform{"http://localhost:53683/": SPA}, Permissions: scopes,
			},
			{
				ClientID: daemonAppID, Name: "traymail (application)", SingleTenant: true,
				Redirects: map[string]Platform{"http://localhost": Web}, // for the answer to admin consent
				ObjectID:  daemonObjectID, EnterpriseID: daemonEnterpriseID,
				AppRoles: []string{roleSMTP}, GrantedRoles: []string{roleSMTP},
				Secret: daemonSecret, SecretID: daemonSecretID,
				SecretExpires: now.AddDate(0, 6, 0),
			},
			{
				ClientID: graphAppID, Name: "traymail (Graph)", SingleTenant: true,
				Redirects: map[string]Platform{"http://localhost": Web}, // for the answer to admin consent
				ObjectID:  "5e1b7a60-0002-4000-8000-00000000da02", EnterpriseID: graphEnterpriseID,
				AppRoles: []string{roleMail}, GrantedRoles: []string{roleMail},
				Secret: graphSecret, SecretID: graphSecretID,
				SecretExpires: now.AddDate(0, 6, 0),
			},
		},
		ServicePrincipals: []ServicePrincipal{{AppID: daemonAppID, ObjectID: daemonEnterpriseID}},
	}
}

// whatUser says in the ready file what an account is for.
func whatUser(u *User) string {
	switch {
	case u.HomeTenant != "":
		return "a guest from another organisation, whose mailbox is there"
	case u.Disabled:
		return "disabled: sign-in answers AADSTS50057"
	case u.Admin && u.MFA:
		return "administrator who is asked for a code"
	case u.Admin:
		return "administrator: may consent for everybody"
	case u.MFA:
		return "is asked for a code after the password"
	case len(u.Proxies) > 0:
		return "the sender, with an alias"
	}
	return "another account"
}

// whatApp says which registration it is and who may sign in to it.
func whatApp(a *App) string {
	tenants := "any tenant"
	if a.SingleTenant {
		tenants = "this tenant only"
	}
	for _, role := range a.AppRoles {
		switch role {
		case roleSMTP:
			return a.Name + ", " + tenants + ": signs in by itself, to send over SMTP"
		case roleMail:
			return a.Name + ", " + tenants + ": signs in by itself, to send over Graph"
		}
	}
	if a.alone() {
		return a.Name + ", " + tenants + ": signs in by itself, without a permission in its registration"
	}
	return a.Name + ", " + tenants
}

// alone tells whether a registration is for signing in without a user: it lists
// application permissions, or none at all and is confidential.
func (a *App) alone() bool {
	for _, platform := range a.Redirects {
		if platform != Web {
			return len(a.AppRoles) > 0
		}
	}
	return len(a.AppRoles) > 0 || len(a.Permissions) == 0
}
