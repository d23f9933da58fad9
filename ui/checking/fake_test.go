package checking

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/smtp"
	"traymail/ui/desk"
	"traymail/ui/words"
)

func TestMain(m *testing.M) {
	words.Use("en")
	goleak.VerifyTestMain(m)
}

// fake is a program in memory. Its function fields, where set, go before what
// it does by itself.
type fake struct {
	sendTest func(ctx context.Context, to string) (mailer.Delivery, error)
	check    func(ctx context.Context, o checks.Options, report func(checks.Result)) ([]checks.Result, error)
	behalf   func(ctx context.Context, grant bool) (mailer.Delegation, error)
	failing  error // what Account returns

	mu         sync.Mutex
	accounts   map[string]account.Account
	incomplete bool
	options    []checks.Options
	asked      []bool // each SendOnBehalf, whether it grants
}

func newFake(names ...string) *fake {
	f := &fake{accounts: map[string]account.Account{}}
	for _, name := range names {
		a := account.New(name)
		a.Username, a.TestTo, a.ClientID = "svc@contoso.com", "ops@contoso.com", "11111111-2222-3333-4444-555555555555"
		f.put(*a)
	}
	return f
}

func (f *fake) put(a account.Account) {
	if err := a.Validate(); err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accounts[a.Name] = a
}

// sendingAs has the account send as another address than its username.
func (f *fake) sendingAs(address string, more ...string) *fake {
	for name, a := range f.accounts {
		a.Sender, a.Senders = address, more
		f.accounts[name] = a
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
	return a, mailer.Secrets{SignedIn: !f.incomplete}, nil
}

func (f *fake) SendTest(ctx context.Context, name, to string) (mailer.Delivery, error) {
	if f.sendTest != nil {
		return f.sendTest(ctx, to)
	}
	return mailer.Delivery{Account: name, Reply: "250 2.0.0 OK <1@contoso.com>", MessageID: "<1@contoso.com>",
		Accepted: []string{to}, TLS: "TLS 1.3", RoundTrips: 7}, nil
}

// Check passes all checks, unless there is a function for it.
func (f *fake) Check(ctx context.Context, _ string, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	f.mu.Lock()
	f.options = append(f.options, o)
	check := f.check
	f.mu.Unlock()
	if check != nil {
		return check(ctx, o, report)
	}
	return checkAll(nil, report), nil
}

func (f *fake) SendOnBehalf(ctx context.Context, name string, grant bool) (mailer.Delegation, error) {
	f.mu.Lock()
	f.asked = append(f.asked, grant)
	f.mu.Unlock()
	if f.behalf != nil {
		return f.behalf(ctx, grant)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.accounts[name]
	d := mailer.Delegation{Account: name, Username: a.Username, Mailbox: a.Sender, Delegates: []string{"Anna Schmidt"}, Granted: grant}
	if grant {
		d.Delegates = append(d.Delegates, a.Username)
	}
	return d, nil
}

// notAllowed is what an account without the right to ask meets.
func notAllowed(context.Context, bool) (mailer.Delegation, error) {
	return mailer.Delegation{}, fmt.Errorf("account main: %w: Exchange answered 403: The user is not in the role Mail Recipients", mailer.ErrNotAllowed)
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

// failing is a run in which SMTP AUTH is off. When it waits, the check passes at
// the third try; each comes after a minute.
func failing(ctx context.Context, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	all := checkAll(withoutSMTPAuth(), report)
	if o.Wait == 0 {
		return all, nil
	}
	w := checks.Waiting{Since: time.Now(), Note: "each try is a sign-in"}
	for w.Tries < 3 {
		w.Tries++
		w.Next = time.Now().Add(time.Minute)
		waiting, r := w, smtpAuthOff
		r.ID, r.Waiting = checks.SMTPAuth, &waiting
		report(r)
		select {
		case <-ctx.Done():
			return all, ctx.Err()
		case <-time.After(time.Minute):
		}
	}
	for _, id := range []string{checks.SMTPAuth, checks.Accepted, checks.SendAs, checks.TestEmail} {
		report(checks.Result{ID: id, Status: checks.Pass, Summary: "found"})
	}
	return all, nil
}

// until is a run that goes on until it is given up.
func until(ctx context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	report(checks.Result{ID: checks.Configuration, Status: checks.Pass, Summary: "found"})
	<-ctx.Done()
	return nil, ctx.Err()
}

// refusal is what Exchange answers where SMTP AUTH is off.
func refusal() error {
	return &mailer.AccountError{Account: "main", Username: "svc@contoso.com", Err: &smtp.Error{
		Op: smtp.OpAUTH, Server: "smtp.office365.com:587", Code: 535,
		Text: "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information."}}
}

// A stand has a presenter and the goroutine of its window, which is the test's.
type stand struct {
	*presenter
	queue chan func()
	shown []State
}

// on runs a test in a bubble of its own time, with a presenter for the program.
// In it time passes when everything waits, and a goroutine that is left behind
// fails the test.
func on(t *testing.T, f *fake, test func(t *testing.T, d *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{queue: make(chan func(), 10_000)}
		d := desk.New(func(f func()) { s.queue <- f })
		s.presenter = newPresenter(d, f)
		s.show = func(is State) { s.shown = append(s.shown, is) }
		defer d.Close()
		test(t, s)
	})
}

// see opens an account and lets everything happen that needs no time to pass.
func (s *stand) see(name string) State {
	s.open(name, func() {})
	return s.settle()
}

func (s *stand) settle() State {
	for {
		synctest.Wait()
		select {
		case f := <-s.queue:
			f()
		default:
			return s.current.state
		}
	}
}
