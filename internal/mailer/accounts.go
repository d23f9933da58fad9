package mailer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/keystore"
)

// A secret's name starts with the account's ID: a renamed account keeps its
// secrets, and two homes never share one.
func refreshTokenName(a *account.Account) string { return a.ID + "/refresh-token" }
func clientSecretName(a *account.Account) string { return a.ID + "/client-secret" }
func certificateName(a *account.Account) string  { return a.ID + "/certificate" }
func passwordName(a *account.Account) string     { return a.ID + "/password" }

// secretNames are all that an account may have.
var secretNames = []func(*account.Account) string{refreshTokenName, clientSecretName, certificateName, nextCertificateName, passwordName}

// A credential is the secret that an account's settings ask for.
type credential struct {
	name         string // in the keystore
	key          string // of a FieldError about it; it stands in no file
	missing, fix string // when it is not there
}

// credentialOf returns what an account proves itself with beside a sign-in, and
// the zero value when that is nothing.
func credentialOf(a *account.Account) credential {
	switch {
	case a.HasClientSecret() && a.SignIn == account.AppOnly:
		return credential{clientSecretName(a), "client secret", "is missing: the application proves itself with one", "store its Value: traymail account edit {account} --secret-stdin"}
	case a.HasClientSecret():
		missing := "is missing: a Web registration has one"
		if a.Provider == account.Google {
			missing = "is missing: Google gives one to each client ID, those of desktop apps too"
		}
		return credential{clientSecretName(a), "client secret", missing, "store its Value: traymail account edit {account} --secret-stdin"}
	case a.Credential == account.CertificateCredential:
		return credential{certificateName(a), "certificate", "is missing: the application proves itself with one", "have one made, traymail account edit {account} --make-certificate FILE, or store yours: --certificate FILE"}
	case a.SignIn == account.PasswordSignIn:
		return credential{passwordName(a), "password", "is missing", "store it: traymail account edit {account} --secret-stdin"}
	}
	return credential{}
}

// credential returns the secret that the account's settings ask for, and "" when
// they ask for none.
func (m *Mailer) credential(ctx context.Context, a *account.Account) (keystore.Secret, error) {
	c := credentialOf(a)
	if c.name == "" {
		return "", nil
	}
	v, err := m.Secrets.Get(ctx, c.name)
	if errors.Is(err, keystore.ErrNotFound) {
		return "", &account.FieldError{Key: c.key, Text: c.missing, Fix: strings.ReplaceAll(c.fix, "{account}", a.Name)}
	}
	return v, err
}

// Account returns one account, and whether its secrets are there.
func (m *Mailer) Account(ctx context.Context, name string) (account.Account, Secrets, error) {
	a, err := m.Accounts().Load(name)
	if err != nil {
		return account.Account{}, Secrets{}, err
	}
	var s Secrets
	for secret, is := range map[string]*bool{
		clientSecretName(a): &s.ClientSecret, certificateName(a): &s.Certificate, passwordName(a): &s.Password, refreshTokenName(a): &s.SignedIn,
	} {
		if secret != credentialOf(a).name && (secret != refreshTokenName(a) || a.SignIn != account.BrowserSignIn) {
			continue // what it does not use is not there, see Save
		}
		if *is, err = m.has(ctx, secret); err != nil {
			return *a, Secrets{}, err
		}
	}
	if s.Certificate {
		err = m.certificates(ctx, a, &s)
	}
	return *a, s, err
}

