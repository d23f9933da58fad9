package mailer

import (
	"testing"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/sandbox"
)

// TestAnAccountOfMicrosoft365IsRehearsedUnderItsOwnNames has nothing in the
// account that a real one has not.
func TestAnAccountOfMicrosoft365IsRehearsedUnderItsOwnNames(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:9") // which nobody asks
	b := newBenchWithout(t, sandbox.Options{Pages: true})
	b.Network = &Network{Dial: b.sandbox.Dial, Resolve: b.sandbox.Resolve, Roots: b.sandbox.CertPool()}
	b.person.Client = nil
	r := b.sandbox.Ready()
	a := account.New("main")
	a.Username, a.Sender, a.TestTo = r.Users[0].Username, "invoices@"+r.Domain, "ops@"+r.Domain
	a.Tenant, a.ClientID = r.TenantID, r.Apps[0].ClientID
	if err := b.Save(t.Context(), *a, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SignIn(t.Context(), "main", SignIn{Open: func(address string) error { return b.open(b.sandbox.Page(address)) }}); err != nil {
		t.Fatal(err)
	}
	results, err := b.Check(t.Context(), "main", checks.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Logf("%s %s: %s", r.ID, r.Status, r.Summary)
		if r.Status == checks.Fail || r.Status == checks.Warn {
			t.Errorf("%s: %s %s", r.ID, r.Summary, r.Fix)
		}
	}
	if got := b.sandbox.Tenant().Inbox(); len(got) != 1 || got[0].From != a.Sender || got[0].User != a.Username {
		t.Errorf("arrived: %+v", got)
	}
}
