package setup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/setup"
)

// documented is the relay that docs/handover.md writes its examples for.
func documented() setup.Relay {
	return setup.Relay{Host: "127.0.0.1", Port: "2525", TLS: "none", Client: "backup-job", Password: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Sender: "svc@contoso.com", TestTo: "ops@contoso.com",
		Program: "/usr/local/bin/traymail", Home: "/var/lib/traymail"}
}

func TestThePageOnTheHandOverAndTheSnippetsSayTheSame(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "handover.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(text), "\r\n", "\n")
	for _, s := range setup.Snippets(documented()) {
		for _, part := range s.Parts {
			if !strings.Contains(page, "\n"+part.Text+"\n") {
				t.Errorf("the page has nothing like %s, %s:\n%s", s.ID, part.ID, part.Text)
			}
		}
		if len(s.Parts) > 0 == (len(s.Fields) > 0) {
			t.Errorf("%s has %d parts and %d fields", s.ID, len(s.Parts), len(s.Fields))
		}
	}
	table := rows(t, "handover.md")
	central := setup.Snippets(setup.Relay{Host: "127.0.0.1", Port: "2525", TLS: "none", Client: "endpoint-central", Sender: "svc@contoso.com"})[0]
	for _, f := range central.Fields {
		if !slices.ContainsFunc(table, func(cells []string) bool {
			return len(cells) > 1 && cells[0] == f.Name && (f.Value == "" || strings.Contains(cells[1], f.Value))
		}) {
			t.Errorf("Endpoint Central's table has no %q with %q", f.Name, f.Value)
		}
	}
}

func TestAHandOverHasThePasswordInItsFieldAlone(t *testing.T) {
	for _, tls := range []string{"none", "starttls", "implicit"} {
		r := documented()
		r.TLS = tls
		var fields []string
		for _, f := range setup.HandOver(r) {
			fields = append(fields, f.ID)
			if f.Secret != (f.Value == r.Password) {
				t.Errorf("%s: secret %v, value %q", f.ID, f.Secret, f.Value)
			}
		}
		if !slices.Equal(fields, []string{"server", "port", "encryption", "user", "password", "sender"}) {
			t.Errorf("the fields are %v", fields)
		}
		for _, s := range setup.Snippets(r) {
			for _, part := range s.Parts {
				if strings.Contains(part.Text, r.Password) || strings.Contains(part.Text, "{host}") || strings.Contains(part.Text, "{to}") {
					t.Errorf("%s, %s:\n%s", s.ID, part.ID, part.Text)
				}
			}
		}
	}
}

func TestWithoutAClientNoSnippetSignsIn(t *testing.T) {
	for _, tls := range []string{"none", "starttls", "implicit"} {
		r := documented()
		r.TLS, r.Client, r.Password = tls, "", ""
		for _, s := range setup.Snippets(r) {
			for _, part := range s.Parts {
				for _, login := range []string{"password", "Credential", "auth:", "auth on", "auth plain", "login", "--user", "user "} {
					if strings.Contains(part.Text, login) {
						t.Errorf("%s, %s, %s has %q:\n%s", tls, s.ID, part.ID, login, part.Text)
					}
				}
				if part.ID != "crontab" && part.ID != "sendmail" && !strings.Contains(part.Text, r.Host) {
					t.Errorf("%s, %s, %s is cut short:\n%s", tls, s.ID, part.ID, part.Text)
				}
				if strings.Contains(part.Text, "fs.") != strings.Contains(part.Text, `require("fs")`) {
					t.Errorf("%s: nodemailer needs fs, or does not:\n%s", tls, part.Text)
				}
			}
		}
	}
}

