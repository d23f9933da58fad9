package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"traymail/ui/words"
)

// An elsewhere is what is done elsewhere while Endpoint Central is set up.
type elsewhere struct {
	// register registers the app, with the redirect URL that is on the clipboard,
	// and leaves its Overview page there.
	register func()
	secret   func() // puts the secret's Value on the clipboard
	arrives  func() // waits for the test email
}

// setsEndpointCentralUp walks the setup as docs/first-run.md has a person do it,
// from the first page to the test email.
func (d *desk) setsEndpointCentralUp(password string, there elsewhere) {
	t := d.t
	t.Helper()
	d.does("Click **Endpoint Central**, under *I followed a guide*", func() { d.Click(t, "Endpoint Central", "Endpoint") })
	d.does("Click **Next**", func() { d.Click(t, words.Say("setup.next")) })
	d.Find(t, "Sender Email Address")
	d.does("Type the **Username**, press Tab", func() { d.Type(t, "svc@contoso.com"); d.Key(t, "Tab") })
	d.does("Type the **Sender Email Address**, press Tab", func() { d.Type(t, "invoices@contoso.com"); d.Key(t, "Tab") })
	d.does("Type the **Test Email Address**", func() { d.Type(t, "ops@contoso.com") })
	d.Find(t, words.Say("setup.behalf_title"))
	d.does("Click **Next**", func() { d.Click(t, words.Say("setup.next")) })
	d.does("Click **Copy redirect URL**", func() { d.Click(t, words.Say("setup.copy_redirect_url")) })
	d.Until(t, "the redirect URL on the clipboard", func() bool { return d.Copied() == "http://localhost:53682/callback" })
	there.register()
	d.does("Click into **Client ID** and paste the app's whole Overview page, press Enter", func() {
		d.ClickAt(t, d.Below(t, "Client ID"))
		d.pastes()
		d.Find(t, regexp.MustCompile(`tenant\) ID\s+(\S+)`).FindStringSubmatch(d.Copied())[1])
		d.Key(t, "Return")
	})
	there.secret()
	d.does("Paste the secret's Value into **Client Secret**", d.pastes)
	d.does("Click **Next**", func() { d.Click(t, words.Say("setup.next")) })
	d.does("Click **Sign in with the browser**", func() { d.Click(t, words.Say("setup.sign_in")) })
	d.does("In the browser: **Next**", func() { d.browserStep("Sign in", "", "Enter password") })
	d.does("Type the password, **Sign in**", func() { d.browserStep("Enter password", password, "Permissions requested") })
	d.does("**Accept**", func() { d.browserStep("Permissions requested", "", "") })
	d.Find(t, words.Say("setup.proof_signed_in", words.Data{"Username": "svc@contoso.com"}))
	d.does("Back in the window: **Next**. The checks run, and send the test email", func() { d.Click(t, words.Say("setup.next")) })
	there.arrives()
}

// TestAPersonRehearsesTheFirstRun follows docs/first-run.md to the letter, on no
// network but this machine's own.
func TestAPersonRehearsesTheFirstRun(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir(), "TRUST=")
	traymail := d.open("demo", "--setup")
	d.Find(t, words.Say("common.rehearsal")+"…")
	began := time.Now()
	window, portal := &script{}, &script{}
	d.script = window
	d.setsEndpointCentralUp("svc-password-1", elsewhere{
		register: func() {
			redirect := d.Copied()
			d.does("Click **Open page**, below *Register an app*", func() { d.Click(t, words.Say("setup.open_page")) })
			d.script = portal
			d.registers(redirect)
			d.script = window
			d.Focus(t, traymail)
		},
		secret: func() {
			d.script = portal
			d.makesSecret()
			d.script = window
			d.Focus(t, traymail)
		},
		arrives: func() { d.Find(t, words.Count("checks.works", 1)) }, // it does not know when the secret ends
	})
	t.Logf("from start to test email: %d clicks, %d fields; in the portal %d and %d; %s", window.clicks, window.fields, portal.clicks, portal.fields, time.Since(began).Round(time.Second))
	if window.clicks > 12 || window.fields > 6 {
		t.Errorf("it takes %d clicks and %d fields, 12 and 6 are the most", window.clicks, window.fields)
	}
	window.standsIn(t, "first-run.md")
	portal.standsIn(t, "first-run.md")

	d.Click(t, words.Say("common.rehearsal_inbox"))
	d.copiesPage("Inbox")
	if text := d.Copied(); !regexp.MustCompile(`invoices@contoso\.com\s+ops@contoso\.com\s.*[Tt]est email`).MatchString(text) {
		t.Errorf("the inbox shows %q", text)
	}
	d.Focus(t, traymail)
	d.Key(t, "alt+F4")
	d.hasEnded()
	home := regexp.MustCompile(`Its home is (\S+)\. `).FindStringSubmatch(d.said.String())
	if home == nil {
		t.Fatalf("it said: %s", d.said)
	}
	if _, err := os.Stat(home[1]); !os.IsNotExist(err) {
		t.Errorf("the rehearsal's home is there: %v", err)
	}
	if left, err := os.ReadDir(d.home); err != nil || len(left) > 0 {
		t.Errorf("in the real home are %v, %v", left, err)
	}
}

