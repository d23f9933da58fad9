package mailer

import (
	"errors"
	"slices"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// behalf is a bench whose account sends from an address, and whose app lists
// Exchange.ManageV2.
func behalf(t *testing.T, sender string) *bench {
	t.Helper()
	b := newBench(t, "send-on-behalf-missing")
	b.change("", func(a *account.Account) { a.Sender = sender })
	b.mendAtPortal(sandbox.Mend{Action: "apps/" + b.account.ClientID + "/delegated-permissions", Form: map[string]string{"permission": "Exchange.ManageV2", "do": "add"}})
	return b
}

// asAdministrator has the administrator sit in front of the browser.
func (b *bench) asAdministrator() {
	b.person.Username, b.person.Password = "admin@contoso.com", passwordOf(b, "admin@contoso.com")
}

func TestAnAdministratorSignsInToGrantSendOnBehalf(t *testing.T) {
	t.Parallel()
	b := behalf(t, fromAlerts)
	b.signIn()
	if _, err := b.SendOnBehalf(t.Context(), "main", true); !errors.Is(err, ErrNotAllowed) {
		t.Fatalf("by the account's own rights: %v", err)
	}
	b.asAdministrator()
	declined := errors.New("the person said no")
	asked := 0
	d, err := b.SendOnBehalfAs(t.Context(), "main", b.open, func(d Delegation) error { asked++; return declined })
	if !errors.Is(err, declined) || asked != 1 || d.Granted {
		t.Fatalf("declined: %+v, %v", d, err)
	}
	d, err = b.SendOnBehalfAs(t.Context(), "main", b.open, func(d Delegation) error { return nil })
	if err != nil || !d.Granted || d.By != "admin@contoso.com" || d.Mailbox != fromAlerts || len(d.Delegates) != 1 {
		t.Fatalf("granted: %+v, %v", d, err)
	}
	b.sandbox.Tenant().View(func(tenant *sandbox.Tenant) {
		for _, m := range tenant.Mailboxes {
			if m.Address == fromAlerts && !slices.Contains(m.SendOnBehalf, "svc@contoso.com") {
				t.Errorf("the mailbox has %v", m.SendOnBehalf)
			}
		}
	})
	// What is there already nobody is asked for, and the account is still svc's.
	if d, err = b.SendOnBehalfAs(t.Context(), "main", b.open, func(Delegation) error { t.Error("asked again"); return nil }); err != nil || !d.Granted {
		t.Errorf("once more: %+v, %v", d, err)
	}
	if _, err := b.SendTest(t.Context(), "main", "ops@contoso.com"); err != nil {
		t.Errorf("the account's own sign-in: %v", err)
	}
}

func TestAnAccountThatAdministersExchangeGrantsByItself(t *testing.T) {
	t.Parallel()
	b := behalf(t, fromAlerts)
	b.sandbox.Tenant().Change(func(tenant *sandbox.Tenant) {
		for _, u := range tenant.Users {
			if u.UPN == "svc@contoso.com" {
				u.ExchangeAdmin = true
			}
		}
	})
	b.mendAtPortal(sandbox.Mend{Action: "apps/" + b.account.ClientID + "/consent", Form: map[string]string{"do": "grant"}})
	b.signIn()
	before, err := b.SendOnBehalf(t.Context(), "main", false)
	if err != nil || before.Granted {
		t.Fatalf("before: %+v, %v", before, err)
	}
	if d, err := b.SendOnBehalf(t.Context(), "main", true); err != nil || !d.Granted || d.By != "" {
		t.Errorf("granted: %+v, %v", d, err)
	}
}

func TestSendOnBehalfOfOneselfOrByNobodyIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	b := behalf(t, "svc@contoso.com")
	b.signIn()
	var field *account.FieldError
	if _, err := b.SendOnBehalf(t.Context(), "main", false); !errors.As(err, &field) || field.Key != "sender" {
		t.Errorf("of oneself: %v", err)
	}
	b.ofKind(sandbox.KindApp, scenarioOf("default"))
	if _, err := b.SendOnBehalfAs(t.Context(), "main", b.open, nil); !errors.As(err, &field) || field.Key != "sign_in" {
		t.Errorf("of an application: %v", err)
	}
}