func TestPowerShellIsNotToldToSpeakTLSFromTheBeginning(t *testing.T) {
	for tls, ssl := range map[string]bool{"": false, "none": false, "starttls": true, "implicit": false} {
		r := documented()
		r.TLS = tls
		for _, s := range setup.Snippets(r) {
			if s.ID != "powershell" {
				if s.Unfit != "" {
					t.Errorf("%s cannot send there: %s", s.ID, s.Unfit)
				}
				continue
			}
			if unfit := tls == "implicit"; unfit != (s.Unfit == setup.NoImplicitTLS) || unfit != (len(s.Parts) == 0) {
				t.Errorf("%s: %+v", tls, s)
			}
			text := ""
			for _, part := range s.Parts {
				text += part.Text
			}
			if strings.Contains(text, "UseSsl") != ssl {
				t.Errorf("%s:\n%s", tls, text)
			}
		}
	}
}

func TestValuesInASnippetAreQuotedForItsLanguage(t *testing.T) {
	r := documented()
	r.Client, r.Home = `a"b$c`, "/home/o'neil/tray mail"
	for _, s := range setup.Snippets(r) {
		for _, part := range s.Parts {
			want := map[string]string{"powershell": "a`\"b`$c", "nodemailer": `a\"b$c`, "python": `a\"b$c`, "cron": `'/home/o'\''neil/tray mail'`}[s.ID]
			if part.ID == "crontab" || s.ID == "powershell" && part.ID == "script" {
				continue // the client is not in it
			}
			if want != "" && !strings.Contains(part.Text, want) {
				t.Errorf("%s, %s has no %s:\n%s", s.ID, part.ID, want, part.Text)
			}
		}
	}
}

func TestAnIPv6AddressStandsInBracketsInAnAddress(t *testing.T) {
	r := documented()
	r.Host = "::1"
	for _, s := range setup.Snippets(r) {
		if s.ID == "curl" && !strings.Contains(s.Parts[0].Text, "smtp://[::1]:2525 ") {
			t.Errorf("curl: %s", s.Parts[0].Text)
		}
	}
}

func TestARelayIsReachedByTheNameOfTheMachineWhenItListensOnAll(t *testing.T) {
	for address, want := range map[string]setup.Relay{
		"127.0.0.1:2525":  {Host: "127.0.0.1", Port: "2525", TLS: "none"},
		"0.0.0.0:2587":    {Host: "mail01", Port: "2587", TLS: "none"},
		":2587":           {Host: "mail01", Port: "2587", TLS: "none"},
		"[::]:2587":       {Host: "mail01", Port: "2587", TLS: "none"},
		"[::1]:2525":      {Host: "::1", Port: "2525", TLS: "none"},
		"192.0.2.10:2587": {Host: "192.0.2.10", Port: "2587", TLS: "none"},
	} {
		if got := setup.RelayAt(address, "none", "mail01"); got != want {
			t.Errorf("RelayAt(%q) = %+v", address, got)
		}
	}
}

func TestAToolMaySendAsWhatLeavesTheAccountAsItIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		a    account.Account
		want []string
	}{
		"the sender":                        {account.Account{Sender: "svc@contoso.com", From: account.KeepFrom}, []string{"svc@contoso.com"}},
		"and who else sends through it":     {account.Account{Sender: "svc@contoso.com", Senders: []string{"@fabrikam.com", "SVC@contoso.com"}, From: account.KeepFrom}, []string{"svc@contoso.com", "@fabrikam.com"}},
		"any that is replaced":              {account.Account{Sender: "svc@contoso.com", From: account.ForceFrom}, nil},
		"any that is replaced and kept":     {account.Account{Sender: "svc@contoso.com", From: account.RewriteFrom}, nil},
		"any that has a mailbox":            {account.Account{Sender: "svc@contoso.com", From: account.KeepFrom, Mailbox: account.FromMailbox}, nil},
		"those that are named of mailboxes": {account.Account{Sender: "svc@contoso.com", Senders: []string{"hr@contoso.com"}, From: account.KeepFrom, Mailbox: account.FromMailbox}, []string{"svc@contoso.com", "hr@contoso.com"}},
	} {
		if got := setup.ClientSenders(c.a); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
