package checks

import (
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

const svc, ada = "svc@contoso.com", "admin@contoso.com"

func TestASoundAccountPassesEveryCheck(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*account.Account, sandbox.Ready){
		"a person over SMTP":         nil,
		"a person over Graph":        func(a *account.Account, _ sandbox.Ready) { a.Transport = account.Graph },
		"a person, as it comes":      func(a *account.Account, _ sandbox.Ready) { a.Transport = account.Auto },
		"an application over SMTP":   application("SMTP.SendAsApp"),
		"an application over Graph":  application("Mail.Send"),
		"a registration with secret": withSecret,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, "unpaced", change)
			if b.account.SignIn == account.BrowserSignIn {
				b.signIn(svc)
			}
			got := b.run(Options{})
			b.expect(got, nil)
			for _, id := range []string{TestEmail, Renewal, Accepted} {
				if got[id].Status != Pass || got[id].Summary == "" {
					t.Errorf("%s: %+v", id, got[id])
				}
			}
			if b.sent != 1 || got[TestEmail].Reply == "" {
				t.Errorf("%d test emails, %+v", b.sent, got[TestEmail])
			}
			if got := b.run(Options{NoSend: true}); got[TestEmail].Status != Skip || b.sent != 1 {
				t.Errorf("it was sent nevertheless: %+v", got[TestEmail])
			}
		})
	}
}

// withSecret makes the account one of a Web registration, with its secret.
func withSecret(a *account.Account, r sandbox.Ready) {
	a.Registration = account.Web
	for _, app := range r.Apps {
		if app.Platform == sandbox.Web {
			a.ClientID, a.RedirectURL = app.ClientID, app.RedirectURL
			return
		}
	}
}

