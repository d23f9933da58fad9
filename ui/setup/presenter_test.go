package setup

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
)

func TestTheMainSystemIsSetUpWithThreeFields(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.followGuide("endpoint-central")
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		if a := b.state.Draft.Account; a.Sender != "svc@contoso.com" || a.TestTo != "svc@contoso.com" || a.Name != "svc" || a.Tenant != "contoso.com" {
			t.Errorf("proposed are %q, %q, %q and %q", a.Sender, a.TestTo, a.Name, a.Tenant)
		}
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.pasteInto(setup.Secret, secretIs)
		b.on(t, setup.StepSignIn)
		a := f.accounts["svc"]
		if a.ClientID != clientID || a.Tenant != tenantID || a.Registration != account.Web || a.RedirectURL != account.WebRedirectURL {
			t.Errorf("saved is %+v", a)
		}
		if !slices.Equal(f.saved, []mailer.Secret{secretIs}) {
			t.Errorf("saved were %d secrets", len(f.saved))
		}
		b.proceed()
		if s := b.settle(); s.Outcome.SignedInAs != "svc@contoso.com" || !s.Proven() {
			t.Fatalf("after the sign-in: %+v", s.Outcome)
		}
		b.on(t, setup.StepChecks)
		b.on(t, setup.StepDone)
		b.finish()
		b.settle()
		if f.dropped == 0 || !f.draft.Empty() {
			t.Errorf("the draft stays: %+v", f.draft)
		}
	})
}

func TestASetupGoesOnWhereItWasLeft(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.followGuide("endpoint-central")
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.tickOff("new-registration", true)
		b.pasteInto(setup.ClientID, overview)
		b.pasteInto(setup.Secret, secretIs)
		b.leave()
		b.settle()

		again := newBench(f)
		defer again.of.Close()
		s := again.settle()
		if s.Step() != setup.StepRegistration || s.Draft.Account.ClientID != clientID || !s.Draft.Ticks["new-registration"] || s.Draft.Guide != "endpoint-central" {
			t.Fatalf("it goes on at %s with %+v", s.Step(), s.Draft)
		}
		if !s.HasSecret() || s.Secret != "" {
			t.Error("the secret that was kept is not known of, or was read back")
		}
		again.on(t, setup.StepSignIn)
		if !slices.Equal(f.saved, []mailer.Secret{secretIs}) {
			t.Errorf("%d secrets were saved", len(f.saved))
		}
	})
}

func TestBackNeverRepeatsASignIn(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t)
		b.proceed()
		b.settle()
		b.on(t, setup.StepChecks)
		b.back()
		if s := b.settle(); s.Step() != setup.StepRegistration {
			t.Fatalf("Back leads to %s", s.Step())
		}
		b.on(t, setup.StepChecks)
		b.goTo(setup.StepAddresses)
		b.settle()
		b.set(setup.TestTo, "ops@contoso.com")
		b.goTo(setup.StepChecks)
		if s := b.settle(); s.Step() != setup.StepChecks || f.accounts["svc"].TestTo != "ops@contoso.com" {
			t.Errorf("at %s, saved is %s", s.Step(), f.accounts["svc"].TestTo)
		}
		if f.signIns != 1 {
			t.Errorf("%d sign-ins, want one", f.signIns)
		}
		b.goTo(setup.StepAddresses)
		b.settle()
		b.set(setup.Username, "other@contoso.com")
		b.on(t, setup.StepRegistration)
		b.on(t, setup.StepSignIn) // another person has to
		if b.state.Proven() {
			t.Error("the sign-in of another username is taken for this one's")
		}
	})
}

func TestAnAccountThatExistsIsNeverReplaced(t *testing.T) {
	f := newFake(stored("svc"))
	was := f.accounts["svc"]
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t) // the name was proposed, so that another one is
		if b.state.Draft.Account.Name != "svc-2" || !f.accounts["svc"].Equal(was) {
			t.Errorf("it is called %s", b.state.Draft.Account.Name)
		}
	})
	f = newFake(stored("svc"))
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "other@contoso.com")
		b.set(fieldName, "svc")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.next()
		s := b.settle()
		if s.Step() != setup.StepAddresses || s.Focus != fieldName || len(s.Notes[fieldName]) == 0 {
			t.Errorf("at %s, focus in %q, notes %v", s.Step(), s.Focus, s.Notes)
		}
		if len(f.saved) > 0 || !f.accounts["svc"].Equal(f.accounts["svc"]) {
			t.Error("the account that exists was replaced")
		}
		b.set(fieldName, "third")
		b.on(t, setup.StepRegistration)
		b.on(t, setup.StepSignIn)
	})
}

