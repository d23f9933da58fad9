package mailer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"traymail/internal/account"
)

// midday is the middle of a day of UTC.
func midday(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// web is an account with a client secret that ends on a day.
func web(expires string) *account.Account {
	a := account.New("payroll")
	a.Registration, a.SecretExpires = account.Web, expires
	return a
}

func with(a *account.Account, change func(*account.Account)) *account.Account {
	change(a)
	return a
}

func TestWhatEndsIsAnAlertFromThirtyDaysBefore(t *testing.T) {
	const due = "2027-03-31"
	end := midday(due)
	tests := []struct {
		days     int
		step     int // -1: no alert
		severity Severity
		title    string
	}{
		{31, -1, "", ""},
		{30, 30, AlertNotice, "ends in 30 days"},
		{15, 30, AlertNotice, "ends in 15 days"},
		{14, 14, AlertWarning, "ends in 14 days"},
		{8, 14, AlertWarning, "ends in 8 days"},
		{7, 7, AlertWarning, "ends in 7 days"},
		{2, 7, AlertWarning, "ends in 2 days"},
		{1, 1, AlertUrgent, "ends tomorrow"},
		{0, 0, AlertUrgent, "ends today"},
		{-1, 0, AlertUrgent, "ended yesterday"},
		{-3, 0, AlertUrgent, "ended 3 days ago"},
	}
	person := account.New("payroll")
	person.NoticeTo = "ops@contoso.com"
	for _, tt := range tests {
		now := end.AddDate(0, 0, -tt.days)
		for what, c := range map[string]circumstances{
			AlertSecret + " the client secret of payroll ":   {file: web(due)},
			AlertSecret + " the certificate of payroll ":     {file: with(web(due), func(a *account.Account) { a.SignIn, a.Credential = account.AppOnly, account.CertificateCredential })},
			AlertTokenIdle + " the sign-in of payroll ":      {file: person, used: end.Add(-idleLife)},
			AlertSecret + "  the client secret of payroll ":  {file: with(web(due), func(a *account.Account) { a.SignIn, a.Credential = account.AppOnly, account.SecretCredential })},
			AlertSecret + "   the client secret of payroll ": {file: with(web(due), func(a *account.Account) { a.Provider, a.Registration = account.Google, "" })},
		} {
			c.now, c.status = now, &AccountStatus{Name: "payroll", State: Ready}
			id, title, _ := strings.Cut(what, " ")
			all := c.findings()
			if tt.step < 0 {
				if len(all) != 0 {
					t.Errorf("%d days before, %s: %+v", tt.days, what, all)
				}
				continue
			}
			if len(all) != 1 {
				t.Errorf("%d days before, %s: %+v", tt.days, what, all)
				continue
			}
			f := all[0]
			if f.ID != id || f.step != tt.step || f.Severity != tt.severity || f.title != strings.TrimSpace(title)+" "+tt.title || f.Fix == "" {
				t.Errorf("%d days before, %s: %+v", tt.days, what, f)
			}
			if daysUntil(f.Due, now) != tt.days || f.unable != (tt.days <= 0) || !strings.HasPrefix(f.Summary, f.title) {
				t.Errorf("%d days before, %s: due %v, unable %v, %q", tt.days, what, f.Due, f.unable, f.Summary)
			}
		}
	}
}

func TestWhatHasNoEndIsNoAlert(t *testing.T) {
	for what, a := range map[string]*account.Account{
		"a public registration, which has no secret": with(web("2027-01-01"), func(a *account.Account) { a.Registration = account.Public }),
		"another issuer's token":                     with(web("2027-01-01"), func(a *account.Account) { a.SignIn, a.Credential = account.AppOnly, account.FederatedCredential }),
		"a day that is not known":                    web(""),
		"a day that is none":                         web("soon"),
	} {
		c := circumstances{file: a, status: &AccountStatus{Name: "payroll"}, now: midday("2027-01-01")}
		if all := c.findings(); len(all) > 0 {
			t.Errorf("%s: %+v", what, all)
		}
	}
	app := circumstances{file: with(web(""), func(a *account.Account) { a.SignIn = account.AppOnly }), used: midday("2026-01-01"), status: &AccountStatus{Name: "payroll"}, now: midday("2027-01-01"), unsigned: true}
	if all := app.findings(); len(all) > 0 {
		t.Errorf("an application needs a person: %+v", all)
	}
}

func TestAPasswordIsAnAlertAlwaysAndMailedBeforeTheEndAndMonthlyAfter(t *testing.T) {
	a := with(account.New("payroll"), func(a *account.Account) { a.SignIn = account.PasswordSignIn })
	mailed := map[string]int{}
	last := noMail
	for day := midday("2026-09-01"); day.Before(midday("2027-04-15")); day = day.AddDate(0, 0, 1) {
		all := circumstances{file: a, status: &AccountStatus{Name: "payroll"}, now: day}.findings()
		if len(all) != 1 || all[0].ID != AlertRetirement || !all[0].Due.Equal(retired) {
			t.Fatalf("on %v: %+v", day, all)
		}
		if all[0].step < last {
			last = all[0].step
			mailed[day.Format(time.DateOnly)] = last
		}
	}
	want := map[string]int{"2026-12-01": 30, "2026-12-17": 14, "2026-12-24": 7, "2026-12-30": 1, "2026-12-31": 0, "2027-01-30": -1, "2027-03-01": -2, "2027-03-31": -3}
	if diff := cmp.Diff(want, mailed); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	a.Provider = account.OutlookCom
	if all := (circumstances{file: a, status: &AccountStatus{Name: "payroll"}, now: midday("2026-09-01")}).findings(); len(all) != 1 || all[0].Severity != AlertUrgent || !all[0].Due.IsZero() {
		t.Errorf("Outlook.com: %+v", all)
	}
	a.Provider = account.Custom
	if all := (circumstances{file: a, status: &AccountStatus{Name: "payroll"}, now: midday("2027-09-01")}).findings(); len(all) != 0 {
		t.Errorf("another provider: %+v", all)
	}
}

func TestAnAccountThatWaitsForAPersonIsAnAlert(t *testing.T) {
	now := midday("2027-01-01")
	for _, tt := range []struct {
		cause    Cause
		patience time.Duration
		none     bool
	}{
		{CauseSignIn, 0, false}, {CauseSettings, troublePatience, false}, {CauseProvider, troublePatience, false}, {CauseKeystore, troublePatience, false},
		{CauseNetwork, 0, true}, {CauseThrottle, 0, true}, {CauseQuota, 0, true}, {"", 0, true},
	} {
		s := &AccountStatus{Name: "payroll", State: Attention, Cause: tt.cause, Reason: "the reason", Fix: "the fix", Since: now.Add(-time.Hour)}
		all := circumstances{file: account.New("payroll"), status: s, now: now}.findings()
		if tt.none {
			if len(all) != 0 {
				t.Errorf("%s: %+v", tt.cause, all)
			}
			continue
		}
		if len(all) != 1 || all[0].ID != string(tt.cause) || all[0].patience != tt.patience || all[0].Severity != AlertUrgent || !all[0].unable ||
			!strings.HasSuffix(all[0].Summary, ": the reason") || all[0].Fix != "the fix" || !all[0].Since.Equal(s.Since) {
			t.Errorf("%s: %+v", tt.cause, all)
		}
	}
}

func TestAlertsAreOrderedByTheirSeverity(t *testing.T) {
	s := &AccountStatus{Name: "payroll", State: Attention, Cause: CauseProvider, Reason: "535"}
	c := circumstances{file: web("2027-01-25"), status: s, now: midday("2027-01-01"), used: midday("2026-10-15"), rising: &tally{5, 10}}
	var got []string
	for _, f := range c.findings() {
		got = append(got, fmt.Sprint(f.Severity, " ", f.ID))
	}
	if want := []string{"urgent provider", "warning refusals", "warning token-idle", "notice secret-expires"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestAnAlertsNamesInJSON(t *testing.T) {
	due := time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)
	for want, a := range map[string]Alert{
		`{"id":"secret-expires","severity":"warning","since":"2027-03-01T00:00:00Z","due":"2027-03-31T00:00:00Z","summary":"s","fix":"f"}`: {AlertSecret, AlertWarning, due.AddDate(0, 0, -30), due, "s", "f"},
		`{"id":"refusals","severity":"urgent","summary":"s"}`:                                                                              {ID: AlertRefusals, Severity: AlertUrgent, Summary: "s"},
	} {
		if got, err := json.Marshal(a); err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
}

func TestAnAccountThatFellBackToGraphIsAnAlertWithTheRefusalAndBothWaysOut(t *testing.T) {
	const reply = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information."
	s := &AccountStatus{Name: "payroll", Username: "svc@contoso.com", Over: account.Graph}
	c := circumstances{status: s, file: account.New("payroll"), now: midday("2026-11-21")}
	if found := c.findings(); len(found) != 0 {
		t.Fatalf("an account that chose Graph has the alerts %+v", found)
	}
	s.Instead = reply
	found := c.findings()
	if len(found) != 1 || found[0].ID != AlertOverGraph || found[0].Severity != AlertNotice {
		t.Fatalf("the alerts are %+v", found)
	}
	if f := found[0]; !strings.Contains(f.Summary, reply) || !strings.Contains(f.Fix, "--transport graph") || !strings.Contains(f.Fix, "Set-CASMailbox -Identity 'svc@contoso.com'") {
		t.Errorf("summary %q, fix %q", f.Summary, f.Fix)
	}
}
