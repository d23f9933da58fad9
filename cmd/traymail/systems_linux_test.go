package main

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/sandbox"
)

// The permissions of application registrations, as the guides name them.
const (
	sendAsApp = "https://outlook.office.com/SMTP.SendAsApp"
	mailSend  = "https://graph.microsoft.com/Mail.Send"
)

const noFullAccess = "535 5.7.3 Authentication unsuccessful"

// missing goes through what an administrator can forget on the way to an app
// that sends over SMTP: each time the test email is refused, with the reason.
func (o *office) missing(test, mailbox string, app *sandbox.App) {
	o.t.Helper()
	o.refuses(test, noFullAccess, "no role SMTP.SendAsApp", "Grant admin consent")
	o.tenant(func(*sandbox.Tenant) { app.GrantedRoles = app.AppRoles })
	o.refuses(test, noFullAccess)
	o.tenant(func(t *sandbox.Tenant) {
		t.ServicePrincipals = append(t.ServicePrincipals, principal(app, app.ObjectID)) // of the registration
	})
	o.mailbox(mailbox, func(m *sandbox.Mailbox) { m.FullAccess = append(m.FullAccess, app.ObjectID) })
	o.refuses(test, noFullAccess)
	o.tenant(func(t *sandbox.Tenant) {
		t.ServicePrincipals[len(t.ServicePrincipals)-1] = principal(app, app.EnterpriseID)
	})
	o.refuses(test, noFullAccess)
	o.mailbox(mailbox, func(m *sandbox.Mailbox) { m.FullAccess = append(m.FullAccess, app.EnterpriseID) })
}

func TestSecureAuthsGuideLeadsToADeliveredMessage(t *testing.T) {
	if !alone(t) {
		return
	}
	o := newOffice(t, "")
	p := o.open("secureauth.md")
	app := o.register(&sandbox.App{Name: "SMTP Mailer application", SingleTenant: true, AppRoles: []string{sendAsApp}})

	// The Secret ID instead of the value, and another app's secret.
	o.write("secret.txt", app.SecretID)
	o.refuses(p.under("Add the account"), "client secret: is the Secret ID", "copy the secret's Value")
	o.write("secret.txt", app.Secret+"-of-another-app")
	o.refuses(p.under("Add the account"), "the account is saved, but it cannot sign in yet", "AADSTS7000215", "the client secret's Value, not its Secret ID")
	o.write("secret.txt", app.Secret)
	o.refuses("traymail account edit secureauth --secret-stdin < secret.txt", noFullAccess)
	o.missing(p.under("Send the test email"), "alerts@contoso.com", app)
	o.does(p.under("Send the test email"), "from alerts@contoso.com")
	o.refuses("traymail account edit secureauth --smtp-port 588", "no connection to smtp.office365.com:588")

	o.empty()
	o.does(p.under("Add the account"), "Account secureauth is saved.", "It signed in: alerts@contoso.com at smtp.office365.com")
	o.does(p.under("What the administrator does"), "-AppId '"+app.ClientID+"'", "$objectId = '"+app.EnterpriseID+"'", "-Identity 'alerts@contoso.com'", "SMTP.SendAsApp")
	o.does(p.under("Send the test email"), "Sent to ops@contoso.com, from alerts@contoso.com", "250 2.0.0 OK")
	o.does(p.under("Add SecureAuth as a client"))
	o.does(p.under("Start traymail"))
	at := o.signing(o.server(p, "SMTP server", "Port"), p.typed("user name"), "")
	want := toolsMail{from: p.typed("sender address"), as: "alerts@contoso.com", user: "alerts@contoso.com", app: app.ClientID, over: "smtp", account: "secureauth"}
	o.delivers(at, want)

	// "Verify the Authorized From Address": another one does not get out.
	want.from = "noreply@contoso.com"
	o.delivers(at, want)
	o.does(p.under("When it does not work"), "It works")
	p.mentions("begins with 6d", "FullAccess", "Authorized from Address", "Connection timeout")
}

