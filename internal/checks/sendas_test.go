package checks

import (
	"fmt"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

const board = "board@contoso.com"

// The ways by which svc sends as board.
var ways = map[string]func(*account.Account, sandbox.Ready){
	"SMTP": func(a *account.Account, _ sandbox.Ready) { a.Sender = board },
	"app-only": func(a *account.Account, r sandbox.Ready) {
		application("SMTP.SendAsApp")(a, r)
		a.Senders = []string{"@fabrikam.com", svc, board}
	},
	"Graph": func(a *account.Account, _ sandbox.Ready) {
		a.Sender, a.Transport = board, account.Graph
		a.GraphScope = "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Send.Shared"
	},
}

// sendingAsBoard is an account of svc that sends as board.
func sendingAsBoard(t *testing.T, scenario, way string) *office {
	t.Helper()
	b := newOffice(t, scenario, ways[way])
	b.account.From = account.KeepFrom // an application's own default is another
	return b
}

// grants give svc, and its application, a permission on board.
var grants = map[string]func(*sandbox.Mailbox, string){
	"Send As":        func(m *sandbox.Mailbox, app string) { m.SendAs = []string{svc, app} },
	"Send on Behalf": func(m *sandbox.Mailbox, _ string) { m.SendOnBehalf = []string{svc} },
	"FullAccess":     func(m *sandbox.Mailbox, app string) { m.FullAccess = []string{svc, app} },
	"none":           func(*sandbox.Mailbox, string) {},
}

// mayAsk lets the account use the administrators' endpoint.
func mayAsk(a account.Account) func(*sandbox.Tenant) {
	return func(t *sandbox.Tenant) {
		app := appOf(t, a.ClientID)
		const person, alone = "https://outlook.office.com/Exchange.ManageV2", "https://outlook.office.com/Exchange.ManageAsAppV2"
		if a.SignIn == account.AppOnly {
			app.AppRoles, app.GrantedRoles = append(app.AppRoles, alone), append(app.GrantedRoles, alone)
			t.RoleAssignments = append(t.RoleAssignments, sandbox.RoleAssignment{AppID: a.ClientID, Role: "Mail Recipients"})
			return
		}
		app.Permissions, app.AdminConsented = append(app.Permissions[:len(app.Permissions):len(app.Permissions)], person), append(app.AdminConsented, person)
		userOf(t, svc).ExchangeAdmin = true
	}
}

func TestSendOnBehalfIsJudgedInAllCombinations(t *testing.T) {
	t.Parallel()
	const (
		alone  = "Recipients see From: board@contoso.com, and nothing of svc@contoso.com."
		behalf = "Recipients see From: board@contoso.com, Sender: svc@contoso.com (“svc@contoso.com on behalf of board@contoso.com”)."
		either = "With Send As recipients see From: board@contoso.com alone; with Send on Behalf From: board@contoso.com, Sender: svc@contoso.com"
		both   = "With Send As recipients see the sender alone, with Send on Behalf both"
		open   = "Send As or Send on Behalf"
	)
	tests := []struct {
		grant, way      string
		allowed         bool
		outcome         string // with a test email
		permission      string // that the summary names
		seen            string // that the detail names
		withoutSending  string
		whyNotProven    string // that the detail names then
		firstOfCommands string
	}{
		{"Send As", "SMTP", true, "pass", "Send As", alone, "warn permission-not-proven", "does not hold", ""},
		{"Send As", "SMTP", false, "pass", open, either, "warn permission-not-proven", "FullAccess is not enough", ""},
		{"Send As", "app-only", true, "pass", "Send As", alone, "warn permission-not-proven", "does not hold", ""},
		{"Send As", "app-only", false, "pass", open, either, "warn permission-not-proven", "FullAccess is not enough", ""},
		{"Send As", "Graph", true, "pass", "Send As", alone, "warn permission-not-proven", "does not hold", ""},
		{"Send As", "Graph", false, "pass", open, either, "warn permission-not-proven", "FullAccess is not enough", ""},

		{"Send on Behalf", "SMTP", true, "pass", "Send on Behalf", behalf, "warn permission-not-proven", "pages on SMTP name Send As alone", ""},
		{"Send on Behalf", "SMTP", false, "pass", open, either, "warn permission-not-proven", "FullAccess is not enough", ""},
		{"Send on Behalf", "app-only", true, "fail send-as-missing", "Send As is missing", both, "warn permission-not-proven", "pages on SMTP name Send As alone", "Add-RecipientPermission"},
		{"Send on Behalf", "app-only", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},
		{"Send on Behalf", "Graph", true, "pass", "Send on Behalf", behalf, "pass", "on behalf of", ""},
		{"Send on Behalf", "Graph", false, "pass", open, either, "warn permission-not-proven", "FullAccess is not enough", ""},

		{"FullAccess", "SMTP", true, "fail send-as-missing", "may not send as", both, "warn permission-not-proven", "does not hold", "Add-RecipientPermission"},
		{"FullAccess", "SMTP", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},
		{"FullAccess", "app-only", true, "fail send-as-missing", "may not send as", both, "warn permission-not-proven", "does not hold", "Add-RecipientPermission"},
		{"FullAccess", "app-only", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},
		{"FullAccess", "Graph", true, "fail send-as-missing", "may not send as", both, "warn permission-not-proven", "does not hold", "Add-RecipientPermission"},
		{"FullAccess", "Graph", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},

		{"none", "SMTP", true, "fail send-as-missing", "may not send as", both, "warn permission-not-proven", "does not hold", "Add-RecipientPermission"},
		{"none", "SMTP", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},
		{"none", "app-only", true, "fail send-as-missing", "may not send as", both, "warn permission-not-proven", "does not hold", "Add-RecipientPermission"},
		{"none", "app-only", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},
		{"none", "Graph", true, "fail send-as-missing", "may not send as", both, "warn permission-not-proven", "does not hold", "Add-RecipientPermission"},
		{"none", "Graph", false, "fail send-as-denied", "may not send as", both, "warn permission-not-proven", "FullAccess is not enough", "Add-RecipientPermission"},
	}
	if len(tests) != len(grants)*len(ways)*2 {
		t.Fatalf("%d combinations", len(tests))
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s over %s, endpoint %v", test.grant, test.way, test.allowed), func(t *testing.T) {
			t.Parallel()
			b := sendingAsBoard(t, "unpaced", test.way)
			b.change(func(t *sandbox.Tenant) {
				if test.allowed {
					mayAsk(b.account)(t)
				}
				grants[test.grant](mailboxOf(t, board), appOf(t, b.account.ClientID).EnterpriseID)
			})
			if b.account.SignIn == account.BrowserSignIn {
				b.signIn(svc)
			}
			got := b.run(Options{})[SendAs]
			if outcome(got) != test.outcome || !strings.Contains(got.Summary, test.permission) || !strings.Contains(got.Detail, test.seen) {
				t.Errorf("%s\n%+v", outcome(got), got)
			}
			if test.permission == "Send As" && strings.Contains(got.Summary, open) {
				t.Errorf("the permission is left open: %s", got.Summary)
			}
			if !strings.Contains(got.Verify, "Get-RecipientPermission -Identity 'board@contoso.com' -Trustee 'svc@contoso.com'") || !strings.Contains(got.Verify, "GrantSendOnBehalfTo") || got.Reply == "" {
				t.Errorf("it cannot be verified: %+v", got)
			}
			if !strings.Contains(got.Command, test.firstOfCommands) || got.Status == Pass && got.Command != "" {
				t.Errorf("the commands are %q", got.Command)
			}
			sent := b.sent
			got = b.run(Options{NoSend: true})[SendAs]
			if outcome(got) != test.withoutSending || !strings.Contains(got.Summary+got.Detail, test.whyNotProven) || b.sent != sent {
				t.Errorf("without sending: %s\n%+v", outcome(got), got)
			}
		})
	}
}

