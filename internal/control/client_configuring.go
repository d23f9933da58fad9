package control

import (
	"context"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
)

// Count returns how many messages Messages would list without a limit.
func (c *Client) Count(ctx context.Context, f mailer.Filter) (int, error) {
	return ask[int](ctx, c, "/count", f)
}

// Traffic returns what happened since then, in steps of equal length.
func (c *Client) Traffic(ctx context.Context, since time.Time, step time.Duration) ([]mailer.Volume, error) {
	return ask[[]mailer.Volume](ctx, c, "/traffic", measuring{since, step})
}

// Settings returns what traymail.toml says, with the defaults filled in.
func (c *Client) Settings(ctx context.Context) (mailer.Settings, error) {
	return ask[mailer.Settings](ctx, c, "/settings", nothing{})
}

// SaveSettings changes traymail.toml so that Settings returns s.
func (c *Client) SaveSettings(ctx context.Context, s mailer.Settings) error {
	_, err := ask[nothing](ctx, c, "/settings/save", s)
	return err
}

// Clients lists the relay's clients, without the hashes of their passwords.
func (c *Client) Clients(ctx context.Context) ([]mailer.Client, error) {
	return ask[[]mailer.Client](ctx, c, "/clients", nothing{})
}

// SaveClient adds a client of the relay, or changes the one of that name.
func (c *Client) SaveClient(ctx context.Context, client mailer.Client, how mailer.ClientPassword) (keystore.Secret, error) {
	out, err := ask[passwordResult](ctx, c, "/client/save", savingClient{client, how})
	return keystore.Secret(out.Password), err
}

// RemoveClient deletes a client of the relay.
func (c *Client) RemoveClient(ctx context.Context, name string) error {
	_, err := ask[nothing](ctx, c, "/client/remove", name)
	return err
}

// Export returns an account as TOML for Import, without its secrets.
func (c *Client) Export(ctx context.Context, name string) ([]byte, error) {
	return ask[[]byte](ctx, c, "/account/export", name)
}

// Import adds the account in data.
func (c *Client) Import(ctx context.Context, data []byte, name string) (account.Account, error) {
	return ask[account.Account](ctx, c, "/account/import", importing{data, name})
}

// Pause begins a person's pause of an account, or of all with "".
func (c *Client) Pause(ctx context.Context, name string, until time.Time) error {
	_, err := ask[nothing](ctx, c, "/pause", pausing{name, until})
	return err
}

// Resume ends a person's pause of an account, or with "" all of them.
func (c *Client) Resume(ctx context.Context, name string) error {
	_, err := ask[nothing](ctx, c, "/resume", name)
	return err
}

// Diagnostics returns what a report for others holds.
func (c *Client) Diagnostics(ctx context.Context) ([]mailer.Document, error) {
	return ask[[]mailer.Document](ctx, c, "/diagnostics", nothing{})
}

// Draft returns the unfinished setup, the zero one when there is none.
func (c *Client) Draft(ctx context.Context) (setup.Draft, error) {
	return ask[setup.Draft](ctx, c, "/draft", nothing{})
}

// SaveDraft keeps an unfinished setup with its secret.
func (c *Client) SaveDraft(ctx context.Context, d setup.Draft, secret keystore.Secret) error {
	_, err := ask[nothing](ctx, c, "/draft/save", drafting{d, secret.Reveal()})
	return err
}

// DropDraft forgets the unfinished setup with its secret.
func (c *Client) DropDraft(ctx context.Context) error {
	_, err := ask[nothing](ctx, c, "/draft/drop", nothing{})
	return err
}