func TestIncortasGuideLeadsToADeliveredMessage(t *testing.T) {
	if !alone(t) {
		return
	}
	o := newOffice(t, "smtp-auth-off-tenant")
	p := o.open("incorta.md")
	app := o.register(&sandbox.App{Name: "Incorta SMTP", SingleTenant: true, AppRoles: []string{sendAsApp}})
	test := p.under("Send the test email")

	o.refuses(p.under("Add the account"), "the account is saved, but it cannot sign in yet", noFullAccess)
	o.missing(test, "invoices@contoso.com", app)
	o.mailbox("invoices@contoso.com", func(m *sandbox.Mailbox) { m.SendAs = append(m.SendAs, app.EnterpriseID) })
	o.refuses(test, "SmtpClientAuthentication is disabled for the Tenant", "Manage email apps")
	off := true
	o.tenant(func(t *sandbox.Tenant) { t.SMTPAuthDisabled = false })
	o.mailbox("invoices@contoso.com", func(m *sandbox.Mailbox) { m.SMTPAuthDisabled = &off })
	o.refuses(test, "SmtpClientAuthentication is disabled for the Mailbox", "Set-CASMailbox -Identity 'invoices@contoso.com' -SmtpClientAuthenticationDisabled $false")
	// The mailbox's own switch wins over the organization's.
	on := false
	o.tenant(func(t *sandbox.Tenant) { t.SMTPAuthDisabled = true })
	o.mailbox("invoices@contoso.com", func(m *sandbox.Mailbox) { m.SMTPAuthDisabled = &on })

	o.does(test)
	o.refuses("traymail account edit incorta --token-endpoint 5c1f9a70-3a61-4a6e-9a0d-000000000000/oauth2/v2.0/token", "AADSTS90002")
	o.refuses("traymail account edit incorta --token-endpoint https://login.microsoftonline.us/TENANT-ID/oauth2/v2.0/token", "token_url")

	o.empty()
	o.does(p.under("Add the account"), "It signed in: invoices@contoso.com at smtp.office365.com")
	o.does("traymail account show incorta", o.ready.TenantID)
	o.does(p.under("What the administrator does"), "Add-RecipientPermission -Identity 'invoices@contoso.com'", "Set-CASMailbox -Identity 'invoices@contoso.com'", "5 to 10 minutes")
	o.does(test, "from invoices@contoso.com")
	o.does(p.under("Add Incorta as a client"))
	o.does(p.under("Start traymail"))
	at := o.server(p, "SMTP Host", "Port")
	want := toolsMail{from: p.typed("System Email Address"), as: "invoices@contoso.com", user: "invoices@contoso.com", app: app.ClientID, over: "smtp", account: "incorta"}
	o.delivers(at, want)
	o.does(p.under("When it does not work"), "It works")
	p.mentions("Email Host Requires Authentication", "Sender's Username Auth", "SMTP OAuth Token Endpoint", "SMTP OAuth Scope", "5 to 10 minutes", "-ServiceId")
}

