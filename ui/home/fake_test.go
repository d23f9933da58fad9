package home

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/queue"
	"traymail/ui/desk"
)

var noon = time.Date(2026, 11, 20, 12, 10, 0, 0, time.UTC)

// fake is a program in memory. Its function fields, where set, go before what it
// does by itself.
type fake struct {
	traffic  func(ctx context.Context, since time.Time, step time.Duration) ([]mailer.Volume, error)
	sendTest func(ctx context.Context) (mailer.Delivery, error)
	failing  error // what Pause, Resume and Reload return

	mu     sync.Mutex
	calls  []string
	sinces []time.Time
}

func (f *fake) called(format string, a ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, a...))
	return f.failing
}

func (f *fake) Messages(_ context.Context, filter mailer.Filter) ([]mailer.Message, error) {
	if filter.Account == "new" {
		return nil, nil
	}
	return []mailer.Message{{ID: "id-" + filter.Account, Finished: noon.Add(-2 * time.Minute)}}, nil
}

func (f *fake) Message(_ context.Context, id string) (*mailer.Record, error) {
	return &mailer.Record{Recipients: []queue.RecipientRecord{{Recipient: queue.Recipient{Address: "ops@contoso.com"}}}}, nil
}

func (f *fake) Traffic(ctx context.Context, since time.Time, step time.Duration) ([]mailer.Volume, error) {
	f.mu.Lock()
	f.sinces = append(f.sinces, since)
	f.mu.Unlock()
	if f.traffic != nil {
		return f.traffic(ctx, since, step)
	}
	var all []mailer.Volume
	for i := range 48 {
		n := (i*i*7)%31 + i%5*9
		if i < 12 {
			n /= 9
		}
		v := mailer.Volume{Start: since.Add(step * time.Duration(i)), Accepted: n, Delivered: n}
		if i%11 == 7 {
			v.Delivered, v.Refused = n-n/8, n/8
		}
		if i > 44 {
			v.Delivered = n / 2
		}
		if all = append(all, v); step == 24*time.Hour && i == 29 || step == 2*time.Minute && i == 29 {
			break
		}
	}
	return all, nil
}

func (f *fake) Pause(_ context.Context, account string, until time.Time) error {
	if until.IsZero() {
		return f.called("pause %q", account)
	}
	return f.called("pause %q until %s", account, until.Format("15:04"))
}

func (f *fake) Resume(_ context.Context, account string) error { return f.called("resume %q", account) }
func (f *fake) Reload(context.Context) error                   { return f.called("reload") }

func (f *fake) SendTest(ctx context.Context, name, _ string) (mailer.Delivery, error) {
	_ = f.called("test %s", name)
	if f.sendTest != nil {
		return f.sendTest(ctx)
	}
	return mailer.Delivery{Account: name, Reply: "250 2.0.0 OK <1@contoso.com> [Hostname=AM0PR01MB1234.eurprd01.prod.exchangelabs.com]", Accepted: []string{"ops@contoso.com"}}, nil
}

// running is a program with these accounts.
func running(accounts ...mailer.AccountStatus) desk.Status {
	s := desk.Status{Known: true, At: noon}
	s.Running, s.Version, s.PID, s.Started = true, "1.2.0", 4711, noon.Add(-3*time.Hour)
	s.Accounts = accounts
	return s
}

func ready(name string) mailer.AccountStatus {
	return mailer.AccountStatus{Name: name, Username: "svc@contoso.com", Sender: "svc@contoso.com", State: mailer.Ready, Over: account.SMTP,
		Delivered: 1204, Refused: 6, LastDelivered: noon.Add(-2 * time.Minute), TokenExpires: noon.Add(50 * time.Minute), SecretExpires: time.Date(2027, 6, 20, 0, 0, 0, 0, time.UTC)}
}

// revoked waits for a sign-in.
func revoked(name string) mailer.AccountStatus {
	a := ready(name)
	a.State, a.Cause, a.Since, a.Waiting, a.Oldest, a.TokenExpires = mailer.Attention, mailer.CauseSignIn, noon.Add(-3*time.Hour+4*time.Minute), 37, noon.Add(-3*time.Hour+4*time.Minute), time.Time{}
	a.Reason = "sign in again: invalid_grant: AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."
	a.Fix = "sign in: traymail login " + name
	a.Alerts = []mailer.Alert{{ID: string(mailer.CauseSignIn), Severity: mailer.AlertUrgent, Summary: a.Reason, Fix: a.Fix}}
	return a
}

func throttled(name string) mailer.AccountStatus {
	a := ready(name)
	a.State, a.Cause, a.Since, a.Until, a.Waiting, a.Held, a.Unknown = mailer.Paused, mailer.CauseThrottle, noon.Add(-time.Minute), noon.Add(4*time.Minute), 812, 3, 1
	a.Oldest = noon.Add(-20 * time.Minute)
	a.Reason = "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"
	return a
}

// ending is an account whose secret ends soon.
func ending(name string) mailer.AccountStatus {
	a := ready(name)
	a.SecretExpires = noon.Truncate(24*time.Hour).AddDate(0, 0, 12)
	a.Alerts = []mailer.Alert{{ID: mailer.AlertSecret, Severity: mailer.AlertWarning, Summary: "the client secret ends in 12 days (2026-12-02)",
		Fix: "make a new one in Entra → App registrations → the app → Certificates & secrets, and store its Value: traymail account edit " + name + " --secret-stdin"}}
	return a
}

var errRefused = errors.New("the queue's database is locked")
