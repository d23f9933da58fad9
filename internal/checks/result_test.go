package checks

import (
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/admin"
	"traymail/internal/sandbox"
)

func TestAdministratorsStepsComeWithWhatTheyNeed(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	two := func(a *account.Account) { a.Mailbox, a.Senders = account.FromMailbox, []string{"ops@contoso.com"} }
	for name, c := range map[string]struct {
		account         account.Account
		steps           []string
		command, verify []string // in this order
		without         []string
	}{
		"one mailbox": {
			b.person(t), []string{"smtp-auth"},
			[]string{"Connect-ExchangeOnline", "Set-CASMailbox -Identity 'svc@contoso.com' -SmtpClientAuthenticationDisabled $false"},
			[]string{"Connect-ExchangeOnline", "Get-CASMailbox", "# prints SmtpClientAuthenticationDisabled False"},
			[]string{"Install-Module", "$mailboxes"},
		},
		"an application's mailboxes": {
			b.application(t, two), []string{"full-access"},
			[]string{"Connect-ExchangeOnline", "$mailboxes = @(", "'ops@contoso.com'", "$objectId", "$sp = ", "Add-MailboxPermission"},
			[]string{"Connect-ExchangeOnline", "$mailboxes = @(", "Get-MailboxPermission"},
			nil,
		},
		"two steps": {
			b.application(t), []string{"full-access", "send-as"},
			[]string{"Connect-ExchangeOnline", "$objectId", "$sp = ", "Add-MailboxPermission", "Add-RecipientPermission"},
			[]string{"Connect-ExchangeOnline", "Get-MailboxPermission", "Get-RecipientPermission"},
			nil,
		},
		"of Graph's window": {
			b.person(t), []string{"admin-consent"}, nil,
			[]string{"Connect-MgGraph", "Get-MgOauth2PermissionGrant", "# prints ConsentType AllPrincipals"},
			[]string{"Connect-ExchangeOnline"},
		},
		"of both windows": {
			b.application(t), []string{"admin-consent", "full-access"},
			[]string{"Connect-ExchangeOnline"}, []string{"Connect-ExchangeOnline", "Get-MailboxPermission"},
			[]string{"-Mg"},
		},
		"steps that are not this account's": {b.person(t), []string{"full-access"}, nil, nil, []string{"Connect"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(b.setup(t, c.account), Options{})
			var result Result
			r.takeSteps(&result, c.steps)
			inOrder(t, result.Command, c.command)
			inOrder(t, result.Verify, c.verify)
			for _, w := range c.without {
				if strings.Contains(result.Command+result.Verify, w) {
					t.Errorf("%q is there, and should not:\n%s\n%s", w, result.Command, result.Verify)
				}
			}
			if n := strings.Count(result.Command, "Connect-"); n > 1 {
				t.Errorf("it connects %d times", n)
			}
		})
	}
}

func inOrder(t *testing.T, text string, parts []string) {
	t.Helper()
	if len(parts) == 0 && text != "" {
		t.Errorf("there is something: %s", text)
	}
	rest := text
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Errorf("%q is not there, or not at its place:\n%s", p, text)
			return
		}
		rest = after
	}
}

func TestTheAdministratorsOwnPageIsLinked(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	a := b.person(t)
	all, err := admin.Steps(a, admin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	step := all[slices.IndexFunc(all, func(s admin.Step) bool { return s.ID == "redirect-url" })]
	result := Result{Link: "https://example.com/general", Takes: "long"}
	newRun(b.setup(t, a), Options{}).takeSteps(&result, []string{"redirect-url"})
	if result.Link != step.Link || result.Takes != step.Takes || result.Link == "" {
		t.Errorf("the link is %q, and it takes %q", result.Link, result.Takes)
	}
}
