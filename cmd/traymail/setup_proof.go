package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/keystore"
)

// proof asks what the app proves itself with. A guide says it already.
func (w *wizard) proof(ctx context.Context) error {
	a := &w.d.Account
	switch {
	case w.guide.ID != "" || a.SignIn == account.PasswordSignIn:
		return nil
	case a.SignIn == account.BrowserSignIn:
		return w.platform(ctx)
	}
	id, err := w.ask.choose(ctx, "What does the application prove itself with?", "", string(a.Credential), []choice{
		{string(account.SecretCredential), "A client secret"},
		{string(account.CertificateCredential), "A certificate with its key, in a file"},
		{string(account.FederatedCredential), "A token that the platform writes to a file (federated credential)"},
	})
	if err != nil || account.Credential(id) == a.Credential {
		return err
	}
	former := *a
	a.Credential = account.Credential(id)
	a.AssertionFile = ""
	a.Follow(former)
	return w.forgetSecret(ctx)
}

// platform asks whether the app of a sign-in in the browser has a secret.
func (w *wizard) platform(ctx context.Context) error {
	a := &w.d.Account
	if a.Provider == account.Google { // whose apps all have one
		return nil
	}
	id, err := w.ask.choose(ctx, "How is the app registered?", "", string(a.Registration), []choice{
		{string(account.Public), "For mobile and desktop, without a client secret (recommended)"},
		{string(account.Web), "As Web, with a client secret"},
	})
	if err != nil || account.Registration(id) == a.Registration {
		return err
	}
	former := *a
	a.Registration = account.Registration(id)
	a.Follow(former)
	return w.forgetSecret(ctx)
}

// forgetSecret drops a secret of another kind, and keeps the rest.
func (w *wizard) forgetSecret(ctx context.Context) error {
	w.secret, w.d.HasSecret = "", false
	if err := w.m.DropDraft(ctx); err != nil {
		return err
	}
	return w.keep(ctx)
}

// certificate asks for the file of a certificate, and for its password where it
// has one.
func (w *wizard) certificate(ctx context.Context) error {
	if w.d.Account.SignIn != account.AppOnly || w.d.Account.Credential != account.CertificateCredential {
		return nil
	}
	file, password := "", ""
	kept := w.d.HasSecret || w.secret != ""
	q := question{title: "File of the certificate", why: "PEM or PFX, with its private key. The key goes to the keystore; the file may be deleted then.", value: &file, optional: kept, wrong: func(path string) string {
		data, err := os.ReadFile(strings.TrimSpace(path))
		switch {
		case err != nil:
			return oneLine(err)
		case !isPEM(data):
			return "" // its password comes next
		}
		if _, err = readCertificate(data, ""); err != nil {
			return oneLine(err)
		}
		return ""
	}}
	if kept {
		q.why += " One is kept already: leave it empty to go on with that."
	}
	if err := w.ask.fill(ctx, q); err != nil {
		return err
	}
	file = strings.TrimSpace(file)
	if file == "" {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return &account.FieldError{Text: err.Error(), Fix: "give the path of a readable PEM or PFX file"}
	}
	if !isPEM(data) {
		// None at all is tried too: many PFX files have an empty password.
		if err := w.ask.fill(ctx, question{title: "Password of " + file, why: "It is not shown, and not kept. Leave it empty where there is none.", value: &password, secret: true, optional: true}); err != nil {
			return err
		}
	}
	w.secret, err = readCertificate(data, password)
	if err == nil {
		return nil
	}
	w.ask.say(fmt.Sprintf("%s: %s", file, oneLine(err)))
	return w.certificate(ctx)
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// readCertificate returns what the keystore has of a certificate that is good now.
func readCertificate(data []byte, password string) (keystore.Secret, error) {
	cert, err := apponly.ParseCertificate(data, authcode.Secret(password))
	if err == nil {
		err = cert.Check(time.Now())
	}
	if err != nil {
		return "", err
	}
	return sealed(cert)
}