func TestEachMistakeIsNamedByTheCheckItBelongsTo(t *testing.T) {
	t.Parallel()
	smtpApp, graphApp := application("SMTP.SendAsApp"), application("Mail.Send")
	off := true
	blocked := func(want map[string]string, ids ...string) map[string]string {
		for _, id := range ids {
			want[id] = "blocked"
		}
		return want
	}
	afterToken := []string{Claims, Identity, Licence, SMTPAuth, Accepted, SendAs, TestEmail, Renewal}
	afterClaims := []string{SMTPAuth, Accepted, SendAs, TestEmail}
	afterAccepted := []string{SendAs, TestEmail}
	tests := []struct {
		name, scenario string
		account        func(*account.Account, sandbox.Ready)
		signedIn       string // "" is nobody
		tenant         func(*sandbox.Tenant)
		bench          func(*office)
		want           map[string]string
		says           string // somewhere in the first result that is not well
	}{
		{name: "nobody has signed in", want: blocked(map[string]string{TokenSMTP: "fail not-signed-in"}, afterToken...), says: "traymail login main"},
		{name: "nobody has signed in, over Graph", account: func(a *account.Account, _ sandbox.Ready) { a.Transport = account.Graph },
			want: blocked(map[string]string{TokenGraph: "fail not-signed-in"}, Identity, Licence, SMTPAuth, Accepted, SendAs, TestEmail, Renewal)},
		{name: "the sign-in was revoked", signedIn: svc, tenant: func(t *sandbox.Tenant) { t.RevokedBefore = time.Now().Add(time.Hour) },
			want: blocked(map[string]string{TokenSMTP: "fail sign-in-revoked", TokenGraph: "blocked"}, afterToken...)},
		{name: "the account was disabled", signedIn: svc, tenant: func(t *sandbox.Tenant) { userOf(t, svc).Disabled = true },
			want: blocked(map[string]string{TokenSMTP: "fail user-disabled", TokenGraph: "blocked"}, afterToken...)},
		{name: "the administrator signed in", signedIn: ada,
			want: blocked(map[string]string{Identity: "fail other-account-signed-in"}, Licence, SMTPAuth, Accepted, SendAs, TestEmail), says: "traymail login main"},
		{name: "the administrator signed in, and Graph is not asked", signedIn: ada, account: func(a *account.Account, _ sandbox.Ready) { a.GraphScope = "" },
			want: blocked(map[string]string{Identity: "fail other-account-signed-in"}, Licence, SMTPAuth, Accepted, SendAs, TestEmail), says: ada},
		{name: "the username is an alias", signedIn: svc, account: func(a *account.Account, _ sandbox.Ready) {
			a.Username, a.Sender = "service@contoso.com", "service@contoso.com"
		}, want: blocked(map[string]string{Identity: "warn username-is-alias", Accepted: "fail username-is-alias"}, afterAccepted...), says: "--username " + svc},
		{name: "no licence", scenario: "no-licence", signedIn: svc, want: blocked(map[string]string{Licence: "warn no-licence", Accepted: "fail no-licence"}, afterAccepted...), says: "has no licence at all"},
		{name: "SMTP AUTH off for the organisation", scenario: "smtp-auth-off-tenant", signedIn: svc,
			want: blocked(map[string]string{SMTPAuth: "fail smtp-auth-off-tenant"}, Accepted, SendAs, TestEmail), says: "mailbox's own wins"},
		{name: "SMTP AUTH off for the mailbox", scenario: "smtp-auth-off-mailbox", signedIn: svc,
			want: blocked(map[string]string{SMTPAuth: "fail smtp-auth-off-mailbox"}, Accepted, SendAs, TestEmail)},
		{name: "SMTP AUTH off for the mailbox an application sends through", account: smtpApp, tenant: func(t *sandbox.Tenant) { mailboxOf(t, svc).SMTPAuthDisabled = &off },
			want: blocked(map[string]string{SMTPAuth: "fail smtp-auth-off-mailbox"}, Accepted, SendAs, TestEmail)},
		{name: "SMTP AUTH off, and Graph instead", scenario: "smtp-auth-off-tenant", signedIn: svc, account: func(a *account.Account, _ sandbox.Ready) { a.Transport = account.Auto },
			want: map[string]string{SMTPAuth: "warn smtp-auth-off-tenant"}, says: "through Microsoft Graph instead"},
		{name: "a policy refuses", scenario: "conditional-access-policy", signedIn: svc, want: blocked(map[string]string{Accepted: "fail policy-refused"}, afterAccepted...)},
		{name: "the account has an issue", scenario: "account-has-an-issue", signedIn: svc, want: blocked(map[string]string{Accepted: "fail account-has-an-issue"}, afterAccepted...)},
		{name: "the mailbox is full", scenario: "mailbox-full", signedIn: svc, want: map[string]string{TestEmail: "fail mailbox-full"}, says: "554 5.2.2"},
		{name: "the server has trouble", scenario: "server-error", signedIn: svc, want: map[string]string{TestEmail: "fail server-error"}, says: "temporary"},
		{name: "Graph has trouble", scenario: "graph-unavailable", signedIn: svc, account: func(a *account.Account, _ sandbox.Ready) { a.Transport = account.Graph },
			want: map[string]string{TestEmail: "fail graph-unavailable"}, says: "temporary"},

		{name: "the application's secret expired", scenario: "app-secret-expired", account: smtpApp,
			want: blocked(map[string]string{Credential: "fail secret-expired"}, append(afterToken, TokenSMTP, TokenGraph)...), says: "--secret-stdin"},
		{name: "the application's secret is another", account: smtpApp, bench: func(b *office) { b.secret = "other8Q~secret" },
			want: blocked(map[string]string{Credential: "fail secret-wrong"}, append(afterToken, TokenSMTP, TokenGraph)...), says: "~/Credentials/"},
		{name: "the application's secret is its ID", account: smtpApp, bench: func(b *office) { b.secret = "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b05" },
			want: blocked(map[string]string{Credential: "fail secret-is-an-id"}, append(afterToken, TokenSMTP, TokenGraph)...), says: "~/Credentials/"},
		{name: "the application's secret ends soon", account: smtpApp, bench: func(b *office) { b.expires = time.Now().Add(12*24*time.Hour + time.Hour) },
			want: map[string]string{Credential: "warn secret-expires-soon"}, says: "in 12 days"},
		{name: "when the application's secret ends is not known", account: smtpApp, bench: func(b *office) { b.expires = time.Time{} },
			want: map[string]string{Credential: "warn secret-expiry-unknown"}, says: "traymail account edit main --secret-expires YYYY-MM-DD"},
		{name: "the application's secret is said to have ended, and works", account: smtpApp, bench: func(b *office) { b.expires = time.Now().Add(-time.Hour) },
			want: map[string]string{Credential: "warn secret-expires-soon"}, says: "still taken"},
		{name: "the Web registration's secret is another, before anybody signs in", account: withSecret, bench: func(b *office) { b.secret = "other8Q~secret" },
			want: blocked(map[string]string{Credential: "fail secret-wrong"}, append(afterToken, TokenSMTP, TokenGraph)...)},
		{name: "the Web registration's secret expired, before anybody signs in", scenario: "secret-expired", account: withSecret,
			want: blocked(map[string]string{Credential: "fail secret-expired"}, append(afterToken, TokenSMTP, TokenGraph)...)},
		{name: "the Web registration's secret is good, before anybody signs in", account: withSecret,
			want: blocked(map[string]string{TokenSMTP: "fail not-signed-in"}, afterToken...)},

		{name: "the application is switched off", scenario: "app-disabled", account: smtpApp,
			want: blocked(map[string]string{}, ours...)}, // by client-id, which sees it first
		{name: "no consent for the application", scenario: "app-no-consent", account: smtpApp,
			want: blocked(map[string]string{Claims: "fail app-permission-missing"}, afterClaims...), says: "grant admin consent"},
		{name: "no service principal", scenario: "app-no-service-principal", account: smtpApp,
			want: blocked(map[string]string{Accepted: "fail app-not-admitted"}, afterAccepted...), says: "New-ServicePrincipal"},
		{name: "the wrong Object ID at Exchange", scenario: "app-wrong-object-id", account: smtpApp,
			want: blocked(map[string]string{Accepted: "fail app-not-admitted"}, afterAccepted...), says: "6d0c2f31-0001-4000-8000-00000000da01"},
		{name: "the wrong Object ID in the account", account: func(a *account.Account, r sandbox.Ready) {
			smtpApp(a, r)
			a.ObjectID = "5e1b7a60-0001-4000-8000-00000000da01"
		}, want: map[string]string{Claims: "warn object-id-wrong"}, says: "--object-id 6d0c2f31-0001-4000-8000-00000000da01"},
		{name: "no FullAccess", scenario: "app-no-full-access", account: smtpApp,
			want: blocked(map[string]string{Accepted: "fail app-not-admitted"}, afterAccepted...), says: "Add-MailboxPermission"},
		{name: "by App RBAC", scenario: "app-rbac", account: smtpApp, want: map[string]string{Claims: "warn app-permission-missing"}},
		{name: "out of the scope of App RBAC", scenario: "app-rbac-out-of-scope", account: smtpApp,
			want: blocked(map[string]string{Claims: "fail app-permission-missing"}, afterClaims...), says: "traymail admin main --rbac"},
		{name: "an access policy at Graph", scenario: "graph-access-policy", account: graphApp, want: map[string]string{TestEmail: "fail graph-access-policy"}, says: "Add-DistributionGroupMember -Identity 'GROUP' -Member 'svc@contoso.com'"},
		{name: "no consent for Graph's application", scenario: "app-no-consent", account: graphApp,
			want: map[string]string{TokenGraph: "warn graph-app-permission-missing", TestEmail: "fail graph-app-permission-missing"}},

		{name: "scopes of Graph for SMTP", signedIn: svc, account: func(a *account.Account, _ sandbox.Ready) { a.SMTPScope = "https://graph.microsoft.com/SMTP.Send" },
			want: blocked(map[string]string{Claims: "fail token-wrong-audience"}, afterClaims...), says: "outlook.office.com"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, test.scenario, test.account)
			if test.signedIn != "" {
				b.signIn(test.signedIn)
			}
			if test.tenant != nil {
				b.change(test.tenant)
			}
			if test.bench != nil {
				test.bench(b)
			}
			got := b.run(Options{})
			b.expect(got, test.want)
			b.mentions(got, test.says)
		})
	}
}