// registers registers the app in the portal, and copies its Overview page.
func (d *desk) registers(redirect string) {
	t := d.t
	t.Helper()
	d.does("Click **New registration**", func() { d.browserStep("App registrations", "", "Register an application") })
	d.does("Type a **Name**", func() {
		d.Focus(t, d.Window(t, "^Register an application"))
		d.Fields++
		d.Until(t, "the name in its field", func() bool { // which may not have the focus yet
			d.Key(t, "ctrl+a")
			d.TypeOn(t, "Endpoint Central")
			d.Key(t, "ctrl+a", "ctrl+c")
			return d.Copied() == "Endpoint Central"
		})
		d.Copy(t, redirect)
	})
	d.does("Paste the redirect URL into **Redirect URI**, where **Web** is selected", func() {
		d.Key(t, "Tab", "Tab", "Tab")
		d.pastes()
	})
	d.does("Click **Register**", func() { d.browserStep("Register an application", "", "Overview") })
	d.does("Click **API permissions**", func() { d.browserKeys("Overview", "API permissions", "shift+Tab", "shift+Tab", "Return") })
	d.does("Tick **offline_access** and **SMTP.Send**, click **Add permissions**", func() {
		d.Clicks += 2
		d.browserKeys("API permissions", "Saved: API permissions", "space", "Tab", "Tab", "Tab", "space", "Return")
	})
	d.does("Click **Overview**", func() { d.browserStep("Saved: API permissions", "", "Overview") })
	d.does("Select all and copy, and go back to the window", func() { d.copiesPage("Overview") })
}

// makesSecret makes a client secret of the app whose page is open, and copies
// its value.
func (d *desk) makesSecret() {
	d.t.Helper()
	d.does("In the browser again: click **Add a certificate or secret**", func() { d.browserKeys("Overview", "Certificates & secrets", "F5", "Return") })
	d.does("Click **Add**, under *New client secret*", func() { d.browserKeys("Certificates & secrets", "Saved: Certificates & secrets", "Tab", "Return") })
	d.does("The **Value** has the focus: select all and copy, and go back to the window", func() { d.copiesPage("Saved: Certificates") })
}

// browserKeys presses keys on a page that has the focus on something, which is a
// click, until another page comes. A page that was not ready for them is loaded
// again.
func (d *desk) browserKeys(title, next string, keys ...string) {
	d.t.Helper()
	d.Clicks++
	d.Focus(d.t, d.Window(d.t, "^"+title))
	again := time.Now()
	d.Key(d.t, keys...)
	d.Until(d.t, "the page "+next, func() bool {
		if d.Shows("^" + next) {
			return true
		}
		if time.Since(again) > 5*time.Second && d.Shows("^"+title) {
			d.Key(d.t, "F5")
			d.Key(d.t, keys...)
			again = time.Now()
		}
		return false
	})
}

// copiesPage copies all of a page in the browser, or of the field that has its
// focus.
func (d *desk) copiesPage(title string) {
	d.t.Helper()
	d.Focus(d.t, d.Window(d.t, "^"+title))
	d.Copy(d.t, "nothing yet")
	d.Until(d.t, "the copy of "+title, func() bool {
		d.Key(d.t, "ctrl+a", "ctrl+c") // the page may not have been ready for it before
		return d.Copied() != "nothing yet"
	})
}

// pastes fills in the field that has the focus with what is on the clipboard.
func (d *desk) pastes() {
	d.t.Helper()
	d.Fields++
	d.Key(d.t, "ctrl+v")
}

// A script is what a person has to do, line by line.
type script struct {
	lines          []string
	clicks, fields int
}

// does is one line of the script that the hands follow.
func (d *desk) does(line string, hands func()) {
	d.t.Helper()
	clicks, fields := d.Clicks, d.Fields
	hands()
	if s := d.script; s != nil {

		clicks, fields = d.Clicks-clicks, d.Fields-fields
		s.clicks, s.fields = s.clicks+clicks, s.fields+fields
		s.lines = append(s.lines, fmt.Sprintf("| %d | %s | %s | %s |", len(s.lines)+1, line, few(clicks), few(fields)))
	}
}

// few is a number that is seldom more than none.
func few(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// standsIn compares the script with a page of the documentation.
func (s *script) standsIn(t *testing.T, page string) {
	t.Helper()
	table := strings.Join(s.lines, "\n") + fmt.Sprintf("\n| | **together** | **%d** | **%d** |\n", s.clicks, s.fields)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("docs/%s has another script than what was done:\n%s", page, table)
	}
}
