package main

import (
	"testing"

	"traymail/internal/checks"
	"traymail/internal/sandbox"
)

var signify = guide{
	page: "signify.md", account: "signify", adds: "Add the account",
	app:    sandbox.App{Name: "Signify", SingleTenant: true, AppRoles: []string{mailSend}},
	before: portals("apps/APP/consent", "do", "grant"),
	mistakes: []mistake{
		secretID, secretWrong, secretExpired,
		{name: "admin consent is not granted", done: portals("apps/APP/consent", "do", "revoke"),
			check: checks.TestEmail, finding: "graph-app-permission-missing", notes: []string{"graph-app-permission-missing"}, says: []string{"Mail.Send", "Grant admin consent"}, mends: clicks("apps/APP/consent", "do", "grant")},
		{name: "Mail.Send is not added", done: permission("Mail.Send", "remove"),
			check: checks.TestEmail, finding: "graph-app-permission-missing", notes: []string{"graph-app-permission-missing"}, says: []string{"Microsoft Graph → Application permissions → Mail.Send"},
			mends: func(f *followed, _ checks.Result) { permission("Mail.Send", "add")(f) }},
		{name: "Mail.Send is added as a delegated permission", done: all(permission("Mail.Send", "remove"), portals("apps/APP/delegated-permissions", "permission", "Mail.Send", "do", "add"), portals("apps/APP/consent", "do", "grant")),
			check: checks.TestEmail, finding: "graph-app-permission-missing", notes: []string{"graph-app-permission-missing"}, says: []string{"Microsoft Graph → Application permissions → Mail.Send"},
			mends: func(f *followed, _ checks.Result) { permission("Mail.Send", "add")(f) }},
		{name: "the Tenant ID is of no tenant", typed: []string{"TENANT-ID", nowhere}, asks: "AADSTS90002",
			check: checks.Authority, finding: "tenant-unknown", says: []string{"Directory (tenant) ID"}, mends: corrects("--tenant ID", "--tenant TENANT-ID")},
		{name: "the Client ID is the Object ID of the registration", typed: []string{"CLIENT-ID", "REGISTRATION-ID"}, asks: "AADSTS700016",
			check: checks.ClientID, finding: "app-not-in-tenant", says: []string{"Application (client) ID", "Overview", "Object ID"}, mends: corrects("--client-id ID", "--client-id CLIENT-ID --secret-stdin")},
		{name: "From Email is no user of the tenant", typed: []string{"--sender ops@", "--sender nobody@"},
			check: checks.TestEmail, finding: "no-such-mailbox", says: []string{"nobody@contoso.com"},
			told: []string{"correct the sender nobody@contoso.com: traymail account edit signify --sender ADDRESS"}, mends: corrects("--sender ADDRESS", "--sender ops@contoso.com")},
		{name: "From Email has no Exchange Online licence", done: portals("tenant/licences", "user", "ops@contoso.com", "do", "remove"),
			check: checks.TestEmail, finding: "mailbox-not-in-cloud", says: []string{"ops@contoso.com", "Licenses and apps"}, mends: clicks("tenant/licences", "user", "ops@contoso.com", "do", "add")},
		{name: "a policy keeps the app from From Email", done: portals("apps/APP/access-policy", "mailboxes", "svc@contoso.com", "do", "add"),
			check: checks.TestEmail, finding: "graph-access-policy", says: []string{"put the mailbox ops@contoso.com into the group"}, mends: clicks("apps/APP/access-policy", "mailboxes", "ops@contoso.com", "do", "add")},
		{name: "SMTP AUTH is off for the organisation, which Graph does not ask", done: portals("tenant/smtp-auth", "do", "off")},
		{name: "port 587 is closed, which Graph does not need", scenario: "smtp-port-refused"},
	},
}

func TestEachMistakeThatSignifysGuideWarnsOfIsNamedAndMended(t *testing.T) { signify.follows(t) }
