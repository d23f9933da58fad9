package setup

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientID = "11111111-2222-4333-8444-555555555555"
	objectID = "99999999-2222-4333-8444-555555555555"
	tenantID = "22222222-3333-4444-8555-666666666666"
	secretIs = "abc8Q~0123456789012345678901234567890123"
)

// overview is the page of the portal as it is copied.
const overview = `Essentials
Display name
traymail
Application (client) ID
` + clientID + `
Object ID
` + objectID + `
Directory (tenant) ID
` + tenantID + `
Supported account types
My organization only
`

// fake is a program in memory. Its function fields, where set, go before what it
// does by itself.
type fake struct {
	signIn   func(ctx context.Context, how mailer.SignIn) (mailer.SignedIn, error)
	validate func(ctx context.Context) (mailer.Validation, error)
	failing  error  // what Save returns
	unkept   error  // what SaveDraft returns
	keeping  func() // is called by SaveDraft before it keeps anything

	mu       sync.Mutex
	accounts map[string]account.Account
	secrets  map[string]mailer.Secrets
	saved    []mailer.Secret // as they came, one for each Save
	draft    setup.Draft
	secret   mailer.Secret // of the draft
	kept     int           // calls of SaveDraft
	dropped  int
	signIns  int
}

func newFake(accounts ...account.Account) *fake {
	f := &fake{accounts: map[string]account.Account{}, secrets: map[string]mailer.Secrets{}}
	for _, a := range accounts {
		f.accounts[a.Name] = a
	}
	return f
}

// stored is an account as it is in its file.
func stored(name string) account.Account {
	a := account.New(name)
	former := *a
	a.Username, a.TestTo, a.ClientID = name+"@contoso.com", "ops@contoso.com", clientID
	a.Follow(former)
	if err := a.Validate(); err != nil {
		panic(err)
	}
	return *a
}

func (f *fake) Account(_ context.Context, name string) (account.Account, mailer.Secrets, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.accounts[name]
	if !ok {
		return account.Account{}, mailer.Secrets{}, fmt.Errorf("%w: %s", account.ErrNotFound, name)
	}
	return a, f.secrets[name], nil
}

func (f *fake) Save(_ context.Context, a account.Account, secret mailer.Secret) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return f.failing
	}
	if err := a.Validate(); err != nil {
		return err
	}
	s := f.secrets[a.Name]
	if secret == "" && f.draft.Account.ID == a.ID {
		secret, f.secret = f.secret, ""
	}
	s.ClientSecret = s.ClientSecret || secret != ""
	s.SignedIn = s.SignedIn && f.accounts[a.Name].Username == a.Username
	f.accounts[a.Name], f.secrets[a.Name], f.saved = a, s, append(f.saved, secret)
	return nil
}

func (f *fake) SignIn(ctx context.Context, name string, how mailer.SignIn) (mailer.SignedIn, error) {
	f.mu.Lock()
	f.signIns++
	f.mu.Unlock()
	if f.signIn != nil {
		return f.signIn(ctx, how)
	}
	if err := how.Open("https://login.example/" + name); err != nil {
		return mailer.SignedIn{}, err
	}
	return f.signedIn(name), nil
}

func (f *fake) signedIn(name string) mailer.SignedIn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets[name] = mailer.Secrets{SignedIn: true}
	return mailer.SignedIn{Username: f.accounts[name].Username}
}

func (f *fake) Validate(ctx context.Context, name string) (mailer.Validation, error) {
	if f.validate != nil {
		return f.validate(ctx)
	}
	return mailer.Validation{Account: name, Mailbox: "svc@contoso.com", Server: "smtp.office365.com:587"}, nil
}

func (f *fake) Draft(context.Context) (setup.Draft, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.draft
	d.HasSecret = f.secret != ""
	return d, nil
}

func (f *fake) SaveDraft(_ context.Context, d setup.Draft, secret mailer.Secret) error {
	if f.keeping != nil {
		f.keeping()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unkept != nil {
		return f.unkept
	}
	f.draft = d
	f.kept++
	if secret != "" {
		f.secret = secret
	}
	return nil
}

func (f *fake) DropDraft(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draft, f.secret = setup.Draft{}, ""
	f.dropped++
	return nil
}

// A bench has a presenter and the goroutine of its window, which is the test's.
type bench struct {
	*presenter
	f        *fake
	of       *desk.Desk
	queue    chan func()
	shown    []State
	followed []string
}

// onDesk runs a test in a bubble of its own time. In it time passes when
// everything waits.
func onDesk(t *testing.T, f *fake, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(f)
		defer b.of.Close()
		test(t, b)
	})
}

func newBench(f *fake) *bench {
	b := &bench{f: f, queue: make(chan func(), 10_000)}
	b.of = desk.New(func(do func()) { b.queue <- do })
	b.presenter = newPresenter(f, b.of, func(a string) { b.followed = append(b.followed, a) }, func(s State) { b.shown = append(b.shown, s) })
	b.open(desk.Place{Page: desk.Setup})
	b.settle()
	return b
}

// settle lets everything happen that needs no time to pass.
func (b *bench) settle() State {
	for {
		synctest.Wait()
		select {
		case f := <-b.queue:
			f()
		default:
			return b.state
		}
	}
}

// wait lets time pass.
func (b *bench) wait(d time.Duration) State {
	time.Sleep(d)
	return b.settle()
}

// write types into a field, character by character.
func (b *bench) write(f Field, text string) {
	for i := range text {
		b.set(f, text[:i+1])
	}
}

// pasteInto puts a text into a field at once.
func (b *bench) pasteInto(f Field, text string) { b.set(f, b.state.Value(f)+text) }

// on goes on, and waits for what that takes.
func (b *bench) on(t *testing.T, want string) {
	t.Helper()
	b.next()
	if s := b.settle(); s.Step() != want {
		t.Fatalf("at %s, want %s; notes: %v, error: %v", s.Step(), want, s.Notes, s.Err)
	}
}

// register goes through the first three steps.
func (b *bench) register(t *testing.T) {
	t.Helper()
	b.on(t, setup.StepAddresses)
	b.write(setup.Username, "svc@contoso.com")
	b.on(t, setup.StepRegistration)
	b.pasteInto(setup.ClientID, overview)
	b.on(t, setup.StepSignIn)
}

func codes(notes []Note) []string {
	var all []string
	for _, n := range notes {
		all = append(all, n.Mistake.Code)
	}
	slices.Sort(all)
	return all
}
