package main

import (
	"strings"
	"testing"
	"time"

	"traymail/internal/checks"
	"traymail/internal/clienttest"
	"traymail/internal/sandbox"
)

const nowhere = "5c1f9a70-3a61-4a6e-9a0d-000000000000" // a tenant ID of no tenant

// asApplication is what the guides of applications have done at Microsoft: the
// printed script, and what is clicked in the portal.
func asApplication(f *followed) {
	f.t.Helper()
	f.does(strings.Replace(f.page.under(f.guide.adds), " --sign-in", " --no-validate --sign-in", 1))
	f.portal("apps/APP/consent", "do", "grant")
	f.administers(f.does("traymail admin --script " + f.guide.account))
	f.empty()
}

// known has Exchange know the app by another Object ID, or by none.
func known(objectID string) func(*followed) {
	return func(f *followed) {
		f.t.Helper()
		f.portal("tenant/mailbox-permissions", "mailbox", f.guide.mailbox, "right", "FullAccess", "who", "ENTERPRISE", "do", "remove")
		f.portal("apps/APP/service-principals", "object_id", "ENTERPRISE", "do", "remove")
		if objectID != "" {
			f.portal("apps/APP/service-principals", "object_id", objectID, "do", "add")
			f.portal("tenant/mailbox-permissions", "mailbox", f.guide.mailbox, "right", "FullAccess", "who", objectID, "do", "add")
		}
	}
}

func permission(name, do string) func(*followed) {
	return func(f *followed) {
		f.t.Helper()
		f.portal("apps/APP/application-permissions", "permission", name, "do", do)
		f.portal("apps/APP/consent", "do", "grant")
	}
}

func all(steps ...func(*followed)) func(*followed) {
	return func(f *followed) {
		f.t.Helper()
		for _, step := range steps {
			step(f)
		}
	}
}

func portals(action string, form ...string) func(*followed) {
	return func(f *followed) { f.t.Helper(); f.portal(action, form...) }
}

// addsAgain has the page's own command typed at last.
func addsAgain(f *followed, _ checks.Result) {
	f.t.Helper()
	f.does(f.page.blocksUnder(f.guide.adds)[0])
}

// telling is the mistake with what everybody is told to do about it.
func (m mistake) telling(told ...string) mistake {
	m.told = told
	return m
}

// The mistakes that several guides warn of.
var (
	wrongObjectID = mistake{name: "the Object ID of App registrations is registered in Exchange", done: known("REGISTRATION"),
		check: checks.Accepted, finding: "app-not-admitted", says: []string{"enterprise application's Object ID is", "by a wrong Object ID", "Remove-ServicePrincipal", "New-ServicePrincipal"}}
	noServicePrincipal = mistake{name: "nobody registers the service principal", done: known(""),
		check: checks.Accepted, finding: "app-not-admitted", says: []string{"New-ServicePrincipal", "enterprise application's Object ID is"}}
	noFullAccessGiven = mistake{name: "FullAccess is forgotten", done: func(f *followed) {
		f.portal("tenant/mailbox-permissions", "mailbox", f.guide.mailbox, "right", "FullAccess", "who", "ENTERPRISE", "do", "remove")
	}, check: checks.Accepted, finding: "app-not-admitted", says: []string{"Add-MailboxPermission", "FullAccess"}}
	noConsent = mistake{name: "nobody grants admin consent", done: portals("apps/APP/consent", "do", "revoke"),
		check: checks.Claims, finding: "app-permission-missing", says: []string{"no administrator has consented to it", "grant admin consent"},
		mends: clicks("apps/APP/consent", "do", "grant")}
	noPermission = mistake{name: "SMTP.SendAsApp is not added", done: permission("SMTP.SendAsApp", "remove"),
		check: checks.Claims, finding: "app-permission-missing", says: []string{"APIs my organization uses → Office 365 Exchange Online → Application permissions", "SMTP.SendAsApp", "grant admin consent"},
		mends: func(f *followed, _ checks.Result) { permission("SMTP.SendAsApp", "add")(f) }}
	secretID = mistake{name: "the Secret ID is copied instead of the value", done: func(f *followed) { f.write("secret.txt", f.app.SecretID) },
		asks: "client secret: is the Secret ID", hints: []string{"copy the secret's Value"},
		mends: func(f *followed, r checks.Result) { f.write("secret.txt", f.app.Secret); addsAgain(f, r) }}
	secretWrong = mistake{name: "the secret is not the value that was shown", done: func(f *followed) { f.write("secret.txt", f.app.Secret+"-of-another-app") },
		asks: "AADSTS7000215", check: checks.Credential, finding: "secret-wrong", says: []string{"Value", "Secret ID"},
		mends: func(f *followed, r checks.Result) { f.write("secret.txt", f.app.Secret); f.runs(r) }}
	secretExpired = mistake{name: "the secret has expired", done: func(f *followed) {
		f.tenant(func(*sandbox.Tenant) { f.app.SecretExpires = time.Now().AddDate(0, 0, -1) })
	}, asks: "AADSTS7000222", check: checks.Credential, finding: "secret-expired", says: []string{"Certificates & secrets"},
		mends: func(f *followed, r checks.Result) {
			f.portal("apps/APP/secrets", "months", "24")
			f.write("secret.txt", f.app.Secret)
			f.runs(r)
		}}
	portRefused = mistake{name: "the firewall refuses port 587", scenario: "smtp-port-refused",
		asks: "smtp.office365.com:587", check: checks.Port, finding: "connection-refused", says: []string{"firewall", "587"},
		mends: clicks("tenant/network", "do", "open-smtp-port")}
)

