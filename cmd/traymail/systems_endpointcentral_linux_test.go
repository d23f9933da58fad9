package main

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"

	"traymail/internal/sandbox"
)

// delegated are the permissions that Endpoint Central's guide asks for, and
// consented what is then granted: the portal lists SMTP.Send under Graph, and it
// is asked for as Exchange's.
var (
	delegated = []string{"https://graph.microsoft.com/SMTP.Send", "offline_access", "https://graph.microsoft.com/User.Read", "openid", "profile"}
	consented = append([]string{"https://outlook.office.com/SMTP.Send"}, delegated[1:]...)
)

func TestEndpointCentralsGuideLeadsToADeliveredMessage(t *testing.T) {
	if !alone(t) {
		return
	}
	o := newOffice(t, "")
	p := o.open("endpoint-central.md")
	app := o.register(&sandbox.App{Name: "Endpoint Central", SingleTenant: true, Redirects: map[string]sandbox.Platform{"https://ec.contoso.com:8383/oauth": sandbox.Web}})
	login, test := p.under("Sign in"), p.under("Send the test email")

	o.does(p.under("Add the account"), "Register the redirect URL http://localhost:53682/callback")
	o.failsInTheBrowser("AADSTS50011")
	o.tenant(func(*sandbox.Tenant) { app.Redirects["http://localhost:53682/callback"] = sandbox.Web })
	o.refuses(login, "AADSTS650057")
	o.tenant(func(t *sandbox.Tenant) { app.Permissions, t.UserConsentDisabled = delegated, true })
	o.failsInTheBrowser("Need admin approval")
	o.tenant(func(*sandbox.Tenant) { app.AdminConsented = consented })
	// The administrator at the browser is not the Username.
	o.person = sandbox.ReadyUser{Username: "admin@contoso.com", Password: o.password("admin@contoso.com")}
	o.refuses(login, "admin@contoso.com", "svc@contoso.com")
	o.person = o.ready.Users[0]
	o.write("secret.txt", app.Secret+"-of-another-app")
	o.does("traymail account edit endpoint-central --secret-stdin < secret.txt")
	o.refuses(login, "AADSTS7000215", "not its Secret ID")
	o.write("secret.txt", app.Secret)
	o.does("traymail account edit endpoint-central --secret-stdin < secret.txt")
	o.does(login, "Signed in as svc@contoso.com")

	off := true
	o.mailbox("svc@contoso.com", func(m *sandbox.Mailbox) { m.SMTPAuthDisabled = &off })
	o.refuses(test, "SmtpClientAuthentication is disabled for the Mailbox", "Manage email apps")
	o.mailbox("svc@contoso.com", func(m *sandbox.Mailbox) { m.SMTPAuthDisabled = nil })
	o.tenant(func(t *sandbox.Tenant) { t.Users[0].Unlicensed = true })
	o.refuses(test, noFullAccess)
	o.tenant(func(t *sandbox.Tenant) { t.Users[0].Unlicensed = false })
	o.mailbox("invoices@contoso.com", func(m *sandbox.Mailbox) { m.SendAs = nil })
	o.refuses(test, "SendAsDenied", "Add-RecipientPermission", "-AccessRights SendAs -Trustee 'svc@contoso.com'")
	o.mailbox("invoices@contoso.com", func(m *sandbox.Mailbox) { m.SendAs = []string{"svc@contoso.com"} })

	o.empty()
	o.does(p.under("Add the account"))
	o.does(login, "Signed in as svc@contoso.com")
	o.does(test, "Sent to ops@contoso.com, from invoices@contoso.com, signed in as svc@contoso.com")
	o.does(p.under("Add Endpoint Central as a client"))
	o.does(p.under("Start traymail"))
	at := o.signing(o.server(p, "Server Name", "Port"), p.typed("Username"), "LOGIN")
	want := toolsMail{from: p.typed("Sender Email Address"), as: "invoices@contoso.com", user: "svc@contoso.com", over: "smtp", account: "endpoint-central"}
	o.delivers(at, want)

	o.does(p.under("When it does not work"), "It works")
	o.does(p.under("What the administrator does"), "http://localhost:53682/callback", "Add-RecipientPermission", "svc@contoso.com")
	// Send on Behalf, as the guide wants it, in a tenant that takes it.
	o.does("traymail account edit endpoint-central --sender alerts@contoso.com --on-behalf")
	o.does(test, "from alerts@contoso.com, signed in as svc@contoso.com")
	o.does("traymail client edit endpoint-central --senders invoices@contoso.com,alerts@contoso.com")
	behalf := want
	behalf.from, behalf.as = "alerts@contoso.com", "alerts@contoso.com"
	if got := o.delivers(at, behalf); !bytes.Contains(got.Data, []byte("Sender: <svc@contoso.com>\r\n")) {
		t.Errorf("nobody is named in Sender:\n%s", got.Data)
	}
	o.does("traymail account edit endpoint-central --sender invoices@contoso.com --on-behalf=false")

	basic := p.blocksUnder("Basic Authentication")
	o.write("password.txt", o.password("svc@contoso.com"))
	o.refuses(basic[0], "end of December 2026", "second half of 2027", "basic authentication is disabled")
	o.does("traymail account rm endpoint-central-basic")
	o.tenant(func(t *sandbox.Tenant) { t.BasicAuthAllowed = true })
	o.does(basic[0], "end of December 2026", "It signed in: svc@contoso.com")
	o.does(basic[1], "Sent to ops@contoso.com, from invoices@contoso.com")
	o.does("traymail account show endpoint-central-basic", "end of December 2026")
	want.account = "endpoint-central-basic"
	o.delivers(at, want)

	// The same app as a public one.
	o.empty()
	o.tenant(func(*sandbox.Tenant) { app.Redirects["http://localhost"] = sandbox.PublicClient })
	o.does(p.under("Without a secret"), "Register the redirect URL http://localhost,")
	o.does(login, "Signed in as svc@contoso.com")
	o.does(test, "Sent to ops@contoso.com, from invoices@contoso.com, signed in as svc@contoso.com")
	p.mentions("Test Email Address", "Email Type", "Enable TLS", "Application Administrator", "Send on Behalf", "User.Read")
}

// failsInTheBrowser has the person visit the address of a sign-in that ends on a
// page of the provider, and then cancels the command.
func (o *office) failsInTheBrowser(says string) {
	o.t.Helper()
	c := o.command("exec traymail login --timeout 10m endpoint-central")
	c.Env = append(c.Env, "PERSON=") // who opens no page
	lines, err := c.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		o.t.Fatal(err)
	}
	visited := false
	for in := bufio.NewScanner(lines); in.Scan(); {
		if visited || !strings.HasPrefix(in.Text(), "https://") {
			continue
		}
		visited = true
		p := sandbox.Person{Username: o.person.Username, Password: o.person.Password, Client: trusting(o.ready.CAPEM)}
		said, err := p.Visit(o.t.Context(), in.Text())
		if !strings.Contains(said, says) {
			o.t.Errorf("the browser does not show %q: %s, %v", says, said, err)
		}
		if err := c.Process.Signal(os.Interrupt); err != nil {
			o.t.Error(err)
		}
	}
	if err := c.Wait(); err == nil || !visited {
		o.t.Errorf("the sign-in ends with %v, visited: %v", err, visited)
	}
}
