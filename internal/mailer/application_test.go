package mailer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// change saves the account with what f changes in it, and what follows from that.
func (b *bench) change(secret keystore.Secret, f func(*account.Account)) {
	b.t.Helper()
	a := b.account
	f(&a)
	a.Follow(b.account)
	if err := b.Save(b.t.Context(), a, secret); err != nil {
		b.t.Fatal(err)
	}
	b.account = a
}

// appWith is the sandbox's application that has a permission in its registration.
func (b *bench) appWith(role string) sandbox.ReadyApp {
	b.t.Helper()
	for _, a := range b.sandbox.Ready().Apps {
		if slices.ContainsFunc(a.AppRoles, func(r string) bool { return strings.HasSuffix(r, "/"+role) }) {
			return a
		}
	}
	b.t.Fatalf("no application has %s", role)
	return sandbox.ReadyApp{}
}

// registration changes an app registration.
func (b *bench) registration(clientID string, f func(*sandbox.App)) {
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) {
		for _, a := range t.Apps {
			if a.ClientID == clientID {
				f(a)
			}
		}
	})
}

// mailbox changes a mailbox.
func (b *bench) mailbox(address string, f func(*sandbox.Mailbox)) {
	b.t.Helper()
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) {
		for _, m := range t.Mailboxes {
			if m.Address == address {
				f(m)
				return
			}
		}
		b.t.Errorf("no mailbox %s", address)
	})
}

// application makes the account one that an app sends for by itself.
func (b *bench) application(transport account.Transport, role string, f func(*account.Account)) sandbox.ReadyApp {
	b.t.Helper()
	app := b.appWith(role)
	b.change(keystore.Secret(app.ClientSecret), func(a *account.Account) {
		a.SignIn, a.ClientID, a.Credential, a.Transport = account.AppOnly, app.ClientID, account.SecretCredential, transport
		if f != nil {
			f(a)
		}
	})
	return app
}

// clocks puts the Mailer's clock and the sandbox's together, to be turned by
// ahead.
func (b *bench) clocks() *bench {
	b.Now = func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }
	return b
}

func (b *bench) pass(d time.Duration) { b.ahead.Add(int64(d)) }

// sent queues a message and waits until it is delivered.
func (b *bench) sent(from, to string) *Record {
	b.t.Helper()
	r := b.ended(b.enqueue(from, to).ID)
	if r.State != queue.Delivered {
		b.t.Fatalf("it is %s: %+v", r.State, r.Attempts)
	}
	return r
}

func (b *bench) inbox() []sandbox.Message { return b.sandbox.Tenant().Inbox() }

func TestAnApplicationSendsOverSMTPByItsSecretAndByItsCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	app := b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) { a.SecretExpires = "2031-01-31" })
	b.start()
	b.sent("", "ops@contoso.com")
	if m := b.inbox()[0]; m.App != app.ClientID || m.User != "svc@contoso.com" || m.Over != "smtp" {
		t.Errorf("it left as %+v", m)
	}

	cert, err := apponly.MakeCertificate("traymail", time.Now(), 90*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := b.person.Client.Post(b.sandbox.Ready().PortalURL+"/apps/"+app.ClientID+"/certificates", "application/x-pem-file", strings.NewReader(cert.PublicPEM()))
	if err != nil {
		t.Fatal(err)
	}
	upload.Body.Close()
	if upload.StatusCode/100 != 2 {
		t.Fatalf("the upload: %s", upload.Status)
	}
	b.registration(app.ClientID, func(a *sandbox.App) { a.Secret = "" })
	pem, err := cert.PEM()
	if err != nil {
		t.Fatal(err)
	}
	b.change(keystore.Secret(pem.Reveal()), func(a *account.Account) { a.Credential = account.CertificateCredential })
	b.sent("", "ops@contoso.com")

	saved, secrets, err := b.Account(t.Context(), "main")
	if err != nil || saved.SecretExpires != cert.NotAfter().Format(time.DateOnly) || !secrets.Certificate || secrets.ClientSecret || secrets.SignedIn {
		t.Errorf("the account ends %s, has %+v, %v", saved.SecretExpires, secrets, err)
	}
	if has, err := b.has(t.Context(), clientSecretName(&saved)); has || err != nil {
		t.Errorf("the client secret that nothing uses is still there: %v", err)
	}
}

