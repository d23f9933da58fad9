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
	if got := Fill("{account} {username} {sender} {mailbox} {client_id} {tenant} {object_id}", Names{}); got != "ACCOUNT USERNAME SENDER MAILBOX CLIENT-ID TENANT OBJECT-ID" {
		t.Error(got)
	}
	if r := entry(t, "secret-expired").Filled(Names{}, false); r.Link != appsLink {
		t.Errorf("without a client ID the link is %s", r.Link)
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
		n := Names{Account: s, Username: s, Sender: s, Mailbox: s, ClientID: s, Tenant: s, ObjectID: s}
		for _, e := range All() {
			for _, application := range []bool{false, true} {
				r := e.Filled(n, application)
				plain := e.Command
				if application && e.Application.Command != "" {
					plain = e.Application.Command
				}
				// Whatever was filled in is one expression whose value is the name.
				want := regexp.QuoteMeta(plain)
				for _, p := range placeholders {
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
