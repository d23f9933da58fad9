package checks

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// powershell runs a script in a window of the tenant's administrator.
func (b *office) powershell(script string) string {
	b.t.Helper()
	resp, err := b.web.Post(b.sandbox.Ready().PortalURL+"/powershell", "text/plain", strings.NewReader(script))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	output, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("%s\nprinted\n%s\n%v", script, output, err)
	}
	return string(output)
}

func TestThePrintedCommandsLetTheApplicationIn(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"app-wrong-object-id", "app-no-service-principal", "app-no-full-access"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, scenario, application("SMTP.SendAsApp"))
			got := b.run(Options{})[Accepted]
			if outcome(got) != "fail app-not-admitted" || strings.Contains(got.Fix, "App RBAC") {
				t.Fatalf("%+v", got)
			}
			b.powershell(got.Command)
			b.powershell(got.Verify)
			b.expect(b.run(Options{}), nil)
		})
	}
}

func TestThePrintedCommandsPutTheMailboxIntoThePolicysGroup(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "unpaced", application("Mail.Send"))
	b.powershell("Connect-ExchangeOnline\nNew-DistributionGroup -Name 'Senders' -Type Security -Members 'ops@contoso.com'\n" +
		"New-ApplicationAccessPolicy -AppId '" + b.account.ClientID + "' -PolicyScopeGroupId 'Senders' -AccessRight RestrictAccess")
	got := b.run(Options{})[TestEmail]
	if outcome(got) != "fail graph-access-policy" {
		t.Fatalf("%+v", got)
	}
	if output := b.powershell(strings.SplitAfter(got.Command, "AccessRight")[0]); !strings.Contains(output, "Senders") {
		t.Errorf("the group is not shown: %s", output)
	}
	b.powershell(strings.Replace(got.Command, "'GROUP'", "'Senders'", 1))
	if output := b.powershell(got.Verify); !strings.Contains(output, "Granted") {
		t.Errorf("the verification prints %s", output)
	}
	b.expect(b.run(Options{}), nil)
}

func TestASenderThatIsNoMailboxIsNotCalledSendAs(t *testing.T) {
	t.Parallel()
	const group = "desk@contoso.com"
	b := newOffice(t, "unpaced", func(a *account.Account, _ sandbox.Ready) { a.Sender = group })
	b.change(mayAsk(b.account)).signIn(svc)
	got := b.run(Options{NoSend: true})[SendAs]
	if outcome(got) != "warn permission-not-proven" || !strings.Contains(got.Detail, "no mailbox") || !strings.Contains(got.Verify, "Get-DistributionGroup") {
		t.Errorf("%+v", got)
	}
	r := newRun(b.setup(), Options{})
	p, absent := pair{user: svc, sender: group}, behalf{allowed: true, absent: true}
	taken := r.mayWith(p, absent, Sent{})
	if taken.Status != Pass || !strings.Contains(taken.Summary, either) || strings.Contains(taken.Detail, "so it is Send As") || !strings.Contains(taken.Detail, "may be a group") {
		t.Errorf("%+v", taken)
	}
	for _, wish := range []bool{false, true} {
		r.Account.OnBehalf = wish
		refused := r.denied(p, absent, judgement{finding: "send-as-denied"})
		if outcome(refused) != "fail send-as-denied" || strings.Contains(refused.Command, "Set-Mailbox") || !strings.Contains(refused.Command, "Set-DistributionGroup -Identity 'desk@contoso.com' -GrantSendOnBehalfTo @{Add='svc@contoso.com'}") {
			t.Errorf("%+v", refused)
		}
	}
}

func TestTheAdministratorsEndpointIsAskedForTheAccountsOwnCloud(t *testing.T) {
	t.Parallel()
	b := sendingAsBoard(t, "unpaced", "SMTP")
	b.change(mayAsk(b.account)).change(func(t *sandbox.Tenant) { mailboxOf(t, board).SendOnBehalf = []string{svc} }).signIn(svc)
	b.account.Tenant = b.sandbox.Ready().Domain // the endpoint wants the ID, which the authority tells
	got := b.run(Options{})[SendAs]
	want(t, got, Pass, "", "Send on Behalf")
}

func TestWhoSignedInInsteadDecidesWhatIsToBeDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		username, sender string
		addresses        []string
		finding          string
		command, asks    string
	}{
		"an alias, as the directory told":  {"service@contoso.com", "service@contoso.com", []string{svc, "Service@contoso.com"}, "username-is-alias", "traymail account edit main --username svc@contoso.com --sender service@contoso.com\ntraymail login main", "only another address"},
		"an alias that sends as a mailbox": {"service@contoso.com", board, []string{svc, "service@contoso.com"}, "username-is-alias", "traymail account edit main --username svc@contoso.com\ntraymail login main", "only another address"},
		"a shared mailbox":                 {board, board, []string{svc}, "other-account-signed-in", "# traymail account edit main --username svc@contoso.com --sender board@contoso.com", "a shared mailbox that svc@contoso.com sends from?"},
		"nobody knows":                     {"service@contoso.com", "service@contoso.com", nil, "other-account-signed-in", "traymail login main\n# or", "another address of svc@contoso.com (an alias)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, "", func(a *account.Account, _ sandbox.Ready) { a.Username, a.Sender = c.username, c.sender })
			s := b.setup()
			s.LastSignIn = &SignInRefusal{Finding: "other-account-signed-in", SignedInAs: svc, Addresses: c.addresses}
			for _, result := range Run(t.Context(), s, Options{NoSend: true}, nil) {
				if result.ID == TokenSMTP {
					want(t, result, Fail, c.finding, c.asks, c.command)
				}
			}
		})
	}
}

func TestAPermissionThatTheSignInHasNotYetIsAskedForBySigningIn(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "unpaced", nil).change(func(t *sandbox.Tenant) {
		t.Apps[0].AdminConsented = nil
	}).signIn(svc)
	b.account.Transport, b.account.GraphScope = account.Graph, "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read"
	got := b.run(Options{})[TokenGraph]
	want(t, got, Fail, "consent-missing", "sign in again as svc@contoso.com")
	if got.Command != "traymail login main" || !strings.Contains(got.Fix, "only if that is refused, an administrator") {
		t.Errorf("%+v", got)
	}
}

// A sign-in with a code on another device asks for one resource, and so nobody
// consents to the other one.
func TestGraphWithoutConsentIsAWarningOnlyWhereMessagesMayLeaveByIt(t *testing.T) {
	for transport, c := range map[account.Transport]struct {
		status Status
		says   string
	}{
		account.SMTP: {Skip, "messages leave by SMTP without it"},
		account.Auto: {Warn, "sign in again as svc@contoso.com in the browser"},
	} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, "unpaced", nil).change(func(t *sandbox.Tenant) { t.Apps[0].AdminConsented = nil })
			b.account.GraphScope = ""
			b.signIn(svc)
			b.account.Transport, b.account.GraphScope = transport, "https://graph.microsoft.com/User.Read"
			all := b.run(Options{})
			if got := all[TokenGraph]; got.Status != c.status || !strings.Contains(got.Summary+got.Fix, c.says) || (got.Fix == "") != (c.status == Skip) {
				t.Errorf("%+v", got)
			}
			for id, result := range all {
				if result.Status == Fail || result.Status == Warn && id != TokenGraph {
					t.Errorf("%+v", result)
				}
			}
		})
	}
}
