package sandbox

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

func TestAppWithoutAUser(t *testing.T) {
	yes, no := true, false
	object := func(id string) func(*Tenant) {
		return func(t *Tenant) { t.ServicePrincipals[0].ObjectID = id }
	}
	role := func(mailboxes ...string) func(*Tenant) {
		return func(t *Tenant) {
			t.RoleAssignments = []RoleAssignment{{AppID: testApp, Role: "Application SMTP.SendAsApp", Mailboxes: mailboxes}}
		}
	}
	tests := []struct {
		name, user, token string
		change            func(*Tenant)
		refusal           string
	}{
		// With SMTP.SendAsApp in the token.
		{name: "the permission and FullAccess", user: "app@contoso.com", token: "app"},
		{name: "the mailbox in other letters", user: "APP@contoso.com", token: "app"},
		{name: "no FullAccess", user: "board@contoso.com", token: "app", refusal: refusedIdentity},
		{
			name: "FullAccess for the registration's Object ID", user: "board@contoso.com", token: "app", refusal: refusedIdentity,
			change: func(t *Tenant) { t.mailbox("board@contoso.com").FullAccess = []string{testAppObject} },
		},
		{
			name: "Send As without FullAccess", user: "board@contoso.com", token: "app", refusal: refusedIdentity,
			change: func(t *Tenant) { t.mailbox("board@contoso.com").SendAs = []string{testAppEnterprise} },
		},
		{
			name: "no service principal", user: "app@contoso.com", token: "app", refusal: refusedIdentity,
			change: func(t *Tenant) { t.ServicePrincipals = nil },
		},
		{
			name: "the registration's Object ID in the service principal", user: "app@contoso.com", token: "app",
			refusal: refusedIdentity, change: object(testAppObject),
		},
		{
			name: "that Object ID, and FullAccess for it", user: "app@contoso.com", token: "app", refusal: refusedIdentity,
			change: func(t *Tenant) {
				object(testAppObject)(t)
				t.mailbox("app@contoso.com").FullAccess = []string{testAppObject}
			},
		},
		{
			name: "the service principal of another app", user: "app@contoso.com", token: "app", refusal: refusedIdentity,
			change: func(t *Tenant) { t.ServicePrincipals[0].AppID = "a0000000-0000-4000-8000-00000000000f" },
		},
		{
			name: "a role over the mailbox does not replace FullAccess once the token has the permission",
			user: "board@contoso.com", token: "app", refusal: refusedIdentity, change: role("board@contoso.com"),
		},
		{name: "an alias of the mailbox", user: "robot@contoso.com", token: "app", refusal: refusedIdentity},
		{name: "no mailbox", user: "nobody@contoso.com", token: "app", refusal: refusedIdentity},
		{name: "nobody", user: "", token: "app", refusal: refusedIdentity},
		{name: "the mailbox of a user without a licence", user: "lapsed@contoso.com", token: "app", refusal: refusedIdentity},
		{
			name: "a shared mailbox needs none", user: "lapsed@contoso.com", token: "app",
			change: func(t *Tenant) { t.mailbox("lapsed@contoso.com").Shared = true },
		},
		{name: "a token for Graph", user: "app@contoso.com", token: "graph-app", refusal: refusedIdentity},
		{name: "a token with roles and scopes, but no user", user: "app@contoso.com", token: "app-with-scopes", refusal: refusedIdentity},
		{name: "an app that the tenant does not know", user: "app@contoso.com", token: "unknown-app", refusal: refusedIdentity},

		// With a role of RBAC for Applications instead.
		{name: "no permission, no role", user: "app@contoso.com", token: "rbac", refusal: refusedIdentity},
		{name: "a role over all mailboxes", user: "board@contoso.com", token: "rbac", change: role()},
		{name: "a role over the mailbox", user: "board@contoso.com", token: "rbac", change: role("board@contoso.com")},
		{name: "a role over the mailbox by its alias", user: "app@contoso.com", token: "rbac", change: role("robot@contoso.com")},
		{
			name: "a mailbox outside the role's scope", user: "app@contoso.com", token: "rbac", refusal: refusedIdentity,
			change: role("board@contoso.com", "gone@contoso.com"),
		},
		{
			name: "an empty scope", user: "app@contoso.com", token: "rbac", refusal: refusedIdentity,
			change: func(t *Tenant) {
				role()(t)
				t.RoleAssignments[0].Mailboxes = []string{}
			},
		},
		{
			name: "the role for Graph", user: "app@contoso.com", token: "rbac", refusal: refusedIdentity,
			change: func(t *Tenant) {
				role()(t)
				t.RoleAssignments[0].Role = "Application Mail.Send"
			},
		},
		{
			name: "the role of another app", user: "app@contoso.com", token: "rbac", refusal: refusedIdentity,
			change: func(t *Tenant) {
				role()(t)
				t.RoleAssignments[0].AppID = "a0000000-0000-4000-8000-00000000000f"
			},
		},
		{
			name: "a role, and the registration's Object ID in the service principal", user: "app@contoso.com", token: "rbac",
			refusal: refusedIdentity,
			change:  func(t *Tenant) { role()(t); object(testAppObject)(t) },
		},
		{name: "a role, and a permission for Graph only", user: "board@contoso.com", token: "mail-app", change: role()},

		// The switches.
		{
			name: "SMTP AUTH off for the organisation", user: "app@contoso.com", token: "app", refusal: refusedTenantSwitch,
			change: func(t *Tenant) { t.SMTPAuthDisabled = true },
		},
		{
			name: "off for the organisation, on for the mailbox", user: "app@contoso.com", token: "app",
			change: func(t *Tenant) { t.SMTPAuthDisabled = true; t.mailbox("app@contoso.com").SMTPAuthDisabled = &no },
		},
		{
			name: "off for the mailbox", user: "app@contoso.com", token: "app", refusal: refusedMailboxSwitch,
			change: func(t *Tenant) { t.mailbox("app@contoso.com").SMTPAuthDisabled = &yes },
		},
		{
			name: "off for the mailbox, with a role", user: "board@contoso.com", token: "rbac", refusal: refusedMailboxSwitch,
			change: func(t *Tenant) { role()(t); t.mailbox("board@contoso.com").SMTPAuthDisabled = &yes },
		},
		{
			name: "off, and no FullAccess", user: "board@contoso.com", token: "app", refusal: refusedIdentity,
			change: func(t *Tenant) { t.SMTPAuthDisabled = true },
		},
		{
			name: "security defaults, which stop passwords only", user: "app@contoso.com", token: "app",
			change: func(t *Tenant) { t.SecurityDefaults = true },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := dialChanged(t, test.change)
			checkRefusal(t, c, c.ask("AUTH XOAUTH2 "+xoauth2(test.user, test.token)), test.refusal)
		})
	}
}

