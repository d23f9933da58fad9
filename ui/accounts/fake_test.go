package accounts

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
)

var noon = time.Date(2026, 11, 20, 12, 10, 0, 0, time.UTC)

const clientID = "11111111-2222-3333-4444-555555555555"

// fake is a program in memory.
type fake struct {
	failing error // what all but Account return

	mu       sync.Mutex
	accounts map[string]account.Account
	broken   map[string]error // accounts that cannot be read
	secrets  map[string]mailer.Secrets
	calls    []string
	saved    []mailer.Secret // as they came
}

// personal is an account that a person signs in to, and app one that none signs in to.
func personal(name string) account.Account {
	a := account.New(name)
	a.Username, a.TestTo, a.ClientID = "svc@contoso.com", "ops@contoso.com", clientID
	return valid(a)
}

func app(name string) account.Account {
	a := account.New(name)
	former := *a
	a.SignIn, a.Sender, a.ClientID = account.AppOnly, "erp@contoso.com", clientID
	a.Follow(former)
	a.Username = a.Sender
	return valid(a)
}

func valid(a *account.Account) account.Account {
	if err := a.Validate(); err != nil {
		panic(err)
	}
	return *a
}

func newFake(accounts ...account.Account) *fake {
	f := &fake{accounts: map[string]account.Account{}, secrets: map[string]mailer.Secrets{}, broken: map[string]error{}}
	for _, a := range accounts {
		f.accounts[a.Name] = a
		f.secrets[a.Name] = mailer.Secrets{SignedIn: a.SignIn == account.BrowserSignIn, ClientSecret: a.HasClientSecret()}
	}
	return f
}

func (f *fake) called(format string, a ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, a...))
	return f.failing
}

func (f *fake) Account(_ context.Context, name string) (account.Account, mailer.Secrets, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken[name]; err != nil {
		return account.Account{}, mailer.Secrets{}, err
	}
	a, ok := f.accounts[name]
	if !ok {
		return account.Account{}, mailer.Secrets{}, fmt.Errorf("%w: %s", account.ErrNotFound, name)
	}
	return a, f.secrets[name], nil
}

func (f *fake) Save(_ context.Context, a account.Account, secret mailer.Secret) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.called("save %s", a.Name); err != nil {
		return err
	}
	if err := a.Validate(); err != nil {
		return err
	}
	s := f.secrets[a.Name]
	s.ClientSecret = s.ClientSecret || secret != ""
	s.SignedIn = s.SignedIn && f.accounts[a.Name].Username == a.Username
	f.accounts[a.Name], f.secrets[a.Name], f.saved = a, s, append(f.saved, secret)
	return nil
}

func (f *fake) Remove(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.called("remove %s", name); err != nil {
		return err
	}
	delete(f.accounts, name)
	return nil
}

func (f *fake) Export(_ context.Context, name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte("[[account]]\nname = \"" + name + "\"\n"), f.called("export %s", name)
}

func (f *fake) Import(_ context.Context, data []byte, name string) (account.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.called("import %q", name); err != nil {
		return account.Account{}, err
	}
	all, err := account.Import(data)
	if err != nil {
		return account.Account{}, err
	}
	f.accounts[all[0].Name] = all[0]
	return all[0], nil
}

func (f *fake) Pause(_ context.Context, account string, until time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.called("pause %s %v", account, !until.IsZero())
}

func (f *fake) Resume(_ context.Context, account string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.called("resume %s", account)
}

func (f *fake) SendTest(_ context.Context, name, _ string) (mailer.Delivery, error) {
	return mailer.Delivery{Account: name, Reply: "250 2.0.0 OK", Accepted: []string{"ops@contoso.com"}}, nil
}

// status is what the program says of its accounts.
func (f *fake) status() desk.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := desk.Status{Known: true}
	s.Running = true
	for name, a := range f.accounts {
		s.Accounts = append(s.Accounts, mailer.AccountStatus{Name: name, Username: a.Username, Sender: a.Sender, State: mailer.Ready, Over: a.Transport})
	}
	for name := range maps.Keys(f.broken) {
		s.Accounts = append(s.Accounts, mailer.AccountStatus{Name: name, State: mailer.Attention, Cause: mailer.CauseSettings, Reason: f.broken[name].Error()})
	}
	sortByName(s.Accounts)
	return s
}

// disk stands for the dialogues: what they were asked, and the files behind them.
type disk struct {
	bytes.Buffer        // what was written
	name         string // proposed, or opened
	content      []byte // of what is opened
	err          error
	closed       int
}

func (d *disk) Close() error {
	d.closed++
	return nil
}

// opened is a file that is read.
type opened struct {
	io.Reader
	io.Closer
}

func (d *disk) files() desk.Files {
	return desk.Files{
		Save: func(name string, chosen func(io.WriteCloser, string, error)) {
			d.name = name
			chosen(d, "/home/ada/"+name, d.err)
		},
		Open: func(_ []string, chosen func(io.ReadCloser, string, error)) {
			chosen(opened{bytes.NewReader(d.content), d}, d.name, d.err)
		},
	}
}

func sortByName(all []mailer.AccountStatus) {
	slices.SortFunc(all, func(a, b mailer.AccountStatus) int { return strings.Compare(a.Name, b.Name) })
}
