//go:build !darwin || cgo

package setup

import (
	"context"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// A given is a step that is given to the page.
type given struct {
	content fyne.CanvasObject
	shown   []string
	hidden  int
	begun   int
	tests   int
	ready   bool
	forgot  int

	resumed  int
	accepted bool
	outdated []string
}

func newGiven(text string) *given { return &given{content: look.Surface(look.Text(text))} }

func (g *given) Content() fyne.CanvasObject { return g.content }
func (g *given) Show(account string)        { g.shown = append(g.shown, account) }
func (g *given) Hide()                      { g.hidden++ }
func (g *given) Status(desk.Status)         {}
func (g *given) Ready() bool                { return g.ready }
func (g *given) Begin()                     { g.begun++ }
func (g *given) Test()                      { g.tests++ }
func (g *given) Forget()                    { g.forgot++ }
func (g *given) Resume()                    { g.resumed++ }
func (g *given) Accepted() bool             { return g.accepted }
func (g *given) Outdated(account string)    { g.outdated = append(g.outdated, account) }

// A screen is the page in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Page
	f            *fake
	checks, done *given
}

func openScreen(t *testing.T, f *fake, at desk.Place) *screen {
	t.Helper()
	s := &screen{Bench: uitest.New(t), f: f, checks: newGiven("the checks"), done: newGiven("the hand-over")}
	s.Page = New(s.Desk, f, s.Frame, s.checks, s.done)
	s.Window.SetContent(container.New(layout.NewCustomPaddedLayout(12, 16, 8, 16), s.Page.Content()))
	s.Page.Show(at)
	s.idle()
	return s
}

func (s *screen) state() State { return s.p.state }

func (s *screen) idle() { s.Until(func() bool { return s.state().Activity == Idle && !s.p.busy }) }

// next presses Enter on the primary button and waits for what follows.
func (s *screen) next() {
	s.Window.Canvas().Focus(s.primary)
	s.Press(fyne.KeyReturn)
	s.idle()
}

func (s *screen) fill(f Field, text string) {
	s.Window.Canvas().Focus(s.rows[f].entry)
	s.rows[f].entry.SetText("")
	s.Type(text)
}

func (s *screen) paste(f Field, text string) { s.rows[f].entry.SetText(text) }

// pasteHere pastes into what is focused, as Control-V does.
func (s *screen) pasteHere(text string) {
	clipboard := test.NewClipboard()
	clipboard.SetContent(text)
	s.Window.Canvas().Focused().(*look.Entry).TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
}

func (s *screen) focused(t *testing.T, want fyne.Focusable) {
	t.Helper()
	if got := s.Window.Canvas().Focused(); got != want {
		t.Fatalf("at %s the focus is in %T (%s)", s.state().Step(), got, nameOf(s, got))
	}
}

func nameOf(s *screen, f fyne.Focusable) string {
	for field, r := range s.rows {
		if r.entry != nil && fyne.Focusable(r.entry) == f {
			return field
		}
	}
	if b, is := f.(*look.Button); is {
		return b.Text
	}
	return ""
}