var secureAuth = guide{
	page: "secureauth.md", account: "secureauth", adds: "Add the account", mailbox: "alerts@contoso.com", before: asApplication,
	app: sandbox.App{Name: "SMTP Mailer application", SingleTenant: true, AppRoles: []string{sendAsApp}},
	mistakes: []mistake{
		wrongObjectID, noServicePrincipal,
		noFullAccessGiven.telling("FullAccess", "alerts@contoso.com", "mmands"),
		noConsent, noPermission, secretID, secretWrong, secretExpired, portRefused,
		{name: "the firewall lets nothing of the server through", scenario: "smtp-port-silent", typed: []string{"--test-to", "--no-validate --timeout 1 --test-to"},
			check: checks.TLS, finding: "connection-timed-out", says: []string{"587"}, mends: clicks("tenant/network", "do", "open-smtp-port")},
		{name: "the firewall resets connections to port 587", scenario: "smtp-port-reset",
			asks: "smtp.office365.com:587", check: checks.Port, finding: "connection-reset", says: []string{"587"}, mends: clicks("tenant/network", "do", "open-smtp-port")},
		{name: "port 25 is typed", typed: []string{"--test-to", "--smtp-port 25 --test-to"}, asks: "smtp.office365.com:25",
			check: checks.Port, finding: "connection-refused", notes: []string{"settings-odd"}, says: []string{"587"}, mends: corrects("--smtp-port 587")},
		{name: "the server's name has a typing error", typed: []string{"--test-to", "--smtp-host smtp.ofice365.com --test-to"}, asks: "smtp.ofice365.com",
			check: checks.NameResolution, finding: "dns-not-found", says: []string{"traymail account edit secureauth --smtp-host smtp.office365.com"},
			mends: func(f *followed, _ checks.Result) {
				f.does("traymail account edit secureauth --smtp-host smtp.office365.com")
			}},
		{name: "FullAccess is on another mailbox than the Authorized from Address", done: func(f *followed) {
			noFullAccessGiven.done(f)
			f.portal("tenant/mailbox-permissions", "mailbox", "ops@contoso.com", "right", "FullAccess", "who", "ENTERPRISE", "do", "add")
		}, check: checks.Accepted, finding: "app-not-admitted", says: []string{"FullAccess", "alerts@contoso.com"}},
		{name: "the Authorized from Address is not the mailbox of the permissions", typed: []string{"--sender alerts@", "--sender board@"},
			check: checks.Accepted, finding: "app-not-admitted", says: []string{"FullAccess", "board@contoso.com"}},
		{name: "the Application ID is the Object ID of the registration", typed: []string{"CLIENT-ID", "REGISTRATION-ID"}, asks: "AADSTS700016",
			check: checks.ClientID, finding: "app-not-in-tenant", says: []string{"Application (client) ID", "Overview", "Object ID"}, mends: corrects("--client-id ID", "--client-id CLIENT-ID --secret-stdin")},
		{name: "the Directory ID is of no tenant", typed: []string{"TENANT-ID", nowhere}, asks: "AADSTS90002",
			check: checks.Authority, finding: "tenant-unknown", says: []string{"Directory (tenant) ID"}, mends: corrects("--tenant ID", "--tenant TENANT-ID")},
		{name: "only Mail.Send is added", done: all(permission("Mail.Send", "add"), permission("SMTP.SendAsApp", "remove")),
			check: checks.Claims, finding: "app-permission-missing", says: []string{"SMTP.SendAsApp"},
			mends: func(f *followed, _ checks.Result) { permission("SMTP.SendAsApp", "add")(f) }},
		{name: "the Object ID of App registrations is given to traymail", typed: []string{"OBJECT-ID", "REGISTRATION-ID"}, warns: true,
			check: checks.Claims, finding: "object-id-wrong", says: []string{"enterprise application"}},
	},
}

