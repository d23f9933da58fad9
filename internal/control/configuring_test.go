package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
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

// arriving are the functions that tell of their arguments and return what
// callsOfConfiguring expects.
func arriving(arrived func(...any)) configuring {
	return configuring{
		count: func(_ context.Context, f mailer.Filter) (int, error) { arrived(f); return 8, errFor },
		traffic: func(_ context.Context, since time.Time, step time.Duration) ([]mailer.Volume, error) {
			arrived(since, step)
			return filled[[]mailer.Volume](), errFor
		},
		settings:     func(context.Context) (mailer.Settings, error) { arrived(); return filled[mailer.Settings](), errFor },
		saveSettings: func(_ context.Context, s mailer.Settings) error { arrived(s); return errFor },
		clients: func(context.Context) ([]mailer.Client, error) {
			arrived()
			all := filled[[]mailer.Client]() // the hash must not leave
			return all, errFor
		},
		saveClient: func(_ context.Context, c mailer.Client, how mailer.ClientPassword) (keystore.Secret, error) {
			arrived(c, how)
			return "pa55word", errFor
		},
		removeClient: func(_ context.Context, name string) error { arrived(name); return errFor },
		export: func(_ context.Context, name string) ([]byte, error) {
			arrived(name)
			return []byte("a = \"\xff\""), errFor
		},
		imports: func(_ context.Context, data []byte, name string) (account.Account, error) {
			arrived(data, name)
			return filled[account.Account](), errFor
		},
		pause:  func(_ context.Context, name string, until time.Time) error { arrived(name, until); return errFor },
		resume: func(_ context.Context, name string) error { arrived(name); return errFor },
		diagnostics: func(context.Context) ([]mailer.Document, error) {
			arrived()
			return filled[[]mailer.Document](), errFor
		},
		draft: func(context.Context) (setup.Draft, error) { arrived(); return filled[setup.Draft](), errFor },
		saveDraft: func(_ context.Context, d setup.Draft, s keystore.Secret) error {
			arrived(d, s.Reveal())
			return errFor
		},
		dropDraft: func(context.Context) error { arrived(); return errFor },
	}
}

func callsOfConfiguring(ctx context.Context, p mailer.Program) map[string]callOf {
	client, since := withoutHash(filled[[]mailer.Client]())[0], time.Date(2026, 11, 20, 9, 30, 0, 1e6, time.UTC)
	return map[string]callOf{
		"Count": {func() []any { return two(p.Count(ctx, filled[mailer.Filter]())) }, []any{filled[mailer.Filter]()}, []any{8}},
		"Traffic": {func() []any { return two(p.Traffic(ctx, since, time.Hour)) }, []any{since, time.Hour},
			[]any{filled[[]mailer.Volume]()}},
		"Settings": {func() []any { return two(p.Settings(ctx)) }, nil, []any{filled[mailer.Settings]()}},
		"SaveSettings": {func() []any { return []any{p.SaveSettings(ctx, filled[mailer.Settings]())} },
			[]any{filled[mailer.Settings]()}, nil},
		"Clients": {func() []any { return two(p.Clients(ctx)) }, nil, []any{withoutHash(filled[[]mailer.Client]())}},
		"SaveClient": {func() []any {
			password, err := p.SaveClient(ctx, filled[[]mailer.Client]()[0], mailer.NewPassword)
			return []any{password.Reveal(), err}
		}, []any{client, mailer.NewPassword}, []any{"pa55word"}},
		"RemoveClient": {func() []any { return []any{p.RemoveClient(ctx, "scanner")} }, []any{"scanner"}, nil},
		"Export":       {func() []any { return two(p.Export(ctx, "work")) }, []any{"work"}, []any{[]byte("a = \"\xff\"")}},
		"Import": {func() []any { return two(p.Import(ctx, []byte{0, 0xff}, "work")) }, []any{[]byte{0, 0xff}, "work"},
			[]any{filled[account.Account]()}},
		"Pause":       {func() []any { return []any{p.Pause(ctx, "work", since)} }, []any{"work", since}, nil},
		"Pause all":   {func() []any { return []any{p.Pause(ctx, "", time.Time{})} }, []any{"", time.Time{}}, nil},
		"Resume":      {func() []any { return []any{p.Resume(ctx, "work")} }, []any{"work"}, nil},
		"Diagnostics": {func() []any { return two(p.Diagnostics(ctx)) }, nil, []any{filled[[]mailer.Document]()}},
		"Draft":       {func() []any { return two(p.Draft(ctx)) }, nil, []any{filled[setup.Draft]()}},
		"SaveDraft": {func() []any { return []any{p.SaveDraft(ctx, filled[setup.Draft](), "s3cret")} },
			[]any{filled[setup.Draft](), "s3cret"}, nil},
		"DropDraft": {func() []any { return []any{p.DropDraft(ctx)} }, nil, nil},
	}
}

func withoutHash(all []mailer.Client) []mailer.Client {
	for i := range all {
		all[i].PasswordHash = ""
	}
	return all
}

func TestErrorsThatAWindowBranchesOnArrive(t *testing.T) {
	r := newRig(t)
	for _, want := range []error{mailer.ErrNoClient, mailer.ErrChangedMeanwhile, mailer.ErrNotInForce} {
		r.program.saveSettings = func(context.Context, mailer.Settings) error {
			return fmt.Errorf("%w: %w", want, &account.FieldError{Key: "listener.address", Text: "is taken"})
		}
		err := r.SaveSettings(t.Context(), mailer.Settings{})
		if !errors.Is(err, want) {
			t.Errorf("%v does not match %v", err, want)
		}
	}
}
