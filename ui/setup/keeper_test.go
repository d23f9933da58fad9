package setup

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"traymail/internal/mailer"
	"traymail/internal/setup"
)

func TestWhatIsTypedIsKeptWhenTheTypingPauses(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		was := f.kept
		b.write(setup.Username, "svc@con")
		b.wait(pause - time.Millisecond)
		if f.kept != was {
			t.Error("it is kept while somebody types")
		}
		b.wait(2 * time.Millisecond)
		if f.kept != was+1 || f.draft.Account.Username != "svc@con" {
			t.Errorf("kept %d times, as %q", f.kept-was, f.draft.Account.Username)
		}
		b.write(setup.Username, "svc@contoso.com")
		b.leave()
		b.settle()
		if f.draft.Account.Username != "svc@contoso.com" {
			t.Errorf("when the page is left it has %q", f.draft.Account.Username)
		}
	})
}

func TestWhatWasTypedWhileTheDraftIsKeptIsKeptTooWhenTheWindowCloses(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		under, end := make(chan struct{}), make(chan struct{})
		f.keeping = sync.OnceFunc(func() { close(under); <-end })
		b.write(setup.Username, "svc@con")
		b.leave()
		<-under
		b.write(setup.Username, "svc@contoso.com")
		b.set(setup.Sender, "news@contoso.com")
		b.leave() // as the page is left when the window closes
		b.of.End()
		close(end)
		b.of.Close()
		if a := f.draft.Account; a.Username != "svc@contoso.com" || a.Sender != "news@contoso.com" {
			t.Errorf("what is kept has %q, %q", a.Username, a.Sender)
		}
	})
}

func TestADraftIsNotDroppedAfterALaterOneWasKept(t *testing.T) {
	for name, c := range map[string]struct {
		first, then errand
		want        errand
	}{
		"typed on":        {errand{keep: true, draft: setup.Draft{Step: "a"}, secret: "s"}, errand{keep: true, draft: setup.Draft{Step: "b"}}, errand{keep: true, draft: setup.Draft{Step: "b"}, secret: "s"}},
		"begun anew":      {errand{keep: true, draft: setup.Draft{Step: "a"}, secret: "s"}, errand{forget: true}, errand{forget: true}},
		"and typed again": {errand{forget: true}, errand{keep: true, draft: setup.Draft{Step: "b"}}, errand{forget: true, keep: true, draft: setup.Draft{Step: "b"}}},
		"and again anew":  {errand{forget: true, keep: true, secret: "s"}, errand{forget: true, keep: true, secret: "t"}, errand{forget: true, keep: true, secret: "t"}},
	} {
		if got := c.first.then(c.then); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnotherSecretAloneOutdatesWhatWasFound(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, b *bench) {
		var renewed []string
		b.renewed = func(account string) { renewed = append(renewed, account) }
		b.choose(setup.M365App)
		b.on(t, setup.StepAddresses)
		b.write(setup.Sender, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.pasteInto(setup.Secret, secretIs)
		b.next()
		if b.settle(); !slices.Equal(renewed, []string{"svc"}) {
			t.Fatalf("first: %q", renewed)
		}
		b.goTo(setup.StepRegistration)
		b.settle()
		b.next() // without a change
		b.settle()
		b.goTo(setup.StepRegistration)
		b.pasteInto(setup.Secret, "another8Q~6789012345678901234567890123")
		b.next()
		if s := b.settle(); !slices.Equal(renewed, []string{"svc", "svc"}) {
			t.Errorf("after another one: %q, at %s, notes %v", renewed, s.Step(), s.Notes)
		}
	})
}

func TestATestEmailThatWasTakenIsKnownWhenTheSetupGoesOn(t *testing.T) {
	a := stored("svc")
	f := newFake(a)
	f.secrets["svc"] = mailer.Secrets{SignedIn: true}
	f.draft = setup.Draft{Step: setup.StepChecks, Method: setup.M365Browser, Account: a, SignedIn: setup.SignInKey(a)}
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.tested("other")
		if b.settle(); f.draft.Tested {
			t.Error("it is noted of another account")
		}
		b.tested("svc")
		if b.settle(); !f.draft.Tested {
			t.Error("it is not kept")
		}
		again := newBench(f)
		defer again.of.Close()
		if !again.settle().Draft.Tested {
			t.Error("when the setup goes on it is not known")
		}
		again.goTo(setup.StepAddresses)
		again.set(setup.TestTo, "someone@contoso.com")
		again.goTo(setup.StepChecks)
		if s := again.settle(); s.Draft.Tested || s.Step() != setup.StepChecks {
			t.Errorf("with other settings it counts still, at %s", s.Step())
		}
		other := a
		other.TestTo = "anna@contoso.com"
		f.draft.Tested, f.accounts["svc"] = true, other
		third := newBench(f)
		defer third.of.Close()
		if third.settle().Draft.Tested {
			t.Error("it counts for settings that were changed elsewhere")
		}
	})
}

func TestADraftThatCannotBeKeptIsSaid(t *testing.T) {
	f := newFake()
	f.unkept = errors.New("the disk is full")
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		if b.state.Unkept == nil {
			t.Fatal("it says nothing")
		}
		f.unkept = nil
		b.write(setup.Username, "svc@contoso.com")
		if s := b.wait(2 * pause); s.Unkept != nil || f.draft.Account.Username != "svc@contoso.com" {
			t.Errorf("after that it says %v", s.Unkept)
		}
	})
}