func TestSEIsGuideLeadsToADeliveredMessageWithUseSenderEmailOnAndOff(t *testing.T) {
	if !alone(t) {
		return
	}
	o := newOffice(t, "")
	p := o.open("sei.md")
	app := o.register(&sandbox.App{Name: "nectari-smtp-app", Redirects: map[string]sandbox.Platform{"http://localhost": sandbox.PublicClient}, AppRoles: []string{sendAsApp}})
	test := p.under("Send the test email")

	o.refuses(p.under("Add the account"), "the account is saved, but it cannot sign in yet", noFullAccess, "Grant admin consent")
	o.consents(p, app)
	o.tenant(func(*sandbox.Tenant) { app.GrantedRoles = nil })
	o.person = sandbox.ReadyUser{Username: "admin@contoso.com", Password: o.password("admin@contoso.com")}
	o.does(p.under("Consent, for a multi-tenant app"), "was granted", "SMTP.SendAsApp")
	o.person = o.ready.Users[0]
	o.missingButConsent(test, "svc@contoso.com", app)

	o.empty()
	o.does(p.under("Add the account"), "It signed in: svc@contoso.com at smtp.office365.com")
	o.does("traymail account show sei", "2028-01-31", o.ready.TenantID)
	o.does(p.under("What the administrator does"), "-AppId '"+app.ClientID+"'", "$objectId = '"+app.EnterpriseID+"'", "2028-01-31", "-TenantId '"+o.ready.TenantID+"'")
	o.does(test, "from svc@contoso.com")
	o.does(p.under("Add SEI as a client"))
	o.does(p.under("Start traymail"))
	at := o.signing(o.server(p, "SMTP Server", "Port"), p.typed("user name"), "")
	want := toolsMail{from: p.typed("Sender Email"), as: "svc@contoso.com", user: "svc@contoso.com", app: app.ClientID, over: "smtp", account: "sei"}
	o.delivers(at, want)
	want.from = "ops@contoso.com" // is replaced while Use sender email is on
	o.delivers(at, want)

	o.does(p.under("Use sender email, off"))
	o.mailbox("ops@contoso.com", func(m *sandbox.Mailbox) { m.FullAccess = append(m.FullAccess, app.EnterpriseID) })
	for _, from := range []string{"ops@contoso.com", "svc@contoso.com"} {
		want.from, want.as, want.user = from, from, from
		o.delivers(at, want)
	}
	// A mailbox that was forgotten keeps its own messages waiting, and no others.
	o.submit(at, "board@contoso.com")
	o.until("traymail log", noFullAccess)
	o.delivers(at, want)
	o.does("traymail queue ls", "board@contoso.com")
	o.mailbox("board@contoso.com", func(m *sandbox.Mailbox) { m.FullAccess = append(m.FullAccess, app.EnterpriseID) })
	o.does("traymail queue flush")
	o.until("traymail queue ls 2>&1", "No message waits")

	o.does(p.under("When it does not work"), "It works")
	// The alert before the secret expires, and what follows without a new one.
	o.does("traymail account edit sei --secret-expires " + time.Now().UTC().AddDate(0, 0, 10).Format(time.DateOnly))
	o.until("traymail status", "secret")
	alert := o.arrived(1, func(m sandbox.Message) bool { return isAlert(m) && strings.Contains(m.Subject, "secret") })
	if !slices.Equal(alert.To, []string{"ops@contoso.com"}) || !strings.Contains(alert.Subject, "sei") {
		t.Errorf("the alert goes to %v: %s", alert.To, alert.Subject)
	}
	o.tenant(func(*sandbox.Tenant) { app.SecretExpires = time.Now().AddDate(0, 0, -1) })
	o.stop()
	o.refuses(test, "AADSTS7000222", "traymail account edit sei --secret-stdin")
	p.mentions("Secret Expiration Alert", "Secret Expiration Date", "Token Endpoint", "Scopes", "Use SSL/TLS", "Validate", "SERVICE_PRINCIPAL_ID")
}

// missingButConsent is missing, for an app that has the consent already.
func (o *office) missingButConsent(test, mailbox string, app *sandbox.App) {
	o.t.Helper()
	o.refuses(test, noFullAccess)
	o.tenant(func(t *sandbox.Tenant) {
		t.ServicePrincipals = append(t.ServicePrincipals, principal(app, app.EnterpriseID))
	})
	o.refuses(test, noFullAccess)
	o.mailbox(mailbox, func(m *sandbox.Mailbox) { m.FullAccess = append(m.FullAccess, app.EnterpriseID) })
}

