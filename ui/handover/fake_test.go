package handover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

func TestMain(m *testing.M) {
	words.Use("en")
	goleak.VerifyTestMain(m)
}

// fake is a program in memory with one account, main.
type fake struct {
	failing error // what Account returns
	saving  error // what SaveClient returns

	mu        sync.Mutex
	listeners []mailer.ListenerSettings
	clients   []mailer.Client
	saved     []mailer.ClientPassword
	n         int
}

func newFake() *fake {
	return &fake{listeners: []mailer.ListenerSettings{{Name: "local", Address: "127.0.0.1:2525", TLS: "none"}}}
}

// inNetwork has a listener beyond the machine too.
func (f *fake) inNetwork() *fake {
	f.listeners = append(f.listeners, mailer.ListenerSettings{Name: "devices", Address: "192.0.2.10:2587", TLS: "starttls"})
	return f
}

func (f *fake) Account(_ context.Context, name string) (account.Account, mailer.Secrets, error) {
	if f.failing != nil {
		return account.Account{}, mailer.Secrets{}, f.failing
	}
	a := account.New(name)
	a.Username, a.ClientID, a.TestTo = "svc@contoso.com", "11111111-2222-3333-4444-555555555555", "ops@contoso.com"
	err := a.Validate()
	return *a, mailer.Secrets{SignedIn: true}, err
}

func (f *fake) Settings(context.Context) (mailer.Settings, error) {
	return mailer.Settings{Listeners: f.listeners}, nil
}

func (f *fake) Clients(context.Context) ([]mailer.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.clients), nil
}

func (f *fake) SaveClient(_ context.Context, c mailer.Client, how mailer.ClientPassword) (mailer.Secret, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved = append(f.saved, how)
	if f.saving != nil && !errors.Is(f.saving, mailer.ErrNotInForce) {
		return "", f.saving
	}
	f.clients = slices.DeleteFunc(f.clients, func(other mailer.Client) bool { return other.Name == c.Name })
	c.HasPassword = how == mailer.NewPassword || how == mailer.KeepPassword && c.HasPassword
	f.clients = append(f.clients, c)
	if how != mailer.NewPassword {
		return "", f.saving
	}
	f.n++
	return mailer.Secret(fmt.Sprintf("ABCDEFGHJKLMNPQRSTUVWXYZ2%d", f.n)), f.saving
}

// login is how traymail starts with the system.
type login struct {
	mu      sync.Mutex
	on      bool
	failing error
}

func (l *login) Enabled() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.on, nil
}

func (l *login) Set(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failing != nil {
		return l.failing
	}
	l.on = on
	return nil
}

func options() Options {
	return Options{Autostart: &login{}, Service: func() (string, error) { return "not installed", nil }, Program: "/usr/bin/traymail", Machine: "mailhost", System: "linux"}
}

// A stand has a presenter and the goroutine of its window, which is the test's.
type stand struct {
	*presenter
	queue chan func()
}

func on(t *testing.T, f *fake, o Options, test func(t *testing.T, s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{queue: make(chan func(), 10_000)}
		d := desk.New(func(f func()) { s.queue <- f })
		s.presenter = newPresenter(d, f, o)
		defer d.Close()
		test(t, s)
	})
}

func (s *stand) see(w What) State {
	s.open(w)
	return s.settle()
}

func (s *stand) settle() State {
	for {
		synctest.Wait()
		select {
		case f := <-s.queue:
			f()
		default:
			return s.state
		}
	}
}
