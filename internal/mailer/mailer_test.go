package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/sandbox"
	"traymail/keystore"
	"traymail/smtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench is a Mailer in front of a sandbox.
type bench struct {
	*Mailer
	t       *testing.T
	sandbox *sandbox.Sandbox
	person  sandbox.Person
	account account.Account
	ahead   atomic.Int64 // how far the sandbox's clock is ahead, in nanoseconds
}

func newBench(t *testing.T, scenario string) *bench {
	t.Helper()
	return newBenchOn(t, sandbox.Options{Scenario: scenario})
}

// newBenchOn is a bench in front of a sandbox with these options.
func newBenchOn(t *testing.T, o sandbox.Options) *bench {
	t.Helper()
	b := newBenchWithout(t, o)
	r := b.sandbox.Ready()
	a := account.New("main")
	a.Username, a.Tenant, a.ClientID = r.Users[0].Username, r.TenantID, r.Apps[0].ClientID
	a.AuthorityURL, a.GraphURL, a.SMTPHost, a.SMTPPort, a.CAFile = r.Authority, r.GraphURL, r.SMTPHost, r.SMTPPort, "ca.pem"
	a.ExchangeURL = r.ExchangeURL
	b.account = *a
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	return b
}

// newBenchAt is a bench without an account.
func newBenchAt(t *testing.T, scenario string) *bench {
	t.Helper()
	return newBenchWithout(t, sandbox.Options{Scenario: scenario})
}

