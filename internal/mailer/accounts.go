package mailer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"traymail/internal/account"
	"traymail/keystore"
)

// A secret's name starts with the account's ID: a renamed account keeps its
// secrets, and two homes never share one.
func refreshTokenName(a *account.Account) string { return a.ID + "/refresh-token" }
func clientSecretName(a *account.Account) string { return a.ID + "/client-secret" }

// secretKey is the Key of a FieldError about the client secret, which stands in
// no file.
const secretKey = "client secret"

// clientSecret returns the secret of a Web registration, and "" for a public
// one, which has none.
func (m *Mailer) clientSecret(ctx context.Context, a *account.Account) (keystore.Secret, error) {
	if a.Registration != account.Web {
		return "", nil
	}
	v, err := m.Secrets.Get(ctx, clientSecretName(a))
	if errors.Is(err, keystore.ErrNotFound) {
		return "", &account.FieldError{Key: secretKey, Text: "is missing: a Web registration has one, and account " + a.Name + " has none stored",
			Fix: "store the secret's Value: traymail account edit " + a.Name + " --secret-stdin, or --secret-file"}
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
	if s.ClientSecret, err = m.has(ctx, clientSecretName(a)); err != nil {
		return *a, Secrets{}, err
	}
	s.SignedIn, err = m.has(ctx, refreshTokenName(a))
	return *a, s, err
}

func (m *Mailer) has(ctx context.Context, name string) (bool, error) {
	_, err := m.Secrets.Get(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Save stores an account and, unless it is empty, its client secret. When it
// returns an error nothing has changed. A changed username, client ID, tenant
// or authority ends the sign-in, because the refresh token belongs to the old
// ones.
func (m *Mailer) Save(ctx context.Context, a account.Account, clientSecret keystore.Secret) error {
	if err := a.Validate(); err != nil {
		return err
	}
	if err := checkClientSecret(&a, clientSecret); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if clientSecret == "" {
		if _, err := m.clientSecret(ctx, &a); err != nil {
			return err
		}
	}
	old, err := m.Accounts().Load(a.Name)
	if err != nil {
		old = nil // new, or broken and about to be replaced
	}
	undo, err := m.replaceSecret(ctx, clientSecretName(&a), clientSecret)
	if err != nil {
		return err
	}
	if err := m.Accounts().Save(&a); err != nil {
		return errors.Join(err, undo())
	}
	m.drop(a.Name)
	if old != nil && !sameSignIn(old, &a) {
		if err := m.Secrets.Delete(ctx, refreshTokenName(old)); err != nil {
			return fmt.Errorf("account %s is saved, but the refresh token of its former sign-in could not be removed: %w", a.Name, err)
		}
	}
	return nil
}

// checkClientSecret refuses a secret that cannot be right before it is stored.
func checkClientSecret(a *account.Account, secret keystore.Secret) error {
	v := secret.Reveal()
	wrong := func(text, fix string) error {
		return &account.FieldError{Key: secretKey, Text: text, Fix: fix}
	}
	switch {
	case v == "":
		return nil
	case a.Registration != account.Web:
		return wrong("a public registration has none, and Entra refuses one from it (AADSTS700025)",
			`leave the secret out, or set registration = "web" when the app is registered with a Web platform`)
	case strings.TrimSpace(v) != v || strings.ContainsAny(v, "\r\n\t \"'"):
		return wrong("has blanks, quotes or line breaks, which no client secret has", "copy the secret's Value again, alone")
	case account.IsGUID(v):
		return wrong("is the Secret ID", "copy the secret's Value, which the portal shows once, right after it was made")
	}
	return nil
}

// replaceSecret stores a secret, unless it is empty, and returns how to put
// back what was there.
func (m *Mailer) replaceSecret(ctx context.Context, name string, value keystore.Secret) (undo func() error, err error) {
	if value == "" {
		return func() error { return nil }, nil
	}
	old, err := m.Secrets.Get(ctx, name)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return nil, err
	}
	if err := m.Secrets.Set(ctx, name, value); err != nil {
		return nil, err
	}
	return func() error {
		if old == "" {
			return m.Secrets.Delete(context.WithoutCancel(ctx), name)
		}
		return m.Secrets.Set(context.WithoutCancel(ctx), name, old)
	}, nil
}

// sameSignIn reports whether a refresh token for a is one for b.
func sameSignIn(a, b *account.Account) bool {
	return strings.EqualFold(a.Username, b.Username) && strings.EqualFold(a.ClientID, b.ClientID) &&
		strings.EqualFold(a.Tenant, b.Tenant) && a.AuthorityURL == b.AuthorityURL && a.ID == b.ID
}

// Remove deletes an account with its secrets. When a secret cannot be removed
// the account stays.
func (m *Mailer) Remove(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.Accounts().Load(name)
	if err != nil {
		return err
	}
	for _, secret := range []string{refreshTokenName(a), clientSecretName(a)} {
		if err := m.Secrets.Delete(ctx, secret); err != nil {
			return fmt.Errorf("account %s stays: %w", name, err)
		}
	}
	m.drop(name)
	if err := m.forgetClaims(a); err != nil {
		return err
	}
	return m.Accounts().Remove(name)
}
