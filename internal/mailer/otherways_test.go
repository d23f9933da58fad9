package mailer

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// wire is a log of SMTP dialogs that may be read while it is written.
type wire struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *wire) count(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), what)
}

// byGraphToo makes the account one that finds its transport out.
func (b *bench) byGraphToo() *wire {
	log := new(wire)
	b.WireLog = log
	b.clocks()
	b.change("", func(a *account.Account) { a.Transport = account.Auto })
	b.signIn()
	return log
}

func TestWithSMTPSwitchedOffMessagesLeaveThroughGraphForADay(t *testing.T) {
	t.Parallel()
	b := newBench(t, "smtp-auth-off-tenant")
	log := b.byGraphToo()
	if v, err := b.Validate(t.Context(), "main"); err != nil || !strings.HasPrefix(v.Server, "https://") {
		t.Errorf("Validate = %+v, %v", v, err)
	}
	b.Close() // and what it found out with it
	b.start()
	before := log.count("C: AUTH XOAUTH2")
	r := b.sent("", "one@example.com")
	if len(r.Attempts) != 1 || !strings.HasPrefix(r.Attempts[0].Reply, "202 Accepted") {
		t.Errorf("attempts %+v", r.Attempts)
	}
	tried := log.count("C: AUTH XOAUTH2")
	if tried == before {
		t.Error("SMTP was not tried first")
	}
	s, err := b.Status(t.Context())
	if err != nil || s.Accounts[0].Over != account.Graph || !strings.Contains(s.Accounts[0].Instead, "SmtpClientAuthentication is disabled for the Tenant") || s.Accounts[0].State != Ready {
		t.Errorf("status %+v, %v", s.Accounts, err)
	}
	b.pass(23 * time.Hour)
	b.sent("", "two@example.com")
	if n := log.count("C: AUTH XOAUTH2"); n != tried {
		t.Errorf("SMTP was tried within a day, %d times", n-tried)
	}
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.SMTPAuthDisabled = false })
	b.pass(2 * time.Hour)
	b.sent("", "three@example.com")
	for i, over := range []string{"graph", "graph", "smtp"} {
		if m := b.inbox()[i]; m.Over != over {
			t.Errorf("message %d left over %s", i+1, m.Over)
		}
	}
	if s, err = b.Status(t.Context()); err != nil || s.Accounts[0].Over != account.SMTP || s.Accounts[0].Instead != "" {
		t.Errorf("status %+v, %v", s.Accounts, err)
	}
}

func TestOtherRefusalsDoNotLeadToGraph(t *testing.T) {
	t.Parallel()
	b := newBench(t, "account-locked")
	b.byGraphToo()
	b.start()
	b.enqueue("", "x@example.com")
	s := b.until("refused", func(s Status) bool { return s.Accounts[0].Cause == CauseProvider })
	if a := s.Accounts[0]; a.Over != account.SMTP || a.Instead != "" || len(b.inbox()) != 0 {
		t.Errorf("status %+v, %d messages", a, len(b.inbox()))
	}
}

// withPassword makes the account one of basic authentication.
func (b *bench) withPassword(password keystore.Secret) *wire {
	log := new(wire)
	b.WireLog = log
	b.clocks()
	b.change(password, func(a *account.Account) {
		a.SignIn, a.ClientID, a.Tenant = account.PasswordSignIn, "", ""
	})
	return log
}

func TestAPasswordGoesOutByLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t, "basic-auth-allowed")
	log := b.withPassword("svc-password-1")
	b.start()
	b.sent("", "x@example.com")
	if m := b.inbox()[0]; m.User != "svc@contoso.com" || log.count("C: AUTH LOGIN") != 1 || log.count("svc-password-1") != 0 {
		t.Errorf("it left as %s, with %d AUTH LOGIN, and %d times in the log", m.User, log.count("C: AUTH LOGIN"), log.count("svc-password-1"))
	}
}

func TestARefusedPasswordIsSentOnceAndNotAgainWithinTheHour(t *testing.T) {
	t.Parallel()
	b := newBench(t, "basic-auth-allowed")
	log := b.withPassword("wrong-password")
	b.start()
	q := b.enqueue("", "x@example.com")
	s := b.until("refused", func(s Status) bool { return s.Accounts[0].Cause == CauseProvider })
	if a := s.Accounts[0]; a.State != Attention || !strings.Contains(a.Fix, "--secret-stdin") || a.Until.Before(b.Now().Add(50*time.Minute)) || strings.Contains(a.Reason, "wrong-password") {
		t.Errorf("status %+v", a)
	}
	if n := log.count("C: AUTH LOGIN"); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
	b.change("svc-password-1", func(*account.Account) {})
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 || log.count("C: AUTH LOGIN") != 2 {
		t.Errorf("it is %s after %d tries that counted, and %d passwords", r.State, r.Recipients[0].Tries, log.count("C: AUTH LOGIN"))
	}
}

