package mailer

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// roundTrip is a way to Graph that tells of each answer.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAnAccountChangedUnderAMessageLetsItComeToItsEnd(t *testing.T) {
	t.Parallel()
	b := overGraph(t, nil)
	b.start()
	w, err := b.sender(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	// Graph wants a second's rest, and then another token.
	b.sandbox.GraphFaults().Add(sandbox.GraphFault{On: "/sendMail", Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		sandbox.GraphFault{On: "/sendMail", Status: http.StatusUnauthorized})
	answered, transport := make(chan struct{}), w.web.Transport
	var once sync.Once
	w.web.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		reply, err := transport.RoundTrip(r)
		once.Do(func() { close(answered) })
		return reply, err
	})
	q := b.enqueue("", "x@example.com")
	<-answered
	b.change("", func(a *account.Account) { a.TestTo = "ops@contoso.com" })
	r := b.ended(q.ID)
	if r.State != queue.Delivered || len(r.Attempts) != 1 || len(b.inbox()) != 1 {
		t.Errorf("it is %s after %+v, and %d arrived", r.State, r.Attempts, len(b.inbox()))
	}
	if _, err := w.enter(""); !errors.Is(err, errRetired) {
		t.Errorf("the account as it was takes another message: %v", err)
	}
}

func TestOneMessageThatNamesAnotherSenderDoesNotStopTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.signIn()
	b.start()
	r := b.ended(b.write("svc@contoso.com", "board@contoso.com", "x@example.com").ID)
	if r.State != queue.Failed || !strings.Contains(r.Recipients[0].Reply, "not allowed to send as board@contoso.com") {
		t.Errorf("it is %s: %+v", r.State, r.Recipients)
	}
	b.sent("", "x@example.com")
}

func TestSecretsArePutBackWhenAnotherKindOfSignInCannotBeSaved(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.signIn()
	accounts := filepath.Join(b.Home, "accounts")
	hidden := accounts + ".away"
	app := b.appWith("SMTP.SendAsApp")
	a := b.account
	a.SignIn, a.ClientID, a.Credential = account.AppOnly, app.ClientID, account.SecretCredential
	a.Follow(b.account)
	if err := errors.Join(os.Rename(accounts, hidden), os.Mkdir(accounts, 0o700), os.MkdirAll(filepath.Join(accounts, "main.toml", "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), a, keystore.Secret(app.ClientSecret)); err == nil {
		t.Fatal("it was saved in a folder")
	}
	if err := errors.Join(os.RemoveAll(accounts), os.Rename(hidden, accounts)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{refreshTokenName(&a): true, clientSecretName(&a): false} {
		if has, err := b.has(t.Context(), name); has != want || err != nil {
			t.Errorf("%s is there: %v, %v", name, has, err)
		}
	}
	if err := b.Save(t.Context(), a, keystore.Secret(app.ClientSecret)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{refreshTokenName(&a): false, clientSecretName(&a): true} {
		if has, err := b.has(t.Context(), name); has != want || err != nil {
			t.Errorf("%s is there: %v, %v", name, has, err)
		}
	}
	if _, err := b.SignIn(t.Context(), "main", SignIn{Open: b.open}); err == nil || Fix(err) == "" {
		t.Errorf("somebody can sign in to an application: %v", err)
	}
}

func TestAnApplicationsCredentialIsCheckedBeforeItIsStored(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	old, err := apponly.MakeCertificate("traymail", time.Now().AddDate(-2, 0, 0), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := old.PEM()
	if err != nil {
		t.Fatal(err)
	}
	pfx, err := os.ReadFile("../apponly/testdata/empty-password.pfx")
	if err != nil {
		t.Fatal(err)
	}
	save := func(kind account.Credential, file string, secret keystore.Secret) error {
		a := b.account
		a.SignIn, a.ClientID, a.Credential, a.AssertionFile = account.AppOnly, b.appWith("SMTP.SendAsApp").ClientID, kind, file
		a.Follow(b.account)
		return b.Save(t.Context(), a, secret)
	}
	for name, tt := range map[string]struct {
		kind         account.Credential
		file, secret string
		want         string // "" is no error
	}{
		"no secret":                       {account.SecretCredential, "", "", "client secret: is missing"},
		"the ID of a secret":              {account.SecretCredential, "", "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b05", "is the Secret ID"},
		"no certificate":                  {account.CertificateCredential, "", "", "certificate: is missing"},
		"what is no certificate":          {account.CertificateCredential, "", "secret-1", "certificate: "},
		"a certificate that ended":        {account.CertificateCredential, "", expired.Reveal(), "certificate: "},
		"a certificate without its key":   {account.CertificateCredential, "", old.PublicPEM(), "certificate: "},
		"a secret of a federated account": {account.FederatedCredential, "token", "secret-1", "a federated application has none"},
	} {
		err := save(tt.kind, tt.file, keystore.Secret(tt.secret))
		if err == nil || !strings.Contains(err.Error(), tt.want) || Fix(err) == "" || tt.secret != "" && strings.Contains(err.Error()+Fix(err), tt.secret) {
			t.Errorf("%s: %v, fix %q", name, err, Fix(err))
		}
	}
	if err := save(account.CertificateCredential, "", keystore.Secret(pfx)); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Secrets.Get(t.Context(), certificateName(&b.account)); err != nil || !strings.HasPrefix(v.Reveal(), "-----BEGIN ") {
		t.Errorf("a PFX is not stored as PEM, %v", err)
	}
}

func TestAMessagePastTheQueueFollowsTheFromPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.signIn()
	const text = "From: Scanner <scanner@contoso.com>\nTo: ops@contoso.com\nSubject: scan\n\nbody\n"
	own := b.account.Sender
	if own == "" {
		own = b.account.Username
	}
	for _, tt := range []struct {
		policy        account.FromPolicy
		from, replyTo string
	}{
		{account.KeepFrom, "", ""},
		{account.ForceFrom, `"Scanner" <` + own + ">", ""},
		{account.RewriteFrom, `"Scanner" <` + own + ">", `"Scanner" <scanner@contoso.com>`},
	} {
		t.Run(string(tt.policy), func(t *testing.T) {
			b.change("", func(a *account.Account) { a.From = tt.policy })
			d, err := b.Send(t.Context(), "main", Submission{From: "scanner@contoso.com", To: []string{"ops@contoso.com"}, Data: strings.NewReader(text)})
			if tt.from == "" {
				if err == nil || !strings.Contains(err.Error(), "SendAsDenied") {
					t.Errorf("what is kept was taken: %v", err)
				}
				return
			}
			if err != nil || d.From != own {
				t.Fatalf("it left from %q: %v", d.From, err)
			}
			inbox := b.sandbox.Tenant().Inbox()
			m := inbox[len(inbox)-1]
			if m.From != own || !strings.Contains(string(m.Data), "From: "+tt.from+"\r\n") {
				t.Errorf("from %q:\n%s", m.From, string(m.Data))
			}
			if has := strings.Contains(string(m.Data), "Reply-To: "+tt.replyTo+"\r\n"); has != (tt.replyTo != "") {
				t.Errorf("the original is in Reply-To: %v\n%s", has, string(m.Data))
			}
		})
	}
}