func (m *Mailer) has(ctx context.Context, name string) (bool, error) {
	_, err := m.Secrets.Get(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Save stores an account and, unless it is empty, the secret that its settings
// ask for: a client secret's Value, a certificate with its key as PEM, or a
// password. A new certificate waits beside one that is in use until the provider
// takes it. When it returns an error nothing has changed. A changed username,
// client ID, tenant or authority ends the sign-in, because the refresh token
// belongs to the old ones; secrets that the account no longer uses are removed.
// Without a secret, the one that a draft of this account keeps becomes the
// account's, and is kept there no longer.
func (m *Mailer) Save(ctx context.Context, a account.Account, secret keystore.Secret) error {
	var err error
	if secret == "" && m.drafted(&a) {
		err = m.saveDrafted(ctx, a)
	} else {
		err = m.save(ctx, a, secret)
	}
	if err == nil {
		m.accountChanged(ctx)
	}
	return err
}

func (m *Mailer) save(ctx context.Context, a account.Account, secret keystore.Secret) (err error) {
	if err := a.Validate(); err != nil {
		return err
	}
	secret, err = m.checkCredential(&a, secret)
	if err != nil {
		return err
	}
	slot := m.slot(a.Name)
	if err := slot.lock(ctx); err != nil {
		return err
	}
	defer slot.unlock()
	if secret == "" {
		_, err := m.credential(ctx, &a)
		var missing *account.FieldError
		if errors.As(err, &missing) {
			missing.Fix = "give it together with the other fields (in a command: --secret-stdin, --secret-file or, for a certificate, --certificate or --make-certificate)"
		}
		if err != nil {
			return err
		}
	}
	old, err := m.Accounts().Load(a.Name)
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		return err // it is not replaced unread
	}
	if old != nil && secret == "" && credentialOf(&a).name == clientSecretName(&a) && !sameApp(old, &a) {
		return &account.FieldError{Key: "client secret", Text: "what is stored is that of another app", Fix: "give the new app's together with its client ID (in a command: --secret-stdin or --secret-file)"}
	}
	if err := m.forgetExpiry(ctx, old, &a, secret); err != nil {
		return err
	}
	if err := m.checkExpiry(old, &a); err != nil {
		return err
	}
	var undo []func() error
	defer func() {
		for _, back := range undo {
			if err != nil {
				err = errors.Join(err, back())
			}
		}
	}()
	replace := func(name string, value keystore.Secret) error {
		back, err := m.replaceSecret(ctx, name, value)
		if err == nil {
			undo = append(undo, back)
		}
		return err
	}
	if secret != "" {
		place := credentialOf(&a).name
		if place == certificateName(&a) {
			if place, err = m.certificatePlace(ctx, old, &a, secret); err != nil {
				return err
			}
			if err := replace(nextCertificateName(&a), ""); err != nil { // one that waited is not wanted any more
				return err
			}
		}
		if err := replace(place, secret); err != nil {
			return err
		}
	}
	for _, name := range obsolete(old, &a) {
		if err := replace(name, ""); err != nil {
			return err
		}
	}
	if err := m.Accounts().Save(&a); err != nil {
		return err
	}
	m.retire(slot)
	if secret != "" { // what was said of the former one says nothing of this
		return m.forgetRefusal(&a)
	}
	return nil
}

// obsolete names the secrets of an account as it was that it does not use as it
// will be.
func obsolete(old, now *account.Account) []string {
	if old == nil {
		return nil
	}
	var names []string
	if !sameSignIn(old, now) {
		names = append(names, refreshTokenName(old))
	}
	if was := credentialOf(old).name; was != "" && was != credentialOf(now).name {
		names = append(names, was)
		if was == certificateName(old) {
			names = append(names, nextCertificateName(old))
		}
	}
	return names
}

// checkExpiry refuses a day that is over, unless the account has it already.
func (m *Mailer) checkExpiry(old, now *account.Account) error {
	if now.SecretExpires == "" || now.SecretExpires >= m.now().Format(time.DateOnly) || old != nil && old.SecretExpires == now.SecretExpires {
		return nil
	}
	return &account.FieldError{Key: "secret_expires", Text: now.SecretExpires + " is over", Fix: "give the day on which the new secret ends, as the portal shows it beside the secret, or leave it out"}
}

// forgetExpiry drops the day on which a secret ends, when the account gets
// another secret and the day is still the former one's.
func (m *Mailer) forgetExpiry(ctx context.Context, old, now *account.Account, secret keystore.Secret) error {
	if old == nil || now.SecretExpires != old.SecretExpires {
		return nil
	}
	is, was := credentialOf(now).name, credentialOf(old).name
	switch {
	case is == certificateName(now) && secret != "", is == was && secret == "":
		return nil // it says itself when it ends, or stays
	case is == was:
		stored, err := m.Secrets.Get(ctx, is)
		if err != nil && !errors.Is(err, keystore.ErrNotFound) {
			return err
		}
		if stored == secret {
			return nil
		}
	}
	now.SecretExpires = ""
	return nil
}

// checkCredential refuses a secret that cannot be right before it is stored, and
// returns it as it is stored: a certificate as PEM. Of that it notes when it ends.
func (m *Mailer) checkCredential(a *account.Account, secret keystore.Secret) (keystore.Secret, error) {
	v := secret.Reveal()
	if v == "" {
		return "", nil
	}
	c := credentialOf(a)
	wrong := func(text, fix string) (keystore.Secret, error) {
		return "", &account.FieldError{Key: cmp.Or(c.key, "client secret"), Text: text, Fix: fix}
	}
	switch c.name {
	case passwordName(a):
		if strings.ContainsAny(v, "\r\n\x00") {
			return wrong("has line breaks, which no password has", "give it again, alone")
		}
		return secret, nil
	case certificateName(a):
		cert, err := apponly.ParseCertificate([]byte(v), "")
		if err == nil {
			err = cert.Check(m.now())
		}
		if err != nil {
			return wrong(err.Error(), "give a certificate with its private key, as PEM or PFX, or have one made: --make-certificate")
		}
		a.SecretExpires = cert.NotAfter().Format(time.DateOnly)
		pem, err := cert.PEM() // a PFX is no text, and not every keystore takes it
		return keystore.Secret(pem.Reveal()), err
	case clientSecretName(a):
		switch {
		case strings.TrimSpace(v) != v || strings.ContainsAny(v, "\r\n\t \"'"):
			return wrong("has blanks, quotes or line breaks, which no client secret has", "copy the secret's Value again, alone")
		case a.HasEntra() && account.IsGUID(v): // elsewhere a secret may look like that
			return wrong("is the Secret ID", "copy the secret's Value, which the portal shows once, right after it was made")
		}
		return secret, nil
	}
	if a.SignIn == account.AppOnly {
		return wrong("a federated application has none: the token in assertion_file stands for it", `leave the secret out, or set credential = "secret"`)
	}
	if !a.HasEntra() {
		return wrong("a public registration has none", `leave the secret out, or set registration = "web" for a client with a secret`)
	}
	return wrong("a public registration has none, and Entra refuses one from it (AADSTS700025)",
		`leave the secret out, or set registration = "web" when the app is registered with a Web platform`)
}

// replaceSecret stores a secret, or removes it when value is empty, and returns
// how to put back what was there.
func (m *Mailer) replaceSecret(ctx context.Context, name string, value keystore.Secret) (undo func() error, err error) {
	old, err := m.Secrets.Get(ctx, name)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return nil, err
	}
	put := func(ctx context.Context, v keystore.Secret) error {
		if v == "" {
			return m.Secrets.Delete(ctx, name)
		}
		return m.Secrets.Set(ctx, name, v)
	}
	return func() error { return put(context.WithoutCancel(ctx), old) }, put(ctx, value)
}