// issuer is another identity provider, with one key at a time.
type issuer struct {
	t   *testing.T
	key jose.JSONWebKey
}

func (i *issuer) rotate() (keys []byte) {
	i.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.key = jose.JSONWebKey{Key: key, KeyID: rand.Text(), Algorithm: "RS256", Use: "sig"}
	keys, err = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
	if err != nil {
		i.t.Fatal(err)
	}
	return keys
}

func (i *issuer) token(now time.Time) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: "https://oidc.example.com", Subject: "system:serviceaccount:mail:traymail", Audience: jwt.Audience{"api://AzureADTokenExchange"},
		NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Hour)), ID: rand.Text(),
	}).Serialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

func TestAFederatedApplicationGoesOnWhenItsIssuerChangesTheKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced").clocks()
	other := &issuer{t: t}
	// Relative to the home folder.
	write := func() {
		keys := other.rotate()
		b.registration(b.appWith("SMTP.SendAsApp").ClientID, func(a *sandbox.App) {
			a.Federated = []sandbox.FederatedCredential{{Issuer: "https://oidc.example.com", Subject: "system:serviceaccount:mail:traymail", Audience: "api://AzureADTokenExchange", Keys: keys}}
		})
		if err := os.WriteFile(filepath.Join(b.Home, "token.jwt"), []byte(other.token(b.Now())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	b.change("", func(a *account.Account) {
		a.SignIn, a.ClientID, a.Credential, a.AssertionFile = account.AppOnly, b.appWith("SMTP.SendAsApp").ClientID, account.FederatedCredential, "token.jwt"
	})
	b.start()
	b.sent("", "ops@contoso.com")
	b.pass(3 * time.Hour) // the access token has expired, and so has the session
	write()
	b.sent("", "ops@contoso.com")
	if n := len(b.inbox()); n != 2 {
		t.Errorf("%d messages arrived", n)
	}

	b.pass(3 * time.Hour)
	if err := os.Remove(filepath.Join(b.Home, "token.jwt")); err != nil {
		t.Fatal(err)
	}
	q := b.enqueue("", "ops@contoso.com")
	b.until("without its token", func(s Status) bool {
		return s.Accounts[0].Cause == CauseSettings && strings.Contains(s.Accounts[0].Reason, "token.jwt") && strings.Contains(s.Accounts[0].Fix, "assertion_file")
	})
	write() // the cure sees it by itself
	b.pass(time.Minute)
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %s after %d tries that counted", r.State, r.Recipients[0].Tries)
	}
}

func TestAnApplicationWhoseSecretExpiresPausesAndGoesOnWithANewOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced").clocks()
	app := b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) { a.SecretExpires = "2027-01-31" })
	b.start()
	b.sent("", "ops@contoso.com")
	b.pass(2 * time.Hour)
	b.sent("", "ops@contoso.com") // with a token that was fetched anew
	b.registration(app.ClientID, func(a *sandbox.App) { a.SecretExpires = b.Now().Add(-time.Hour) })
	b.pass(2 * time.Hour)
	q := b.enqueue("", "ops@contoso.com")
	s := b.until("in need of a secret", func(s Status) bool { return s.Accounts[0].Cause == CauseSettings })
	if a := s.Accounts[0]; a.State != Attention || !strings.Contains(a.Fix, "traymail account edit main --secret-stdin") || strings.Contains(a.Reason, app.ClientSecret) {
		t.Errorf("status %+v", a)
	}
	b.registration(app.ClientID, func(a *sandbox.App) {
		a.Secret, a.SecretExpires = "new8Q~another-client-secret-of-the-sandbox", b.Now().AddDate(1, 0, 0)
	})
	b.change("new8Q~another-client-secret-of-the-sandbox", func(*account.Account) {})
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %s after %d tries that counted", r.State, r.Recipients[0].Tries)
	}
	if a, _, err := b.Account(t.Context(), "main"); err != nil || a.SecretExpires != "" {
		t.Errorf("the new secret is said to end on the former one's day, %q, %v", a.SecretExpires, err)
	}
}