func TestEachMistakeThatSecureAuthsGuideWarnsOfIsNamedAndMended(t *testing.T) { secureAuth.follows(t) }

var sei = guide{
	page: "sei.md", account: "sei", adds: "Add the account", mailbox: "svc@contoso.com", before: asApplication,
	app: sandbox.App{Name: "nectari-smtp-app", Redirects: map[string]sandbox.Platform{"http://localhost": sandbox.PublicClient}, AppRoles: []string{sendAsApp}},
	mistakes: []mistake{
		wrongObjectID, noServicePrincipal, noFullAccessGiven, noPermission, secretID, secretWrong,
		secretExpired.telling("Certificates & secrets → New client secret", "traymail account edit sei --secret-stdin"),
		{name: "the administrator of the tenant has not consented to the app of another one", done: noConsent.done, check: noConsent.check, finding: noConsent.finding,
			says: []string{"grant admin consent"},
			mends: func(f *followed, _ checks.Result) {
				f.person = sandbox.ReadyUser{Username: "admin@contoso.com", Password: f.password("admin@contoso.com")}
				f.does("traymail admin sei --consent", "was granted")
			}},
		{name: "Use sender email is off, and only one mailbox has the permission", typed: []string{"--test-to", "--use-sender-email=false --test-to"},
			mends: func(f *followed, _ checks.Result) {
				// A check is of the account's own mailbox; the others' messages wait, and
				// the status tells of it.
				f.does("traymail client add tool --no-password --networks 127.0.0.1 --account sei")
				f.start()
				defer f.stop()
				f.submit(clienttest.Server{Addr: "127.0.0.1:2525", TLS: clienttest.None}, "board@contoso.com")
				f.until("traymail status", "sei cannot send through board@contoso.com")
				f.does("traymail status", "let the application into the mailbox board@contoso.com", "FullAccess", "traymail admin sei has the commands")
				f.does("traymail account edit sei --senders svc@contoso.com,board@contoso.com")
				f.administers(f.does("traymail admin --script sei"))
				f.does("traymail queue flush")
				f.arrived(1, func(m sandbox.Message) bool { return m.From == "board@contoso.com" })
			}},
		{name: "the token endpoint has another tenant", typed: []string{"/TENANT-ID/", "/" + nowhere + "/"}, asks: "AADSTS90002",
			check: checks.Authority, finding: "tenant-unknown", says: []string{"Directory (tenant) ID"}, mends: corrects("--tenant ID", "--tenant TENANT-ID")},
		{name: "the token endpoint still has its placeholder", typed: []string{"/TENANT-ID/", "/common/"}, asks: "tenant",
			mends: addsAgain},
		{name: "the scope is Microsoft Graph's", typed: []string{"https://outlook.office365.com/.default", "https://graph.microsoft.com/.default"},
			asks: "smtp_scope", mends: addsAgain},
		{name: "the scope is the permission's name", typed: []string{"https://outlook.office365.com/.default", "https://outlook.office365.com/SMTP.SendAsApp"},
			asks: "smtp_scope", mends: addsAgain},
		{name: "SSL is off", typed: []string{"--test-to", "--smtp-tls none --test-to"}, asks: "smtp_tls", mends: addsAgain},
		{name: "TLS from the first octet is chosen for port 587", typed: []string{"--test-to", "--smtp-tls implicit --test-to"}, asks: "smtp.office365.com:587",
			check: checks.TLS, finding: "tls-expected", notes: []string{"settings-odd"}, says: []string{"starttls"}, mends: corrects("--smtp-tls starttls")},
		{name: "the secret's day has come near", typed: []string{"2028-01-31", time.Now().AddDate(0, 0, 10).Format(time.DateOnly)}, warns: true,
			check: checks.Credential, finding: "secret-expires-soon", says: []string{"Certificates & secrets"},
			mends: func(f *followed, r checks.Result) {
				f.portal("apps/APP/secrets", "months", "24")
				f.write("secret.txt", f.app.Secret)
				f.runs(checks.Result{Command: strings.ReplaceAll(r.Command, "--secret-stdin", "--secret-expires 2029-01-31 --secret-stdin")})
			}},
		{name: "Sender Email has no permission, only another mailbox", typed: []string{"--sender svc@", "--sender board@"},
			check: checks.Accepted, finding: "app-not-admitted", says: []string{"FullAccess", "board@contoso.com"}},
	},
}