func TestTheKeyboardAloneGoesThroughTheMainSystem(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.focused(t, s.method.cards[setup.M365Browser])
	s.Window.Canvas().Focus(s.method.guides["endpoint-central"])
	s.Press(fyne.KeySpace)
	s.Press(fyne.KeyReturn)
	s.idle()
	s.focused(t, s.rows[setup.Username].entry)
	s.Type("svc@contoso.com")
	s.Press(fyne.KeyReturn) // everything else is proposed
	s.idle()
	s.focused(t, s.rows[setup.ClientID].entry)
	s.pasteHere(overview)
	s.Press(fyne.KeyReturn)
	s.focused(t, s.rows[setup.Secret].entry)
	s.pasteHere(secretIs)
	s.Press(fyne.KeyReturn)
	s.idle()
	if step := s.state().Step(); step != setup.StepSignIn {
		t.Fatalf("Enter in the last field leads to %s: %v", step, s.state().Notes)
	}
	s.focused(t, s.primary)
	s.Press(fyne.KeyReturn)
	s.idle()
	if !s.state().Proven() || len(s.Followed) != 1 {
		t.Fatalf("the sign-in: %+v, followed %v", s.state().Outcome, s.Followed)
	}
	s.focused(t, s.primary)
	s.Press(fyne.KeyReturn)
	s.idle()
	if len(s.checks.shown) != 1 || s.checks.shown[0] != "svc" || !s.checks.content.Visible() {
		t.Errorf("the checks were shown for %v", s.checks.shown)
	}
	s.next()
	if len(s.done.shown) != 1 || s.checks.hidden != 1 {
		t.Errorf("the hand-over was shown for %v, and the checks hidden %d times", s.done.shown, s.checks.hidden)
	}
	s.next()
	if len(s.Opened) != 1 || s.Opened[0].Page != desk.Home || s.state().Step() != setup.StepMethod {
		t.Errorf("at the end it opens %v, and stands at %s", s.Opened, s.state().Step())
	}
}

// A person has 12 clicks and 6 fields from start to test email. Beside those
// counted here are the three clicks and two fields of the provider's own pages,
// and the click on Send test email.
func TestTheMainSystemTakesFewClicksAndFields(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	clicks, fields := 0, 0
	click := func(o fyne.Tappable) {
		t.Helper()
		if !o.(fyne.CanvasObject).Visible() {
			t.Fatal("what is to be clicked is hidden")
		}
		test.Tap(o)
		clicks++
		s.idle()
	}
	fill := func(f Field, text string) {
		s.rows[f].entry.SetText(text)
		fields++
	}
	click(s.method.guides["endpoint-central"])
	click(s.primary)
	fill(setup.Username, "svc@contoso.com")
	click(s.primary)
	fill(setup.ClientID, overview)
	fill(setup.Secret, secretIs)
	click(s.primary)
	click(s.primary) // Sign in
	click(s.primary)
	if s.state().Step() != setup.StepChecks {
		t.Fatalf("at %s", s.state().Step())
	}
	if clicks+3+1 > 12 || fields+2 > 6 {
		t.Errorf("%d clicks and %d fields", clicks, fields)
	}
}

func TestTabGoesThroughTheFieldsInTheirOrder(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.next()
	s.focused(t, s.rows[setup.Username].entry)
	for _, want := range []fyne.Focusable{s.rows[setup.Sender].entry, s.rows[setup.TestTo].entry, s.rows[fieldName].entry, s.back, s.primary} {
		s.Window.Canvas().FocusNext()
		s.focused(t, want)
	}
}

func TestEscapeGivesTheSignInUpAndNothingElse(t *testing.T) {
	f := newFake(stored("old"))
	f.signIn = inBrowser(f)
	s := openScreen(t, f, desk.Place{Page: desk.Setup, Account: "old"})
	s.p.enter(setup.StepSignIn)
	s.idle()
	s.Press(fyne.KeyEscape)
	if s.state().Step() != setup.StepSignIn {
		t.Fatal("Escape leaves the step")
	}
	s.Press(fyne.KeyReturn)
	s.Until(func() bool { return s.state().Signing.Link != "" })
	s.focused(t, s.signIn.cancel)
	s.Press(fyne.KeyEscape)
	s.idle()
	if !s.state().Outcome.Cancelled {
		t.Errorf("after Escape: %+v", s.state().Outcome)
	}
}

func TestTheStepsAtTheProviderHaveTheirLinkAndTextAndKeepTheirTicks(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.p.followGuide("endpoint-central")
	s.next()
	s.fill(setup.Username, "svc@contoso.com")
	s.next()
	w := &s.registration.portal
	if len(w.ticks) < 5 {
		t.Fatalf("there are %d steps", len(w.ticks))
	}
	test.Tap(w.ticks["new-registration"])
	if !s.state().Draft.Ticks["new-registration"] {
		t.Error("the tick is not kept")
	}
	for _, o := range test.LaidOutObjects(w.app.Objects[0]) {
		if b, is := o.(*look.Button); is {
			test.Tap(b)
		}
	}
	if len(s.Followed) != 1 || s.Copied != account.WebRedirectURL {
		t.Errorf("opened %v, copied %q", s.Followed, s.Copied)
	}
	for _, step := range setup.Steps(s.state().Draft.Account) {
		if portalText(step) == "" {
			t.Errorf("the step %s has no text", step.ID)
		}
	}
}

