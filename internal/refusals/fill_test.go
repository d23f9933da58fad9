package refusals

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

var piece = regexp.MustCompile(`^(?:'((?:[^']|'')*)'|\[char\]0x([0-9A-F]{4}))`)

// evaluated is the value of an expression of PowerShell that consists of strings
// in single quotes and characters by their number. ok says that there is nothing
// else in it.
func evaluated(expression string) (value string, ok bool) {
	if strings.HasPrefix(expression, "(") {
		if expression, ok = strings.CutSuffix(expression[1:], ")"); !ok {
			return "", false
		}
	}
	var units []uint16
	for {
		m := piece.FindStringSubmatch(expression)
		if m == nil {
			return "", false
		}
		if m[2] != "" {
			n, _ := strconv.ParseUint(m[2], 16, 16)
			units = append(units, uint16(n))
		} else {
			units = append(units, utf16.Encode([]rune(strings.ReplaceAll(m[1], "''", "'")))...)
		}
		expression = expression[len(m[0]):]
		if expression == "" {
			return string(utf16.Decode(units)), true
		}
		if expression, ok = strings.CutPrefix(expression, " + "); !ok {
			return "", false
		}
	}
}

func entry(t *testing.T, id string) Refusal {
	t.Helper()
	r, ok := Find(id)
	if !ok {
		t.Fatalf("there is no %s", id)
	}
	return r
}

func TestNamesAreFilledIn(t *testing.T) {
	n := Names{Account: "invoices", Username: "svc@contoso.com", Sender: "info@contoso.com", ClientID: "1111-22", Tenant: "contoso.com"}
	r := entry(t, "send-as-denied").Filled(n, false)
	if want := "Add-RecipientPermission -Identity 'info@contoso.com' -AccessRights SendAs -Trustee 'svc@contoso.com' -Confirm:$false"; r.Command != want {
		t.Errorf("the command is %s\nwant %s", r.Command, want)
	}
	if !strings.Contains(r.FixAdmin, "svc@contoso.com") || !strings.Contains(r.FixUser, "traymail login invoices") || strings.Contains(r.FixAdmin+r.FixUser, "{") {
		t.Errorf("the fixes are %q and %q", r.FixAdmin, r.FixUser)
	}
	if r := entry(t, "secret-expired").Filled(n, false); !strings.HasSuffix(r.Link, "/appId/1111-22") || r.Command != "traymail account edit invoices --secret-stdin" {
		t.Errorf("the link is %s, the command %s", r.Link, r.Command)
	}
}

func TestUnknownNamesStandInCapitals(t *testing.T) {
	r := entry(t, "send-as-denied").Filled(Names{}, false)
	if want := "Add-RecipientPermission -Identity SENDER -AccessRights SendAs -Trustee USERNAME -Confirm:$false"; r.Command != want {
		t.Errorf("the command is %s\nwant %s", r.Command, want)
	}
	if got := Fill("{account} {username} {sender} {mailbox} {client_id} {tenant} {object_id} {server} {port}", Names{}); got != "ACCOUNT USERNAME SENDER MAILBOX CLIENT-ID TENANT OBJECT-ID SERVER PORT" {
		t.Error(got)
	}
	if r := entry(t, "secret-expired").Filled(Names{}, false); r.Link != appsLink {
		t.Errorf("without a client ID the link is %s", r.Link)
	}
}

func TestServerAndPortAreTheAccounts(t *testing.T) {
	n := Names{Account: "a", Server: "mail.example.com", Port: 2587}
	for _, id := range []string{"connection-refused", "connection-timed-out"} {
		r := entry(t, id).Filled(n, false)
		if r.Command != "nc -vz mail.example.com 2587" || !strings.Contains(r.FixUser, "Test-NetConnection mail.example.com -Port 2587") {
			t.Errorf("%s: %s\n%s", id, r.Command, r.FixUser)
		}
	}
	for _, id := range []string{"dns-not-found", "dns-failed", "dns-private-address"} {
		if r := entry(t, id).Filled(n, false); r.Command != "nslookup mail.example.com" || !strings.Contains(r.FixUser, r.Command) {
			t.Errorf("%s: %s\n%s", id, r.Command, r.FixUser)
		}
	}
	if got := Fill("{server}:{port}", Names{Server: "s"}); got != "s:PORT" {
		t.Error(got)
	}
}

