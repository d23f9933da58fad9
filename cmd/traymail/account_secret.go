package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/natefinch/atomic"
	"github.com/spf13/cobra"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/keystore"
)

// secretFlags say where the secret comes from that an account proves itself
// with; it is never an argument.
type secretFlags struct {
	stdin       bool
	file        string
	certificate string // a file with certificate and key
	public      string // where to write the public part of one that is made

	made *apponly.Certificate
}

func (s *secretFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.stdin, "secret-stdin", false, "read the client secret, the password, or the password of a PFX file from standard input")
	f.StringVar(&s.file, "secret-file", "", "the same, read from a file")
	f.StringVar(&s.certificate, "certificate", "", "certificate of an application with its private key, as PEM or PFX")
	f.StringVar(&s.public, "make-certificate", "", "have a key and a certificate made, and write the part to upload to this file")
	c.MarkFlagsMutuallyExclusive("secret-stdin", "secret-file", "make-certificate")
	c.MarkFlagsMutuallyExclusive("certificate", "make-certificate")
	_ = c.MarkFlagFilename("certificate")
}

func (s *secretFlags) given() bool {
	return s.stdin || s.file != "" || s.certificate != "" || s.public != ""
}

// read returns the secret that goes with an account, and "" when none is given;
// ask says whether to ask for it when no flag names its source and a person sits
// at the terminal.
func (s *secretFlags) read(ctx context.Context, p *program, a *account.Account, ask bool) (keystore.Secret, error) {
	switch {
	case (s.certificate != "" || s.public != "") && a.Credential != account.CertificateCredential:
		return "", &account.FieldError{Key: "certificate", Text: "goes with an application that proves itself with one", Fix: "use --sign-in app-only, without another --credential, or leave the flag out"}
	case s.public != "":
		return s.make(a)
	case s.certificate != "":
		return s.readCertificate(ctx, p, ask)
	}
	prompt := ""
	switch {
	case !ask || !p.interactive():
	case a.HasClientSecret():
		prompt = "Client secret (the Value, not the Secret ID): "
	case a.SignIn == account.PasswordSignIn:
		prompt = "Password of " + a.Username + ": "
	}
	v, err := s.readText(ctx, p, prompt)
	if err == nil && v == "" && (s.stdin || s.file != "") {
		if a.SignIn == account.PasswordSignIn {
			return "", &account.FieldError{Key: "password", Text: "the password is empty", Fix: "give the password of " + a.Username}
		}
		return "", &account.FieldError{Key: "client secret", Text: "the client secret is empty", Fix: "copy the secret's Value, which the portal shows once, right after it was made"}
	}
	return v, err
}

// readText reads a secret of one line, asking for it with a prompt when no flag
// says where it is; without a prompt it is "" then.
func (s *secretFlags) readText(ctx context.Context, p *program, prompt string) (keystore.Secret, error) {
	var from io.Reader
	switch {
	case s.file != "":
		f, err := os.Open(s.file)
		if err != nil {
			return "", &account.FieldError{Key: "--secret-file", Text: err.Error(), Fix: "give the path of a readable file, or use --secret-stdin"}
		}
		defer f.Close()
		from = f
	case s.stdin:
		from = p.stdin
	case prompt != "":
		return p.askSecret(ctx, prompt)
	default:
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(bufio.NewReader(from), 64<<10))
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	return keystore.Secret(strings.TrimSpace(string(b))), nil
}

// readCertificate reads a certificate with its key. A PFX file's password comes
// from where other secrets do.
func (s *secretFlags) readCertificate(ctx context.Context, p *program, ask bool) (keystore.Secret, error) {
	data, err := os.ReadFile(s.certificate)
	if err != nil {
		return "", &account.FieldError{Key: "--certificate", Text: err.Error(), Fix: "give the path of a readable PEM or PFX file"}
	}
	prompt := ""
	if ask && p.interactive() && !bytes.Contains(data, []byte("-----BEGIN ")) {
		prompt = "Password of " + s.certificate + ": "
	}
	password, err := s.readText(ctx, p, prompt)
	if err != nil {
		return "", err
	}
	cert, err := apponly.ParseCertificate(data, authcode.Secret(password.Reveal()))
	if err == nil {
		err = cert.Check(time.Now())
	}
	if err != nil {
		return "", &account.FieldError{Key: "--certificate", Text: s.certificate + ": " + err.Error(), Fix: "give a certificate with its private key, or have one made: --make-certificate FILE"}
	}
	return sealed(cert)
}

// certificateLife is how long a certificate that is made is good: Entra takes
// any, and an alert comes before the end.
const certificateLife = 2 * 365 * 24 * time.Hour

func (s *secretFlags) make(a *account.Account) (keystore.Secret, error) {
	if _, err := os.Lstat(s.public); err == nil {
		return "", &account.FieldError{Key: "--make-certificate", Text: s.public + " exists", Fix: "name a file that does not exist"}
	}
	cert, err := apponly.MakeCertificate("traymail "+a.Name, time.Now(), certificateLife)
	if err != nil {
		return "", err
	}
	if err := atomic.WriteFile(s.public, strings.NewReader(cert.PublicPEM())); err != nil {
		return "", &account.FieldError{Key: "--make-certificate", Text: err.Error(), Fix: "name a file that can be written"}
	}
	s.made = cert
	return sealed(cert)
}

// tellMade says what to do with the public part of a certificate that was made.
func (s *secretFlags) tellMade(p *program, a *account.Account) {
	fmt.Fprintf(p.stderr, "Upload %s (thumbprint %s, good until %s): Entra ID → App registrations → the app → Certificates & secrets → Certificates → Upload certificate. Then send a test email: traymail test %s\n",
		s.public, s.made.SHA1(), s.made.NotAfter().Format(time.DateOnly), a.Name)
}

func sealed(c *apponly.Certificate) (keystore.Secret, error) {
	v, err := c.PEM()
	if err != nil {
		return "", errors.New("the certificate cannot be written as PEM")
	}
	return keystore.Secret(v.Reveal()), nil
}