func TestARefusedApplicationIsToldWhatAnAdministratorHasToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	app := b.application(account.SMTP, "SMTP.SendAsApp", nil)
	b.mailbox("svc@contoso.com", func(m *sandbox.Mailbox) { m.FullAccess = nil })
	_, err := b.Validate(t.Context(), "main")
	if err == nil || !strings.Contains(err.Error(), "535 5.7.3") {
		t.Fatalf("Validate = %v", err)
	}
	fix := Fix(err)
	for _, want := range []string{"New-ServicePrincipal", "Object ID of Enterprise applications", "FullAccess", "consent", "traymail admin main"} {
		if !strings.Contains(fix, want) {
			t.Errorf("%q is not in the fix: %s", want, fix)
		}
	}
	if strings.Contains(fix, "signed in") || strings.Contains(fix, "token says") {
		t.Errorf("the fix is a person's: %s", fix)
	}

	// Without the permission in the token the server refuses in the same words,
	// and the token tells more.
	b.registration(app.ClientID, func(a *sandbox.App) { a.GrantedRoles = nil })
	b.change("", func(a *account.Account) { a.TestTo = "ops@contoso.com" }) // the tokens in memory
	_, err = b.Validate(t.Context(), "main")
	if fix := Fix(err); err == nil || !strings.HasPrefix(fix, "the access token says: the token has no role SMTP.SendAsApp") || !strings.Contains(fix, "New-ServicePrincipal") {
		t.Errorf("Validate = %v, fix %s", err, fix)
	}

	// App RBAC shows in no token, and works.
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) {
		t.RoleAssignments = []sandbox.RoleAssignment{{AppID: app.ClientID, Role: "Application SMTP.SendAsApp", Mailboxes: []string{"svc@contoso.com"}}}
	})
	v, err := b.Validate(t.Context(), "main")
	if err != nil || len(v.Warnings) != 1 || v.Warnings[0].ID != "missing-role" || v.Mailbox != "svc@contoso.com" {
		t.Errorf("Validate = %+v, %v", v, err)
	}
	if _, err := b.SendTest(t.Context(), "main", "ops@contoso.com"); err != nil {
		t.Error(err)
	}

	// A refusal that gives its reason needs no guess.
	b.mailbox("svc@contoso.com", func(m *sandbox.Mailbox) { off := true; m.SMTPAuthDisabled = &off })
	b.Close()
	_, err = b.Validate(t.Context(), "main")
	if fix := Fix(err); err == nil || !strings.HasPrefix(fix, "switch it on") {
		t.Errorf("Validate = %v, fix %s", err, fix)
	}
}

func TestATokenOfAnotherTenantIsWarnedOf(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	a := b.account
	a.SignIn, a.Tenant = account.AppOnly, "11111111-2222-4333-8444-555555555555"
	b.application(account.SMTP, "SMTP.SendAsApp", nil)
	w, err := b.sender(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.token(t.Context(), resourceSMTP)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, warning := range tokenWarnings(&a, resourceGraph, token.Access.Reveal(), time.Now()) {
		ids = append(ids, warning.ID)
	}
	if !slices.Contains(ids, "wrong-tenant") || !slices.Contains(ids, "wrong-audience") {
		t.Errorf("warnings %q", ids)
	}
}