func TestTheTestEmailIsSentOnceForBothChecks(t *testing.T) {
	t.Parallel()
	b := sendingAsBoard(t, "unpaced", "SMTP")
	b.change(func(t *sandbox.Tenant) { grants["Send As"](mailboxOf(t, board), "") }).signIn(svc)
	got := b.run(Options{})
	if b.sent != 1 || got[SendAs].Status != Pass || got[TestEmail].Status != Pass || got[TestEmail].Reply != got[SendAs].Reply {
		t.Errorf("%d test emails: %+v %+v", b.sent, got[SendAs], got[TestEmail])
	}
}

func TestWhatHidesInTheListOfDelegatesIsTold(t *testing.T) {
	t.Parallel()
	b := sendingAsBoard(t, "unpaced", "SMTP")
	b.change(mayAsk(b.account)).change(func(t *sandbox.Tenant) {
		m := mailboxOf(t, board)
		m.SendAs, m.SendOnBehalf = []string{svc}, []string{"ops@contoso.com"}
	}).signIn(svc)
	got := b.run(Options{})[SendAs]
	if got.Status != Pass || !strings.Contains(got.Detail, "GrantSendOnBehalfTo names ops@contoso.com") || !strings.Contains(got.Detail, "a group with svc@contoso.com in it") {
		t.Errorf("%+v", got)
	}
}

func TestTheWishToSendOnBehalfDecidesWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "unpaced", func(a *account.Account, _ sandbox.Ready) { a.Sender, a.OnBehalf = board, true })
	b.change(mayAsk(b.account)).signIn(svc)
	got := b.run(Options{})[SendAs]
	if outcome(got) != "fail send-on-behalf-missing" || !strings.Contains(got.Command, "Set-Mailbox -Identity 'board@contoso.com' -GrantSendOnBehalfTo @{Add='svc@contoso.com'}\n# or") {
		t.Errorf("%+v", got)
	}
}

func TestAnotherAddressOfOnesOwnNeedsNoPermission(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "unpaced", func(a *account.Account, _ sandbox.Ready) { a.Sender = "service@contoso.com" }).signIn(svc)
	got := b.run(Options{})
	if got[SendAs].Status != Pass || !strings.Contains(got[SendAs].Summary, "another address of its own mailbox") {
		t.Errorf("%+v", got[SendAs])
	}
	if got := b.run(Options{NoSend: true})[SendAs]; outcome(got) != "warn permission-not-proven" || !strings.Contains(got.Detail, "SendFromAliasEnabled") {
		t.Errorf("%+v", got)
	}
}

func TestATokenThatMaySendForNobodyElseIsTold(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "unpaced", func(a *account.Account, _ sandbox.Ready) {
		a.Sender, a.Transport, a.GraphScope = board, account.Graph, "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read"
	}).change(func(t *sandbox.Tenant) { grants["Send As"](mailboxOf(t, board), "") }).signIn(svc)
	got := b.run(Options{})[SendAs]
	if outcome(got) != "fail token-missing-permission" || !strings.Contains(got.Summary, "Mail.Send.Shared") {
		t.Errorf("%+v", got)
	}
}

func TestATroubleThatIsNotThePermissionsLeavesThemUnproven(t *testing.T) {
	t.Parallel()
	b := sendingAsBoard(t, "mailbox-full", "SMTP")
	b.change(func(t *sandbox.Tenant) { grants["Send As"](mailboxOf(t, board), "") }).signIn(svc)
	got := b.run(Options{})
	if outcome(got[SendAs]) != "skip" || outcome(got[TestEmail]) != "fail mailbox-full" {
		t.Errorf("%+v %+v", got[SendAs], got[TestEmail])
	}
}

func TestWhatThePrintedCommandsGrantLetsTheCheckPass(t *testing.T) {
	t.Parallel()
	for name := range ways {
		b := sendingAsBoard(t, "unpaced", name)
		if b.account.SignIn == account.BrowserSignIn {
			b.signIn(svc)
		}
		if got := b.run(Options{})[SendAs]; got.Status != Fail || !strings.Contains(got.Command, "-Identity 'board@contoso.com' -Trustee 'svc@contoso.com' -AccessRights SendAs") {
			t.Errorf("%s: %+v", name, got)
		}
		b.change(func(t *sandbox.Tenant) { mailboxOf(t, board).SendAs = []string{svc} }) // as the command says
		if got := b.run(Options{})[SendAs]; got.Status != Pass {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
