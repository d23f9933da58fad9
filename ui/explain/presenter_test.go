package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
	"traymail/ui/desk"
	"traymail/ui/words"
)

func TestMain(m *testing.M) {
	words.Use("en")
	goleak.VerifyTestMain(m)
}

const disabledForMailbox = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."

// fake has the accounts main, and app that nobody signs in to.
type fake struct{}

func (fake) Account(_ context.Context, name string) (account.Account, mailer.Secrets, error) {
	a := account.New(name)
	a.Username, a.ClientID, a.Tenant = "svc@contoso.com", "11111111-2222-3333-4444-555555555555", "contoso.com"
	switch name {
	case "main":
	case "app":
		was := *a
		a.SignIn, a.Username, a.Sender = account.AppOnly, "app@contoso.com", "app@contoso.com"
		a.Follow(was)
	default:
		return account.Account{}, mailer.Secrets{}, fmt.Errorf("%w: %s", account.ErrNotFound, name)
	}
	err := a.Validate()
	return *a, mailer.Secrets{}, err
}

// A stand has a presenter and the goroutine of its window, which is the test's.
type stand struct {
	*presenter
	queue chan func()
}

func on(t *testing.T, test func(t *testing.T, s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{queue: make(chan func(), 10_000)}
		d := desk.New(func(f func()) { s.queue <- f })
		s.presenter = newPresenter(d, fake{})
		defer d.Close()
		test(t, s)
	})
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

func TestAPastedRefusalIsExplainedWithTheNamesOfTheOnlyAccount(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		d.accounts([]string{"main"})
		d.ask("at 14:02 it said: " + disabledForMailbox)
		s := d.settle()
		if s.Of != s.Text || s.For != "main" || s.Answer.Verdict != refusals.Known || s.Answer.Lead.ID != "smtp-auth-off-mailbox" {
			t.Fatalf("answered %+v", s.Answer)
		}
		if e := s.Answer.Lead; !strings.Contains(e.FixAdmin, "svc@contoso.com") || !strings.Contains(e.Command, "svc@contoso.com") || e.Application != (refusals.Fixes{}) {
			t.Errorf("the fix is %q, %q", e.FixAdmin, e.Command)
		}
		d.ask(" \n")
		if s := d.settle(); s.Of != "" || s.Answer.Verdict != "" {
			t.Errorf("without a text: %+v", s)
		}
	})
}

func TestWithoutAnAccountTheFixesOfBothKindsAreThere(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		d.explain = func(string) refusals.Answer {
			return refusals.Answer{Verdict: refusals.Known, Findings: []refusals.Finding{{Extract: "x", Refusal: refusals.Refusal{ID: "a", FixUser: "sign in as {username}", FixAdmin: "look at {mailbox}",
				Command: "Get-Mailbox {mailbox}", Application: refusals.Fixes{FixUser: "check the secret of {account}"}}}}}
		}
		d.accounts([]string{"app", "main"})
		d.ask("x")
		e := d.settle().Answer.Lead
		if e.FixUser != "sign in as USERNAME" || e.FixAdmin != "look at MAILBOX" || e.Application != (refusals.Fixes{FixUser: "check the secret of ACCOUNT"}) {
			t.Errorf("of nobody: %+v", e)
		}
		d.choose("app")
		if e := d.settle().Answer.Lead; e.FixUser != "check the secret of app" || e.FixAdmin != "look at app@contoso.com" || e.Application != (refusals.Fixes{}) {
			t.Errorf("of an application: %+v", e)
		}
		d.choose("main")
		if e := d.settle().Answer.Lead; e.FixUser != "sign in as svc@contoso.com" {
			t.Errorf("of a person: %+v", e)
		}
		d.choose("")
		if e := d.settle().Answer.Lead; e.FixUser != "sign in as USERNAME" {
			t.Errorf("of nobody again: %+v", e)
		}
	})
}

func TestAnAccountThatIsGoneOrUnreadableLeavesTheFixesWithoutNames(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		d.accounts([]string{"main", "broken"})
		d.ask(disabledForMailbox)
		d.choose("broken")
		if s := d.settle(); s.Unread == nil || s.Answer.Lead == nil || !strings.Contains(s.Answer.Lead.FixAdmin, "USERNAME") {
			t.Errorf("%v: %+v", s.Unread, s.Answer.Lead)
		}
		d.choose("main")
		d.settle()
		d.accounts([]string{"other", "third"})
		if s := d.settle(); s.For != "" || s.Unread != nil || !strings.Contains(s.Answer.Lead.FixAdmin, "USERNAME") {
			t.Errorf("%q: %+v", s.For, s.Answer.Lead)
		}
	})
}

func TestTheChoiceOfNobodyStays(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		d.accounts([]string{"main"})
		d.settle()
		d.choose("")
		d.accounts([]string{"main", "app"})
		d.accounts([]string{"main"})
		if s := d.settle(); s.For != "" {
			t.Errorf("it is %q", s.For)
		}
	})
}

func TestAnAmbiguousTextAndAnUnknownOneSaySo(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		for text, want := range map[string]refusals.Verdict{
			"535 5.7.139 Authentication unsuccessful": refusals.Ambiguous,
			"550 5.4.321 Quux is not frobnicated":     refusals.Unknown,
			"all is well":                             refusals.None,
		} {
			d.ask(text)
			if s := d.settle(); s.Answer.Verdict != want || s.Answer.Lead != nil || want == refusals.Ambiguous && len(s.Answer.Rest) < 2 {
				t.Errorf("%q: answered %+v", text, s.Answer)
			}
		}
	})
}

func TestWhileATextIsLookedUpOnlyTheLatestWaits(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		var asked []string
		release := make(chan struct{})
		d.explain = func(text string) refusals.Answer {
			asked = append(asked, text)
			<-release
			return refusals.Answer{Verdict: refusals.Unknown, Extract: text}
		}
		for _, text := range []string{"a", "ab", "abc"} {
			d.ask(text)
			if s := d.settle(); s.Text != text || s.Of != "" {
				t.Errorf("the page waits for %q: %+v", text, s)
			}
		}
		close(release)
		if s := d.settle(); s.Answer.Extract != "abc" || !slices.Equal(asked, []string{"a", "abc"}) {
			t.Errorf("asked %q, answered %+v", asked, s)
		}
	})
}

func TestATextThatWasClearedMeanwhileGetsNoAnswer(t *testing.T) {
	on(t, func(t *testing.T, d *stand) {
		release := make(chan struct{})
		d.explain = func(string) refusals.Answer {
			<-release
			return refusals.Answer{Verdict: refusals.None}
		}
		d.ask("a")
		d.settle()
		d.ask("")
		close(release)
		if s := d.settle(); s.Of != "" || s.Answer.Verdict != "" {
			t.Errorf("answered %+v", s)
		}
		d.ask("b")
		if s := d.settle(); s.Of != "b" {
			t.Errorf("afterwards: %+v", s)
		}
	})
}