func TestAnotherLanguageKeepsWhatWasTyped(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{})
	s.next()
	s.fill(setup.Username, "svc@contoso.com")
	s.Hide()
	s.Page = s.Anew(s.Frame, s.checks, s.done)
	s.Window.SetContent(s.Page.Content())
	s.Page.Show(desk.Place{})
	if got := s.rows[setup.Username].entry.Text; got != "svc@contoso.com" || s.state().Step() != setup.StepAddresses {
		t.Errorf("%q stands in the step %s", got, s.state().Step())
	}
}

func TestStartingOverIsAskedAndDropsTheDraft(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	if s.startOver.Visible() {
		t.Error("there is nothing to start over")
	}
	s.next()
	s.fill(setup.Username, "svc@contoso.com")
	answer := func(label string) {
		t.Helper()
		test.Tap(s.startOver)
		for _, o := range test.LaidOutObjects(s.Window.Canvas().Overlays().Top()) {
			if b, is := o.(*look.Button); is && b.Text == label {
				test.Tap(b)
				return
			}
		}
		t.Fatalf("there is no answer %q", label)
	}
	answer(words.Say("setup.start_over_keep"))
	if s.state().Draft.Account.Username == "" {
		t.Fatal("it was dropped although it was to stay")
	}
	answer(words.Say("setup.start_over_do"))
	s.idle()
	if s.state().Step() != setup.StepMethod || s.state().Draft.Account.Username != "" || !s.f.draft.Empty() {
		t.Errorf("after starting over: at %s, kept is %+v", s.state().Step(), s.f.draft)
	}
}

func TestAStepThatIsNotReadySaysSoAndCanBePassed(t *testing.T) {
	f := newFake(stored("old"))
	f.secrets["old"] = mailer.Secrets{SignedIn: true}
	s := openScreen(t, f, desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoCheck})
	s.focused(t, s.primary) // which a step that has something before it moves on
	if s.foot.Text != words.Say("setup.not_ready") || s.primary.Disabled() || s.primary.Importance == widget.HighImportance {
		t.Errorf("below the checks it says %q", s.foot.Text)
	}
	if s.checks.begun != 1 || s.checks.tests != 0 {
		t.Errorf("the checks were begun %d times, the test email %d times", s.checks.begun, s.checks.tests)
	}
	s.Page.Show(desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoTest})
	s.idle()
	if s.checks.begun != 1 || s.checks.tests != 1 {
		t.Errorf("at a place with a test the checks were begun %d times, the test email %d times", s.checks.begun, s.checks.tests)
	}
	s.checks.ready = true
	s.Until(func() bool { return s.foot.Text == "" && s.primary.Importance == widget.HighImportance })
	s.focused(t, s.primary)
	s.Press(fyne.KeyReturn)
	s.idle()
	if s.state().Step() != setup.StepDone || s.primary.Importance == widget.HighImportance {
		t.Errorf("at %s, before the tool has its user", s.state().Step())
	}
	s.done.ready = true
	s.Until(func() bool { return s.primary.Importance == widget.HighImportance })
	if s.next(); s.done.forgot != 1 || len(s.Opened) != 1 || s.Opened[0].Page != desk.Home {
		t.Errorf("the end: forgotten %d times, opened %v", s.done.forgot, s.Opened)
	}
}

