package main

import (
	"testing"

	"traymail/internal/checks"
	"traymail/internal/sandbox"
)

// asPerson is what Endpoint Central's guide has done at Microsoft.
func asPerson(f *followed) {
	f.t.Helper()
	f.portal("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "web", "do", "add")
	for _, p := range []string{"SMTP.Send", "User.Read"} {
		f.portal("apps/APP/delegated-permissions", "permission", p, "do", "add")
	}
	f.tenant(func(*sandbox.Tenant) {
		f.app.Permissions = append(f.app.Permissions, "offline_access", "openid", "profile")
	})
	f.portal("apps/APP/consent", "do", "grant")
}

func mended(steps ...func(*followed)) func(*followed, checks.Result) {
	return func(f *followed, _ checks.Result) { f.t.Helper(); all(steps...)(f) }
}

var endpointCentral = guide{
	page: "endpoint-central.md", account: "endpoint-central", adds: "Add the account", login: true, before: asPerson,
	app: sandbox.App{Name: "Endpoint Central", SingleTenant: true, Redirects: map[string]sandbox.Platform{"https://ec.contoso.com:8383/oauth": sandbox.Web}},
	mistakes: []mistake{
		{name: "SMTP AUTH is off for the organisation", done: portals("tenant/smtp-auth", "do", "off"),
			check: checks.SMTPAuth, finding: "smtp-auth-off-tenant", says: []string{"Authenticated SMTP"}},
		{name: "Authenticated SMTP is off for the Username", done: portals("tenant/smtp-auth", "mailbox", "svc@contoso.com", "do", "off"),
			check: checks.SMTPAuth, finding: "smtp-auth-off-mailbox", says: []string{"Users → Active users → svc@contoso.com → Mail → Manage email apps → Authenticated SMTP"}},
		{name: "the Server Name has a typing error", typed: []string{"--test-to", "--smtp-host smtp.ofice365.com --test-to"},
			check: checks.NameResolution, finding: "dns-not-found", mends: corrects("--smtp-host")},
		{name: "the Port is 465", typed: []string{"--test-to", "--smtp-port 465 --smtp-tls implicit --test-to"},
			check: checks.Port, finding: "connection-refused", notes: []string{"settings-odd"}, says: []string{"587"}, mends: corrects("--smtp-port 587")},
		{name: "the firewall refuses port 587", scenario: "smtp-port-refused", check: checks.Port, finding: "connection-refused", says: []string{"firewall", "smtp.office365.com:587"},
			mends: clicks("tenant/network", "do", "open-smtp-port")},
		{name: "only TLS before 1.2 comes through", scenario: "tls-old", check: checks.TLS, finding: "tls-version", says: []string{"TLS 1.2"},
			mends: clicks("tenant/service", "do", "offer-tls-1.2")},
		{name: "the Username has no Exchange Online licence", done: portals("tenant/licences", "user", "svc@contoso.com", "do", "remove"),
			check: checks.Accepted, finding: "no-licence", notes: []string{"no-licence"}, says: []string{"Users → Active users → svc@contoso.com → Licenses and apps"}, mends: clicks("tenant/licences", "user", "svc@contoso.com", "do", "add")},
		{name: "neither Send on Behalf nor Send As is given", done: noSendAs, check: checks.SendAs, finding: "send-as-denied",
			says: []string{"Send As on invoices@contoso.com", "GrantSendOnBehalfTo"}, told: []string{"Send As on invoices@contoso.com", "Add-RecipientPermission -Identity 'invoices@contoso.com'"}},
		{name: "FullAccess is given instead of Send on Behalf", done: all(noSendAs, portals("tenant/mailbox-permissions", "mailbox", "invoices@contoso.com", "right", "FullAccess", "who", "svc@contoso.com", "do", "add")),
			check: checks.SendAs, finding: "send-as-denied", says: []string{"FullAccess on the mailbox does not let anybody send as it"}},
		{name: "Send on Behalf is forgotten where it is to be used", typed: []string{"--sender invoices@", "--on-behalf --sender board@"}, check: checks.SendAs, finding: "send-as-denied",
			says: []string{"send on behalf of board@contoso.com", "Set-Mailbox -Identity 'board@contoso.com' -GrantSendOnBehalfTo"}},
		{name: "the redirect URL is Endpoint Central's own", done: portals("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "web", "do", "remove"),
			asks: "the browser", hints: []string{"traymail check endpoint-central"}, check: checks.RedirectURL, finding: "redirect-url-not-registered", says: []string{"http://localhost:53682/callback"},
			mends: clicks("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "web", "do", "add")},
		{name: "the redirect URL is under Single-page application", done: portals("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "spa", "do", "add"),
			asks: "AADSTS9002327", hints: []string{"move the redirect URL to Mobile and desktop applications (or Web, with a secret)"}, check: checks.TokenSMTP, finding: "spa-token-expired",
			mends: clicks("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "web", "do", "add")},
		{name: "the redirect URL is under Mobile and desktop applications", done: portals("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "public", "do", "add"),
			asks: "AADSTS700025", hints: []string{"Web"}, check: checks.TokenSMTP, finding: "public-client-sent-secret",
			mends: clicks("apps/APP/redirect-urls", "url", "http://localhost:53682/callback", "platform", "web", "do", "add")},
		secretID,
		{name: secretWrong.name, done: secretWrong.done, asks: secretWrong.asks, check: secretWrong.check, finding: secretWrong.finding, says: secretWrong.says, mends: secretWrong.mends},
		secretExpired,
		{name: "the Client ID is the Object ID of the registration", typed: []string{"CLIENT-ID", "REGISTRATION-ID"}, asks: "the browser",
			check: checks.ClientID, finding: "app-not-in-tenant", says: []string{"Application (client) ID", "Overview", "Object ID"}, mends: corrects("--client-id ID", "--client-id CLIENT-ID --secret-stdin")},
		{name: "the app is for one organisation, and the tenant says common", typed: []string{"TENANT-ID", "common"}, asks: "the browser",
			check: checks.ClientID, finding: "single-tenant-app", says: []string{"--tenant"}, mends: corrects("--tenant ID", "--tenant TENANT-ID")},
		{name: "SMTP.Send is not added", done: all(portals("apps/APP/delegated-permissions", "permission", "SMTP.Send", "do", "remove"), portals("apps/APP/consent", "do", "grant")),
			asks: "AADSTS650057", hints: []string{"Microsoft Graph → Delegated permissions", "SMTP.Send", "Grant admin consent"}, check: checks.TokenSMTP, finding: "permission-not-registered", mends: mended(portals("apps/APP/delegated-permissions", "permission", "SMTP.Send", "do", "add"), portals("apps/APP/consent", "do", "grant"))},
		{name: "User.Read is not added", done: all(portals("apps/APP/delegated-permissions", "permission", "User.Read", "do", "remove"), portals("apps/APP/consent", "do", "grant")),
			asks: "AADSTS650056", hints: []string{"User.Read", "Grant admin consent"}, check: checks.TokenSMTP, finding: "permission-not-registered", mends: mended(portals("apps/APP/delegated-permissions", "permission", "User.Read", "do", "add"), portals("apps/APP/consent", "do", "grant"))},
		{name: "admin consent is not granted", done: all(portals("apps/APP/consent", "do", "revoke"), portals("tenant/user-consent", "do", "off")),
			asks: "the browser", hints: []string{"Need admin approval", "traymail admin endpoint-central --consent"}, check: checks.TokenSMTP, finding: "not-signed-in", mends: clicks("apps/APP/consent", "do", "grant")},
		{name: "who signs in at the browser is not the Username", done: func(f *followed) {
			f.person = sandbox.ReadyUser{Username: "admin@contoso.com", Password: f.password("admin@contoso.com")}
		}, asks: "you signed in as admin@contoso.com, this account authenticates as svc@contoso.com", hints: []string{"sign in again as svc@contoso.com", "private browser window"}, check: checks.TokenSMTP, finding: "other-account-signed-in",
			mends: func(f *followed, _ checks.Result) { f.person = f.ready.Users[0] }},
		{name: "the Username is the shared mailbox", typed: []string{"--username svc@contoso.com", "--username invoices@contoso.com"}, asks: "you signed in as svc@contoso.com",
			check: checks.TokenSMTP, finding: "other-account-signed-in", mends: corrects("--username svc@contoso.com")},
		{name: "the Username is an alias", typed: []string{"--username svc@contoso.com", "--username service@contoso.com"}, asks: "svc@contoso.com",
			check: checks.TokenSMTP, finding: "other-account-signed-in", mends: corrects("--username svc@contoso.com")},
	},
}

func noSendAs(f *followed) {
	f.t.Helper()
	f.portal("tenant/mailbox-permissions", "mailbox", "invoices@contoso.com", "right", "SendAs", "who", "svc@contoso.com", "do", "remove")
}

func TestEachMistakeThatEndpointCentralsGuideWarnsOfIsNamedAndMended(t *testing.T) {
	endpointCentral.follows(t)
}

// basicAuthentication is the guide's other way, in a tenant that lets passwords
// in.
var basicAuthentication = guide{
	page: "endpoint-central.md", account: "endpoint-central-basic", adds: "Basic Authentication",
	app: sandbox.App{Name: "Endpoint Central", SingleTenant: true, Permissions: delegated},
	before: func(f *followed) {
		f.write("password.txt", f.password("svc@contoso.com"))
		f.tenant(func(t *sandbox.Tenant) { t.BasicAuthAllowed = true })
	},
	mistakes: []mistake{
		{name: "passwords are not let in any more", done: func(f *followed) { f.tenant(func(t *sandbox.Tenant) { t.BasicAuthAllowed = false }) },
			asks: "basic authentication is disabled", check: checks.Accepted, finding: "basic-auth-disabled", says: []string{"sign in with OAuth", "docs/register-app.md"},
			mends: func(f *followed, r checks.Result) {
				f.portal("apps/APP/redirect-urls", "url", "http://localhost", "platform", "public", "do", "add")
				corrects("--client-id CLIENT-ID")(f, r)
			}},
		{name: "the Password is wrong", done: func(f *followed) { f.write("password.txt", "a-password-of-before") },
			asks: "the user credentials were incorrect", check: checks.Accepted, finding: "password-refused", says: []string{"store the right password"},
			mends: func(f *followed, r checks.Result) {
				f.write("secret.txt", f.password("svc@contoso.com"))
				f.runs(r)
			}},
		{name: "Authenticated SMTP is off for the Username", done: portals("tenant/smtp-auth", "mailbox", "svc@contoso.com", "do", "off"),
			asks: "SmtpClientAuthentication is disabled for the Mailbox", check: checks.SMTPAuth, finding: "smtp-auth-off-mailbox"},
		{name: "security defaults are on", done: portals("tenant/security-defaults", "do", "on"), asks: "security defaults", check: checks.Accepted, finding: "security-defaults",
			says: []string{"Manage security defaults"}, mends: clicks("tenant/security-defaults", "do", "off")},
		{name: "neither Send on Behalf nor Send As is given", done: noSendAs, check: checks.SendAs, finding: "send-as-denied"},
	},
}

func TestEachMistakeThatTheGuideToBasicAuthenticationWarnsOfIsNamedAndMended(t *testing.T) {
	basicAuthentication.follows(t)
}
