package sandbox

import (
	"regexp"
	"strings"
	"testing"

	catalogue "traymail/internal/refusals"
)

// elsewhere are commands of the catalogue that are not about the tenant.
var elsewhere = regexp.MustCompile(`^(traymail |w32tm |nslookup |nc )`)

const everyScope = "Connect-MgGraph -NoWelcome -Scopes Application.ReadWrite.All, User.ReadWrite.All, Directory.Read.All"

// advised runs what the catalogue advises for a refusal.
func (b *bench) advised(command string) {
	b.Helper()
	connect := "Connect-ExchangeOnline -ShowBanner:$false"
	if strings.Contains(command, "-Mg") {
		connect = everyScope
	}
	command = strings.ReplaceAll(command, "SKU-ID", psSKU) // what the administrator puts there
	status, output := b.powerShell("$ErrorActionPreference = 'Stop'\n" + connect + "\n" + command)
	if status != 200 || strings.Contains(output, "WARNING") {
		b.Errorf("%s\n%d %s", command, status, output)
	}
}

func names(clientID, sender string) catalogue.Names {
	return catalogue.Names{Account: "a", Username: "svc@contoso.com", Sender: sender, ClientID: clientID, Tenant: contosoID, ObjectID: daemonEnterpriseID}
}

func TestEveryCommandOfTheCatalogueRunsInTheConsole(t *testing.T) {
	ran := 0
	for _, r := range catalogue.All() {
		for _, application := range []bool{false, true} {
			command := r.Filled(names(daemonAppID, "o'brien@contoso.com"), application).Command
			if command == "" || elsewhere.MatchString(command) {
				continue
			}
			t.Run(r.ID, func(t *testing.T) {
				b := newBench(t, "")
				off := true
				b.Tenant().Change(func(t *Tenant) {
					t.Mailboxes = append(t.Mailboxes, &Mailbox{Address: "o'brien@contoso.com", Shared: true})
					t.mailbox("svc@contoso.com").FullAccess, t.mailbox("svc@contoso.com").SMTPAuthDisabled = nil, &off
				})
				b.advised(command)
			})
			ran++
		}
	}
	if ran < 10 {
		t.Errorf("only %d commands are PowerShell", ran)
	}
}

func TestTheCataloguesCommandsMendWhatTheyAreFor(t *testing.T) {
	for _, tt := range []struct {
		scenario, id, client, sender string
		application                  bool
	}{
		{"user-disabled", "user-disabled", desktopAppID, "", false},
		{"app-disabled", "app-disabled", daemonAppID, "", true},
		{"app-disabled", "app-disabled", graphAppID, "", true},
		{"too-large-converted", "too-large-converted", desktopAppID, "", false},
		{"send-as-missing", "send-as-denied", desktopAppID, "invoices@contoso.com", false},
		{"app-no-full-access", "identity-refused", daemonAppID, "", true},
		{"app-no-full-access", "app-not-admitted", daemonAppID, "", true},
		{"app-wrong-object-id", "identity-refused", daemonAppID, "", true},
		{"app-wrong-object-id", "app-not-admitted", daemonAppID, "", true},
		{"app-no-service-principal", "app-not-admitted", daemonAppID, "", true},
		{"no-licence", "no-licence", desktopAppID, "", false},
		{"smtp-auth-off-tenant", "smtp-auth-off-tenant", desktopAppID, "", false},
		{"smtp-auth-off-mailbox", "smtp-auth-off-mailbox", desktopAppID, "", false},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			b := newBench(t, tt.scenario)
			r, ok := catalogue.Find(tt.id)
			if !ok {
				t.Fatal("the catalogue has no", tt.id)
			}
			command := r.Filled(names(tt.client, tt.sender), tt.application).Command
			b.advised(command)
			if strings.Contains(command, "New-ServicePrincipal") {
				b.advised(command) // does nothing more
			}
			var token string
			switch {
			case tt.client == graphAppID:
				token, _ = b.applicationToken("client_id", graphAppID, "client_secret", graphSecret, "scope", "https://graph.microsoft.com/.default")
				if said := b.graphPost("/v1.0/users/svc@contoso.com/sendMail", simple(""), token); said != "202" {
					t.Error(said)
				}
				return
			case tt.application:
				token, _ = b.applicationToken()
			default:
				token = b.redeem(b.signIn()).AccessToken
			}
			from := tt.sender
			if from == "" {
				from = "svc@contoso.com"
			}
			if said := strings.Join(b.smtpSubmit("svc@contoso.com", token, from), ", "); said != "235, 250" {
				t.Error(said)
			}
		})
	}
}
