package mailer

import (
	"os"
	"testing"
	"time"

	"traymail/internal/account"
)

func TestTheUseOfASignInIsNotedOnceADay(t *testing.T) {
	b := newBench(t, "")
	a := &b.account
	if !b.tokenUse(a).IsZero() {
		t.Error("it was used before anybody signed in")
	}
	first := midday("2027-01-01")
	now := first
	b.Now = func() time.Time { return now }
	for _, tt := range []struct {
		at, want time.Time
	}{
		{first, first},
		{first.Add(23 * time.Hour), first},
		{first.Add(24 * time.Hour), first.Add(24 * time.Hour)},
		{first, first}, // the clock was set back
	} {
		now = tt.at
		b.noteTokenUse(a, tt.at)
		if got := b.tokenUse(a); !got.Equal(tt.want) {
			t.Errorf("used at %v, noted %v", tt.at, got)
		}
	}
	if err := os.WriteFile(b.tokenUseFile(a), []byte("yesterday\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !b.tokenUse(a).IsZero() {
		t.Error("a broken note is taken for one")
	}
	if err := b.Remove(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if exists(b.tokenUseFile(a)) {
		t.Error("the note outlasts its account")
	}
}

func TestASignInThatNobodyUsesIsAnAlertUntilTheProgramRunsAndUsesIt(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.signIn()
	if b.tokenUse(&b.account).IsZero() {
		t.Error("the sign-in was not noted")
	}
	b.want("right after the sign-in", b.alertsOf("main"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.by(77 * 24 * time.Hour)
	b.want("13 days before the end", b.alertsOf("main"), "warning token-idle")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.until("used", func(Status) bool { return b.now().Sub(b.tokenUse(&b.account)) < time.Hour })
	b.check()
	b.want("after it was used", b.alertsOf("main"))
	b.by(80 * 24 * time.Hour) // the first token would have ended long ago
	if err := b.refresh(t.Context(), "main"); err != nil {
		t.Error(err)
	}
}

func TestASignInThatEndedIsFoundOutBeforeAMessageMeetsIt(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.signIn()
	b.add("second", "ops@contoso.com", func(a *account.Account) { a.NoticeTo = "admin@contoso.com" })
	b.person.Username, b.person.Password = "ops@contoso.com", passwordOf(b, "ops@contoso.com")
	if _, err := b.SignIn(t.Context(), "second", SignIn{Open: b.open}); err != nil {
		t.Fatal(err)
	}
	if err := b.Secrets.Set(t.Context(), refreshTokenName(b.load("second")), "a-token-that-was-revoked"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.by(8 * 24 * time.Hour)
	b.start()
	s := b.until("found out", func(s Status) bool { return s.Accounts[1].Cause == CauseSignIn })
	if a := s.Accounts[1]; a.State != Attention || a.Fix != "sign in again: traymail login second" || a.Waiting != 0 {
		t.Errorf("status %+v", a)
	}
	b.want("found out", b.check(), "main: second needs a sign-in")
	b.want("found out", b.alertsOf("second"), "urgent sign-in")
}

// load reads an account's file.
func (b *bench) load(name string) *account.Account {
	b.t.Helper()
	a, err := b.Accounts().Load(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func TestTroubleIsAnAlertWhenItLasts(t *testing.T) {
	b := newBench(t, "smtp-auth-off-mailbox")
	b.virtual()
	b.signIn()
	b.start()
	b.enqueue("", "ops@contoso.com")
	b.until("refused", func(s Status) bool { return s.Accounts[0].Cause == CauseProvider })
	b.check()
	b.want("at once", b.alertsOf("main"))
	b.by(14 * time.Minute)
	b.check()
	b.want("after 14 minutes", b.alertsOf("main"))
	b.by(2 * time.Minute)
	b.want("after 16 minutes", b.alertsOf("main"), "urgent provider")
	// A rest of the pause, after which the next message meets the same, is no end.
	if err := b.running().queue.Resume(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	b.check()
	b.until("refused again", func(s Status) bool { return s.Accounts[0].Cause == CauseProvider })
	b.want("again", b.alertsOf("main"), "urgent provider")
}

func TestRefusalsThatRiseAreAnAlertUntilAnHourIsQuiet(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.account.NoticeTo = "ops@contoso.com"
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	b.signIn()
	b.start()
	refuse := func() {
		for range 5 {
			b.ended(b.enqueue("ceo@contoso.com", "ops@contoso.com").ID) // no permission to send as
		}
	}
	b.ended(b.enqueue("", "ops@contoso.com").ID)
	b.want("at the start", b.check())
	refuse()
	b.want("refused", b.check(), "main: refusals of main rise")
	s, err := b.Status(t.Context())
	if err != nil || len(s.Accounts[0].Alerts) != 1 || s.Accounts[0].Alerts[0].ID != AlertRefusals {
		t.Fatalf("%+v, %v", s.Accounts[0].Alerts, err)
	}
	b.by(2 * time.Hour)
	b.check()
	b.want("after a quiet hour", b.alertsOf("main"))
}