// mentions looks for words in the results that are not well.
func (b *office) mentions(got map[string]Result, words string) {
	b.t.Helper()
	var all []string
	for _, id := range ours {
		if r := got[id]; r.Status == Warn || r.Status == Fail {
			all = append(all, r.Summary, r.Detail, r.Fix, r.Link, r.Command, r.Verify, r.Reply)
			if r.Summary == "" || r.Finding == "" {
				b.t.Errorf("%s says nothing: %+v", id, r)
			}
		}
	}
	if text := strings.Join(all, "\n"); !strings.Contains(text, words) {
		b.t.Errorf("%q is nowhere in\n%s", words, text)
	}
}

func TestAGuestIsNamed(t *testing.T) {
	t.Parallel()
	const guest = "ann_fabrikam.com#EXT#@contoso.com"
	b := newOffice(t, "", nil).change(func(t *sandbox.Tenant) {
		t.Users = append(t.Users, &sandbox.User{ObjectID: "10a6c0de-0009-4000-8000-000000000009", UPN: guest, Name: "Ann", Password: "p"})
	}).signIn(guest)
	got := b.run(Options{})
	if outcome(got[Identity]) != "fail guest-account" || !strings.Contains(got[Identity].Command, "--tenant") {
		t.Errorf("%+v", got[Identity])
	}
}

