package setup

import (
	"context"
	"errors"
	"testing"
	"time"

	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// inBrowser waits for the person, in the browser or by a pasted address.
func inBrowser(f *fake) func(context.Context, mailer.SignIn) (mailer.SignedIn, error) {
	return func(ctx context.Context, how mailer.SignIn) (mailer.SignedIn, error) {
		const address = "https://login.example/authorize"
		if how.Device != nil {
			how.Device(mailer.DeviceCode{UserCode: "ABCD-EFGH", VerificationURL: "https://login.example/device", ExpiresAt: time.Now().Add(15 * time.Minute)})
			<-ctx.Done()
			return mailer.SignedIn{}, ctx.Err()
		}
		if how.Open != nil {
			if err := how.Open(address); err != nil {
				return mailer.SignedIn{}, err
			}
		}
		var wrong error
		for {
			pasted, err := how.Paste(ctx, address, wrong)
			if err != nil {
				return mailer.SignedIn{}, err
			}
			if pasted == "http://localhost/?code=1" {
				return f.signedIn("svc"), nil
			}
			wrong = errors.New("it has no code")
		}
	}
}

func TestTheBrowserIsWaitedForWithTheTimeThatIsLeft(t *testing.T) {
	f := newFake()
	f.signIn = inBrowser(f)
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t)
		b.proceed()
		s := b.settle()
		if len(b.followed) != 1 || s.Signing.Link != b.followed[0] || s.Signing.Left != signInTime {
			t.Fatalf("opened %v, %+v", b.followed, s.Signing)
		}
		if s := b.wait(90 * time.Second); s.Signing.Left != signInTime-90*time.Second {
			t.Errorf("90 seconds later %v are left", s.Signing.Left)
		}
		b.stop()
		if s := b.settle(); s.Activity != Idle || !s.Outcome.Cancelled || s.Proven() {
			t.Errorf("after Cancel: %+v", s.Outcome)
		}
	})
}

func TestTheAddressCanBePastedUntilItIsRight(t *testing.T) {
	f := newFake()
	f.signIn = inBrowser(f)
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t)
		b.proceed()
		b.settle()
		b.openPaste(true)
		b.pasteAddress("http://localhost/")
		if s := b.settle(); s.Signing.Wrong == nil || !s.Signing.Pasting {
			t.Fatalf("a wrong address: %+v", s.Signing)
		}
		b.pasteAddress("http://localhost/?code=1")
		if s := b.settle(); !s.Proven() {
			t.Errorf("the right one: %+v", s.Outcome)
		}
	})
}

func TestARedirectURLElsewhereIsPastedBack(t *testing.T) {
	f := newFake()
	f.signIn = inBrowser(f)
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.on(t, setup.StepAddresses)
		b.write(setup.Username, "svc@contoso.com")
		b.on(t, setup.StepRegistration)
		b.pasteInto(setup.ClientID, overview)
		b.set(setup.RedirectURL, "https://tool.contoso.com/callback")
		b.on(t, setup.StepSignIn)
		b.proceed()
		if s := b.settle(); len(b.followed) != 1 || !s.Signing.Pasting {
			t.Fatalf("opened %v, %+v", b.followed, s.Signing)
		}
		b.pasteAddress("http://localhost/?code=1")
		if s := b.settle(); !s.Proven() {
			t.Errorf("it ends with %+v", s.Outcome)
		}
	})
}

func TestACodeOnAnotherDeviceTakesThePlaceOfTheBrowser(t *testing.T) {
	f := newFake()
	f.signIn = inBrowser(f)
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t)
		b.proceed()
		b.settle()
		b.withCode()
		s := b.settle()
		if s.Activity != SigningIn || !s.Signing.Device || s.Signing.Code != "ABCD-EFGH" || s.Signing.Left != 15*time.Minute {
			t.Fatalf("it shows %+v", s.Signing)
		}
		b.back() // a sign-in that nobody sees is given up
		if s := b.settle(); s.Step() != setup.StepRegistration || s.Activity != Idle {
			t.Errorf("at %s, activity %d", s.Step(), s.Activity)
		}
	})
}

func TestAnotherPersonsSignInIsSaidAndRepeated(t *testing.T) {
	f := newFake()
	f.signIn = func(context.Context, mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, errors.New("you signed in as admin@contoso.com")
	}
	onDesk(t, f, func(t *testing.T, b *bench) {
		b.register(t)
		b.proceed()
		if s := b.settle(); s.Outcome.Err == nil || s.Outcome.Cancelled || s.Proven() {
			t.Fatalf("%+v", s.Outcome)
		}
		f.signIn = nil
		b.proceed()
		if s := b.settle(); !s.Proven() {
			t.Errorf("%+v", s.Outcome)
		}
	})
}
