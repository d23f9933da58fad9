package checks

import (
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

func TestACheckThatIsDoneOnceMoreAsksAnew(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, id string
		office   func(*testing.T) *office
		broken   func(*sandbox.Tenant, account.Account)
		mended   func(*sandbox.Tenant, account.Account)
	}{
		{"the application is let in", Accepted, func(t *testing.T) *office { return newOffice(t, "", application("SMTP.SendAsApp")) },
			func(t *sandbox.Tenant, _ account.Account) { mailboxOf(t, svc).FullAccess = nil },
			func(t *sandbox.Tenant, a account.Account) {
				mailboxOf(t, svc).FullAccess = []string{appOf(t, a.ClientID).EnterpriseID}
			}},
		{"the application gets its permission", Claims, func(t *testing.T) *office { return newOffice(t, "", application("SMTP.SendAsApp")) },
			func(t *sandbox.Tenant, a account.Account) { appOf(t, a.ClientID).GrantedRoles = nil },
			func(t *sandbox.Tenant, a account.Account) {
				appOf(t, a.ClientID).GrantedRoles = appOf(t, a.ClientID).AppRoles
			}},
		{"SMTP AUTH is switched on", SMTPAuth, func(t *testing.T) *office { return newOffice(t, "", nil).signIn(svc) },
			func(t *sandbox.Tenant, _ account.Account) { t.SMTPAuthDisabled = true },
			func(t *sandbox.Tenant, _ account.Account) { on := false; mailboxOf(t, svc).SMTPAuthDisabled = &on }},
		{"Send As is given", SendAs, func(t *testing.T) *office { return sendingAsBoard(t, "unpaced", "SMTP").signIn(svc) },
			func(*sandbox.Tenant, account.Account) {},
			func(t *sandbox.Tenant, _ account.Account) { mailboxOf(t, board).SendAs = []string{svc} }},
		{"the licence is there", Accepted, func(t *testing.T) *office { return newOffice(t, "", nil).signIn(svc) },
			func(t *sandbox.Tenant, _ account.Account) { userOf(t, svc).Unlicensed = true },
			func(t *sandbox.Tenant, _ account.Account) { userOf(t, svc).Unlicensed = false }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := test.office(t)
			b.change(func(t *sandbox.Tenant) { test.broken(t, b.account) })
			r := newRun(b.setup(), Options{})
			r.pass(t.Context(), time.Now(), func(Result) {})
			if r.done[test.id].Status != Fail {
				t.Fatalf("%+v", r.done[test.id])
			}
			b.change(func(t *sandbox.Tenant) { test.mended(t, b.account) })
			if got, ok := r.check(t.Context(), r.stepOf(test.id)); !ok || got.Status != Pass {
				t.Errorf("%+v", got)
			}
			r.pass(t.Context(), time.Now(), func(Result) {})
			if got := r.done[TestEmail]; got.Status != Pass {
				t.Errorf("%+v", got)
			}
		})
	}
}