// sameApp reports whether two accounts are of one app registration.
func sameApp(a, b *account.Account) bool {
	return strings.EqualFold(a.ClientID, b.ClientID) && a.AuthorityURL == b.AuthorityURL && a.TokenURL == b.TokenURL
}

// sameSignIn reports whether a refresh token for a is one for b.
func sameSignIn(a, b *account.Account) bool {
	return strings.EqualFold(a.Username, b.Username) && strings.EqualFold(a.ClientID, b.ClientID) &&
		strings.EqualFold(a.Tenant, b.Tenant) && a.AuthorityURL == b.AuthorityURL && a.TokenURL == b.TokenURL && a.SignIn == b.SignIn && a.ID == b.ID
}

// waiting is how many messages an account still has to send. A home without a
// queue has none, and is not given one.
func (m *Mailer) waiting(ctx context.Context, name string) (int, error) {
	settings, err := ReadSettings(m.Home)
	if err != nil {
		return 0, err
	}
	if settings.Queue.PostgreSQL == "" && !exists(m.queueFile()) {
		return 0, nil
	}
	e, err := m.opened(ctx)
	if err != nil {
		return 0, err
	}
	accounts, err := e.queue.Accounts(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range accounts {
		if a.Name == name {
			return a.Waiting + a.Sending + a.Held, nil
		}
	}
	return 0, nil
}

// Remove deletes an account with its secrets, also one whose file cannot be
// used. It stays when messages wait for it, and when a secret cannot be removed.
func (m *Mailer) Remove(ctx context.Context, name string) error {
	slot := m.slot(name)
	if err := slot.lock(ctx); err != nil {
		return err
	}
	defer slot.unlock()
	id, err := m.Accounts().ID(name)
	if err != nil {
		return err
	}
	if n, err := m.waiting(ctx, name); err != nil {
		return fmt.Errorf("account %s stays: %w", name, err)
	} else if n > 0 {
		return &account.FieldError{Text: fmt.Sprintf("account %s stays: %d messages wait to be sent through it", name, n),
			Fix: "let them go out, or take them out: traymail queue ls --account " + name + ", traymail queue rm ID..."}
	}
	a := &account.Account{Name: name, ID: id}
	for _, secret := range secretNames {
		if id == "" {
			break // the file names none
		}
		if err := m.Secrets.Delete(ctx, secret(a)); err != nil {
			return fmt.Errorf("account %s stays: %w", name, err)
		}
	}
	m.retire(slot)
	err = errors.Join(m.forgetClaims(a), m.forgetRefusal(a), m.forgetTokenUse(a), m.Accounts().Remove(name), m.forgetPause(ctx, name))
	m.accountChanged(ctx)
	return err
}