func TestAWholePageInAnyFieldFillsTheOthers(t *testing.T) {
	for _, into := range []Field{setup.ClientID, setup.Tenant, setup.Secret} {
		onDesk(t, newFake(), func(t *testing.T, b *bench) {
			b.followGuide("endpoint-central")
			b.on(t, setup.StepAddresses)
			b.write(setup.Username, "svc@contoso.com")
			b.on(t, setup.StepRegistration)
			b.pasteInto(into, overview)
			s := b.settle()
			if s.Value(setup.ClientID) != clientID || s.Value(setup.Tenant) != tenantID || s.Value(setup.Secret) != "" {
				t.Errorf("pasted into %s: %q, %q and a secret of %d characters", into, s.Value(setup.ClientID), s.Value(setup.Tenant), len(s.Value(setup.Secret)))
			}
			if !slices.Equal(s.Filled, []Field{setup.ClientID, setup.Tenant}) {
				t.Errorf("pasted into %s: it says %v", into, s.Filled)
			}
		})
	}
}

func TestMistakesAreSaidWhileTyping(t *testing.T) {
	onDesk(t, newFake(), func(t *testing.T, b *bench) {
		b.followGuide("endpoint-central")
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		for _, c := range []struct {
			field Field
			value string
			want  string
		}{
			{setup.ClientID, objectID, setup.ObjectIDNotClientID},
			{setup.ClientID, tenantID, setup.TenantIDInClientID},
			{setup.Secret, "33333333-2222-4333-8444-555555555555", setup.SecretIDNotValue},
			{setup.Secret, `"` + secretIs + `"`, setup.Quotes},
			{setup.Secret, secretIs + "\u200b ", setup.Blanks},
		} {
			b.set(c.field, "")
			b.pasteInto(c.field, c.value)
			if got := codes(b.state.Notes[c.field]); !slices.Contains(got, c.want) {
				t.Errorf("%s = %q says %v, want %s", c.field, c.value, got, c.want)
			}
		}
		b.set(setup.ClientID, "")
		b.write(setup.ClientID, clientID[:20])
		if n := b.state.Notes[setup.ClientID]; len(n) > 0 {
			t.Errorf("half an ID is called a mistake while it is typed: %v", n)
		}
		b.wait(pause + time.Millisecond)
		if got := codes(b.state.Notes[setup.ClientID]); !slices.Contains(got, setup.NotAGUID) {
			t.Errorf("when the typing pauses it says %v", got)
		}
		b.set(setup.ClientID, clientID)
		if n := b.state.Notes[setup.ClientID]; len(n) > 0 {
			t.Errorf("a right value leaves %v", n)
		}
	})
}

func TestWhatIsMissingIsSaidAndHasTheFocus(t *testing.T) {
	onDesk(t, newFake(), func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		b.next()
		if s := b.settle(); s.Step() != setup.StepAddresses || s.Focus != setup.Username || !s.Notes[setup.Username][0].Missing {
			t.Errorf("without a username: at %s, focus in %s, %v", s.Step(), s.Focus, s.Notes)
		}
		b.write(setup.Username, "svc@contoso.com")
		b.set(setup.Sender, "invoices at contoso.com")
		b.next()
		if s := b.settle(); s.Focus != setup.Sender || s.Notes[setup.Sender][0].Address != setup.AddressBlank {
			t.Errorf("with a sender that is none: focus in %s, %v", s.Focus, s.Notes)
		}
		b.set(setup.Sender, "invoices@contoso.com")
		b.on(t, setup.StepRegistration)
		b.next()
		if s := b.settle(); s.Focus != setup.ClientID {
			t.Errorf("without a client ID: focus in %s, %v", s.Focus, s.Notes)
		}
	})
}

