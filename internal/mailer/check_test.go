package mailer

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// first is the first check that failed, "" for none.
func first(all []checks.Result) (r checks.Result) {
	if i := slices.IndexFunc(all, func(r checks.Result) bool { return r.Status == checks.Fail }); i >= 0 {
		r = all[i]
	}
	return r
}

func TestCheckingAnAccountThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	if all, err := b.Check(t.Context(), "other", checks.Options{}, nil); !errors.Is(err, account.ErrNotFound) || all != nil {
		t.Errorf("Check = %v, %v", all, err)
	}
}

func TestCheckTellsWhyAnAccountCannotBeUsedAsItStands(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		finding, fix string
		spoil        func(*bench)
	}{
		"invalid settings": {"settings-invalid", "", func(b *bench) { b.inFile("sign_in", "somehow") }},
		"no secret": {"secret-not-stored", "--secret-stdin", func(b *bench) {
			b.ofKind(sandbox.KindApp, scenarioOf("default"))
			if err := b.Secrets.Delete(b.t.Context(), clientSecretName(&b.account)); err != nil {
				b.t.Fatal(err)
			}
		}},
		"a locked keystore": {"secret-not-stored", "unlock", func(b *bench) {
			b.ofKind(sandbox.KindApp, scenarioOf("default"))
			store := &locked{Store: b.Secrets}
			store.is.Store(true)
			b.Secrets = store
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			tt.spoil(b)
			all, err := b.Check(t.Context(), "main", checks.Options{}, nil)
			r := first(all)
			if err != nil || r.ID != checks.Configuration || r.Finding != tt.finding || !strings.Contains(r.Fix+r.Command, tt.fix) {
				t.Errorf("%+v, %v", r, err)
			}
			for _, later := range all[1:] {
				if later.Status == checks.Pass {
					t.Errorf("%s passes", later.ID)
				}
			}
		})
	}
}

// awaiting is a Setup whose waits end at once, after between was called with how
// many there were; the clocks go on by what was to be waited.
func (b *bench) awaiting(between func(waits int)) checks.Setup {
	b.clocks()
	waits := 0
	pause := func(_ context.Context, d time.Duration) bool {
		waits++
		b.pass(d)
		between(waits)
		return true
	}
	s := b.setupOf(b.t.Context(), "main")
	again := s.Again
	s.Pause = pause
	s.Again = func(ctx context.Context) checks.Setup {
		now := again(ctx)
		now.Pause = pause
		return now
	}
	return s
}

func TestWhatWasGrantedIsWaitedForUntilItHasSpread(t *testing.T) {
	t.Parallel()
	b := newBench(t, "propagation-smtp-auth")
	b.signIn()
	waits := 0
	s := b.awaiting(func(n int) { waits = n })
	seen := false
	all := checks.Run(t.Context(), s, checks.Options{Wait: time.Hour}, func(r checks.Result) {
		seen = seen || r.ID == checks.SMTPAuth && r.Status == checks.Fail && r.Waiting != nil
	})
	if r := first(all); r.ID != "" || !seen || waits == 0 {
		t.Errorf("after %d waits (told: %v) %s fails: %s", waits, seen, r.ID, r.Summary)
	}
}

func TestAnEditByAnotherProcessIsNoticedWhileACheckWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, "secret-wrong")
	b.ofKind(sandbox.KindApp, scenarioOf("secret-wrong"))
	s := b.awaiting(func(n int) {
		if n != 2 {
			return
		}
		other := &Mailer{Home: b.Home, Secrets: b.Secrets}
		defer other.Close()
		a := b.account
		a.TestTo = "admin@contoso.com"
		if err := other.Save(t.Context(), a, keystore.Secret(scenarioOf("secret-wrong").Settings[1].Value)); err != nil {
			t.Error(err)
		}
	})
	all := checks.Run(t.Context(), s, checks.Options{Wait: time.Hour}, nil)
	if r := first(all); r.ID != "" {
		t.Fatalf("%s fails: %s", r.ID, r.Summary)
	}
	if m := b.inbox(); len(m) != 1 || m[0].To[0] != "admin@contoso.com" {
		t.Errorf("the test email went by the former settings: %+v", m)
	}
}

func TestARefusedSignInIsRememberedUntilItSaysNothingAnyMore(t *testing.T) {
	t.Parallel()
	b := newBench(t, "permission-not-registered")
	if _, err := b.SignIn(t.Context(), "main", SignIn{Open: b.open}); err == nil {
		t.Fatal("the sign-in went well")
	}
	other := &Mailer{Home: b.Home, Secrets: b.Secrets} // another process
	defer other.Close()
	last := other.lastRefusal(&b.account)
	if last == nil || last.Finding != "permission-not-registered" || !strings.Contains(last.Words, "AADSTS65005") {
		t.Fatalf("remembered is %+v", last)
	}
	changed := b.account
	changed.Tenant = "contoso.com"
	if other.lastRefusal(&changed) != nil {
		t.Error("it is told of an account with another tenant")
	}
	for _, m := range scenarioOf("permission-not-registered").Mend {
		b.mendAtPortal(m)
	}
	b.signIn()
	if other.lastRefusal(&b.account) != nil {
		t.Error("a sign-in that went well does not end it")
	}
	if left, _ := filepath.Glob(filepath.Join(b.Home, "state", "*.refused")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
