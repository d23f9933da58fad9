package mailer

import (
	"context"
	"fmt"

	"traymail/internal/account"
)

// Export returns an account as TOML for Import, without its secrets.
func (m *Mailer) Export(_ context.Context, name string) ([]byte, error) {
	a, err := m.Accounts().Load(name)
	if err != nil {
		return nil, err
	}
	return account.ExportTOML([]account.Account{*a})
}

// Import adds the one account in data, TOML or JSON, under a name of its own
// unless that is "". Its secrets are not there yet.
func (m *Mailer) Import(ctx context.Context, data []byte, name string) (account.Account, error) {
	all, err := account.Import(data)
	if err != nil {
		return account.Account{}, err
	}
	if len(all) > 1 {
		return account.Account{}, &account.FieldError{Text: fmt.Sprintf("holds %d accounts", len(all)), Fix: "give one at a time, or add them all: traymail account import FILE"}
	}
	a := all[0]
	if name != "" {
		a.Name = name
	}
	if err := a.Validate(); err != nil {
		return account.Account{}, err
	}
	slot := m.slot(a.Name)
	if err := slot.lock(ctx); err != nil {
		return account.Account{}, err
	}
	defer slot.unlock()
	names, err := m.Accounts().Names()
	if err != nil {
		return account.Account{}, err
	}
	for _, taken := range names {
		if taken == a.Name {
			return account.Account{}, &account.FieldError{Key: "name", Text: fmt.Sprintf("there is an account %s already", a.Name), Fix: "choose another name"}
		}
	}
	if err := m.Accounts().Save(&a); err != nil {
		return account.Account{}, err
	}
	m.accountChanged(ctx)
	return a, nil
}