// consents has the administrator of the tenant open the page's link, as the
// guide has it for an app of another tenant.
func (o *office) consents(p *page, app *sandbox.App) {
	o.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:80") // http://localhost
	if err != nil {
		o.t.Fatal(err)
	}
	answer := ""
	web := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { answer = r.URL.RawQuery })}
	go web.Serve(l)
	defer web.Close()
	admin := sandbox.Person{Username: "admin@contoso.com", Password: o.password("admin@contoso.com"), Client: trusting(o.ready.CAPEM)}
	_, link, _ := strings.Cut(p.text, "```text\n")
	link, _, _ = strings.Cut(link, "\n")
	link = strings.NewReplacer("TENANT-ID", o.fill["TENANT-ID"], "CLIENT-ID", o.fill["CLIENT-ID"]).Replace(link)
	if _, err := admin.Visit(o.t.Context(), link); err != nil {
		o.t.Fatal(err)
	}
	o.tenant(func(*sandbox.Tenant) {
		if len(app.GrantedRoles) != 1 || !strings.Contains(answer, "admin_consent=True") {
			o.t.Errorf("granted %v, answered %s", app.GrantedRoles, answer)
		}
	})
}

func (o *office) password(username string) string {
	for _, u := range o.ready.Users {
		if u.Username == username {
			return u.Password
		}
	}
	o.t.Fatalf("there is no %s", username)
	return ""
}

func TestSignifysGuideLeadsToADeliveredMessageThroughGraph(t *testing.T) {
	if !alone(t) {
		return
	}
	// SMTP AUTH may be off: Graph does not ask it.
	o := newOffice(t, "smtp-auth-off-tenant")
	p := o.open("signify.md")
	app := o.register(&sandbox.App{Name: "Signify", SingleTenant: true, AppRoles: []string{mailSend}})
	test := p.under("Send the test email")

	tenant := o.fill["TENANT-ID"]
	o.fill["TENANT-ID"] = "5c1f9a70-3a61-4a6e-9a0d-000000000000"
	o.refuses(p.under("Add the account"), "AADSTS90002", "the Directory (tenant) ID on Entra's Overview page")
	o.fill["TENANT-ID"] = tenant
	o.does("traymail account edit signify --tenant TENANT-ID", "It signed in", "no role Mail.Send")
	o.refuses(test, "ErrorAccessDenied", "Grant admin consent")
	o.tenant(func(*sandbox.Tenant) { app.GrantedRoles = app.AppRoles })

	o.empty()
	o.does(p.under("Add the account"), "It signed in: ops@contoso.com at https://graph.microsoft.com")
	o.does("traymail account show signify", "HR notifications", "30 messages a minute")
	o.does(p.under("What the administrator does"), "Mail.Send", "Microsoft Graph", app.ClientID)
	o.does("traymail admin signify --rbac", "Application Mail.Send")
	o.does(test, "Sent to admin@contoso.com, from ops@contoso.com")
	o.does(p.under("Add Signify as a client"))
	o.does(p.under("Start traymail"))
	at := o.signing(o.server(p, "Server Name", "Port"), p.typed("user name"), "")
	want := toolsMail{from: p.typed("From Email"), as: "ops@contoso.com", user: "ops@contoso.com", app: app.ClientID, over: "graph", account: "signify"}
	o.delivers(at, want)

	o.does(p.under("When it does not work"), "It works")
	// "Any user within the tenant", one at a time.
	o.does("traymail account edit signify --use-sender-email=false")
	want.from, want.as, want.user = "svc@contoso.com", "svc@contoso.com", "svc@contoso.com"
	o.delivers(at, want)
	o.does("traymail account edit signify --use-sender-email --sender nobody@contoso.com")
	o.refuses(test, "ErrorInvalidUser", "correct the sender nobody@contoso.com")
	o.does("traymail account edit signify --sender svc@contoso.com")
	o.tenant(func(t *sandbox.Tenant) { t.Users[0].Unlicensed = true })
	o.refuses(test, "MailboxNotEnabledForRESTAPI", "a licence with Exchange Online")
	p.mentions("Timeout 120", "Batch Size", "From Email", "Mail.Send", "24 months")
}