func TestOnlyWorkAccountsHaveAppsWithoutAUser(t *testing.T) {
	for provider, want := range map[Provider]string{
		GlobalCloud: replyAuthOK, OutlookCom: refusedIdentity, GoogleGmail: "334 ",
	} {
		c := dialChanged(t, func(t *Tenant) { t.Provider = provider })
		if got := c.ask("AUTH XOAUTH2 " + xoauth2("app@contoso.com", "app")); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s", provider, got)
		}
	}
}

func TestAnAppSendsAsTheMailboxItSignedInTo(t *testing.T) {
	tests := []struct {
		name, from, denied string
	}{
		{"the mailbox", "app@contoso.com", ""},
		{"an alias of the mailbox", "robot@contoso.com", ""},
		{"another mailbox of the app that granted this one Send As", "billing@contoso.com", ""},
		{"another mailbox of the app that granted nothing", "lapsed@contoso.com", "lapsed@contoso.com"},
		{"another mailbox that granted the app Send As, and not this one", "legal@contoso.com", "legal@contoso.com"},
		{"another mailbox that granted this one Send on Behalf", "ceo@contoso.com", "ceo@contoso.com"},
		{"a mailbox that granted Send As to a user", "sales@contoso.com", "sales@contoso.com"},
	}
	tenant := newExchangeTenant()
	_, address := startExchange(t, tenant, exchangeOptions{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialExchange(t, address)
			c.startTLS()
			c.send("AUTH XOAUTH2 " + xoauth2("APP@contoso.com", "app"))
			c.expect("235")
			before := len(tenant.Inbox())
			got := c.submit(test.from, "ann@fabrikam.com", "From: "+test.from+"\r\n\r\nhi\r\n")
			if test.denied != "" {
				want := "554 5.2.252 SendAsDenied; app@contoso.com not allowed to send as " + test.denied + "; " +
					"STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied;"
				if !strings.HasPrefix(got, want) || len(tenant.Inbox()) != before {
					t.Errorf("got %q", got)
				}
				return
			}
			if !strings.HasPrefix(got, "250 2.0.0 OK <") || len(tenant.Inbox()) != before+1 {
				t.Fatalf("got %q", got)
			}
			m := tenant.Inbox()[before]
			if m.Over != "smtp" || m.App != testApp || m.User != "app@contoso.com" || m.From != test.from {
				t.Errorf("over %q, app %q, user %q, from %q", m.Over, m.App, m.User, m.From)
			}
		})
	}
}

