//go:build !darwin || cgo

package setup

import (
	"testing"

	"fyne.io/fyne/v2"

	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// The page has so much of a window of 1024×700, and of one on a screen of 1920×1080
// at 200%.
var smallest = []fyne.Size{fyne.NewSize(944, 672), fyne.NewSize(864, 444)}

// fits has every text of the step read, in each of the smallest windows.
func (s *screen) fits(t *testing.T, what string) {
	t.Helper()
	for _, size := range smallest {
		for _, text := range uitest.Cut(s.Page.Content(), size) {
			t.Errorf("%s: %s at %v cuts %q", words.Language(), what, size, text)
		}
	}
}

// openIn opens the page, and then has another language.
func openIn(t *testing.T, language string) *screen {
	t.Helper()
	s := openScreen(t, newFake(), desk.Place{Page: desk.Setup})
	words.Use(language)
	s.Hide()
	s.Page = s.Anew(s.Frame, s.checks, s.done)
	s.Window.SetContent(s.Page.Content())
	s.Page.Show(desk.Place{})
	return s
}

func TestEveryStepFitsTheSmallestWindowInEveryLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	for _, language := range words.Languages {
		s := openIn(t, language)
		s.fits(t, "the method")
		s.p.followGuide("endpoint-central")
		s.next()
		s.paste(setup.Username, "a-service-for-the-invoices@subsidiary.of.a-long-company.example.com")
		s.paste(setup.Sender, "invoices-and-reminders@subsidiary.of.a-long-company.example.com")
		s.fits(t, "the addresses")
		s.next()
		for _, kind := range choices[fieldRegistration] {
			s.p.choice(fieldRegistration, kind)
			s.fits(t, "the registration, "+kind)
		}
		s.paste(setup.ClientID, overview)
		s.paste(setup.Secret, secretIs)
		s.next()
		if s.state().Step() != setup.StepSignIn {
			t.Fatalf("%s: at %s, notes %v", language, s.state().Step(), s.state().Notes)
		}
		s.fits(t, "the sign-in")
	}
}

func TestEveryKindOfCredentialFitsTheSmallestWindowInEveryLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	for _, language := range words.Languages {
		s := openIn(t, language)
		s.p.choose(setup.M365App)
		s.next()
		s.paste(setup.Sender, "a-service-for-the-invoices@subsidiary.of.a-long-company.example.com")
		s.next()
		for _, kind := range choices[fieldCredential] {
			s.p.choice(fieldCredential, kind)
			s.fits(t, "the registration, "+kind)
		}
		s.p.choose(setup.Other)
		s.p.enter(setup.StepAddresses)
		for _, how := range choices[fieldSignIn] {
			s.p.choice(fieldSignIn, how)
			s.fits(t, "another provider's addresses, "+how)
		}
	}
}
