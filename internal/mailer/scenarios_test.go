package mailer

import (
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/refusals"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

var update = flag.Bool("update", false, "write docs/scenarios.md anew")

func TestEveryScenarioIsInTheTable(t *testing.T) {
	known := map[string]sandbox.Scenario{}
	for _, s := range sandbox.Scenarios() {
		known[s.Name] = s
		if !slices.ContainsFunc(rows, func(r row) bool { return r.scenario == s.Name }) {
			t.Errorf("%s is not in the table", s.Name)
		}
	}
	for _, r := range rows {
		s, ok := known[r.scenario]
		if !ok {
			t.Errorf("the table has %s, which the sandbox does not", r.scenario)
		}
		for kind := range strings.FieldsSeq(r.kinds) {
			if len(s.Meets) > 0 && !slices.Contains(s.Meets, kind) {
				t.Errorf("%s does not meet %s", kind, r.scenario)
			}
		}
		if s.Works && r.fails != "" && !slices.Equal(s.Meets, []string{sandbox.KindBasic}) {
			t.Errorf("%s works, and the table has it fail", r.scenario)
		}
	}
}

func TestCheckNamesEachScenarioAndWhatItPrintsMendsIt(t *testing.T) {
	t.Parallel()
	said := make([]findings, len(rows))
	// Some of them wait rather than work, so that more are under way than there
	// are processors.
	var all sync.WaitGroup
	turns := make(chan struct{}, 10)
	for i, r := range rows {
		if i%rowsApart != 0 {
			continue
		}
		for kind := range strings.FieldsSeq(r.kinds) {
			name := r.scenario + "/" + kind
			if r.later {
				name += "/later"
			}
			turns <- struct{}{}
			all.Go(func() {
				defer func() { <-turns }()
				t.Run(name, func(t *testing.T) { said[i].add(kind, r.meet(t, kind)) })
			})
		}
	}
	all.Wait()
	for i := range rows {
		if len(said[i].of) != len(strings.Fields(rows[i].kinds)) {
			return // not all of the table was asked for, or a row of it failed
		}
	}
	comparePage(t, said)
}

// findings are what check said of a row, by the kind of account.
type findings struct {
	mu sync.Mutex
	of map[string]checks.Result
}

func (f *findings) add(kind string, r checks.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[string]checks.Result{}
	}
	f.of[kind] = r
}

// A meeting is one row and one kind of account under way.
type meeting struct {
	*bench
	row
	kind string
	s    sandbox.Scenario
	// explained is what the sign-in's page or error meant.
	explained refusals.Refusal
}

// meet has an account of a kind meet the row's scenario, and returns the result
// that names it.
func (r row) meet(t *testing.T, kind string) checks.Result {
	m := &meeting{row: r, kind: kind, s: scenarioOf(r.scenario)}
	m.begin(t)
	signsIn := m.account.SignIn == account.BrowserSignIn
	if signsIn {
		m.firstSignIn()
	}
	if r.later {
		if err := m.sandbox.Break(r.scenario); err != nil {
			t.Fatal(err)
		}
	}
	if r.scenario == "rate-exceeded" { // the rest of the minute is short
		m.pass(40 * time.Second)
	}
	result := m.checks("", r.fails, r.warns)
	switch {
	case r.mend == nothing:
		return result
	case r.scenario == "rate-exceeded":
		m.pass(-40 * time.Second)
	}
	m.mended(result)
	if signsIn && (m.s.SignIn || !m.hasSignedIn()) {
		if said, err := m.enter(t.Context(), kind); err != nil {
			t.Fatalf("mended, the sign-in fails: %v | %s", err, said)
		}
	}
	if r.mend != newWay {
		m.checks("mended: ", "", r.left)
	}
	return result
}

func scenarioOf(name string) sandbox.Scenario {
	all := sandbox.Scenarios()
	return all[slices.IndexFunc(all, func(s sandbox.Scenario) bool { return s.Name == name })]
}

