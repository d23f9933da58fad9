package checks

import (
	"context"
	"crypto/x509/pkix"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/claims"
	"traymail/internal/refusals"
	"traymail/internal/sandbox"
)

// failures are the findings of the checks that failed.
func failures(got map[string]Result) []string {
	var all []string
	for _, id := range IDs() {
		if r := got[id]; r.Status == Fail {
			all = append(all, id+" "+r.Finding)
		}
	}
	return all
}

func TestOneCauseIsOneFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario string
		account  func(*account.Account, sandbox.Ready)
		tenant   func(*sandbox.Tenant)
		fails    string
	}{
		"no licence": {"no-licence", nil, nil, "accepted no-licence"},
		"no licence, over Graph": {"no-licence", func(a *account.Account, _ sandbox.Ready) {
			a.Transport, a.GraphScope = account.Graph, "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read"
		}, nil, "test-email no-licence"},
		"the sign-in was revoked":               {"", nil, func(t *sandbox.Tenant) { t.RevokedBefore = time.Now().Add(time.Hour) }, "token-smtp sign-in-revoked"},
		"the application has no consent":        {"app-no-consent", application("SMTP.SendAsApp"), nil, "claims app-permission-missing"},
		"Graph's application without a consent": {"app-no-consent", application("Mail.Send"), nil, "test-email graph-app-permission-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newOffice(t, c.scenario, c.account)
			if b.account.SignIn == account.BrowserSignIn {
				b.signIn(svc)
			}
			if c.tenant != nil {
				b.change(c.tenant)
			}
			got := b.run(Options{})
			if f := failures(got); len(f) != 1 || !strings.HasPrefix(f[0], c.fails) {
				t.Errorf("%q, want %q", f, c.fails)
			}
		})
	}
}

func TestAPlanThatNobodyKnowsKeepsNobodyFromSending(t *testing.T) {
	t.Parallel()
	b := newOffice(t, "", nil).signIn(svc)
	r := newRun(b.setup(), Options{})
	r.steps = slices.Clone(r.steps)
	i := slices.IndexFunc(r.steps, func(s step) bool { return s.id == Licence })
	licence := r.steps[i].do
	r.steps[i].do = func(r *run, ctx context.Context) Result {
		licence(r, ctx)
		return r.unlicensed("svc has NEW_PLAN, none with a mailbox")
	}
	got := map[string]Result{}
	for _, result := range r.all(t.Context(), nil) {
		got[result.ID] = result
	}
	b.expect(got, map[string]string{Licence: "warn no-licence"})
}

func TestTheAuthoritysTimeDecides(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	for name, c := range map[string]struct {
		computer, greeting time.Duration // ahead of the authority, and of the greeting's time
		alone              bool          // the authority does not tell
		status             Status
		words              string
	}{
		"a greeting that is wrong":           {0, 40 * time.Minute, false, Pass, "does not matter"},
		"a greeting that agrees":             {0, 10 * time.Second, false, Pass, "right to 0 seconds"},
		"a greeting that says well":          {7 * time.Minute, 0, false, Fail, "7 minutes ahead"},
		"a greeting alone, far away":         {0, 40 * time.Minute, true, Warn, "40 minutes ahead"},
		"a greeting alone, that says well":   {0, 10 * time.Second, true, Pass, "right to 10 seconds"},
		"a greeting alone, to the very same": {0, 0, true, Pass, "mail.contoso.com:587"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.person(t)
			if c.alone {
				a.AuthorityURL = "https://" + closedPort(t).String()
			}
			s := b.setup(t, a)
			s.Now = func() time.Time { return time.Now().Add(c.computer) }
			s.Web.Transport.(*http.Transport).TLSClientConfig.Time = s.Now
			r := newRun(s, Options{})
			r.learn("mail.contoso.com:587", c.greeting)
			finding := ""
			if c.status != Pass {
				finding = "clock-wrong"
			}
			want(t, r.clock(t.Context()), c.status, finding, c.words)
		})
	}
}

