package sandbox

import "slices"

// registrationScenarios are mistakes in the registrations that a person signs
// in to.
func registrationScenarios() []Scenario {
	const desktopURL, webURL = "http://localhost", "http://localhost:53682/callback"
	const smtp = exchangeID + "/SMTP.Send"
	desktop := "apps/" + desktopAppID + "/"
	lacks := func(permission string) func(*Tenant) {
		return ofApps(personApps, func(a *App) { a.Permissions = edited(a.Permissions, permission, false) })
	}
	// copiedURL has the client use the redirect URL that should be registered.
	copiedURL := func(clientID, url string) func(*Ready) {
		return func(r *Ready) {
			for i := range r.Apps {
				if r.Apps[i].ClientID == clientID {
					r.Apps[i].RedirectURL = url
				}
			}
		}
	}
	grant := mendApps(personApps, "consent", "do", "grant")
	return []Scenario{
		{Name: "redirect-not-registered", What: "The registrations have another redirect URL than the client uses.", Meets: []string{KindDesktop, KindWeb, KindGraph},
			Mend: []Mend{
				mend(desktop+"redirect-urls", "url", desktopURL, "platform", "public", "do", "add"),
				mend("apps/"+webAppID+"/redirect-urls", "url", webURL, "platform", "web", "do", "add"),
			},
			tenant: func(t *Tenant) {
				t.app(desktopAppID).Redirects = map[string]Platform{"http://localhost/other": PublicClient}
				t.app(webAppID).Redirects = map[string]Platform{"http://localhost:53682/": Web}
			},
			copied: func(r *Ready) { copiedURL(desktopAppID, desktopURL)(r); copiedURL(webAppID, webURL)(r) }},
		{Name: "redirect-is-spa", What: "The desktop registration has its redirect URL under Single-page application.", Meets: []string{KindDesktop, KindGraph},
			Mend:   []Mend{mend(desktop+"redirect-urls", "url", desktopURL, "platform", "public", "do", "add")},
			SignIn: true,
			tenant: ofApps([]string{desktopAppID}, func(a *App) { a.Redirects = map[string]Platform{desktopURL: SPA} })},
		{Name: "redirect-is-web", What: "The desktop registration has its redirect URL under Web, which wants a client secret.", Meets: []string{KindDesktop, KindGraph},
			Mend:   []Mend{mend(desktop+"redirect-urls", "url", desktopURL, "platform", "public", "do", "add")},
			SignIn: true,
			tenant: ofApps([]string{desktopAppID}, func(a *App) { a.Redirects = map[string]Platform{desktopURL: Web} })},
		{Name: "public-flows-off", What: "The desktop registration does not allow public client flows, which device codes need.", Meets: []string{KindDevice},
			Mend:   []Mend{mend(desktop+"public-client-flows", "do", "on")},
			SignIn: true,
			tenant: ofApps([]string{desktopAppID}, func(a *App) { a.AllowPublicFlows = false })},
		{Name: "secret-expired", What: "The client secret of the Web registration has expired.", Meets: []string{KindWeb},
			Mend: mendApps([]string{webAppID}, "secrets", "months", "6"), Settings: []Setting{newSecretOf(KindWeb)},
			tenant: ofApps([]string{webAppID}, expireSecret)},
		{Name: "secret-expires-soon", Works: true, What: "The client secret of the Web registration expires in five days.", Meets: []string{KindWeb},
			Mend: mendApps([]string{webAppID}, "secrets", "months", "6"), Settings: []Setting{newSecretOf(KindWeb)},
			tenant: ofApps([]string{webAppID}, func(a *App) { a.SecretExpires = a.SecretExpires.AddDate(0, -6, 5) })},
		{Name: "client-disabled", What: "The enterprise applications that people sign in to are switched off.", Meets: people,
			Mend:   mendApps(personApps, "sign-in", "do", "on"),
			tenant: ofApps(personApps, func(a *App) { a.Disabled = true })},
		{Name: "permission-not-registered", What: "The registrations do not list the delegated permission SMTP.Send.", Meets: []string{KindDesktop, KindWeb, KindDevice},
			Mend:   mendApps(personApps, "delegated-permissions", "permission", smtp, "do", "add"),
			tenant: lacks(smtp)},
		{Name: "consent-without-permission", What: "An administrator consented to SMTP.Send, and then somebody took the permission out of the registrations.", Meets: []string{KindDesktop, KindWeb, KindDevice},
			Mend: mendApps(personApps, "delegated-permissions", "permission", smtp, "do", "add"),
			tenant: ofApps(personApps, func(a *App) {
				a.AdminConsented = slices.Clone(a.Permissions)
				a.Permissions = edited(a.Permissions, smtp, false)
			})},
		{Name: "consent-required", What: "Only an administrator may consent; svc is told “Need admin approval”.", Meets: people, Mend: grant,
			tenant: func(t *Tenant) { t.UserConsentDisabled = true }},
		{Name: "consent-without-smtp", What: "An administrator consented to User.Read and not to SMTP.Send, and nobody else may.", Meets: []string{KindDesktop, KindWeb, KindDevice}, Mend: grant,
			tenant: func(t *Tenant) {
				t.UserConsentDisabled = true
				ofApps(personApps, func(a *App) {
					a.AdminConsented = []string{graphID + "/User.Read", graphID + "/Mail.Send", graphID + "/Mail.Send.Shared", "offline_access", "openid", "profile"}
				})(t)
			}},
		{Name: "consent-without-offline-access", What: "An administrator consented to everything but offline_access, and nobody else may.", Meets: people, Mend: grant,
			tenant: func(t *Tenant) {
				t.UserConsentDisabled = true
				ofApps(personApps, func(a *App) { a.AdminConsented = edited(a.Permissions, "offline_access", false) })(t)
			}},
		{Name: "graph-permission-missing", What: "The registrations do not list the delegated permission Mail.Send.", Meets: []string{KindGraph},
			Mend:   mendApps(personApps, "delegated-permissions", "permission", graphID+"/Mail.Send", "do", "add"),
			tenant: lacks(graphID + "/Mail.Send")},
		{Name: "graph-shared-missing", What: "The registrations do not list the delegated permission Mail.Send.Shared, which sending from others' addresses needs.", Meets: []string{KindGraph},
			Mend:   mendApps(personApps, "delegated-permissions", "permission", graphID+"/Mail.Send.Shared", "do", "add"),
			SignIn: true,
			tenant: lacks(graphID + "/Mail.Send.Shared")},
		{Name: "user-read-missing", What: "The registrations do not list the delegated permission User.Read.", Meets: people,
			Mend:   mendApps(personApps, "delegated-permissions", "permission", graphID+"/User.Read", "do", "add"),
			tenant: lacks(graphID + "/User.Read")},
	}
}

// expireSecret has a secret end three days ago.
func expireSecret(a *App) { a.SecretExpires = a.SecretExpires.AddDate(0, -6, -3) }

// newSecretOf is the value that the portal shows once, for a new secret.
func newSecretOf(kind string) Setting { return Setting{kind, "client_secret", "{client_secret}"} }