func TestEachMistakeThatSEIsGuideWarnsOfIsNamedAndMended(t *testing.T) { sei.follows(t) }

var incorta = guide{
	page: "incorta.md", account: "incorta", adds: "Add the account", mailbox: "invoices@contoso.com", before: asApplication,
	app: sandbox.App{Name: "Incorta SMTP", SingleTenant: true, AppRoles: []string{sendAsApp}},
	mistakes: []mistake{
		wrongObjectID, noServicePrincipal, noFullAccessGiven, noConsent, noPermission, secretID, secretWrong, secretExpired,
		{name: "SMTP AUTH is off for the organisation", done: all(portals("tenant/smtp-auth", "mailbox", "invoices@contoso.com", "do", "inherit"), portals("tenant/smtp-auth", "do", "off")),
			check: checks.SMTPAuth, finding: "smtp-auth-off-tenant", says: []string{"Manage email apps → Authenticated SMTP", "Set-CASMailbox"},
			told: []string{"switch it on for this mailbox, the organisation may stay off", "Manage email apps → Authenticated SMTP", "Set-CASMailbox -Identity 'invoices@contoso.com'"}},
		{name: "SMTP AUTH is off for the mailbox", done: portals("tenant/smtp-auth", "mailbox", "invoices@contoso.com", "do", "off"),
			check: checks.SMTPAuth, finding: "smtp-auth-off-mailbox", says: []string{"Users → Active users", "Manage email apps → Authenticated SMTP"}},
		{name: "SMTP AUTH is off for both", done: all(portals("tenant/smtp-auth", "mailbox", "invoices@contoso.com", "do", "off"), portals("tenant/smtp-auth", "do", "off")),
			check: checks.SMTPAuth, finding: "smtp-auth-off-mailbox", says: []string{"Manage email apps → Authenticated SMTP"}},
		{name: "the permissions have not spread yet", done: func(f *followed) {
			noFullAccessGiven.done(f)
			f.portal("tenant/propagation", "seconds", "600")
			f.portal("tenant/mailbox-permissions", "mailbox", f.guide.mailbox, "right", "FullAccess", "who", "ENTERPRISE", "do", "add")
		}, check: checks.Accepted, finding: "app-not-admitted", says: []string{"has not spread yet", "5 to 10 minutes"},
			mends: clicks("tenant/time", "passes", "10m")},
		{name: "the token endpoint has another tenant", typed: []string{"TENANT-ID/oauth2", nowhere + "/oauth2"}, asks: "AADSTS90002",
			check: checks.Authority, finding: "tenant-unknown", says: []string{"Directory (tenant) ID"}, mends: corrects("--tenant ID", "--tenant TENANT-ID")},
		{name: "the token endpoint is another one's", typed: []string{"TENANT-ID/oauth2/v2.0/token", "https://login.microsoftonline.us/TENANT-ID/oauth2/v2.0/token"},
			asks: "token_url", mends: addsAgain},
		{name: "the System Email Address is another mailbox", typed: []string{"--sender invoices@", "--sender board@"},
			check: checks.Accepted, finding: "app-not-admitted", says: []string{"FullAccess", "board@contoso.com"}},
	},
}

func TestEachMistakeThatIncortasGuideWarnsOfIsNamedAndMended(t *testing.T) { incorta.follows(t) }
