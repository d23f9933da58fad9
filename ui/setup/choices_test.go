//go:build !darwin || cgo

package setup

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
)

func TestEachGuideChoosesItsMethodAndNamesTheFieldsAsItDoes(t *testing.T) {
	if n := len(setup.Guides()); n != 5 {
		t.Errorf("there are %d guides", n)
	}
	for _, g := range setup.Guides() {
		t.Run(g.ID, func(t *testing.T) {
			s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
			test.Tap(s.method.guides[g.ID])
			a := s.state().Draft.Account
			if d := s.state().Draft; d.Method != g.Method || d.Guide != g.ID || a.Registration != g.Registration || a.Credential != g.Credential || a.Timeout != g.Timeout {
				t.Fatalf("it chooses %s, %q, %q", d.Method, a.Registration, a.Credential)
			}
			named := 0
			for _, step := range []string{setup.StepAddresses, setup.StepRegistration} {
				s.p.enter(step)
				for _, f := range s.state().Fields(step) {
					r := s.rows[f]
					if word := g.Word(f); word != "" {
						named++
						if !r.box.Visible() || r.name.Text != word {
							t.Errorf("%s is called %q, in the guide %q", f, r.name.Text, word)
						}
					}
				}
			}
			if named < 3 {
				t.Errorf("%d fields have the guide's names", named)
			}
		})
	}
}

func TestWhatAGuideAsksForBesidesIsAskedForAndEndsWithTheGuide(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	test.Tap(s.method.guides["sei"])
	s.next()
	s.fill(setup.Sender, "svc@contoso.com")
	s.fill(setup.NoticeTo, "ops")
	if s.p.remark(setup.NoticeTo); levelOf(s.state().Notes[setup.NoticeTo]) != look.Error {
		t.Errorf("of an address without a domain it says %+v", s.state().Notes[setup.NoticeTo])
	}
	s.fill(setup.NoticeTo, "ops@contoso.com")
	s.rows[setup.Mailbox].pick.SetSelectedIndex(1)
	if a := s.state().Draft.Account; a.Mailbox != account.FromMailbox || a.From != account.KeepFrom || a.NoticeTo != "ops@contoso.com" {
		t.Errorf("it sends through the mailbox of %q with From %q, and alerts %q", a.Mailbox, a.From, a.NoticeTo)
	}
	s.p.enter(setup.StepMethod)
	test.Tap(s.method.guides["secureauth"])
	s.next()
	if a := s.state().Draft.Account; a.Mailbox != account.SenderMailbox || a.From != account.ForceFrom || a.Sender != "svc@contoso.com" || s.rows[setup.Mailbox].box.Visible() {
		t.Errorf("with another guide it sends through the mailbox of %q with From %q", a.Mailbox, a.From)
	}
}

func TestAnAddressElsewhereIsSaidWithTheWayThatFitsIt(t *testing.T) {
	for address, method := range map[string]string{"anna@gmail.com": setup.Google, "anna@outlook.com": setup.OutlookCom} {
		s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
		s.next()
		s.fill(setup.Username, "svc@contoso.com")
		if s.addresses.elsewhere.Visible() || s.rows[setup.Username].hint.Text == "" {
			t.Errorf("of an organisation's address it says %q", s.rows[setup.Username].hint.Text)
		}
		s.fill(setup.Username, address)
		if !s.addresses.elsewhere.Visible() {
			t.Fatalf("of %s nothing is said", address)
		}
		s.Window.Canvas().Focus(s.addresses.change)
		s.Press(fyne.KeyReturn)
		d := s.state().Draft
		if d.Method != method || d.Account.Username != address || s.addresses.elsewhere.Visible() {
			t.Errorf("then %s is set up with %s", d.Account.Username, d.Method)
		}
	}
}

func TestWhatASignInOffersMeanwhileIsDoneWithTheKeyboard(t *testing.T) {
	f := newFake(stored("old"))
	f.signIn = inBrowser(f)
	s := openScreen(t, f, desk.Place{Page: desk.Setup, Account: "old"})
	s.p.enter(setup.StepSignIn)
	s.Press(fyne.KeyReturn)
	s.Until(func() bool { return s.state().Signing.Link != "" })
	s.focused(t, s.signIn.cancel)
	s.Window.Canvas().Focus(s.signIn.copyLink)
	if s.Press(fyne.KeyReturn); s.Copied != s.Followed[0] || s.Copied == "" {
		t.Errorf("copied %q, opened %q", s.Copied, s.Followed)
	}
	s.Window.Canvas().Focus(s.signIn.paste)
	s.Press(fyne.KeyReturn)
	s.focused(t, s.signIn.address)
	s.Type("http://localhost/")
	s.Press(fyne.KeyReturn)
	s.Until(func() bool { return s.signIn.wrong.Visible() })
	s.Window.Canvas().Focus(s.signIn.device)
	s.Press(fyne.KeySpace)
	s.Until(func() bool { return s.signIn.coding.Visible() })
	if s.signIn.code.Text != "ABCD-EFGH" || s.signIn.link.Text != "https://login.example/device" || s.signIn.pasting.Visible() {
		t.Errorf("it shows the code %q for %q", s.signIn.code.Text, s.signIn.link.Text)
	}
	s.Window.Canvas().Focus(s.signIn.cancel)
	s.Press(fyne.KeyReturn)
	s.idle()
	if len(s.Followed) != 1 || !s.state().Outcome.Cancelled {
		t.Errorf("opened %v, and after Cancel %+v", s.Followed, s.state().Outcome)
	}
}

func TestEnterAfterAClickOnACardGoesOnWithThatCard(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	card := s.method.cards[setup.GraphCard]
	test.Tap(card)
	s.focused(t, card)
	s.Press(fyne.KeyReturn)
	if d := s.state().Draft; s.state().Step() != setup.StepAddresses || d.Method != setup.GraphBrowser {
		t.Errorf("at %s with %s", s.state().Step(), d.Method)
	}
}

func TestWhyASignInFailedIsReadAsAWhole(t *testing.T) {
	f := newFake(stored("old"))
	f.signIn = func(context.Context, mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, errors.New(strings.Repeat("AADSTS50105: the administrator has configured the application to block users. ", 4))
	}
	s := openScreen(t, f, desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoSignIn})
	for what, e := range map[string]*look.Entry{"what happened": s.signIn.detail, "what to do": s.signIn.fix} {
		if has, needs := e.Size().Height, e.MinSize().Height; e.Visible() && has < needs {
			t.Errorf("%s has %v of the %v that it needs", what, has, needs)
		}
	}
	if !s.signIn.detail.Visible() || s.signIn.detail.MinSize().Height < 60 {
		t.Errorf("it says %q", s.signIn.detail.Text)
	}
}

func TestTheNamesOfGuidesAreNotBrokenInTheSmallestWindow(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.Window.Resize(fyne.NewSize(928, 620)) // on a screen of 1024×700, with what the desktop puts around the window
	for _, g := range setup.Guides() {
		var drawn []string
		for _, o := range test.LaidOutObjects(s.method.guides[g.ID]) {
			if line, is := o.(*canvas.Text); is {
				drawn = append(drawn, line.Text)
			}
		}
		if got := strings.Join(drawn, " "); got != g.Name {
			t.Errorf("%s is drawn as %q", g.Name, got)
		}
	}
}