func TestSessionsCountPerMailboxWhoeverSignedIn(t *testing.T) {
	tenant := newExchangeTenant()
	tenant.Change(func(t *Tenant) { t.mailbox("svc@contoso.com").FullAccess = []string{testAppEnterprise} })
	_, address := startExchange(t, tenant, exchangeOptions{MaxConnections: 1})
	submit := func(user, token string) string {
		c := dialExchange(t, address)
		c.startTLS()
		c.send("AUTH XOAUTH2 " + xoauth2(user, token))
		c.expect("235")
		return c.submit(user, "ann@fabrikam.com", "From: "+user+"\r\n\r\nhi\r\n")
	}
	for _, test := range []struct{ user, token, want string }{
		{"svc@contoso.com", "good", "250 2.0.0 OK <"},
		{"app@contoso.com", "app", "250 2.0.0 OK <"},
		{"svc@contoso.com", "app", replyCrowded},
		{"billing@contoso.com", "app", "250 2.0.0 OK <"},
		{"app@contoso.com", "app", replyCrowded},
	} {
		if got := submit(test.user, test.token); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s with the token %s: %s", test.user, test.token, got)
		}
	}
}

// appToken signs what Entra gives an app for itself.
func (b *bench) appToken(appID, audience string, roles ...string) string {
	b.Helper()
	now := b.clock.now()
	token, err := b.entra.keys.sign(struct {
		jwt.Claims
		AppID    string   `json:"appid"`
		TenantID string   `json:"tid"`
		Version  string   `json:"ver"`
		Roles    []string `json:"roles,omitempty"`
	}{
		jwt.Claims{
			Issuer: "https://sts.windows.net/" + b.TenantID + "/", Audience: jwt.Audience{audience},
			NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
		}, appID, b.TenantID, "1.0", roles,
	})
	if err != nil {
		b.Fatal(err)
	}
	return token
}

func TestASignedTokenOfAnAppOpensExchangeByItsRole(t *testing.T) {
	b := newBench(t, "default")
	token := b.appToken(daemonAppID, "https://outlook.office365.com")
	if reply := b.smtpAuth("board@contoso.com", token); !strings.HasPrefix(reply, refusedIdentity) {
		t.Error("without a role:", reply)
	}
	b.Tenant().Change(func(t *Tenant) {
		t.RoleAssignments = append(t.RoleAssignments, RoleAssignment{daemonAppID, smtpRBACRole, []string{"board@contoso.com"}})
	})
	for _, mailbox := range []string{"board@contoso.com", "ops@contoso.com"} {
		if reply := b.smtpAuth(mailbox, token); strings.HasPrefix(reply, "235") != (mailbox == "board@contoso.com") {
			t.Errorf("with a role over board, as %s: %s", mailbox, reply)
		}
	}
}
