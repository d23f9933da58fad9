package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
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

	// The setup. What the hands do until the test email is counted, and is what
	// docs/first-run.md has a person do.
	began := time.Now()
	d.Clicks, d.Fields = 0, 0
	d.does("Click **Endpoint Central**, under *I followed a guide*", func() { d.Click(t, "Endpoint Central", "Endpoint") })
	d.does("Click **Next**", func() { d.Click(t, words.Say("setup.next")) })
	d.Find(t, "Sender Email Address")
	d.does("Type the **Username**, press Tab", func() { d.Type(t, "svc@contoso.com"); d.Key(t, "Tab") })
	d.does("Type the **Sender Email Address**, press Tab", func() { d.Type(t, "invoices@contoso.com"); d.Key(t, "Tab") })
	d.does("Type the **Test Email Address**", func() { d.Type(t, "ops@contoso.com") })
	d.Find(t, words.Say("setup.behalf_title"))
	d.does("Click **Next**", func() { d.Click(t, words.Say("setup.next")) })
	d.does("Click **Copy redirect URL**; register the app with it, as the list tells", func() { d.Click(t, words.Say("setup.copy_redirect_url")) })
	d.Until(t, "the redirect URL on the clipboard", func() bool { return d.Copied() == "http://localhost:53682/callback" })
	app := o.register(&sandbox.App{Name: "Endpoint Central", SingleTenant: true, Redirects: map[string]sandbox.Platform{d.Copied(): sandbox.Web}, Permissions: delegated})
	d.does("Click into **Client ID** and paste the app's whole Overview page, press Enter", func() {
		d.ClickAt(t, d.Below(t, "Client ID"))
		d.Paste(t, overview(app, o.ready.TenantID))
		d.Find(t, o.ready.TenantID)
		d.Key(t, "Return")
	})
	d.does("Paste the secret's Value into **Client Secret**", func() { d.Paste(t, app.Secret) })
	d.does("Click **Next**", func() { d.Click(t, words.Say("setup.next")) })
	d.does("Click **Sign in with the browser**", func() { d.Click(t, words.Say("setup.sign_in")) })
	d.does("In the browser: **Next**", func() { d.browserStep("Sign in", "", "Enter password") })
	d.does("Type the password, **Sign in**", func() { d.browserStep("Enter password", o.person.Password, "Permissions requested") })
	d.does("**Accept**", func() { d.browserStep("Permissions requested", "", "") })
	d.Find(t, words.Say("setup.proof_signed_in", words.Data{"Username": "svc@contoso.com"}))
	d.does("Back in the window: **Next**. The checks run, and send the test email", func() { d.Click(t, words.Say("setup.next")) })
	d.until("the test email, by the checks,", func() bool { return len(o.inbox(isTest)) > 0 })
	d.matches("first-run.md", time.Since(began))
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

// does is one line of the script that the hands follow.
func (d *desk) does(line string, hands func()) {
	d.t.Helper()
	clicks, fields := d.Clicks, d.Fields
	hands()
	d.script = append(d.script, fmt.Sprintf("| %d | %s | %s | %s |", len(d.script)+1, line, few(d.Clicks-clicks), few(d.Fields-fields)))
}

// few is a number that is seldom more than none.
func few(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// matches compares what the hands did with a page of the documentation, and both
// with what the setup may take.
func (d *desk) matches(page string, took time.Duration) {
	d.t.Helper()
	d.t.Logf("from start to test email: %d clicks, %d fields, %s", d.Clicks, d.Fields, took.Round(time.Second))
	if d.Clicks > 12 || d.Fields > 6 {
		d.t.Errorf("it takes %d clicks and %d fields, 12 and 6 are the most", d.Clicks, d.Fields)
	}
	table := strings.Join(d.script, "\n") + fmt.Sprintf("\n| | **together** | **%d** | **%d** |\n", d.Clicks, d.Fields)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		d.t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		d.t.Errorf("docs/%s has another script than what was done:\n%s", page, table)
	}
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
