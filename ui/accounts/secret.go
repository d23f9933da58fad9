package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/internal/mailer"
	"traymail/ui/words"
)

// A newSecret is what is to take the place of an account's secret. It cannot be
// printed.
type newSecret struct {
	typed      mailer.Secret // a client secret, a password, or the password of the file
	file       string        // the name of a certificate's file
	held       mailer.Secret // what is in it, or the key that was made
	thumbprint string        // of a certificate that was made
}

func (s newSecret) given() bool { return s.typed != "" || s.held != "" }

// value is the secret as it is saved; "" leaves the one that is stored.
func (s newSecret) value(kind SecretKind) (mailer.Secret, error) {
	switch kind {
	case ClientSecret, Password:
		return mailer.Secret(strings.TrimSpace(s.typed.Reveal())), nil
	case Certificate:
		if s.held == "" || s.thumbprint != "" {
			return s.held, nil
		}
		c, err := apponly.ParseCertificate([]byte(s.held.Reveal()), authcode.Secret(s.typed.Reveal()))
		if err != nil {
			return "", &account.FieldError{Key: "certificate", Text: filepath.Base(s.file) + ": " + err.Error(), Fix: "give a certificate with its private key, as PEM or PFX, and its password if it has one"}
		}
		pem, err := c.PEM()
		return mailer.Secret(pem.Reveal()), err
	}
	return "", nil
}

// secretKind is what an account proves itself with, beside a person's sign-in.
func secretKind(a *account.Account) SecretKind {
	switch {
	case a.SignIn == account.PasswordSignIn:
		return Password
	case a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential:
		return Certificate
	case a.HasClientSecret():
		return ClientSecret
	}
	return NoSecret
}

func (p *presenter) secretState() Secret {
	s := Secret{Kind: secretKind(&p.draft), Typed: p.secret.typed, File: p.secret.file, Wrong: p.wrong[secretKey].text, Fix: p.wrong[secretKey].fix}
	switch s.Kind {
	case ClientSecret:
		s.Stored = p.stored.ClientSecret
	case Password:
		s.Stored = p.stored.Password
	case Certificate:
		s.Stored = p.stored.Certificate
	}
	return s
}

// SetSecret takes over a new secret, or the password of a certificate's file. It
// is stored with Apply.
func (p *presenter) SetSecret(typed string) {
	if p.stage != Editing {
		return
	}
	p.secret.typed = mailer.Secret(typed)
	delete(p.wrong, secretKey)
	p.notice = nil
	p.draw()
}

// maxFile is how much of a file that was chosen is read: what is larger is none
// of those that are asked for.
const maxFile = 4 << 20

func readFile(r io.ReadCloser) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("the file has more than %d bytes", maxFile)
	}
	return data, errors.Join(err, r.Close())
}

// ChooseCertificate asks for the file of a certificate with its key.
func (p *presenter) ChooseCertificate() {
	p.files.Open([]string{".pem", ".pfx", ".p12", ".crt", ".cer", ".key"}, func(r io.ReadCloser, name string, err error) {
		p.take(err, func(context.Context) (newSecret, error) {
			data, err := readFile(r)
			return newSecret{file: name, held: mailer.Secret(data)}, err
		})
	})
}

// certificateLife is how long a certificate that is made is good: Entra takes
// any, and an alert comes before the end.
const certificateLife = 2 * 365 * 24 * time.Hour

// MakeCertificate has a key and a certificate made, and asks where to put the
// part that is uploaded.
func (p *presenter) MakeCertificate() {
	name, now := p.chosen, p.now()
	p.files.Save("traymail-"+name+".pem", func(w io.WriteCloser, where string, err error) {
		p.take(err, func(context.Context) (newSecret, error) {
			c, err := apponly.MakeCertificate("traymail "+name, now, certificateLife)
			if err != nil {
				return newSecret{}, errors.Join(err, w.Close())
			}
			_, err = io.WriteString(w, c.PublicPEM())
			if err = errors.Join(err, w.Close()); err != nil {
				return newSecret{}, err
			}
			pem, err := c.PEM()
			return newSecret{file: where, held: mailer.Secret(pem.Reveal()), thumbprint: c.SHA1()}, err
		})
	})
}

// take makes what get returns the new secret. failed is why there is nothing to
// get.
func (p *presenter) take(failed error, get func(context.Context) (newSecret, error)) {
	done := func(s newSecret, err error) {
		if delete(p.wrong, secretKey); err != nil {
			p.wrong[secretKey] = wrong{words.Sentence(err.Error()), words.Sentence(mailer.Fix(err))}
		} else {
			s.typed = p.secret.typed
			p.secret = s
		}
		p.draw()
	}
	if failed != nil {
		done(newSecret{}, failed)
		return
	}
	round := p.round
	p.desk.Start(func(ctx context.Context) func() {
		s, err := get(ctx)
		return func() {
			if round == p.round && p.stage == Editing {
				done(s, err)
			}
		}
	})
}