func TestNoFixOfTheNetworkNamesMicrosoftsServerAsIfItWereTheAccounts(t *testing.T) {
	for _, e := range All() {
		if e.Group == groupNetwork && strings.Contains(strings.ReplaceAll(e.FixAdmin+e.FixUser+e.Command, "Microsoft 365: smtp.office365.com", ""), "smtp.office365.com 587") {
			t.Error(e.ID, e.FixUser)
		}
	}
}

// A name that is plain by chance would be a command within @{Add=…}, and a
// number without quotes.
func TestAValueOfPowerShellIsQuotedHoweverPlainItIs(t *testing.T) {
	n := Names{Username: "svc", Sender: "info", ObjectID: "1e3", ClientID: "2", Account: "a"}
	if r := entry(t, "send-on-behalf-missing").Filled(n, false); r.Command != "Set-Mailbox -Identity 'info' -GrantSendOnBehalfTo @{Add='svc'}" {
		t.Error(r.Command)
	}
	if r := entry(t, "app-not-admitted").Filled(n, true); !strings.HasPrefix(r.Command, "$objectId = '1e3'\n$sp = Get-ServicePrincipal -Identity '2'") {
		t.Error(r.Command)
	}
	if r := entry(t, "app-not-admitted").Filled(Names{}, true); !strings.HasPrefix(r.Command, "$objectId = 'OBJECT-ID'\n") {
		t.Error(r.Command)
	}
}

func TestAPageOfAnEnterpriseApplicationNeedsBothOfItsIDs(t *testing.T) {
	e := entry(t, "app-disabled")
	if got := e.Filled(Names{ClientID: "11", ObjectID: "22"}, false).Link; !strings.HasSuffix(got, "/objectId/22/appId/11") {
		t.Error(got)
	}
	for _, n := range []Names{{}, {ClientID: "11"}, {ObjectID: "22"}} {
		if got := e.Filled(n, false).Link; got != enterpriseLink {
			t.Error(n, got)
		}
	}
}

func TestAnApplicationHasFixesOfItsOwn(t *testing.T) {
	n := Names{Account: "app", Username: "info@contoso.com", ClientID: "1111-22"}
	person, application := entry(t, "identity-refused").Filled(n, false), entry(t, "identity-refused").Filled(n, true)
	if person.FixAdmin == application.FixAdmin || !strings.Contains(application.FixAdmin, "the mailbox info@contoso.com") || !strings.Contains(application.Command, "Add-MailboxPermission -Identity 'info@contoso.com'") {
		t.Errorf("%+v", application)
	}
	if application.Application != (Fixes{}) {
		t.Error("what was chosen from is still there")
	}
	// What an application has no fix of its own for is as for a person.
	if a, b := entry(t, "mailbox-full").Filled(n, true), entry(t, "mailbox-full").Filled(n, false); a.FixUser != b.FixUser {
		t.Errorf("%s\n%s", a.FixUser, b.FixUser)
	}
}

func TestNoNameBecomesACommand(t *testing.T) {
	evil := []string{"a'; Remove-Mailbox b; '", "$(Get-Date)", "x‘; y", "a`nb", "a\nb", "a b; c", "ü@contoso.com", "-Confirm", "@{x=1}"}
	for _, s := range evil {
		n := Names{Account: s, Username: s, Sender: s, Mailbox: s, ClientID: s, Tenant: s, ObjectID: s, Server: s}
		for _, e := range All() {
			for _, application := range []bool{false, true} {
				r := e.Filled(n, application)
				plain := e.Command
				if application && e.Application.Command != "" {
					plain = e.Application.Command
				}
				// Whatever was filled in is one expression whose value is the name.
				want := strings.ReplaceAll(regexp.QuoteMeta(plain), regexp.QuoteMeta("{port}"), "PORT")
				for _, p := range placeholders {
					want = strings.ReplaceAll(want, "'"+regexp.QuoteMeta(p)+"'", regexp.QuoteMeta(p))
					want = strings.ReplaceAll(want, regexp.QuoteMeta(p), `(\((?:'(?:[^']|'')*'|\[char\]0x[0-9A-F]{4}| \+ )+\)|'(?:[^']|'')*')`)
				}
				m := regexp.MustCompile("^" + want + "$").FindStringSubmatch(r.Command)
				if m == nil {
					t.Fatalf("%s with %q is %s", e.ID, s, r.Command)
				}
				for _, q := range m[1:] {
					if got, ok := evaluated(q); !ok || got != s {
						t.Errorf("%s: %q became %s", e.ID, s, q)
					}
				}
				if strings.ContainsAny(r.Link, " '\"<>\n`") {
					t.Errorf("%s: the link is %s", e.ID, r.Link)
				}
			}
		}
	}
}
