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
		return "", &account.FieldError{Key: secretKey, Text: "is missing: a Web registration has one",
			Fix: "store its Value: traymail account edit " + a.Name + " --secret-stdin"}
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
	err := m.save(ctx, a, clientSecret)
	if err == nil {
		m.accountChanged(ctx)
	}
	return err
}

func (m *Mailer) save(ctx context.Context, a account.Account, clientSecret keystore.Secret) (err error) {
	if err := a.Validate(); err != nil {
		return err
	}
	if err := checkClientSecret(&a, clientSecret); err != nil {
		return err
	}
	slot := m.slot(a.Name)
	if err := slot.lock(ctx); err != nil {
		return err
	}
	defer slot.unlock()
	if clientSecret == "" {
		_, err := m.clientSecret(ctx, &a)
		var missing *account.FieldError
		if errors.As(err, &missing) {
			missing.Fix = "give its Value together with the other fields (in a command: --secret-stdin or --secret-file)"
		}
		if err != nil {
			return err
		}
	}
	old, err := m.Accounts().Load(a.Name)
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		return err // it is not replaced unread
	}
	var undo []func() error
	defer func() {
		for _, back := range undo {
			if err != nil {
				err = errors.Join(err, back())
			}
		}
	}()
	if clientSecret != "" {
		back, err := m.replaceSecret(ctx, clientSecretName(&a), clientSecret)
		if err != nil {
			return err
		}
		undo = append(undo, back)
	}
	if old != nil && !sameSignIn(old, &a) {
		back, err := m.replaceSecret(ctx, refreshTokenName(old), "")
		if err != nil {
			return err
		}
		undo = append(undo, back)
	}
	if err := m.Accounts().Save(&a); err != nil {
		return err
	}
	m.retire(slot)
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

// sameSignIn reports whether a refresh token for a is one for b.
func sameSignIn(a, b *account.Account) bool {
	return strings.EqualFold(a.Username, b.Username) && strings.EqualFold(a.ClientID, b.ClientID) &&
		strings.EqualFold(a.Tenant, b.Tenant) && a.AuthorityURL == b.AuthorityURL && a.ID == b.ID
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
	for _, secret := range []string{refreshTokenName(a), clientSecretName(a)} {
		if id == "" {
			break // the file names none
		}
		if err := m.Secrets.Delete(ctx, secret); err != nil {
			return fmt.Errorf("account %s stays: %w", name, err)
		}
	}
	m.retire(slot)
	err = errors.Join(m.forgetClaims(a), m.Accounts().Remove(name))
	m.accountChanged(ctx)
	return err
}
