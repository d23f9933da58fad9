package sandbox

import "strings"

// settingScenarios are faults of what the client was told, each as somebody
// would have copied it: the ready file has the wrong value.
func settingScenarios() []Scenario {
	const stranger = "3f0e6b1d-8c27-4d59-b0a4-91d7e5c2f680" // of no tenant and no registration
	// tenantIs puts a tenant in every address.
	tenantIs := func(name string) func(*Ready) {
		return func(r *Ready) {
			r.TenantID = name
			for _, u := range []*string{&r.Issuer, &r.DiscoveryURL, &r.AuthorizeURL, &r.TokenURL, &r.DeviceURL, &r.LogoutURL, &r.JWKSURL, &r.AdminConsentURL} {
				*u = strings.Replace(*u, contosoID, name, 1)
			}
		}
	}
	apps := func(change func(*ReadyApp)) func(*Ready) {
		return func(r *Ready) {
			for i := range r.Apps {
				change(&r.Apps[i])
			}
		}
	}
	secrets := []Setting{
		{KindWeb, "client_secret", webSecret}, {KindApp, "client_secret", daemonSecret}, {KindMailApp, "client_secret", graphSecret},
	}
	return []Scenario{
		{Name: "tenant-unknown", What: "The tenant ID in the settings is of no tenant.", Meets: tokens,
			Settings: []Setting{{"", "tenant", contosoID}}, copied: tenantIs(stranger)},
		{Name: "single-tenant-on-common", What: "The settings say common instead of the tenant, and the desktop registration is for this tenant only.",
			Meets: people, Settings: []Setting{{"", "tenant", contosoID}}, copied: tenantIs("common"),
			tenant: ofApps([]string{desktopAppID}, func(a *App) { a.SingleTenant = true })},
		{Name: "client-id-unknown", What: "The client IDs in the settings are of no application in the tenant.", Meets: tokens,
			Settings: []Setting{{KindDesktop, "client_id", desktopAppID}, {KindDevice, "client_id", desktopAppID}, {KindGraph, "client_id", desktopAppID},
				{KindWeb, "client_id", webAppID}, {KindApp, "client_id", daemonAppID}, {KindMailApp, "client_id", graphAppID}},
			copied: apps(func(a *ReadyApp) { a.ClientID = stranger })},
		{Name: "object-id-as-client-id", What: "The client IDs in the settings are the Object IDs, which the portal shows beside them.", Meets: tokens,
			Settings: []Setting{{KindDesktop, "client_id", desktopAppID}, {KindDevice, "client_id", desktopAppID}, {KindGraph, "client_id", desktopAppID},
				{KindWeb, "client_id", webAppID}, {KindApp, "client_id", daemonAppID}, {KindMailApp, "client_id", graphAppID}},
			copied: apps(func(a *ReadyApp) { a.ClientID = a.ObjectID })},
		{Name: "secret-id-as-secret", What: "The client secrets in the settings are the Secret IDs instead of the values.", Meets: []string{KindWeb, KindApp, KindMailApp},
			Settings: secrets, copied: apps(func(a *ReadyApp) {
				a.ClientSecret = map[string]string{webSecret: webSecretID, daemonSecret: daemonSecretID, graphSecret: graphSecretID}[a.ClientSecret]
			})},
		{Name: "secret-wrong", What: "The client secrets in the settings are others than the registrations have.", Meets: []string{KindWeb, KindApp, KindMailApp},
			Settings: secrets, copied: apps(func(a *ReadyApp) {
				if a.ClientSecret != "" {
					a.ClientSecret = "old8Q~client-secret-that-somebody-has-deleted"
				}
			})},
		{Name: "secret-missing", What: "The settings have no client secret for the Web registration.", Meets: []string{KindWeb},
			Settings: secrets[:1], copied: apps(func(a *ReadyApp) {
				if a.ClientID == webAppID {
					a.ClientSecret = ""
				}
			})},
		{Name: "public-client-with-secret", What: "The settings have a client secret for the desktop registration, which is a public client.", Meets: []string{KindDesktop, KindDevice, KindGraph},
			Settings: []Setting{{KindDesktop, "client_secret", ""}, {KindDevice, "client_secret", ""}, {KindGraph, "client_secret", ""}},
			copied: apps(func(a *ReadyApp) {
				if a.ClientID == desktopAppID {
					a.ClientSecret = webSecret
				}
			})},
		{Name: "username-renamed", What: "svc was renamed to mailservice@contoso.com, and the address in the settings is an alias now.", Meets: overSMTP,
			SignInAs: "mailservice@contoso.com", Settings: []Setting{{"", "username", "mailservice@contoso.com"}}, SignIn: true, tenant: renameSvc,
			copied: func(r *Ready) { r.Users[0].What = "the sender, who was svc@contoso.com once" }},
		{Name: "username-alias", What: "The username in the settings is svc's alias service@contoso.com.", Meets: overSMTP, Username: "service@contoso.com", SignInAs: "svc@contoso.com",
			Settings: []Setting{{"", "username", "svc@contoso.com"}}},
		{Name: "guest-account", What: "The account is a guest from another organisation, whose mailbox is there.", Meets: people, Username: "pat@fabrikam.com",
			Settings: []Setting{{"", "username", "svc@contoso.com"}}, SignIn: true, tenant: inviteGuest},
		{Name: "username-shared", What: "The username in the settings is the shared mailbox invoices, which nobody signs in to.", Meets: people, Username: "invoices@contoso.com",
			Settings: []Setting{{"", "username", "svc@contoso.com"}}},
		{Name: "user-unknown", What: "The username in the settings has a typing error and is of nobody.", Meets: tokens, Username: "scv@contoso.com",
			Settings: []Setting{{"", "username", "svc@contoso.com"}}},
		{Name: "scope-for-graph", What: "The scope in the settings is SMTP.Send of Microsoft Graph, under which the portal lists it, so the token is for Graph.", Meets: []string{KindDesktop, KindWeb, KindDevice},
			Settings: []Setting{{"", "smtp_scope", exchangeID + "/SMTP.Send"}}, SignIn: true, copied: func(r *Ready) { r.SMTPScope = graphID + "/SMTP.Send" }},
		{Name: "scope-for-graph-application", What: "The scope in the settings is Microsoft Graph's .default instead of Exchange's, so the application's token is for Graph.", Meets: []string{KindApp},
			Settings: []Setting{{KindApp, "smtp_scope", "https://outlook.office365.com/.default"}}, copied: func(r *Ready) { r.SMTPScope = graphID + "/.default" }},
		{Name: "scope-invalid", What: "The scope in the settings is SMTP.SendAsApp, which only applications have.", Meets: []string{KindDesktop, KindWeb, KindDevice},
			Settings: []Setting{{"", "smtp_scope", exchangeID + "/SMTP.Send"}}, SignIn: true, copied: func(r *Ready) { r.SMTPScope = exchangeID + "/SMTP.SendAsApp" }},
		{Name: "smtp-host-unknown", What: "The SMTP server in the settings is smtp.contoso.invalid, which no DNS server knows.", Meets: overSMTP,
			Settings: []Setting{{"", "smtp_host", "localhost"}}, copied: func(r *Ready) { r.SMTPHost = "smtp.contoso.invalid" }},
		{Name: "authority-unknown", What: "The sign-in's address in the settings is login.contoso.invalid, which no DNS server knows.", Meets: tokens,
			Settings: []Setting{{"", "authority", "{authority}"}}, copied: func(r *Ready) {
				was := r.Authority
				for _, u := range []*string{&r.Authority, &r.Issuer, &r.DiscoveryURL, &r.AuthorizeURL, &r.TokenURL, &r.DeviceURL, &r.DevicePage, &r.LogoutURL, &r.JWKSURL, &r.AdminConsentURL} {
					*u = strings.Replace(*u, was, strings.Replace(was, "localhost", "login.contoso.invalid", 1), 1)
				}
			}},
	}
}

// renameSvc gives svc another UPN and primary address; the old one remains as an
// alias.
func renameSvc(t *Tenant) {
	const old, name = "svc@contoso.com", "mailservice@contoso.com"
	u, m := t.user(old), t.mailbox(old)
	u.UPN, u.Proxies = name, append([]string{old}, u.Proxies...)
	m.Address, m.Proxies = name, append([]string{old}, m.Proxies...)
	for _, m := range t.Mailboxes {
		for _, list := range []*[]string{&m.FullAccess, &m.SendAs, &m.SendOnBehalf} {
			if contains(*list, old) {
				*list = edited(edited(*list, old, false), name, true)
			}
		}
	}
}

// inviteGuest adds a person of another organisation.
func inviteGuest(t *Tenant) {
	t.Users = append(t.Users, &User{
		ObjectID: "10a6c0de-0006-4000-8000-000000000006", UPN: "pat_fabrikam.com#EXT#@contoso.com", SignInName: "pat@fabrikam.com",
		Name: "Pat Guest", Password: "pat-password-1", HomeTenant: "b8d2c7e0-5f31-4a96-8e0c-2d4f6a7b9c13", Unlicensed: true,
	})
}
