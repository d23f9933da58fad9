package ui

import (
	"testing"

	"traymail/internal/account"
)

func TestWhatFollowsFromAFieldFollowsUntilItIsSetItself(t *testing.T) {
	stored := account.Account{Provider: account.Microsoft365, SignIn: account.BrowserSignIn, Username: "svc@contoso.com", Sender: "svc@contoso.com", Tenant: "contoso.com",
		Registration: account.Web, RedirectURL: "http://localhost:8080/here"}
	with := func(change func(*account.Account)) account.Account {
		a := stored
		change(&a)
		return a
	}
	tests := []struct {
		name  string
		from  account.Account
		field Field
		value string
		want  func(*account.Account)
	}{
		{"sender and tenant follow the username", stored, FieldUsername, "new@Fabrikam.com",
			func(a *account.Account) {
				a.Username, a.Sender, a.Tenant = "new@Fabrikam.com", "new@Fabrikam.com", "fabrikam.com"
			}},
		{"a public registration has its redirect URL", stored, FieldRegistration, "public",
			func(a *account.Account) { a.Registration, a.RedirectURL = account.Public, account.PublicRedirectURL }},
		{"the stored kind has the stored redirect URL", with(func(a *account.Account) { a.Registration, a.RedirectURL = account.Public, "http://localhost" }), FieldRegistration, "web",
			func(*account.Account) {}},
		{"any other field changes alone", stored, FieldTestTo, "ops@contoso.com",
			func(a *account.Account) { a.TestTo = "ops@contoso.com" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := edited(tt.from, stored, tt.field, tt.value), with(tt.want); !got.Equal(want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestTheTestEmailGoesToTheFirstAddressThereIs(t *testing.T) {
	for want, a := range map[string]account.Account{
		"t@x": {TestTo: "t@x", Sender: "s@x", Username: "u@x"},
		"s@x": {Sender: "s@x", Username: "u@x"},
		"u@x": {Username: "u@x"},
	} {
		if got := (State{Account: a}).TestTo(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
