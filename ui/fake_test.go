package ui

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/smtp"
)

const clientID = "11111111-2222-3333-4444-555555555555"

// fake is a service in memory. Its function fields, where set, go before what
// it does by itself.
type fake struct {
	signIn   func(ctx context.Context, how mailer.SignIn) (mailer.SignedIn, error)
	sendTest func(ctx context.Context) (mailer.Delivery, error)
	check    func(ctx context.Context, o checks.Options, report func(checks.Result)) ([]checks.Result, error)
	failing  error // what Account and Save return

	mu       sync.Mutex
	accounts map[string]account.Account
	secrets  map[string]mailer.Secrets
	saved    []mailer.Secret // as they came, one for each Save
	opened   []string        // in the browser
	options  []checks.Options
}

func newFake(names ...string) *fake {
	f := &fake{accounts: map[string]account.Account{}, secrets: map[string]mailer.Secrets{}}
	for _, name := range names {
		a := account.New(name)
		a.Username, a.TestTo, a.ClientID = "svc@contoso.com", "ops@contoso.com", clientID
		if err := a.Validate(); err != nil {
			panic(err)
		}
		f.accounts[name] = *a
	}
	return f
}

func (f *fake) signedIn() *fake {
	for name := range maps.Keys(f.accounts) {
		f.secrets[name] = mailer.Secrets{SignedIn: true}
	}
	return f
}

func (f *fake) Account(_ context.Context, name string) (account.Account, mailer.Secrets, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return account.Account{}, mailer.Secrets{}, f.failing
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
	if f.failing != nil {
		return f.failing
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

func (f *fake) SignIn(ctx context.Context, name string, how mailer.SignIn) (mailer.SignedIn, error) {
	if f.signIn != nil {
		return f.signIn(ctx, how)
	}
	if err := how.Open("https://login.example/" + name); err != nil {
		return mailer.SignedIn{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets[name] = mailer.Secrets{SignedIn: true}
	return mailer.SignedIn{Username: f.accounts[name].Username}, nil
}

func (f *fake) SendTest(ctx context.Context, name, _ string) (mailer.Delivery, error) {
	if f.sendTest != nil {
		return f.sendTest(ctx)
	}
	return mailer.Delivery{Account: name, Reply: "250 2.0.0 OK <1@contoso.com>", MessageID: "<1@contoso.com>",
		Accepted: []string{"ops@contoso.com"}, TLS: "TLS 1.3"}, nil
}

// Check passes all checks, unless there is a function for it.
func (f *fake) Check(ctx context.Context, _ string, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	f.mu.Lock()
	f.options = append(f.options, o)
	f.mu.Unlock()
	if f.check != nil {
		return f.check(ctx, o, report)
	}
	return checkAll(nil, report), nil
}

// checkAll reports all checks. Those of outcomes end like that, and the
// others pass.
func checkAll(outcomes map[string]checks.Result, report func(checks.Result)) []checks.Result {
	var all []checks.Result
	for _, id := range checks.IDs() {
		r, is := outcomes[id]
		if !is {
			r = checks.Result{Status: checks.Pass, Summary: "found"}
		}
		r.ID = id
		report(r)
		all = append(all, r)
	}
	return all
}

// smtpAuthOff is what the checks find where the mailbox may not submit.
var smtpAuthOff = checks.Result{Status: checks.Fail, Finding: "smtp-auth-off-mailbox", Summary: "SMTP AUTH is switched off for the mailbox svc@contoso.com",
	Detail: "Exchange takes the sign-in and refuses the mailbox.", Fix: "tick Authenticated SMTP", Link: "https://admin.microsoft.com/",
	Command: "Set-CASMailbox 'svc@contoso.com' -SmtpClientAuthenticationDisabled $false", Verify: "Get-CASMailbox 'svc@contoso.com'",
	Reply: "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.", Takes: "minutes, sometimes an hour"}

// blocked is what was skipped because of it.
var blocked = checks.Result{Status: checks.Skip, Summary: "not looked at, because it depends on smtp-auth"}

func withoutSMTPAuth() map[string]checks.Result {
	return map[string]checks.Result{checks.SMTPAuth: smtpAuthOff, checks.Accepted: blocked, checks.SendAs: blocked, checks.TestEmail: blocked}
}

func (f *fake) browse(address string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, address)
	return nil
}

// refusal is what Exchange answers where SMTP AUTH is off.
func refusal() error {
	return &mailer.AccountError{Account: "main", Username: "svc@contoso.com", Err: &smtp.Error{
		Op: smtp.OpAUTH, Server: "smtp.office365.com:587", Code: 535,
		Text: "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information."}}
}

// A desk has a presenter and the goroutine of its window, which is the test's.
type desk struct {
	*presenter
	queue chan func()
	shown []State
}

// onDesk runs a test in a bubble of its own time, with a presenter for the
// service. In it time passes when everything waits, and a goroutine that is
// left behind fails the test.
func onDesk(t *testing.T, f *fake, test func(t *testing.T, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{queue: make(chan func(), 10_000)}
		d.presenter = newPresenter(f, f.browse, func(f func()) { d.queue <- f }, func(s State) { d.shown = append(d.shown, s) })
		defer d.close()
		test(t, d)
	})
}

// settle lets everything happen that needs no time to pass.
func (d *desk) settle() State {
	for {
		synctest.Wait()
		select {
		case f := <-d.queue:
			f()
		default:
			return d.state
		}
	}
}

// activities are what was under way, in its order.
func (d *desk) activities() []Activity {
	var all []Activity
	for _, s := range d.shown {
		if n := len(all); n == 0 || all[n-1] != s.Activity {
			all = append(all, s.Activity)
		}
	}
	return all
}
