package mailer

import (
	"context"
	"errors"
	"fmt"

	"traymail/internal/account"
	"traymail/internal/relay"
)

// Clients lists the clients by name, without the hashes of their passwords. The
// error is about the first that cannot be read.
func (m *Mailer) Clients(context.Context) ([]Client, error) {
	all, err := m.ClientFiles().All()
	for i := range all {
		all[i].PasswordHash = ""
	}
	return all, err
}

// SaveClient adds a client, or changes the one of that name, unless the
// configuration as a whole could not be used with it. c.PasswordHash has no
// meaning. The password is that of NewPassword: it is returned this once, and
// only its hash is kept. When the error matches ErrNotInForce the client is saved
// all the same, and the password is its own.
func (m *Mailer) SaveClient(ctx context.Context, c Client, how ClientPassword) (password Secret, err error) {
	m.configuring.Lock()
	defer m.configuring.Unlock()
	c.PasswordHash = ""
	switch how {
	case KeepPassword:
		was, err := m.ClientFiles().Load(c.Name)
		if err != nil && !errors.Is(err, ErrNoClient) {
			return "", err // it is not replaced unread
		}
		if was != nil {
			c.PasswordHash = was.PasswordHash
		}
	case NewPassword:
		var text string
		text, c.PasswordHash = relay.NewPassword()
		password = Secret(text)
	case NoPassword:
	default:
		return "", &account.FieldError{Key: "password", Text: fmt.Sprintf("%q is not one of the choices for the password", string(how)), Fix: "use keep, new or none"}
	}
	if err := c.Validate(); err != nil {
		return "", err
	}
	settings, err := ReadSettings(m.Home)
	if err != nil {
		return "", err
	}
	if _, err := m.relayConfig(settings, fixInCall, &c); err != nil {
		return "", err
	}
	if err := m.ClientFiles().Save(&c); err != nil {
		return "", err
	}
	return password, m.inForce(ctx)
}

// RemoveClient deletes a client; its password ends to work. The error matches
// ErrNoClient when there is none of that name, and ErrNotInForce when the running
// program still takes messages from it.
func (m *Mailer) RemoveClient(ctx context.Context, name string) error {
	m.configuring.Lock()
	defer m.configuring.Unlock()
	if err := m.ClientFiles().Remove(name); err != nil {
		return err
	}
	return m.inForce(ctx)
}
