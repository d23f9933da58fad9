package mailer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/sandbox"
)

// failures are the results that are neither passed nor skipped, one a line.
func failures(all []checks.Result) string {
	var lines []string
	for _, r := range all {
		if r.Status == checks.Fail || r.Status == checks.Warn {
			lines = append(lines, fmt.Sprintf("%s %s %s: %s", r.Status, r.ID, r.Finding, r.Summary))
		}
	}
	return strings.Join(lines, "\n")
}

func (b *bench) mustCheck(o checks.Options) {
	b.t.Helper()
	all, err := b.Check(b.t.Context(), "main", o, nil)
	if err != nil || len(all) != len(checks.IDs()) || failures(all) != "" {
		b.t.Errorf("%d results, %v\n%s", len(all), err, failures(all))
	}
}

func TestChecksOfAnAccountAtTheSameTimeDoNotDisturbOneAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.signIn()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() { b.mustCheck(checks.Options{NoSend: true}) })
	}
	all.Wait()
}

func TestChecksAndDeliveriesDoNotDisturbOneAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.signIn()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	sent := make(chan error, 1000)
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				_, err := b.SendTest(t.Context(), "main", "ops@contoso.com")
				select {
				case sent <- err:
				default:
				}
			}
		})
	}
	for range 3 {
		b.mustCheck(checks.Options{})
	}
	stop()
	all.Wait()
	close(sent)
	n := 0
	for err := range sent {
		n++
		if err != nil {
			t.Errorf("a message: %v", err)
		}
	}
	if n == 0 {
		t.Error("nothing was sent meanwhile")
	}
}

func TestAnAccountThatIsChangedDuringItsChecksIsCheckedAllTheSame(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.signIn()
	n := 0
	all, err := b.Check(t.Context(), "main", checks.Options{NoSend: true}, func(checks.Result) {
		n++
		b.change("", func(a *account.Account) { a.TestTo = fmt.Sprintf("to%d@contoso.com", n) })
	})
	if err != nil || failures(all) != "" {
		t.Errorf("%v\n%s", err, failures(all))
	}
}

func TestACheckThatWaitsSeesTheSignInThatItAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	var signed sync.Once
	all, err := b.Check(t.Context(), "main", checks.Options{NoSend: true, Wait: 1e11}, func(r checks.Result) {
		if r.Waiting != nil {
			signed.Do(b.signIn)
		}
	})
	if err != nil || failures(all) != "" || len(all) != len(checks.IDs()) {
		t.Errorf("%v\n%s", err, failures(all))
	}
}

func TestWhatWasGrantedSinceTheLastTokenIsSeenByACheck(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	app := b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) { a.SecretExpires = "2031-01-31" })
	b.registration(app.ClientID, func(a *sandbox.App) { a.GrantedRoles = nil })
	if _, err := b.Validate(t.Context(), "main"); err == nil {
		t.Fatal("it signs in without the permission")
	}
	b.registration(app.ClientID, func(a *sandbox.App) { a.GrantedRoles = a.AppRoles })
	b.mustCheck(checks.Options{})
}
