package mailer

import (
	"net/url"
	"strings"
	"testing"

	"traymail/authcode"
	"traymail/internal/account"
)

func TestAPersonWithAnotherSenderSendsOverGraphWithoutAScopeBeingGiven(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.change("", func(a *account.Account) { a.Transport, a.Sender = account.Graph, "invoices@contoso.com" })
	b.signIn()
	if _, err := b.SendTest(t.Context(), "main", "x@example.com"); err != nil {
		t.Fatalf("%v: %s", err, Fix(err))
	}
	if m := b.inbox()[0]; m.From != "invoices@contoso.com" || m.User != "svc@contoso.com" || m.Over != "graph" {
		t.Errorf("it left as %+v", m)
	}
}

// elsewhere is an account of a provider that traymail does not know.
func elsewhere(t *testing.T) *account.Account {
	t.Helper()
	a := account.New("elsewhere")
	former := *a
	a.Provider = account.Custom
	a.Follow(former)
	a.Username, a.ClientID, a.SMTPHost, a.SMTPScope = "me@example.org", "abc", "smtp.example.org", "mail"
	a.AuthorizeURL, a.TokenURL = "https://id.example.org/authorize?access_type=offline&prompt=consent&scope=none", "https://id.example.org/token"
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheQueryOfAnotherProvidersAddressGoesIntoTheRequest(t *testing.T) {
	m := &Mailer{}
	s, err := m.person(elsewhere(t), "", nil).Start(t.Context(), authcode.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"access_type": "offline", "prompt": "consent", "client_id": "abc", "scope": "mail", "response_type": "code"} {
		if got := u.Query()[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q in %s", key, got, s.URL())
		}
	}
}

func TestSecretsAreSpokenOfInTheWordsOfTheirProvider(t *testing.T) {
	b := newBench(t, "")
	a := elsewhere(t)
	if err := b.Save(t.Context(), *a, "secret"); err == nil || strings.Contains(err.Error(), "Entra") {
		t.Errorf("a public client with a secret: %v", err)
	}
	a.Registration = account.Web
	if err := b.Save(t.Context(), *a, "11111111-2222-3333-4444-555555555555"); err != nil { // only Entra's secrets have no such form
		t.Errorf("a secret in the form of an ID: %v", err)
	}
	g := account.New("g")
	former := *g
	g.Provider = account.Google
	g.Follow(former)
	g.Username, g.ClientID = "me@gmail.com", "1.apps.googleusercontent.com"
	if err := b.Save(t.Context(), *g, ""); err == nil || !strings.Contains(err.Error(), "desktop apps") || strings.Contains(err.Error(), "Web registration") {
		t.Errorf("Google without a secret: %v", err)
	}
}