func TestASetupThatGoesOnAtTheChecksSendsNoOtherTestEmail(t *testing.T) {
	a := stored("svc")
	f := newFake(a)
	f.secrets["svc"] = mailer.Secrets{SignedIn: true}
	f.draft = setup.Draft{Step: setup.StepChecks, Method: setup.M365Browser, Account: a, SignedIn: setup.SignInKey(a)}
	s := openScreen(t, f, desk.Place{Page: desk.Setup})
	if s.checks.begun != 1 || s.checks.resumed != 0 {
		t.Fatalf("at first they are begun %d times, resumed %d", s.checks.begun, s.checks.resumed)
	}
	s.checks.accepted = true
	s.Hide() // before a second has passed
	s.idle()
	if !f.draft.Tested {
		t.Fatal("that it was taken is not kept")
	}
	checks := newGiven("the checks")
	again := New(s.Desk, f, s.Frame, checks, s.done)
	again.Show(desk.Place{Page: desk.Setup})
	s.Until(func() bool { return again.p.state.Activity == Idle })
	if checks.begun != 0 || checks.resumed != 1 {
		t.Errorf("when it goes on they are begun %d times, resumed %d", checks.begun, checks.resumed)
	}
}

func TestTheChecksHaveNoTickBeforeTheyWereDone(t *testing.T) {
	f := newFake(stored("old"))
	f.secrets["old"] = mailer.Secrets{SignedIn: true}
	s := openScreen(t, f, desk.Place{Page: desk.Setup, Account: "old"})
	ticked := func(step string) bool {
		return s.list[step].sign.Resource.Name() == look.Icon(look.OK.Shape, look.OK.Colour).Name()
	}
	if !ticked(setup.StepSignIn) || ticked(setup.StepChecks) {
		t.Errorf("at the addresses: signed in %v, checked %v", ticked(setup.StepSignIn), ticked(setup.StepChecks))
	}
	s.p.goTo(setup.StepDone)
	s.idle()
	if at := s.list[setup.StepChecks].sign.Resource.Name(); at != look.Icon(look.Attention.Shape, look.Attention.Colour).Name() {
		t.Errorf("checks that failed have the sign %s", at)
	}
	s.checks.ready = true
	s.p.draw()
	if !ticked(setup.StepChecks) {
		t.Error("behind the checks they have no tick")
	}
}

func TestWhoSignedInInsteadIsTheHeadline(t *testing.T) {
	f := newFake(stored("old"))
	f.signIn = func(context.Context, mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, &mailer.RemoteError{Text: "you signed in as admin@contoso.com, …", OtherAccount: "admin@contoso.com"}
	}
	s := openScreen(t, f, desk.Place{Page: desk.Setup, Account: "old", Do: desk.DoSignIn})
	if h := headline(s.state()); h.What != "You signed in as admin@contoso.com" || !strings.Contains(h.Then, "old@contoso.com") || s.signIn.detail.Visible() {
		t.Errorf("it says %+v, and %q", h, s.signIn.detail.Text)
	}
}

func TestACodeIsAskedForAndNoBrowserOpened(t *testing.T) {
	a := State{Activity: SigningIn, Signing: Signing{Device: true}}
	if h := headline(a); h.What != "Asking for a code" {
		t.Errorf("it says %q", h.What)
	}
}

func TestEveryStepAtTheProviderHasAText(t *testing.T) {
	for _, m := range setup.Methods() {
		for _, change := range []func(*account.Account){
			func(*account.Account) {},
			func(a *account.Account) { a.Registration = account.Web },
			func(a *account.Account) { a.Credential = account.CertificateCredential },
			func(a *account.Account) { a.Credential = account.FederatedCredential },
			func(a *account.Account) { a.Sender = "invoices@contoso.com" },
		} {
			a := setup.WithAddress(m.Account("x"), "svc@contoso.com")
			former := a
			change(&a)
			a.Follow(former)
			for _, step := range setup.Steps(a) {
				if key := "setup.portal_" + keyOf(step.ID); !words.Has(key) && a.Provider != account.Custom {
					t.Errorf("%s: %s is missing: %s; %s", m.ID, key, step.Help.Title, step.Help.Where)
				}
			}
		}
	}
}

