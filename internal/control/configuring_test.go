package control

import (
	"context"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
)

// configuring are the program's functions for what a window sees and changes.
type configuring struct {
	count        func(context.Context, mailer.Filter) (int, error)
	traffic      func(context.Context, time.Time, time.Duration) ([]mailer.Volume, error)
	settings     func(context.Context) (mailer.Settings, error)
	saveSettings func(context.Context, mailer.Settings) error
	clients      func(context.Context) ([]mailer.Client, error)
	saveClient   func(context.Context, mailer.Client, mailer.ClientPassword) (keystore.Secret, error)
	removeClient func(context.Context, string) error
	export       func(context.Context, string) ([]byte, error)
	imports      func(context.Context, []byte, string) (account.Account, error)
	pause        func(context.Context, string, time.Time) error
	resume       func(context.Context, string) error
	diagnostics  func(context.Context) ([]mailer.Document, error)
	draft        func(context.Context) (setup.Draft, error)
	saveDraft    func(context.Context, setup.Draft, keystore.Secret) error
	dropDraft    func(context.Context) error
}

func (p *configuring) Count(ctx context.Context, f mailer.Filter) (int, error) {
	return p.count(ctx, f)
}
func (p *configuring) Traffic(ctx context.Context, since time.Time, step time.Duration) ([]mailer.Volume, error) {
	return p.traffic(ctx, since, step)
}
func (p *configuring) Settings(ctx context.Context) (mailer.Settings, error) { return p.settings(ctx) }
func (p *configuring) SaveSettings(ctx context.Context, s mailer.Settings) error {
	return p.saveSettings(ctx, s)
}
func (p *configuring) Clients(ctx context.Context) ([]mailer.Client, error) { return p.clients(ctx) }
func (p *configuring) SaveClient(ctx context.Context, c mailer.Client, how mailer.ClientPassword) (keystore.Secret, error) {
	return p.saveClient(ctx, c, how)
}
func (p *configuring) RemoveClient(ctx context.Context, name string) error {
	return p.removeClient(ctx, name)
}
func (p *configuring) Export(ctx context.Context, name string) ([]byte, error) {
	return p.export(ctx, name)
}
func (p *configuring) Import(ctx context.Context, data []byte, name string) (account.Account, error) {
	return p.imports(ctx, data, name)
}
func (p *configuring) Pause(ctx context.Context, name string, until time.Time) error {
	return p.pause(ctx, name, until)
}
func (p *configuring) Resume(ctx context.Context, name string) error { return p.resume(ctx, name) }
func (p *configuring) Diagnostics(ctx context.Context) ([]mailer.Document, error) {
	return p.diagnostics(ctx)
}
func (p *configuring) Draft(ctx context.Context) (setup.Draft, error) { return p.draft(ctx) }
func (p *configuring) SaveDraft(ctx context.Context, d setup.Draft, secret keystore.Secret) error {
	return p.saveDraft(ctx, d, secret)
}
func (p *configuring) DropDraft(ctx context.Context) error { return p.dropDraft(ctx) }