func newBenchWithout(t *testing.T, o sandbox.Options) *bench {
	t.Helper()
	b := &bench{t: t}
	o.Now = func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := s.Ready()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(r.CAPEM))
	b.sandbox, b.Mailer = s, &Mailer{Home: t.TempDir(), Secrets: keystore.Memory()}
	b.person = sandbox.Person{Username: r.Users[0].Username, Password: r.Users[0].Password,
		Client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}}
	t.Cleanup(func() { b.Close() })
	if err := os.WriteFile(filepath.Join(b.Home, "ca.pem"), []byte(r.CAPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// open is a browser with the person in front of it.
func (b *bench) open(address string) error {
	_, err := b.person.Visit(b.t.Context(), address)
	return err
}

func (b *bench) signIn() {
	b.t.Helper()
	if _, err := b.SignIn(b.t.Context(), "main", SignIn{Open: b.open}); err != nil {
		b.t.Fatal(err)
	}
}

func TestSigningInAndSendingOnOneWarmSession(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	for i := range 3 {
		d, err := b.SendTest(t.Context(), "main", "ops@contoso.com")
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && d.RoundTrips != 1 {
			t.Errorf("message %d took %d round trips", i+1, d.RoundTrips)
		}
	}
	for i, m := range b.sandbox.Tenant().Inbox() {
		if m.Session != 1 || m.First != (i == 0) {
			t.Errorf("message %d came over session %d, first %v", i+1, m.Session, m.First)
		}
	}
}

func TestASecondSignInStandsUntilTheFirstIsReplaced(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.person.Username, b.person.Password = "admin@contoso.com", passwordOf(b, "admin@contoso.com")
	_, err := b.SignIn(t.Context(), "main", SignIn{Open: b.open})
	var wrong *authcode.WrongAccountError
	if !errors.As(err, &wrong) {
		t.Fatalf("SignIn as somebody else = %v", err)
	}
	if _, err := b.SendTest(t.Context(), "main", "ops@contoso.com"); err != nil {
		t.Errorf("the former sign-in no longer works: %v", err)
	}
}

func TestATokenThatTheServerNoLongerTakesIsRefreshedOnceAndTheMessageGoesOut(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.ahead.Store(int64(2 * time.Hour)) // for the server the token has expired, for us it has not
	d, err := b.SendTest(t.Context(), "main", "ops@contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	if d.RoundTrips != 7 {
		t.Errorf("%d round trips, want the six of a cold session and one more AUTH", d.RoundTrips)
	}
	if n := len(b.sandbox.Tenant().Inbox()); n != 1 {
		t.Errorf("%d messages arrived", n)
	}
}

func TestATokenThatStaysRefusedIsTriedTwiceAndTheRefusalIsTold(t *testing.T) {
	b := newBench(t, "smtp-auth-off-mailbox")
	b.signIn()
	var wire strings.Builder
	b.Close()
	b.WireLog = &wire
	_, err := b.SendTest(t.Context(), "main", "ops@contoso.com")
	if err == nil || !strings.Contains(err.Error(), "535 5.7.139") {
		t.Fatalf("SendTest = %v", err)
	}
	if n := strings.Count(wire.String(), "AUTH XOAUTH2"); n != 2 {
		t.Errorf("%d tries to authenticate, want 2", n)
	}
}

func passwordOf(b *bench, username string) string {
	for _, u := range b.sandbox.Ready().Users {
		if u.Username == username {
			return u.Password
		}
	}
	b.t.Fatalf("no user %s", username)
	return ""
}

// locked is a keystore that cannot be used until it is unlocked, as a keychain
// whose owner is away.
type locked struct {
	keystore.Store
	is atomic.Bool
}

func (l *locked) check() error {
	if l.is.Load() {
		return fmt.Errorf("test keychain: %w", keystore.ErrUnavailable)
	}
	return nil
}

func (l *locked) Get(ctx context.Context, name string) (keystore.Secret, error) {
	if err := l.check(); err != nil {
		return "", err
	}
	return l.Store.Get(ctx, name)
}

func (l *locked) Set(ctx context.Context, name string, v keystore.Secret) error {
	if err := l.check(); err != nil {
		return err
	}
	return l.Store.Set(ctx, name, v)
}

func (l *locked) Delete(ctx context.Context, name string) error {
	if err := l.check(); err != nil {
		return err
	}
	return l.Store.Delete(ctx, name)
}

func TestALockedKeystoreStopsASignInBeforeTheBrowserOpens(t *testing.T) {
	b := newBench(t, "")
	store := &locked{Store: b.Secrets}
	b.Secrets = store
	store.is.Store(true)
	_, err := b.SignIn(t.Context(), "main", SignIn{Open: func(string) error { t.Error("the browser was opened"); return nil }})
	if !errors.Is(err, keystore.ErrUnavailable) || !strings.Contains(Fix(err), "unlock the keychain") {
		t.Fatalf("SignIn = %v, fix %q", err, Fix(err))
	}
}

func TestAKeystoreLockedDuringTheSignInSaysThatNothingWasKept(t *testing.T) {
	b := newBench(t, "")
	store := &locked{Store: b.Secrets}
	b.Secrets = store
	_, err := b.SignIn(t.Context(), "main", SignIn{Open: func(address string) error {
		store.is.Store(true)
		return b.open(address)
	}})
	if !errors.Is(err, keystore.ErrUnavailable) || !strings.Contains(err.Error(), "signed in as svc@contoso.com, but the refresh token could not be kept") {
		t.Fatalf("SignIn = %v", err)
	}
}

func TestAClientSecretIsPutBackWhenTheAccountCannotBeSaved(t *testing.T) {
	b := newBench(t, "")
	web := b.account
	web.Registration, web.RedirectURL = account.Web, ""
	if err := b.Save(t.Context(), web, "first~value"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(b.Home, "accounts", "main.toml"))
	if err != nil {
		t.Fatal(err)
	}
	// The folder becomes a file: nothing can be saved in it any more.
	accounts := filepath.Join(b.Home, "accounts")
	if err := os.Rename(accounts, accounts+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(accounts, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), web, "second~value"); err == nil {
		t.Fatal("the account was saved in a file")
	}
	if v, err := b.Secrets.Get(t.Context(), clientSecretName(&web)); err != nil || v.Reveal() != "first~value" {
		t.Errorf("the client secret changed, or is gone: %v", err)
	}
	if err := errors.Join(os.Remove(accounts), os.Rename(accounts+".away", accounts)); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(filepath.Join(accounts, "main.toml")); string(after) != string(before) {
		t.Errorf("the account changed:\n%s", after)
	}
}

func TestRemovingAnAccountRemovesItsSecretsAndALockedKeystoreKeepsBoth(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	store := &locked{Store: b.Secrets}
	b.Secrets = store
	store.is.Store(true)
	if err := b.Remove(t.Context(), "main"); !errors.Is(err, keystore.ErrUnavailable) {
		t.Fatalf("Remove = %v", err)
	}
	store.is.Store(false)
	if _, s, err := b.Account(t.Context(), "main"); err != nil || !s.SignedIn {
		t.Fatalf("after a failed Remove: %+v, %v", s, err)
	}
	if err := b.Remove(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Secrets.Get(t.Context(), refreshTokenName(&b.account)); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("the refresh token is still there: %v", err)
	}
	if _, _, err := b.Account(t.Context(), "main"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("the account is still there: %v", err)
	}
}

func TestClaimsOfARefusedRefreshAreKeptForTheNextSignInOfAnyProcess(t *testing.T) {
	b := newBench(t, "")
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	b.keepClaims(&b.account, about(&b.account, &authcode.Error{Stage: authcode.StageRefresh, Code: "interaction_required", Claims: claims}))
	other := &Mailer{Home: b.Home, Secrets: b.Secrets}
	defer other.Close()
	var asked string
	_, err := other.SignIn(t.Context(), "main", SignIn{Open: func(address string) error {
		asked = address
		return b.open(address)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(asked, "claims=%7B%22access_token%22") {
		t.Errorf("the sign-in does not ask for the claims: %s", strings.Split(asked, "state=")[0])
	}
	if kept := other.keptClaims(&b.account); kept != "" {
		t.Errorf("the claims outlive the sign-in: %s", kept)
	}
}

func TestPastingBesideTheListenerTakesWhicheverComesFirst(t *testing.T) {
	b := newBench(t, "")
	var asking atomic.Int32
	in, err := b.SignIn(t.Context(), "main", SignIn{
		Open: func(address string) error { // the person answers in the browser
			if !strings.Contains(address, "response_mode=query") {
				t.Error("the address on which the browser ends could not be pasted")
			}
			return b.open(address)
		},
		Paste: func(ctx context.Context, _ string, _ error) (string, error) {
			asking.Add(1)
			defer asking.Add(-1)
			<-ctx.Done()
			return "", ctx.Err()
		},
	})
	if err != nil || in.Username != "svc@contoso.com" {
		t.Fatalf("SignIn = %+v, %v", in, err)
	}
	if asking.Load() != 0 {
		t.Error("somebody is still asked for an address")
	}
}

func TestASignInThatIsGivenUpEndsTheAsking(t *testing.T) {
	b := newBench(t, "")
	gaveUp := errors.New("the person closed the window")
	_, err := b.SignIn(t.Context(), "main", SignIn{
		Paste: func(context.Context, string, error) (string, error) { return "", gaveUp },
	})
	if !errors.Is(err, gaveUp) {
		t.Fatalf("SignIn = %v, want %v", err, gaveUp)
	}
}

func TestAClockThatIsADayOffIsNamed(t *testing.T) {
	b := newBench(t, "")
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		b.Now = func() time.Time { return time.Now().Add(off) }
		b.Close() // what was built has the right clock
		_, err := b.SignIn(t.Context(), "main", SignIn{Open: b.open})
		if err == nil || !strings.Contains(err.Error(), "clock") {
			t.Errorf("clock off by %v: SignIn = %v", off, err)
		}
	}
}

func TestAnAccountChangedDuringItsSignInGetsNoTokenOfTheOldOne(t *testing.T) {
	b := newBench(t, "")
	other := &Mailer{Home: b.Home, Secrets: b.Secrets} // as another process
	defer other.Close()
	_, err := b.SignIn(t.Context(), "main", SignIn{Open: func(address string) error {
		changed := b.account
		changed.Username = "ops@contoso.com"
		if err := other.Save(t.Context(), changed, ""); err != nil {
			return err
		}
		return b.open(address)
	}})
	if err == nil || !strings.Contains(err.Error(), "the account was changed during the sign-in") {
		t.Fatalf("SignIn = %v", err)
	}
	if _, s, err := other.Account(t.Context(), "main"); err != nil || s.SignedIn {
		t.Errorf("the changed account: %+v, %v", s, err)
	}
}

func TestARefreshTokenThatCannotBeStoredIsToldToTheLog(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.Close() // the tokens in memory
	var said strings.Builder
	b.Logger = slog.New(slog.NewTextHandler(&said, nil))
	b.Secrets = &readOnly{b.Secrets}
	if _, err := b.SendTest(t.Context(), "main", "ops@contoso.com"); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if !strings.Contains(said.String(), "could not be stored") || !strings.Contains(said.String(), "account=main") {
		t.Errorf("the log: %s", said.String())
	}
}

// readOnly is a keystore on a full disk.
type readOnly struct{ keystore.Store }

func (readOnly) Set(context.Context, string, keystore.Secret) error {
	return errors.New("no space left on device")
}

func TestABrokenAccountCanBeRemovedWithItsSecrets(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	path := filepath.Join(b.Home, "accounts", "main.toml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, "foo = 1\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), b.account, ""); err == nil {
		t.Error("it was replaced unread")
	}
	if err := b.Remove(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Secrets.Get(t.Context(), refreshTokenName(&b.account)); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("the refresh token is still there: %v", err)
	}
}

func TestTemporaryIsWhatMayPassByItself(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"a refusal for now":                   {&smtp.Error{Op: smtp.OpMAIL, Code: 451}, true},
		"a refusal for good":                  {&smtp.Error{Op: smtp.OpMAIL, Code: 554}, false},
		"an outcome that is not known":        {&smtp.Error{Op: smtp.OpBDAT, Unknown: true, Err: io.EOF}, false},
		"a busy sign-in service":              {&smtp.Error{Op: smtp.OpAUTH, Err: &authcode.Error{HTTPStatus: 503}}, true},
		"a sign-in that is needed":            {&smtp.Error{Op: smtp.OpAUTH, Err: &authcode.Error{Code: "invalid_grant"}}, false},
		"a locked keychain":                   {fmt.Errorf("x: %w", keystore.ErrUnavailable), true},
		"a server with a full disk, for good": {&smtp.Error{Op: smtp.OpBDAT, Code: 554, Text: "no space left on device"}, false},
		"a full disk here":                    {errors.New("write: no space left on device"), true},
		"a field that cannot be":              {&account.FieldError{Text: "x"}, false},
	} {
		if got := Temporary(tt.err); got != tt.want {
			t.Errorf("%s: Temporary = %v", name, got)
		}
	}
}

func TestForSender(t *testing.T) {
	b := newBench(t, "")
	if name, err := b.forSender("anyone@fabrikam.com"); err != nil || name != "main" {
		t.Errorf("the only account: %q, %v", name, err)
	}
	second := b.account
	second.Name, second.ID, second.Sender = "second", account.New("x").ID, "boss@contoso.com"
	if err := b.Save(t.Context(), second, ""); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"BOSS@contoso.com": "second", "svc@contoso.com": "main"} {
		if name, err := b.forSender(address); err != nil || name != want {
			t.Errorf("%s: %q, %v; want %s", address, name, err, want)
		}
	}
	if _, err := b.forSender(""); err == nil || !strings.Contains(err.Error(), "names no sender") || Fix(err) == "" {
		t.Errorf("no address: %v", err)
	}
	if _, err := b.forSender("anyone@fabrikam.com"); err == nil || !strings.Contains(err.Error(), "none of the accounts (main, second)") {
		t.Errorf("an address of no account: %v", err)
	}
}
