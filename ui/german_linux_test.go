package ui

import "testing"

// The other systems do not take their language from the environment.
func TestThePageSpeaksGermanOnAGermanMachine(t *testing.T) {
	t.Setenv("LANG", "de_DE.UTF-8")
	s := openScreen(t, newFake("main"), "main", "")
	if s.v.what.Text != "Eine Anmeldung ist nötig" || s.v.signIn.Text != "Anmelden" {
		t.Errorf("it says %q, %q", s.v.what.Text, s.v.signIn.Text)
	}
	if min := s.Content().MinSize(); min.Width > 1000 {
		t.Errorf("the page needs %v", min)
	}
}
