package mailer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// made is a new certificate, in the form that is stored.
func made(t *testing.T, life time.Duration) (*apponly.Certificate, keystore.Secret) {
	t.Helper()
	cert, err := apponly.MakeCertificate("traymail", time.Now(), life)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := cert.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return cert, keystore.Secret(pem.Reveal())
}

// upload adds a certificate to an app registration.
func (b *bench) upload(app string, cert *apponly.Certificate) {
	b.t.Helper()
	reply, err := b.person.Client.Post(b.sandbox.Ready().PortalURL+"/apps/"+app+"/certificates", "application/x-pem-file", strings.NewReader(cert.PublicPEM()))
	if err != nil {
		b.t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode/100 != 2 {
		b.t.Fatalf("the upload: %s", reply.Status)
	}
}

// certified is a bench whose account is an application's with a certificate that
// works.
func certified(t *testing.T) (b *bench, app string, cert *apponly.Certificate) {
	t.Helper()
	b = newBench(t, "unpaced").clocks()
	app = b.application(account.SMTP, "SMTP.SendAsApp", nil).ClientID
	b.registration(app, func(a *sandbox.App) { a.Secret = "" })
	cert, secret := made(t, 90*24*time.Hour)
	b.upload(app, cert)
	b.change(secret, func(a *account.Account) { a.Credential = account.CertificateCredential })
	return b, app, cert
}

// usesCertificate fails unless the account uses one certificate, whose end its file says,
// and the other waits.
func (b *bench) usesCertificate(inUse, waiting *apponly.Certificate) {
	b.t.Helper()
	a, s, err := b.Account(b.t.Context(), "main")
	if err != nil || !s.Certificate || s.CertificateInUse == nil || *s.CertificateInUse != *certificateOf(inUse) || a.SecretExpires != certificateOf(inUse).Ends {
		b.t.Fatalf("it ends %s and uses %+v, %v; want %+v", a.SecretExpires, s.CertificateInUse, err, certificateOf(inUse))
	}
	if waiting == nil && s.CertificateWaiting != nil || waiting != nil && (s.CertificateWaiting == nil || *s.CertificateWaiting != *certificateOf(waiting)) {
		b.t.Fatalf("%+v waits", s.CertificateWaiting)
	}
}

func TestANewCertificateWaitsUntilItIsTakenAndMailGoesOn(t *testing.T) {
	t.Parallel()
	b, app, first := certified(t)
	b.start()
	b.sent("", "one@example.com")
	second, secret := made(t, 180*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.usesCertificate(first, second)
	b.sent("", "two@example.com")
	b.usesCertificate(first, second)

	// Uploaded, it takes over by itself within the hour of the next token.
	b.upload(app, second)
	b.pass(2 * time.Hour)
	b.sent("", "three@example.com")
	b.usesCertificate(second, nil)
	if has, err := b.has(t.Context(), nextCertificateName(&b.account)); has || err != nil {
		t.Errorf("it still waits: %v", err)
	}

	// The former one is needed no more, after a restart neither.
	b.registration(app, func(a *sandbox.App) { a.Certificates = a.Certificates[1:] })
	b.pass(2 * time.Hour)
	b.sent("", "four@example.com")
	b.Close()
	if _, err := b.Validate(t.Context(), "main"); err != nil {
		t.Error(err)
	}
}

func TestValidateChangesOverToANewCertificateAtOnce(t *testing.T) {
	t.Parallel()
	b, app, first := certified(t)
	second, secret := made(t, 180*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	if _, err := b.Validate(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	b.usesCertificate(first, second)
	b.upload(app, second)
	if _, err := b.Validate(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	b.usesCertificate(second, nil)
}

func TestATestEmailChangesOverToANewCertificateAtOnce(t *testing.T) {
	t.Parallel()
	b, app, _ := certified(t)
	second, secret := made(t, 180*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.upload(app, second)
	if _, err := b.SendTest(t.Context(), "main", "ops@contoso.com"); err != nil {
		t.Fatal(err)
	}
	b.usesCertificate(second, nil)
}

func TestWithNeitherCertificateTakenBothThumbprintsAreNamed(t *testing.T) {
	t.Parallel()
	b, app, first := certified(t)
	second, secret := made(t, 180*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.registration(app, func(a *sandbox.App) { a.Certificates = nil })
	_, err := b.Validate(t.Context(), "main")
	if err == nil || !strings.Contains(err.Error(), "AADSTS700027") || !strings.Contains(err.Error(), "in use: "+first.SHA1()) || !strings.Contains(err.Error(), second.SHA1()) {
		t.Errorf("Validate = %v", err)
	}
	if !strings.Contains(Fix(err), "Certificates & secrets → Certificates → Upload certificate") {
		t.Errorf("the fix is %s", Fix(err))
	}
}

func TestAChangeOverThatWasInterruptedIsBroughtToItsEnd(t *testing.T) {
	t.Parallel()
	b, app, _ := certified(t)
	second, secret := made(t, 180*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.upload(app, second)
	if err := b.Secrets.Set(t.Context(), certificateName(&b.account), secret); err != nil { // and the file still has the former's end
		t.Fatal(err)
	}
	if _, err := b.Validate(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	b.usesCertificate(second, nil)
}

func TestACertificateThatIsOfNoUseIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	b, _, first := certified(t)
	second, secret := made(t, 180*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.usesCertificate(first, second)

	b.pass(91 * 24 * time.Hour) // the first is over
	third, secret := made(t, 365*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.usesCertificate(third, nil)

	fourth, secret := made(t, 365*24*time.Hour)
	b.change(secret, func(a *account.Account) { a.ClientID = b.appWith("Mail.Send").ClientID }) // another registration knows none of them
	b.usesCertificate(fourth, nil)

	fifth, secret := made(t, 365*24*time.Hour)
	b.change(secret, func(*account.Account) {})
	b.usesCertificate(fourth, fifth)
	if err := b.Remove(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	for _, name := range secretNames {
		if has, err := b.has(t.Context(), name(&b.account)); has || err != nil {
			t.Errorf("%s outlives its account: %v", name(&b.account), err)
		}
	}
}

func TestADayThatIsOverIsRefusedUnlessItStoodThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "").clocks()
	b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) { a.SecretExpires = b.Now().Format(time.DateOnly) })
	a := b.account
	a.SecretExpires = b.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	var field *account.FieldError
	if err := b.Save(t.Context(), a, ""); !errors.As(err, &field) || field.Key != "secret_expires" || !strings.Contains(field.Text, "is over") {
		t.Errorf("Save = %v", err)
	}
	b.pass(48 * time.Hour)
	b.change("", func(a *account.Account) { a.Label = "another" })
}
