package mailer

import (
	"log/slog"
	"strings"
	"testing"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/sandbox"
	"traymail/smtp"
)

// TestRefusalsOfExchangeHaveAFix sends through each scenario of the
// sandbox whose refusal comes to a token that is right.
func TestRefusalsOfExchangeHaveAFix(t *testing.T) {
	for scenario, want := range map[string]string{
		"account-locked":          "Sign-in logs of svc@contoso.com",
		"federation-unreachable":  "federation service",
		"sender-not-permitted":    "-Trustee 'svc@contoso.com'",
		"send-as-denied":          "-Trustee 'svc@contoso.com'",
		"too-large-converted":     "send less at once",
		"mailbox-full":            "Sent Items",
		"recipient-quota":         "24 hours after",
		"sender-blocked":          "Restricted entities",
		"outbound-spam":           "verify the account",
		"smtp-auth-off-tenant":    "Set-CASMailbox -Identity 'svc@contoso.com'",
		"smtp-auth-off-mailbox":   "Set-CASMailbox -Identity 'svc@contoso.com'",
		"certificate-self-signed": "", // the error's own text says what to do
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scenario)
			b.signIn()
			_, err := b.SendTest(t.Context(), "main", "ops@contoso.com")
			if err == nil {
				t.Fatal("the message went out")
			}
			if got := Fix(err); !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%v\nfix: %q, want %q in it", err, got, want)
			}
		})
	}
}

func TestEachNumberOfEntraThatSomebodyCanMendHasAFixForPersonsAndApplications(t *testing.T) {
	person := &account.Account{Name: "main", Username: "svc@contoso.com", SignIn: account.BrowserSignIn}
	app := &account.Account{Name: "main", Username: "svc@contoso.com", Sender: "svc@contoso.com", SignIn: account.AppOnly}
	for _, n := range []int{16000, 50020, 28000, 700022, 28003, 500011, 650052, 50011, 50014, 50034, 51004, 50053, 50055, 50144, 50056, 50126, 50057, 50058,
		50059, 90019, 90002, 50072, 50079, 50074, 50076, 50078, 50105, 50194, 50196, 53000, 53001, 53002, 50097, 53003, 530032, 530035, 65001, 65004,
		650054, 650056, 650057, 70001, 7000112, 70002, 7000215, 7000222, 700016, 700025, 7000218, 700027, 700005, 70011, 70025, 700211, 700212, 700213,
		70043, 700084, 90055, 90072, 90094, 90095, 9002332} {
		for _, a := range []*account.Account{person, app} {
			if fix := Fix(about(a, &authcode.Error{Code: "invalid_request", AADSTS: n})); fix == "" || strings.Contains(fix, "{") {
				t.Errorf("%d of %s: %q", n, a.SignIn, fix)
			}
		}
	}
	for _, n := range []int{50089, 70008, 54005, 50132, 50133, 50173, 70000, 700082} {
		if fix := Fix(about(person, &authcode.Error{Code: "invalid_grant", AADSTS: n})); !strings.Contains(fix, "traymail login main") {
			t.Errorf("%d: %q", n, fix)
		}
	}
	for n, want := range map[int][2]string{
		65001:  {"--consent", "--consent"},
		70011:  {"outlook.office.com/SMTP.Send", ".default"},
		50105:  {"Users and groups", "Assignment required to No"},
		500011: {"subscription with Exchange Online", "subscription with Exchange Online"},
		700212: {"Federated credentials", "Federated credentials"},
	} {
		for i, a := range []*account.Account{person, app} {
			if fix := Fix(about(a, &authcode.Error{Code: "invalid_request", AADSTS: n})); !strings.Contains(fix, want[i]) || i == 1 && strings.Contains(fix, "sign in") {
				t.Errorf("%d of %s: %q", n, a.SignIn, fix)
			}
		}
	}
}

