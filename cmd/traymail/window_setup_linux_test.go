package main

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"traymail/internal/clienttest"
	"traymail/internal/mailer"
	"traymail/internal/sandbox"
	"traymail/ui/words"
)

// overview is the portal's page of an app, as somebody copies it.
func overview(app *sandbox.App, tenant string) string {
	return fmt.Sprintf("Display name\n%s\nApplication (client) ID\n%s\nObject ID\n%s\nDirectory (tenant) ID\n%s\nSupported account types\nMy organization only\n",
		app.Name, app.ClientID, app.ObjectID, tenant)
}

// TestAPersonSetsEndpointCentralUpAndSignsInAgainFromTheTray is the whole life
// of the main system with the real window, a real browser, a real keychain and
// a real panel, by mouse and keyboard alone.
func TestAPersonSetsEndpointCentralUpAndSignsInAgainFromTheTray(t *testing.T) {
	if !alone(t) {
		return
	}
	o := newOffice(t, "")
	o.home = t.TempDir() // with a keychain, and nothing configured
	d := newDesk(t, o.home, "SSL_CERT_FILE="+o.dir+"/ca.pem")
	d.hang()
	desktop(t, d.session.Address())
	d.open()

	var app *sandbox.App
	d.setsEndpointCentralUp(o.person.Password, elsewhere{
		register: func() {
			app = o.register(&sandbox.App{Name: "Endpoint Central", SingleTenant: true, Redirects: map[string]sandbox.Platform{d.Copied(): sandbox.Web}, Permissions: delegated})
			d.Copy(t, overview(app, o.ready.TenantID))
		},
		secret:  func() { d.Copy(t, app.Secret) },
		arrives: func() { d.until("the test email, by the checks,", func() bool { return len(o.inbox(isTest)) > 0 }) },
	})
	if m := o.inbox(isTest)[0]; m.User != "svc@contoso.com" || m.From != "invoices@contoso.com" || fmt.Sprint(m.To) != "[ops@contoso.com]" {
		t.Errorf("arrived: %+v", m)
	}

	// The hand-over to the tool.
	d.Click(t, words.Say("setup.next"))
	d.Click(t, words.Say("handover.create"))
	d.Find(t, words.Say("handover.made"))
	at := clienttest.Server{TLS: clienttest.None, Mechanism: "LOGIN", User: d.copies("handover.field_user"), Password: d.copies("handover.field_password"),
		Addr: net.JoinHostPort(d.copies("handover.field_server"), d.copies("handover.field_port"))}
	account := o.only().Name
	want := toolsMail{from: "invoices@contoso.com", as: "invoices@contoso.com", user: "svc@contoso.com", over: "smtp", account: account}
	o.delivers(at, want)
	d.Click(t, words.Say("setup.finish"))
	d.panel.Item(t).Click(t, words.Say("tray.quit"))
	d.hasEnded()

	// The machine was off meanwhile, and somebody revoked the sign-in.
	o.tenant(func(t *sandbox.Tenant) { t.RevokedBefore = time.Now() })
	d.start("--hidden")
	icon := d.panel.Item(t)
	o.submit(at, "invoices@contoso.com")
	needs := words.Say("tray.trouble_sign_in", words.Data{"Account": account})
	d.panel.Until(t, "the icon to want a sign-in", func() bool { return icon.Tooltip(t) != "" && strings.Contains(icon.Tooltip(t), needs) })
	if d.Shows(windowTitle) {
		t.Error("the window came up by itself")
	}
	if got := o.inbox(func(m sandbox.Message) bool { return m.Subject == "from the tool" }); len(got) != 1 {
		t.Errorf("%d messages of the tool arrived", len(got))
	}
	icon.Click(t, words.Say("tray.sign_in_again"))
	d.Window(t, windowTitle)
	d.browserStep("Sign in", "", "Enter password")
	d.browserStep("Enter password", o.person.Password, "")
	o.arrived(2, func(m sandbox.Message) bool { return m.Subject == "from the tool" })
	d.panel.Until(t, "the icon to be content", func() bool { return !strings.Contains(icon.Tooltip(t), needs) })
	if got := o.status(account); got.State != mailer.Ready || got.Waiting != 0 {
		t.Errorf("the account is %+v", got)
	}
	icon.Click(t, words.Say("tray.quit"))
	d.hasEnded()
}

// copies takes a value of the hand-over by its Copy button.
func (d *desk) copies(field string) string {
	d.t.Helper()
	d.Copy(d.t, "nothing yet")
	d.ClickBeside(d.t, words.Say(field), words.Say("common.copy"))
	d.Until(d.t, "a value on the clipboard", func() bool { return d.Copied() != "nothing yet" })
	return d.Copied()
}

// isTest reports whether a message is the setup's test email.
func isTest(m sandbox.Message) bool {
	return strings.Contains(m.Subject, "Test email") || strings.Contains(m.Subject, "test email")
}

// only is what traymail status tells of the only account.
func (o *office) only() mailer.AccountStatus {
	o.t.Helper()
	var s mailer.Status
	if err := json.Unmarshal([]byte(o.does("traymail status --json")), &s); err != nil {
		o.t.Fatal(err)
	}
	if len(s.Accounts) != 1 {
		o.t.Fatalf("there are %d accounts", len(s.Accounts))
	}
	return s.Accounts[0]
}