func TestARefusalOfTheProgramStandsAtItsField(t *testing.T) {
	f := newFake()
	f.failing = &account.FieldError{Key: "sender", Text: "is not known", Fix: "give another one"}
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.next()
		if s := b.settle(); s.Step() != setup.StepAddresses || s.Focus != setup.Sender || s.Notes[setup.Sender][0].Text != "is not known" {
			t.Errorf("at %s, focus in %s, %v", s.Step(), s.Focus, s.Notes)
		}
		f.failing = errors.New("the disk is full")
		b.goTo(setup.StepRegistration)
		b.settle()
		b.next()
		if s := b.settle(); s.Step() != setup.StepRegistration || s.Err == nil {
			t.Errorf("at %s, error %v", s.Step(), s.Err)
		}
		f.failing = nil
		b.on(t, setup.StepSignIn)
	})
}

func TestAnotherWayToSendKeepsWhatWasGiven(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.followGuide("endpoint-central")
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.pasteInto(setup.Secret, secretIs)
		b.wait(2 * pause)
		b.goTo(setup.StepMethod)
		b.settle()
		b.choose(setup.M365App)
		s := b.wait(2 * pause)
		if a := s.Draft.Account; a.Sender != "svc@contoso.com" || a.ClientID != clientID || a.Tenant != tenantID || !s.HasSecret() {
			t.Errorf("as an application it has %+v", a)
		}
		b.choose(setup.Password)
		if s := b.wait(2 * pause); s.HasSecret() || f.secret != "" {
			t.Error("the client secret is taken for the password")
		}
	})
}

func TestTheSetupOfAnotherAccountLeavesTheUnfinishedOne(t *testing.T) {
	f := newFake(stored("old"))
	f.secrets["old"] = mailer.Secrets{SignedIn: true}
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		b.open(desk.Place{Page: desk.Setup, Account: "old"})
		s := b.settle()
		if s.Draft.Account.Name != "old" || s.Waiting != "svc" {
			t.Fatalf("it shows %s, and %q waits", s.Draft.Account.Name, s.Waiting)
		}
		b.set(setup.TestTo, "x@contoso.com")
		b.wait(2 * pause)
		if f.draft.Account.Username != "svc@contoso.com" {
			t.Fatalf("the unfinished setup became that of %s", f.draft.Account.Username)
		}
		b.restore()
		if s := b.settle(); s.Draft.Account.Username != "svc@contoso.com" || s.Step() != setup.StepAddresses || s.Waiting != "" {
			t.Errorf("it goes back to %s at %s", s.Draft.Account.Username, s.Step())
		}
	})
}

func TestTheHandOverIsGoneOnWithAfterTheWindowWasClosed(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t)
		b.proceed()
		b.settle()
		b.on(t, setup.StepChecks)
		b.on(t, setup.StepDone)
		b.made("another", "none-of-this")
		b.made("svc", "scanner")
		b.settle()

		again := newBench(f)
		defer again.of.Close()
		if s := again.settle(); s.Step() != setup.StepDone || s.Draft.Client != "scanner" || s.Draft.Account.Name != "svc" {
			t.Fatalf("it goes on at %s with the client %q", s.Step(), s.Draft.Client)
		}
		again.open(desk.Place{Page: desk.Setup, Do: desk.DoNew})
		if s := again.settle(); s.Step() != setup.StepMethod || s.Stored || !f.draft.Empty() {
			t.Errorf("another account begins at %s, and the draft is %+v", s.Step(), f.draft)
		}
	})
}

func TestAHandOverOfAnAccountThatWasRemovedIsForgotten(t *testing.T) {
	for step, want := range map[string]string{setup.StepDone: setup.StepMethod, setup.StepChecks: setup.StepRegistration} {
		f := newFake()
		a := stored("gone")
		f.draft = setup.Draft{Step: step, Method: setup.M365Browser, Account: a, SignedIn: setup.SignInKey(a)}
		onDesk(t, f, func(t *testing.T, b *bench) {
			if s := b.settle(); s.Step() != want || s.Stored {
				t.Errorf("a setup left at %s goes on at %s", step, s.Step())
			}
			if step == setup.StepDone && !f.draft.Empty() {
				t.Error("its draft stays")
			}
		})
	}
}