func TestEachRefusalOfExchangeHasAFixForPersonsAndApplications(t *testing.T) {
	person := &account.Account{Name: "main", Username: "svc@contoso.com", SignIn: account.BrowserSignIn}
	app := &account.Account{Name: "main", Username: "svc@contoso.com", Sender: "ops@contoso.com", SignIn: account.AppOnly}
	for _, tt := range []struct {
		code              int
		text              string
		byPerson, byOther string
	}{
		{535, "5.7.3 Authentication unsuccessful", "account that signed in (svc@contoso.com)", "into the mailbox ops@contoso.com: New-ServicePrincipal"},
		{535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.", "Set-CASMailbox -Identity 'svc@contoso.com'", "Set-CASMailbox -Identity 'ops@contoso.com'"},
		{535, "5.7.139 Authentication unsuccessful, basic authentication is disabled.", "traymail account edit main --sign-in browser --client-id CLIENT-ID, then", ""},
		{550, "5.7.30 Basic authentication is not supported for Client Submission.", "traymail account edit main --sign-in browser --client-id CLIENT-ID, then", ""},
		{535, "5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.", "security defaults", "security defaults"},
		{535, "5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.", "Sign-in logs of svc@contoso.com", "Sign-in logs of ops@contoso.com"},
		{535, "5.7.139 Authentication unsuccessful, the user credentials were incorrect.", "--secret-stdin", ""},
		{554, "5.2.252 SendAsDenied; x", "-Trustee 'svc@contoso.com'", "FullAccess on SENDER itself"},
		{550, "5.7.60 SMTP; Client does not have permissions to send as this sender", "-Trustee 'svc@contoso.com'", "-Trustee 'ops@contoso.com'"},
		{552, "5.3.4 Message size exceeds fixed maximum message size", "MaxSendSize", "MaxSendSize"},
		{550, "5.5.3 RESOLVER.ADR.RecipLimit; too many recipients", "--recipients-per-message", "--recipients-per-message"},
		{550, "5.7.705 Access denied, tenant has exceeded threshold", "support", "support"},
		{550, "5.7.501 Access denied, spam abuse detected", "release svc@contoso.com", "release ops@contoso.com"},
		{451, "5.7.3 STARTTLS is required to send mail", "starttls", "starttls"},
		{504, "5.7.4 Unrecognized authentication type", "smtp_auth", "smtp_auth"},
		{501, "5.5.124 Invalid XOAUTH2 auth data", "smtp_scope", "smtp_scope"},
	} {
		for a, want := range map[*account.Account]string{person: tt.byPerson, app: tt.byOther} {
			err := about(a, &smtp.Error{Op: smtp.OpAUTH, Code: tt.code, Text: tt.text})
			if fix := Fix(err); !strings.Contains(fix, want) || fix == "" || strings.Contains(fix, "{") {
				t.Errorf("%s of %s: %q", tt.text, a.SignIn, fix)
			}
		}
	}
	for code, want := range map[string][2]string{
		"ErrorSendAsDenied":           {"Mail.Send.Shared", "FullAccess on SENDER itself"},
		"ErrorAccessDenied":           {"Grant admin consent", "ops@contoso.com"},
		"InvalidAuthenticationToken":  {"traymail login main", "graph_scope"},
		"ErrorInvalidUser":            {"correct the sender", "ops@contoso.com"},
		"MailboxNotEnabledForRESTAPI": {"svc@contoso.com", "ops@contoso.com"},
	} {
		for i, a := range []*account.Account{person, app} {
			if fix := Fix(about(a, &graph.Error{Op: graph.OpSend, Status: 403, Code: code})); !strings.Contains(fix, want[i]) || i == 1 && strings.Contains(fix, "traymail login") {
				t.Errorf("%s of %s: %q", code, a.SignIn, fix)
			}
		}
	}
}

func TestWhatATokenSaysIsReturnedToWhoAsksAndLoggedByTheRunningProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	log := &lines{}
	b.Logger = slog.New(log)
	b.application(account.SMTP, "SMTP.SendAsApp", nil)
	b.registration(b.account.ClientID, func(a *sandbox.App) { a.GrantedRoles = nil })
	const line = "WARN the access token says something that may not work"
	v, err := b.Validate(t.Context(), "main")
	if err == nil && len(v.Warnings) == 0 || err != nil && Fix(err) == "" {
		t.Errorf("Validate = %+v, %v", v, err)
	}
	if n := log.count(line); n != 0 {
		t.Errorf("a command logs it %d times", n)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
	for range 2 {
		_, _ = b.Validate(t.Context(), "main") // what it says is looked at above
	}
	if n := log.count(line); n == 0 {
		t.Error("the running program does not log it")
	}
}