func TestACertificateIsPastedWithItsKey(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	s.p.choose(setup.M365App)
	s.next()
	s.fill(setup.Sender, "svc@contoso.com")
	s.next()
	s.p.choice(fieldCredential, "certificate")
	if !s.registration.pemBox.Visible() || s.rows[setup.Secret].line.Visible() {
		t.Fatal("the certificate's field is hidden, or that of the secret is not")
	}
	const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"
	s.registration.pem.SetText(pem)
	s.paste(setup.ClientID, overview)
	s.next()
	if s.state().Step() != setup.StepSignIn || len(s.f.saved) != 1 || s.f.saved[0].Reveal() != pem {
		t.Errorf("at %s, %d secrets saved, notes %v", s.state().Step(), len(s.f.saved), s.state().Notes)
	}
}

func TestEveryTextOfTheSetupIsThere(t *testing.T) {
	for _, m := range setup.Methods() {
		for _, key := range []string{"setup.card_" + keyOf(m.Card) + "_title", "setup.card_" + keyOf(m.Card) + "_when", "setup.method_" + keyOf(m.ID) + "_short"} {
			if !words.Has(key) {
				t.Errorf("%s is missing", key)
			}
		}
		a := m.Account("x")
		for _, step := range setup.Order() {
			s := State{Draft: setup.Draft{Step: step, Account: a, Method: m.ID}}
			for _, f := range s.Fields(step) {
				for _, text := range []string{labelOf(f, s), hintOf(f, s), stepName(step, s)} {
					if strings.HasPrefix(text, "setup.") {
						t.Errorf("%s is missing", text)
					}
				}
			}
		}
	}
	for _, code := range []string{setup.SecretIDNotValue, setup.ObjectIDNotClientID, setup.ClientIDNotObjectID, setup.TenantIDInClientID, setup.ClientIDInTenant,
		setup.SecretInClientID, setup.ClientIDInSecret, setup.Blanks, setup.Quotes, setup.Brackets, setup.Invisible, setup.URLEncoded, setup.Placeholder,
		setup.NotAGUID, setup.NotAGoogleID, setup.NotATenant, setup.TenantForMany, setup.TenantOfPeople, setup.SecretShort, setup.SecretMasked,
		setup.RedirectNotURL, setup.RedirectNotLoopback, setup.RedirectElsewhere, setup.RedirectHasQuery, setup.DayNotADay, setup.DayPast} {
		if !words.Has("setup.mistake_" + code) {
			t.Errorf("the mistake %s has no text", code)
		}
	}
	for _, code := range []string{setup.AddressEmpty, setup.AddressBlank, setup.AddressBrackets, setup.AddressSeveral, setup.AddressNoAt, setup.AddressNoLocal,
		setup.AddressNoDomain, setup.AddressBadDomain, setup.AddressBad} {
		if !words.Has("setup.address_" + code) {
			t.Errorf("the problem %s of an address has no text", code)
		}
	}
}

func TestTheStepsRenderAsTheyDid(t *testing.T) {
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	drawn := func(name string) {
		t.Helper()
		test.AssertRendersToMarkup(t, name+".xml", s.Window.Canvas())
	}
	drawn("method")
	s.p.followGuide("endpoint-central")
	s.next()
	s.fill(setup.Username, "svc@contoso.com")
	s.fill(setup.Sender, "invoices@contoso.com")
	drawn("addresses")
	s.next()
	s.paste(setup.ClientID, overview)
	s.paste(setup.Secret, "33333333-2222-4333-8444-555555555555")
	drawn("registration")
	s.paste(setup.Secret, secretIs)
	s.f.signIn = inBrowser(s.f)
	s.next()
	s.p.proceed()
	s.Until(func() bool { return s.state().Signing.Link != "" })
	s.p.tick()
	s.p.state.Signing.Left = 272 * time.Second
	s.p.draw()
	drawn("waiting")
	s.p.pasteAddress("http://localhost/?code=1")
	s.idle()
	drawn("signed-in")
}