func TestASignInThatWasEndedElsewhereIsAskedForAgain(t *testing.T) {
	a := stored("svc")
	f := newFake(a)
	f.draft = setup.Draft{Step: setup.StepChecks, Method: setup.M365Browser, Account: a, SignedIn: setup.SignInKey(a)}
	onDesk(t, f, func(t *testing.T, b *bench) {
		if s := b.settle(); s.Step() != setup.StepSignIn || s.Proven() {
			t.Errorf("it goes on at %s", s.Step())
		}
	})
}

func TestALeftSetupIsNotLostBesideAnAccountThatIsLookedAt(t *testing.T) {
	old := stored("old")
	f := newFake(old)
	f.secrets["old"] = mailer.Secrets{SignedIn: true}
	f.draft = setup.Draft{Step: setup.StepAddresses, Method: setup.M365Browser, Account: account.Account{ID: "1", Username: "svc@contoso.com"}}
	at := desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoCheck}
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.open(at)
		if s := b.settle(); s.Waiting != "svc@contoso.com" || s.Step() != setup.StepChecks {
			t.Fatalf("%q waits, at %s", s.Waiting, s.Step())
		}
		b.on(t, setup.StepDone)
		b.finish()
		b.settle()
		b.open(desk.Place{Page: desk.Setup})
		if s := b.settle(); s.Draft.Account.Username != "svc@contoso.com" || s.Step() != setup.StepAddresses {
			t.Errorf("after that the page shows %q at %s", s.Draft.Account.Username, s.Step())
		}
		if f.draft.Account.Username != "svc@contoso.com" {
			t.Errorf("the draft became that of %q", f.draft.Account.Username)
		}
		b.open(at)
		b.settle()
		b.open(desk.Place{Page: desk.Setup, Do: desk.DoNew})
		if s := b.settle(); s.Draft.Account.Username != "svc@contoso.com" || s.Waiting != "" {
			t.Errorf("a new account: %q at %s", s.Draft.Account.Username, s.Step())
		}
	})
}

func TestANewAccountIsNotTheOneThatWasLookedAt(t *testing.T) {
	f := newFake(stored("old"))
	f.secrets["old"] = mailer.Secrets{SignedIn: true}
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.open(desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoCheck})
		if b.settle(); f.kept > 0 {
			t.Error("an account that is looked at became an unfinished setup")
		}
		b.open(desk.Place{Page: desk.Setup, Do: desk.DoNew})
		if s := b.settle(); s.Step() != setup.StepMethod || s.Stored || s.Draft.Account.Name != "" {
			t.Errorf("it is %q at %s", s.Draft.Account.Name, s.Step())
		}
	})
}

func TestAPlaceCanAskForASignIn(t *testing.T) {
	f := newFake(stored("old"))
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.open(desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoSignIn})
		if s := b.settle(); s.Step() != setup.StepSignIn || s.Outcome.SignedInAs != "old@contoso.com" {
			t.Errorf("at %s, %+v", s.Step(), s.Outcome)
		}
		b.open(desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoTest})
		if s := b.settle(); s.Step() != setup.StepChecks || f.signIns != 1 {
			t.Errorf("at %s after %d sign-ins", s.Step(), f.signIns)
		}
	})
}

func TestAnApplicationProvesItself(t *testing.T) {
	f := newFake()
	refusal := errors.New("535 5.7.3 Authentication unsuccessful")
	f.validate = func(context.Context) (mailer.Validation, error) { return mailer.Validation{}, refusal }
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.choose(setup.M365App)
		b.on(t, setup.StepAddresses)
		b.write(setup.Sender, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.pasteInto(setup.Secret, secretIs)
		b.on(t, setup.StepSignIn)
		b.proceed()
		if s := b.settle(); s.Outcome.Err == nil || s.Proven() {
			t.Errorf("refused: %+v", s.Outcome)
		}
		f.validate = nil
		b.proceed()
		if s := b.settle(); !s.Proven() || f.signIns > 0 {
			t.Errorf("taken: %+v", s.Outcome)
		}
		b.on(t, setup.StepChecks)
	})
}