func TestRetiredPasswordsLeadToOAuth(t *testing.T) {
	t.Parallel()
	for scenario, text := range map[string]string{"passwords-retired": "550 5.7.30", "default": "basic authentication is disabled"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scenario)
			b.withPassword("svc-password-1")
			b.start()
			b.enqueue("", "x@example.com")
			s := b.until("refused", func(s Status) bool { return s.Accounts[0].Cause == CauseProvider })
			if a := s.Accounts[0]; !strings.Contains(a.Reason, text) || !strings.Contains(a.Fix, "--sign-in browser") || a.Until.IsZero() {
				t.Errorf("status %+v", a)
			}
		})
	}
}

// at makes the account one of another provider's, whose endpoints the sandbox
// has.
func (b *bench) at(provider string, secret keystore.Secret, f func(*account.Account, sandbox.Ready)) {
	b.t.Helper()
	r := b.sandbox.Ready()
	a := *account.New("main")
	former := a
	a.Provider, a.Username = provider, r.Users[0].Username
	a.Follow(former)
	a.ClientID, a.SMTPHost, a.SMTPPort, a.CAFile = r.Apps[0].ClientID, r.SMTPHost, r.SMTPPort, "ca.pem"
	f(&a, r)
	if err := b.Save(b.t.Context(), a, secret); err != nil {
		b.t.Fatal(err)
	}
	b.account = a
}

func TestAPersonSendsThroughGoogle(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []account.SMTPAuth{account.XOAUTH2, account.OAuthBearer} {
		t.Run(string(mechanism), func(t *testing.T) {
			t.Parallel()
			b := newBenchAt(t, "google")
			endpoints := func(a *account.Account, r sandbox.Ready) {
				a.AuthorizeURL, a.TokenURL, a.JWKSURL, a.Issuer, a.SMTPAuth = r.AuthorizeURL, r.TokenURL, r.JWKSURL, r.Issuer, mechanism
			}
			b.at(account.Google, keystore.Secret(b.sandbox.Ready().Apps[0].ClientSecret), endpoints)
			log := new(wire)
			b.WireLog = log
			asked := ""
			if _, err := b.SignIn(t.Context(), "main", SignIn{Open: func(address string) error { asked = address; return b.open(address) }}); err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(asked)
			if err != nil || u.Query().Get("access_type") != "offline" || !strings.Contains(u.Query().Get("scope"), "https://mail.google.com/") {
				t.Errorf("asked for %v, %v", u.Query()["scope"], err)
			}
			// For the server the token has expired: Google asks before it refuses.
			b.ahead.Store(int64(2 * time.Hour))
			d, err := b.SendTest(t.Context(), "main", "x@example.com")
			if err != nil {
				t.Fatal(err)
			}
			if n := log.count("C: AUTH " + strings.ToUpper(string(mechanism))); n != 2 || log.count("S: 334 ") != 1 || !strings.HasPrefix(d.Reply, "250 2.0.0 OK") {
				t.Errorf("%d AUTH, %d challenges, and %s", n, log.count("S: 334 "), d.Reply)
			}
		})
	}
}

func TestAPersonSendsThroughOutlookComWithTokensThatTellNothing(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, "outlook.com")
	b.at(account.OutlookCom, "", func(a *account.Account, r sandbox.Ready) { a.AuthorityURL, a.GraphURL = r.Authority, r.GraphURL })
	if b.account.Tenant != "consumers" {
		t.Errorf("the tenant is %s", b.account.Tenant)
	}
	b.signIn()
	if v, err := b.Validate(t.Context(), "main"); err != nil || len(v.Warnings) != 0 {
		t.Errorf("Validate = %+v, %v", v, err)
	}
	if _, err := b.SendTest(t.Context(), "main", "x@example.com"); err != nil {
		t.Fatal(err)
	}
	if m := b.inbox()[0]; m.User != "svc@outlook.com" {
		t.Errorf("it left as %s", m.User)
	}
}

func TestAProviderThatNoPresetKnowsIsReachedByItsAddresses(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, "")
	b.at(account.Custom, "", func(a *account.Account, r sandbox.Ready) {
		a.AuthorizeURL, a.TokenURL = r.AuthorizeURL, r.TokenURL
		a.SMTPScope, a.SMTPAuth = "https://outlook.office.com/SMTP.Send offline_access", account.XOAUTH2
	})
	b.signIn()
	if _, err := b.SendTest(t.Context(), "main", "x@example.com"); err != nil {
		t.Fatal(err)
	}
	if m := b.inbox()[0]; m.User != "svc@contoso.com" {
		t.Errorf("it left as %s", m.User)
	}
}

func TestAnApplicationSendsInANationalCloud(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, "gcc-high")
	app := b.appWith("SMTP.SendAsApp")
	b.at(account.Microsoft365US, keystore.Secret(app.ClientSecret), func(a *account.Account, r sandbox.Ready) {
		a.SignIn, a.ClientID, a.Tenant, a.Credential = account.AppOnly, app.ClientID, r.TenantID, account.SecretCredential
		a.AuthorityURL, a.GraphURL = r.Authority, r.GraphURL
		a.Registration, a.RedirectURL, a.SMTPScope, a.GraphScope = "", "", "", ""
	})
	if v, err := b.Validate(t.Context(), "main"); err != nil || len(v.Warnings) != 0 {
		t.Errorf("Validate = %+v, %v", v, err)
	}
	if _, err := b.SendTest(t.Context(), "main", "x@example.com"); err != nil {
		t.Fatal(err)
	}
}
