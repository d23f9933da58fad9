package ui

import (
	"context"
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/refusals"
)

const disabledForMailbox = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."

func TestAPastedRefusalIsExplainedWithTheAccountsNames(t *testing.T) {
	onDesk(t, newFake("main"), func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.look(ViewExplain)
		d.ask("at 14:02 it said: " + disabledForMailbox)
		e := d.settle().Explain
		if e.Of != e.Text || e.Answer.Verdict != refusals.Known || e.Answer.Findings[0].Refusal.ID != "smtp-auth-off-mailbox" {
			t.Fatalf("answered %+v", e.Answer)
		}
		if r := e.Answer.Findings[0].Refusal; !strings.Contains(r.FixAdmin, "svc@contoso.com") || !strings.Contains(r.Command, "svc@contoso.com") {
			t.Errorf("the fix is %q, %q", r.FixAdmin, r.Command)
		}
		d.ask(" \n")
		if e := d.settle().Explain; e.Of != "" || e.Answer.Verdict != "" {
			t.Errorf("without a text: %+v", e)
		}
	})
}

func TestAnAmbiguousTextAndAnUnknownOneSaySo(t *testing.T) {
	onDesk(t, newFake("main"), func(t *testing.T, d *desk) {
		for text, want := range map[string]refusals.Verdict{
			"535 5.7.139 Authentication unsuccessful": refusals.Ambiguous,
			"550 5.4.321 Quux is not frobnicated":     refusals.Unknown,
			"all is well":                             refusals.None,
		} {
			d.ask(text)
			if e := d.settle().Explain; e.Answer.Verdict != want || want == refusals.Ambiguous && len(e.Answer.Candidates) < 2 {
				t.Errorf("%q: answered %+v", text, e.Answer)
			}
		}
	})
}

func TestWhileATextIsLookedUpOnlyTheLatestWaits(t *testing.T) {
	onDesk(t, newFake("main"), func(t *testing.T, d *desk) {
		var asked []string
		release := make(chan struct{})
		d.explain = func(text string) refusals.Answer {
			asked = append(asked, text)
			<-release
			return refusals.Answer{Verdict: refusals.Unknown, Extract: text}
		}
		for _, text := range []string{"a", "ab", "abc"} {
			d.ask(text)
			if e := d.settle().Explain; e.Text != text || e.Of != "" {
				t.Errorf("the page waits for %q: %+v", text, e)
			}
		}
		close(release)
		if e := d.settle().Explain; e.Answer.Extract != "abc" || !slices.Equal(asked, []string{"a", "abc"}) {
			t.Errorf("asked %q, answered %+v", asked, e)
		}
	})
}

func TestATextThatWasClearedMeanwhileGetsNoAnswer(t *testing.T) {
	onDesk(t, newFake("main"), func(t *testing.T, d *desk) {
		release := make(chan struct{})
		d.explain = func(string) refusals.Answer {
			<-release
			return refusals.Answer{Verdict: refusals.None}
		}
		d.ask("a")
		d.settle()
		d.ask("")
		close(release)
		if e := d.settle().Explain; e.Of != "" || e.Answer.Verdict != "" {
			t.Errorf("answered %+v", e)
		}
		d.ask("b")
		if e := d.settle().Explain; e.Of != "b" {
			t.Errorf("afterwards: %+v", e)
		}
	})
}

func TestExplainingDoesNotDisturbWhatIsUnderWay(t *testing.T) {
	f := newFake("main").signedIn()
	f.check = func(ctx context.Context, _ checks.Options, _ func(checks.Result)) ([]checks.Result, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.check()
		d.settle()
		d.look(ViewExplain)
		d.ask(disabledForMailbox)
		if s := d.settle(); s.Activity != Checking || s.Explain.Of == "" {
			t.Errorf("activity %v, answered %+v", s.Activity, s.Explain)
		}
		d.escape()
		if s := d.settle(); s.View != ViewAccount || s.Cancelling || s.Activity != Checking {
			t.Errorf("Escape led to %v and stopped: %v", s.View, s.Cancelling)
		}
		d.escape()
		if s := d.settle(); s.Activity != Idle || !s.Outcome.Cancelled {
			t.Errorf("the second Escape: %+v", s.Outcome)
		}
	})
}

func TestAnApplicationsFixesAreItsOwn(t *testing.T) {
	entry := refusals.Refusal{FixUser: "sign in as {username}", FixAdmin: "x {mailbox}", Application: refusals.Fixes{FixUser: "check the secret of {account}"}}
	a := account.Account{Name: "main", Username: "svc@contoso.com", Sender: "news@contoso.com", SignIn: account.AppOnly, Mailbox: account.SenderMailbox}
	got := named(refusals.Answer{Candidates: []refusals.Refusal{entry}}, a).Candidates[0]
	if got.FixUser != "check the secret of main" || got.FixAdmin != "x news@contoso.com" {
		t.Errorf("got %+v", got)
	}
}
