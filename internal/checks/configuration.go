package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"traymail/internal/account"
)

// configuration looks at the account's own settings. That nobody has signed in
// yet is no mistake in them; whoever needs a token says so.
func (r *run) configuration(context.Context) Result {
	a := &r.Account
	if r.Invalid != nil {
		finding := "settings-invalid"
		if r.SecretMissing {
			finding = "secret-not-stored"
		}
		result := r.found(finding, Fail, "account "+a.Name+": "+r.Invalid.Error(), "")
		if f, ok := errors.AsType[*account.FieldError](r.Invalid); ok {
			result.Detail = cmp.Or(result.Detail, "the account cannot be used as it stands")
			result.Fix = cmp.Or(r.fill(f.Fix), result.Fix)
		}
		return result
	}
	if text, fix, option := r.odd(); text != "" {
		result := r.found("settings-odd", Warn, text, "")
		result.Fix, result.Command = fix, traymail("account edit %s "+option, a.Name)
		return result
	}
	way := "over Microsoft Graph"
	if a.SendsOver(account.SMTP) {
		way = fmt.Sprintf("over SMTP (%s:%d)", a.SMTPHost, a.SMTPPort)
	}
	if a.Transport == account.Auto {
		way += ", and over Microsoft Graph when SMTP AUTH is off"
	}
	switch a.SignIn {
	case account.AppOnly:
		switch a.Credential {
		case account.CertificateCredential:
			return passed("an application signs in by itself with a certificate and sends as %s, %s", a.Sender, way)
		case account.FederatedCredential:
			return passed("an application signs in by itself with a federated credential and sends as %s, %s", a.Sender, way)
		}
		return passed("an application signs in by itself with a client secret and sends as %s, %s", a.Sender, way)
	case account.PasswordSignIn:
		return passed("%s signs in with a password and sends as %s, %s", a.Username, a.Sender, way)
	}
	return passed("%s signs in in the browser and sends as %s, %s", a.Username, a.Sender, way)
}

// odd names a setting that can be right and hardly ever is, "" when there is
// none, with the option that changes it.
func (r *run) odd() (text, fix, option string) {
	a := &r.Account
	if !a.SendsOver(account.SMTP) {
		return "", "", ""
	}
	const submission = "set smtp_port = 587"
	switch {
	case a.SMTPPort == 465 && a.HasEntra():
		if a.SMTPTLS == account.ImplicitTLS {
			return "smtp_port is 465, which Microsoft's servers do not have", submission + ` and smtp_tls = "starttls"`, "--smtp-port 587 --smtp-tls starttls"
		}
		return "smtp_port is 465, which Microsoft's servers do not have", submission, "--smtp-port 587"
	case a.SMTPPort == 465 && a.SMTPTLS == account.STARTTLS:
		return `smtp_port is 465, where TLS is there from the first octet, and smtp_tls is "starttls"`, `set smtp_tls = "implicit", or smtp_port = 587`, "--smtp-tls implicit"
	case a.SMTPPort == 587 && a.SMTPTLS == account.ImplicitTLS:
		fix = `set smtp_tls = "starttls"`
		if !a.HasEntra() { // Microsoft's servers have no port 465
			fix += ", or smtp_port = 465"
		}
		return `smtp_port is 587, where TLS begins with STARTTLS, and smtp_tls is "implicit"`, fix, "--smtp-tls starttls"
	case a.SMTPPort == 25 && a.Provider != account.Custom:
		return "smtp_port is 25, which is for mail between servers: most networks block it", submission, "--smtp-port 587"
	}
	if haste := a.Haste(); haste != "" {
		return haste, "set messages_per_minute = 30", "--messages-per-minute 30"
	}
	return "", "", ""
}