func TestAnAnswerFromACacheTellsItsAge(t *testing.T) {
	now := time.Now()
	for age, ahead := range map[string]time.Duration{"": 30 * time.Minute, "1800": 0, "many": 30 * time.Minute, "-5": 30 * time.Minute} {
		p := &page{header: http.Header{}, sent: now, came: now}
		p.header.Set("Date", now.Add(-30*time.Minute).UTC().Format(http.TimeFormat))
		p.header.Set("Age", age)
		if got, ok := p.ahead(); !ok || (got-ahead).Abs() > 2*time.Second {
			t.Errorf("with Age %q the clock is %v ahead, want %v", age, got, ahead)
		}
	}
}

func TestAnExpiredCertificateIsNotBlamedOnAClockThatIsRight(t *testing.T) {
	ca := newIssuer(t, pkix.Name{CommonName: "Contoso Root CA"})
	for ahead, right := range map[time.Duration]bool{0: true, 3 * time.Minute: false} {
		r := newRun(setupOf(t, own(t, closedPort(t)), ca.pool()), Options{})
		r.learn("localhost:587", ahead)
		result := r.badCertificate(t.Context(), "localhost", verdict{"certificate-expired", Fail, "it expired", "", ""})
		if blames := strings.Contains(result.Fix, "date is right"); blames == right || right != strings.Contains(result.Detail, "clock is right") {
			t.Errorf("%v ahead: %+v", ahead, result)
		}
	}
	r := newRun(setupOf(t, own(t, closedPort(t)), ca.pool()), Options{})
	if result := r.badCertificate(t.Context(), "localhost", verdict{"certificate-expired", Fail, "it expired", "", ""}); !strings.Contains(result.Fix, "date is right") {
		t.Errorf("of a clock that nobody knows it says: %s", result.Fix)
	}
}

func TestAnotherNumberOfTheAppIsNamedForWhatItIs(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	const object = "5e1b7a60-0001-4000-8000-00000000da01"
	for name, c := range map[string]struct {
		change func(*account.Account)
		words  string
	}{
		"the Object ID":   {func(a *account.Account) { a.ClientID, a.ObjectID = object, object }, object + " is the Object ID"},
		"the tenant's":    {func(a *account.Account) { a.ClientID = b.TenantID }, "is the Directory (tenant) ID"},
		"some other":      {func(a *account.Account) { a.ClientID = object }, "shows three IDs"},
		"the other's app": {func(a *account.Account) { a.ClientID = "99999999-0000-4000-8000-000000000000" }, "not the Object ID"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.application(t)
			c.change(&a)
			want(t, newRun(b.setup(t, a), Options{}).clientID(t.Context()), Fail, "app-not-in-tenant", c.words)
		})
	}
}

func TestWhatIsGoodUntilWhenHasAZoneAndTheDayUnlessToday(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)
	r := newRun(Setup{Now: func() time.Time { return noon }}, Options{})
	for end, is := range map[time.Time]string{
		{}:                         "",
		noon.Add(time.Hour):        ", good until 13:00 " + noon.Format("MST"),
		noon.Add(24 * time.Hour):   ", good until 22 November 2026 12:00 " + noon.Format("MST"),
		noon.Add(-365 * time.Hour): ", good until 6 November 2026 07:00 " + noon.Format("MST"),
	} {
		if got := r.until(claims.Claims{Expires: end}); got != is {
			t.Errorf("%v is %q, want %q", end, got, is)
		}
	}
}

func TestAFixIsTwoSentencesAtMost(t *testing.T) {
	for in, out := range map[string][2]string{
		"do it":                          {"do it", ""},
		"do it. Then that":               {"do it. Then that", ""},
		"do it. Then that. And this":     {"do it. Then that.", "And this"},
		"a\nb\nc":                        {"a\nb", "c"},
		"open smtp.office365.com. It is": {"open smtp.office365.com. It is", ""},
	} {
		if short, more := twoSentences(in); short != out[0] || more != out[1] {
			t.Errorf("%q is %q and %q", in, short, more)
		}
	}
	b := newTenant(t, sandbox.Options{})
	for _, a := range []account.Account{b.person(t), b.application(t), b.application(t, func(a *account.Account) { a.Transport = account.Graph })} {
		r := newRun(b.setup(t, a), Options{})
		for _, entry := range refusals.All() {
			result := r.found(entry.ID, Fail, "it failed", "")
			if _, more := twoSentences(result.Fix); more != "" || result.Fix == "" {
				t.Errorf("%s: %s", entry.ID, result.Fix)
			}
		}
	}
}
