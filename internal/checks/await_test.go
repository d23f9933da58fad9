package checks

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/account"
)

func TestTestEmailsAreRepeatedSeldomAndOnlyWhereTimeMayHelp(t *testing.T) {
	for name, c := range map[string]struct {
		id      string
		outcome Result
		at      []time.Duration // when messages leave within 20 minutes
	}{
		"a permission that spreads":       {SendAs, Result{Status: Fail, Finding: "send-as-denied"}, []time.Duration{0, time.Minute, 6 * time.Minute, 11 * time.Minute, 16 * time.Minute}},
		"Send on Behalf that spreads":     {SendAs, Result{Status: Fail, Finding: "send-on-behalf-missing"}, []time.Duration{0, time.Minute, 6 * time.Minute, 11 * time.Minute, 16 * time.Minute}},
		"a group that spreads":            {TestEmail, Result{Status: Fail, Finding: "graph-access-policy"}, []time.Duration{0, time.Minute, 6 * time.Minute, 11 * time.Minute, 16 * time.Minute}},
		"a temporary refusal":             {TestEmail, Result{Status: Fail, Finding: "server-error", temporary: true}, []time.Duration{0, time.Minute, 6 * time.Minute, 11 * time.Minute, 16 * time.Minute}},
		"a quota":                         {TestEmail, Result{Status: Fail, Finding: "tenant-quota", Takes: "a day"}, []time.Duration{0}},
		"a blocked sender":                {TestEmail, Result{Status: Fail, Finding: "sender-blocked", Takes: "up to an hour"}, []time.Duration{0}},
		"a refusal that nobody knows":     {TestEmail, Result{Status: Fail, Finding: unrecognised}, []time.Duration{0}},
		"what only sounds like the other": {SendAs, Result{Status: Fail, Finding: "recipient-unknown"}, []time.Duration{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var sent []time.Duration
				w.steps = []step{{c.id, nil, func(*run, context.Context) Result {
					sent = append(sent, time.Since(w.start))
					return c.outcome
				}}}
				// Others that fail and pass meanwhile bring no further messages about.
				for i := range 10 {
					w.add(string(rune('a'+i)), failure, time.Duration(i)*90*time.Second)
				}
				w.run(t.Context(), 20*time.Minute)
				if !slices.Equal(sent, c.at) {
					t.Errorf("messages left after %v, want %v", sent, c.at)
				}
			})
		})
	}
}

func TestTheWaitForATestEmailSaysThatMessagesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := newRun(Setup{Now: time.Now}, Options{Wait: 8 * time.Minute})
		r.steps = []step{{TestEmail, nil, func(*run, context.Context) Result { return Result{Status: Fail, Finding: "send-as-denied"} }}}
		var next []time.Duration
		r.all(t.Context(), func(result Result) {
			if w := result.Waiting; w != nil {
				next = append(next, w.Next.Sub(start))
				if !strings.Contains(w.Note, "sends a test email") || !strings.Contains(w.Note, "5 minutes") {
					t.Errorf("the note is %q", w.Note)
				}
			}
		})
		if want := []time.Duration{time.Minute, 6 * time.Minute}; !slices.Equal(next, want) {
			t.Errorf("next were %v, want %v", next, want)
		}
		// One more would be too soon: nothing is gained by waiting on.
		if took := time.Since(start); took != 6*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAnAccountWithOtherSettingsSendsItsOwnTestEmail(t *testing.T) {
	r := newRun(Setup{Now: time.Now}, Options{})
	r.delivery = delivery{tried: true, sent: Sent{To: "former@contoso.com"}}
	r.Again = func(context.Context) Setup {
		return Setup{Now: time.Now, Account: account.Account{Name: "main", Sender: "new@contoso.com"}}
	}
	if !r.reload(t.Context()) || r.delivery.tried {
		t.Errorf("the test email of the former settings counts: %+v", r.delivery)
	}
}
