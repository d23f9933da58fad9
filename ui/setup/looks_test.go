//go:build !darwin || cgo

package setup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
)

func TestLooksOfTheSteps(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.Look("setup-1-method")
	s.p.followGuide("endpoint-central")
	s.Look("setup-1-guide")
	s.next()
	s.Look("setup-2-empty")
	s.fill(setup.Username, "svc@contoso.com")
	s.Look("setup-2-filled")
	s.fill(setup.Sender, "invoices@contoso.com")
	s.Look("setup-2-behalf")
	s.next()
	s.Look("setup-3-empty")
	s.paste(setup.ClientID, overview)
	s.paste(setup.Secret, "33333333-2222-4333-8444-555555555555")
	s.p.tickOff("new-registration", true)
	s.Look("setup-3-mistake")
	s.paste(setup.Secret, secretIs)
	s.next()
	s.Look("setup-4-sign-in")
	s.f.signIn = func(ctx context.Context, how mailer.SignIn) (mailer.SignedIn, error) {
		if how.Device != nil {
			how.Device(mailer.DeviceCode{UserCode: "ABCD-EFGH", VerificationURL: "https://microsoft.com/devicelogin", ExpiresAt: time.Now().Add(14 * time.Minute)})
			<-ctx.Done()
			return mailer.SignedIn{}, ctx.Err()
		}
		if err := how.Open("https://login.example/authorize"); err != nil {
			return mailer.SignedIn{}, err
		}
		_, err := how.Paste(ctx, "https://login.example/authorize", nil)
		if err == nil {
			_, err = how.Paste(ctx, "https://login.example/authorize", errors.New("this address has no code in it: copy the whole address of the page on which the browser ended"))
		}
		return mailer.SignedIn{}, err
	}
	s.p.proceed()
	s.Until(func() bool { return s.state().Signing.Link != "" })
	s.Look("setup-4-waiting")
	s.p.openPaste(true)
	s.p.pasteAddress("http://localhost")
	s.Until(func() bool { return s.state().Signing.Wrong != nil })
	s.Look("setup-4-paste")
	s.p.withCode()
	s.Until(func() bool { return s.state().Signing.Code != "" })
	s.Look("setup-4-code")
	s.p.stop()
	s.idle()
	s.f.signIn = func(context.Context, mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, errors.New("you signed in as administrator@contoso.com, this account authenticates as svc@contoso.com: nothing was saved; sign in again and choose svc@contoso.com")
	}
	s.p.proceed()
	s.idle()
	s.Look("setup-4-wrong")
	s.f.signIn = nil
	s.p.proceed()
	s.idle()
	s.Look("setup-4-signed-in")
	s.next()
	s.Look("setup-5")
}

// lengthen makes every text two fifths longer, as other languages do.
func (s *screen) lengthen() {
	longer := func(text string) string {
		if text == "" || strings.HasSuffix(text, "~") {
			return text
		}
		words := strings.Fields(text)
		return text + " " + strings.Join(words[:(len(words)*2+4)/5], " ") + "~"
	}
	for range 2 {
		for _, o := range test.LaidOutObjects(s.Window.Content()) {
			switch o := o.(type) {
			case *widget.Label:
				o.SetText(longer(o.Text))
			case *look.Button:
				if o.Text != "" {
					o.SetText(longer(o.Text))
				}
			}
		}
	}
}

func TestLooksOfALongerLanguageOnASmallWindow(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.Window.Resize(fyne.NewSize(968, 700))
	look := func(name string) {
		s.lengthen()
		s.Look(name)
	}
	look("setup-long-1")
	s.p.followGuide("endpoint-central")
	s.next()
	s.fill(setup.Username, "svc@contoso.com")
	s.fill(setup.Sender, "invoices@contoso.com")
	look("setup-long-2")
	s.next()
	look("setup-long-3")
	s.paste(setup.ClientID, overview)
	s.paste(setup.Secret, secretIs)
	s.f.signIn = inBrowser(s.f)
	s.next()
	s.p.proceed()
	s.Until(func() bool { return s.state().Signing.Link != "" })
	s.p.tick()
	s.p.openPaste(true)
	look("setup-long-4")
	s.p.stop()
	s.idle()
}

func TestLooksOfTheOthers(t *testing.T) {
	for _, m := range []string{setup.M365App, setup.GraphApp, setup.Google, setup.Other, setup.Password, setup.OutlookCom} {
		s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
		s.Window.Resize(fyne.NewSize(968, 700))
		s.p.choose(m)
		s.Look("setup-" + m + "-1")
		s.next()
		f := setup.Username
		if s.rows[f].entry == nil || !s.rows[f].box.Visible() {
			f = setup.Sender
		}
		s.fill(f, "a-service-with-a-very-long-name.for-invoices@subsidiary.of.a-long-company-name.example.com")
		s.Look("setup-" + m + "-2")
		s.fill(f, "svc@contoso.com")
		if m == setup.Other {
			s.p.choice(fieldSignIn, string(account.BrowserSignIn))
			s.Look("setup-" + m + "-2b")
			s.fill(setup.SMTPHost, "smtp.contoso.com")
			s.fill(fieldAuthorizeURL, "https://login.example/a")
			s.fill(setup.TokenURL, "https://login.example/t")
			s.fill(setup.SMTPScope, "mail")
		}
		s.next()
		if m == setup.M365App {
			s.registration.portal.open = true
			s.registration.portal.folded()
		}
		s.Look("setup-" + m + "-3")
		if m == setup.M365App {
			s.p.choice(fieldCredential, "certificate")
			s.Look("setup-" + m + "-3b")
			s.p.choice(fieldCredential, "secret")
			s.paste(setup.ClientID, overview)
			s.paste(setup.Secret, secretIs)
			s.next()
			s.Look("setup-" + m + "-4")
			s.next()
			s.Look("setup-" + m + "-4b")
		}
		s.Page.Hide()
	}
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.p.followGuide("sei")
	s.next()
	s.fill(setup.Sender, "svc@contoso.com")
	s.Look("setup-sei-2")
}
