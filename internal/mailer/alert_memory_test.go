package mailer

import (
	"os"
	"testing"
	"time"

	"traymail/internal/account"
)

func TestABrokenMemoryOfAlertsIsBegunAnewAndSendsNothingTwice(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.signIn()
	due := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 10)
	b.add("payroll", "payroll@contoso.com", func(a *account.Account) {
		a.Registration, a.RedirectURL, a.NoticeTo, a.SecretExpires = account.Web, "", "ops@contoso.com", due.Format(time.DateOnly)
	})
	b.start()
	b.want("at the start", b.check(), "main: the client secret of payroll ends in 10 days")
	for _, text := range []string{"{", "[]", `{"payroll":null,"gone":{"secret-expires":{}}}`, `{"payroll":{"secret-expires":null}}`} {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(b.alertMemoryFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.want("after "+text, b.check(), "main: the client secret of payroll ends in 10 days")
		kept := b.readAlertMemory(b.log())
		if kept["payroll"][AlertSecret] == nil || kept["payroll"][AlertSecret].Mailed.IsZero() || kept["gone"] != nil {
			t.Errorf("after %s: %+v", text, kept)
		}
	}
}

func TestWhatHasEndedIsForgottenInTime(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	if err := b.OpenQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := b.running().alerts
	b.check()
	if l.memory["main"][string(CauseSignIn)] == nil {
		t.Fatalf("%+v", l.memory)
	}
	b.signedInAs(b.account.ID)
	for _, step := range []struct {
		after time.Duration
		known bool
	}{{time.Minute, true}, {59 * time.Minute, true}, {2 * time.Minute, false}} {
		b.by(step.after)
		l.kick(true)
		b.check()
		if known := l.memory["main"][string(CauseSignIn)] != nil; known != step.known {
			t.Errorf("%v later it is known: %v", step.after, known)
		}
	}
}