func TestAPasswordIsJudgedByTheServer(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string]string{"": "fail basic-auth-disabled", "passwords-retired": "fail basic-auth-disabled", "security-defaults": "fail security-defaults", "basic-auth-allowed": "pass"} {
		b := newOffice(t, scenario, func(a *account.Account, _ sandbox.Ready) {
			a.SignIn, a.Registration, a.RedirectURL, a.SMTPAuth, a.ClientID, a.Tenant, a.SMTPScope, a.GraphScope = account.PasswordSignIn, "", "", account.LoginAuth, "", "", "", ""
		})
		b.sandbox.Tenant().View(func(t *sandbox.Tenant) { b.password = userOf(t, svc).Password })
		got := b.run(Options{})
		if is := outcome(got[Accepted]); is != want {
			t.Errorf("%q: %s\n%+v", scenario, is, got[Accepted])
		}
		if want == "pass" && got[TestEmail].Status != Pass || got[TokenSMTP].Status != Skip {
			t.Errorf("%q: %+v", scenario, got)
		}
	}
}

func TestAnotherProvidersAccountPasses(t *testing.T) {
	t.Parallel()
	for scenario, change := range map[string]func(*account.Account, sandbox.Ready){
		"outlook.com": func(a *account.Account, r sandbox.Ready) { a.Provider, a.Tenant = account.OutlookCom, "consumers" },
		"google": func(a *account.Account, r sandbox.Ready) {
			*a = *account.New("main")
			a.Username, a.Sender, a.ClientID, a.Provider, a.Tenant = r.Users[0].Username, r.Users[0].Username, r.Apps[0].ClientID, account.Google, ""
			a.AuthorizeURL, a.TokenURL, a.JWKSURL, a.Issuer, a.AuthorityURL, a.GraphURL, a.GraphScope = r.AuthorizeURL, r.TokenURL, "", "", "", "", ""
			a.SMTPScope, a.RedirectURL, a.SMTPHost, a.SMTPPort = "https://mail.google.com/", "http://127.0.0.1", r.SMTPHost, r.SMTPPort
		},
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, scenario, change)
			if !b.account.HasEntra() {
				b.account.Issuer = "" // Google's own is not in the sandbox
			}
			got := b.signIn(b.account.Username).run(Options{})
			b.expect(got, nil)
			if got[TestEmail].Status != Pass || got[Renewal].Status != Pass || got[Licence].Status != Skip {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestALicenceThatMayNotBeAskedForIsNotProven(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "", func(a *account.Account, _ sandbox.Ready) {
		a.Transport, a.GraphScope = account.Graph, "https://graph.microsoft.com/Mail.Send"
	}).signIn(svc)
	b.expect(b.run(Options{}), map[string]string{Licence: "warn graph-permission-missing"})
}
