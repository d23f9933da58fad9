package admin

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"traymail/internal/account"
)

// words are the commands, parameters and variables of a script, without what
// stands in comments and strings.
func words(t *testing.T, script string) (all []string) {
	t.Helper()
	found, err := tokens(script)
	if err != nil {
		t.Fatalf("%v in\n%s", err, script)
	}
	for _, tok := range found {
		if tok.kind == "word" {
			all = append(all, tok.text)
		}
	}
	return all
}

func TestNoScriptHasTheCommandsOfExchangeAndOfGraph(t *testing.T) {
	ways(t, func(a account.Account, o Options, steps []Step) {
		for name, script := range map[string]string{"script": Script(a, steps), "verification": VerifyScript(a, steps), "verification by Graph": VerifyGraphScript(a, steps)} {
			all := words(t, script)
			graph := slices.ContainsFunc(all, ofGraph)
			if graph && slices.Contains(all, "Connect-ExchangeOnline") || graph && name == "script" {
				t.Errorf("%s %v: the %s mixes both modules:\n%s", a.Name, o, name, script)
			}
			if graph != slices.Contains(all, "Connect-MgGraph") {
				t.Errorf("%s %v: the %s has commands of Graph without a connection:\n%s", a.Name, o, name, script)
			}
		}
	})
}

// changing are the verbs of commands that change something.
var changing = regexp.MustCompile(`^(Add|Set|New|Remove|Install|Enable|Disable|Update)-[A-Z]`)

func TestAVerificationChangesNothingAndInstallsNothing(t *testing.T) {
	ways(t, func(a account.Account, o Options, steps []Step) {
		script := Script(a, steps)
		_, end, _ := strings.Cut(script, "# What there is now.")
		for name, text := range map[string]string{"verification": VerifyScript(a, steps), "verification by Graph": VerifyGraphScript(a, steps), "end of the script": end} {
			if i := slices.IndexFunc(words(t, strings.TrimPrefix(text, " From here on nothing is changed.")), changing.MatchString); i >= 0 {
				t.Errorf("%s %v: the %s changes something:\n%s", a.Name, o, name, text)
			}
		}
		if slices.ContainsFunc(words(t, script), changing.MatchString) && end == "" {
			t.Errorf("%s %v: the script does not show what it did", a.Name, o)
		}
	})
}

func TestTheVerificationNamesEachModuleThatItUses(t *testing.T) {
	modules := map[string]string{
		"Connect-ExchangeOnline": "ExchangeOnlineManagement", "Get-MgServicePrincipal": "Microsoft.Graph.Applications",
		"Get-MgServicePrincipalAppRoleAssignment": "Microsoft.Graph.Applications", "Get-MgOauth2PermissionGrant": "Microsoft.Graph.Identity.SignIns",
	}
	ways(t, func(a account.Account, o Options, steps []Step) {
		for _, script := range []string{VerifyScript(a, steps), VerifyGraphScript(a, steps)} {
			for _, word := range words(t, script) {
				if m := modules[word]; m != "" && (!strings.Contains(script, "-ListAvailable -Name "+m+")") || !strings.Contains(script, "Install-Module -Name "+m+" -Scope")) {
					t.Errorf("%s %v: %s without a look for %s:\n%s", a.Name, o, word, m, script)
				}
			}
		}
	})
}

func TestAScriptWithNothingToRunIsCommentsAlone(t *testing.T) {
	for _, a := range append(systems(t), others(t)...) {
		if a.Name != "signify" { // an application of Graph, whose permission is the portal's
			continue
		}
		steps, err := Steps(a, Options{})
		if err != nil {
			t.Fatal(err)
		}
		script := Script(a, steps)
		if all := words(t, script); len(all) != 0 || !strings.Contains(script, "nothing of it is a command") || !strings.Contains(script, "Mail.Send") {
			t.Errorf("it runs %q:\n%s", all, script)
		}
	}
}

func TestExchangeIsToldAnOrganisationOnlyByItsIDOrItsFirstDomain(t *testing.T) {
	for tenant, want := range map[string]bool{tenantID: true, "contoso.onmicrosoft.com": true, "Contoso.OnMicrosoft.com": true, "contoso.com": false} {
		a := valid(t, "app", func(a *account.Account) { a.SignIn, a.Sender, a.Tenant = account.AppOnly, "app@contoso.com", tenant })
		steps, err := Steps(a, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, script := range []string{Script(a, steps), VerifyScript(a, steps)} {
			if got := slices.Contains(words(t, script), "-Organization"); got != want {
				t.Errorf("with tenant %s: %v in\n%s", tenant, got, script)
			}
		}
	}
}

func TestTheObjectIDIsAskedForOnlyWhereTheAccountHasNone(t *testing.T) {
	for id, asks := range map[string]bool{objectID: false, "": true} {
		a := valid(t, "app", func(a *account.Account) { a.SignIn, a.Sender, a.ObjectID = account.AppOnly, "app@contoso.com", id })
		steps, err := Steps(a, Options{})
		if err != nil {
			t.Fatal(err)
		}
		script := Script(a, steps)
		if got := slices.Contains(words(t, script), "Read-Host"); got != asks || asks != strings.Contains(script, "traymail account edit app --object-id") {
			t.Errorf("with object_id %q it asks: %v\n%s", id, got, script)
		}
	}
}

func TestNamesInExchangeAreOneLineThatFits(t *testing.T) {
	long := strings.Repeat("long-", 20)
	for _, label := range []string{"", "Two\r\nlines\u2028and\x1b[31m \u202ecolours", strings.Repeat("é", 200), "\n\t"} {
		h := help{a: account.Account{Name: long, Label: label, ClientID: clientID}}
		for _, name := range []string{h.displayName(), h.groupName("senders"), h.groupName("scope"), h.groupName("SMTP.SendAsApp"), h.groupName("Mail.ReadWrite")} {
			if n := len(utf16.Encode([]rune(name))); n == 0 || n > longestName || strings.ContainsAny(name, "\r\n\t\x1b\u2028\u202e") {
				t.Errorf("label %q: %q has %d characters", label, name, n)
			}
		}
	}
	a, b := help{a: account.Account{Name: long + "a", ClientID: clientID}}, help{a: account.Account{Name: long + "b", ClientID: clientID}}
	if a.groupName("scope") == b.groupName("scope") {
		t.Errorf("two accounts of an application share %s", a.groupName("scope"))
	}
}

func TestAnOwnGraphScopeKeepsItsResourceAndIsAskedForOnce(t *testing.T) {
	a := valid(t, "person", func(a *account.Account) {
		a.Username, a.Sender, a.Transport = "svc@contoso.com", "desk@contoso.com", account.Graph
		a.GraphScope = "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/Mail.Send.Shared"
	})
	if got, want := Consents(a, Options{})[0].Scope, "offline_access "+a.GraphScope; got != want {
		t.Errorf("it asks for %q, want %q", got, want)
	}
	a.Sender, a.GraphScope = "SVC@contoso.com", "https://graph.microsoft.com/Mail.Send"
	if got, want := Consents(a, Options{})[0].Scope, "offline_access "+a.GraphScope; got != want {
		t.Errorf("for the mailbox itself it asks for %q, want %q", got, want)
	}
}