// begin starts the sandbox and makes the account.
func (m *meeting) begin(t *testing.T) {
	t.Helper()
	start := m.scenario
	if m.later {
		start = "default"
	}
	if m.s.Group == sandbox.GroupProvider && m.scenario != "default" {
		m.bench = newBenchAt(t, start)
		m.elsewhere()
		return
	}
	m.bench = newBench(t, start)
	m.ofKind(m.kind, m.s)
	saved, _, err := m.Account(t.Context(), "main") // a certificate says when it ends
	if err != nil {
		t.Fatal(err)
	}
	m.account = saved
	if m.kind == sandbox.KindBasic && m.scenario != "passwords-retired" {
		m.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.BasicAuthAllowed = true })
	}
	set := func(f func(*account.Account)) { m.change("", f) }
	if scope := m.sandbox.Ready().SMTPScope; scope != "" { // what is wrong in the file comes last
		defer m.inFile("smtp_scope", scope)
	}
	set(func(a *account.Account) {
		if a.Timeout = 5; m.scenario == "rate-exceeded" || m.scenario == "graph-throttled" {
			a.Timeout = 60
		}
		switch {
		case m.sender == "":
		case a.SignIn == account.AppOnly:
			a.From, a.Senders = account.KeepFrom, []string{m.sender}
		default:
			a.Sender, a.OnBehalf = m.sender, m.sender == fromAlerts
		}
	})
}

// elsewhere makes the account one of another cloud, or of another provider.
func (m *meeting) elsewhere() {
	app := m.readyApp(m.kind)
	m.at(m.sandbox.Ready().Provider, keystore.Secret(app.ClientSecret), func(a *account.Account, r sandbox.Ready) {
		a.TestTo, a.ClientID = "ops@contoso.com", app.ClientID
		switch m.scenario {
		case "google":
			a.AuthorizeURL, a.TokenURL, a.JWKSURL, a.Issuer = r.AuthorizeURL, r.TokenURL, r.JWKSURL, r.Issuer
			return
		case "outlook.com":
		default:
			a.Tenant = r.TenantID
		}
		a.AuthorityURL, a.GraphURL, a.ExchangeURL = r.Authority, r.GraphURL, r.ExchangeURL
		if m.kind == sandbox.KindApp {
			a.SecretExpires = app.SecretExpires.Format(time.DateOnly)
			a.SignIn, a.Credential, a.Registration, a.RedirectURL, a.SMTPScope, a.GraphScope = account.AppOnly, account.SecretCredential, "", "", "", ""
		}
	})
}

// firstSignIn signs in, and compares what that shows with the row.
func (m *meeting) firstSignIn() {
	m.t.Helper()
	said, err := m.enter(m.t.Context(), m.kind)
	if err == nil {
		if m.page != "" {
			m.t.Fatalf("the sign-in went well, and should show %s", m.page)
		}
		m.afterSignIn()
		return
	}
	if err != errPage {
		said = err.Error()
	}
	if m.page == "" {
		if m.fails == "" || m.mend == nothing {
			m.t.Fatalf("the sign-in: %v | %s", err, said)
		}
		return
	}
	e := refusals.Explain(said)
	if len(e.Findings) == 0 || e.Findings[0].Refusal.ID != m.page {
		m.t.Errorf("the sign-in shows %q, explained as %+v, want %s", said, e.Findings, m.page)
		return
	}
	m.explained = Named(e.Findings[0].Refusal, &m.account)
}

// afterSignIn is what the person learns after the sign-in.
func (m *meeting) afterSignIn() {
	switch m.scenario {
	case "mfa-at-renewal":
		m.person.MFACode = "135790"
	case "password-changed":
		m.person.Password = "svc-password-2"
	}
}

func (m *meeting) hasSignedIn() bool {
	has, err := m.has(m.t.Context(), refreshTokenName(&m.account))
	return has && err == nil
}

// checks runs check and compares: one check fails and nothing else does, and no
// other warns than those. It returns the result that counts: what fails, or
// warns.
func (m *meeting) checks(when, fails, warns string) (counts checks.Result) {
	m.t.Helper()
	all, err := m.Check(m.t.Context(), "main", checks.Options{}, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	var failed, warned []string
	for _, r := range all {
		speak(r)
		switch what := r.ID + " " + r.Finding; r.Status {
		case checks.Fail:
			failed = append(failed, what)
			counts = r
		case checks.Warn:
			warned = append(warned, what)
			if fails == "" {
				counts = r
			}
		}
	}
	if got := strings.Join(failed, ", "); got != fails {
		m.t.Errorf("%sfails %q, want %q", when, got, fails)
	}
	if got := strings.Join(warned, ", "); got != warns {
		m.t.Errorf("%swarns %q, want %q", when, got, warns)
	}
	if m.t.Failed() {
		for _, r := range all {
			if r.Status == checks.Fail || r.Status == checks.Warn {
				m.t.Logf("%s%s %s [%s] %s\nreply %s\nfix %s\nlink %s\ncommand %s\ndetail %s", when, r.Status, r.ID, r.Finding, r.Summary, r.Reply, r.Fix, r.Link, r.Command, r.Detail)
			}
		}
		m.t.FailNow()
	}
	return counts
}
