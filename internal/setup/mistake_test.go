package setup_test

import (
	"slices"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/setup"
)

func TestMistakesAreToldWhileTyping(t *testing.T) {
	person := account.Account{Provider: account.Microsoft365, SignIn: account.BrowserSignIn, Registration: account.Web}
	app := account.Account{Provider: account.Microsoft365, SignIn: account.AppOnly, Credential: account.SecretCredential}
	seen := setup.Found{ClientID: clientID, ObjectID: objectID, Tenant: tenantID, SecretID: secretID}
	for _, tt := range []struct {
		name, field, value string
		a                  account.Account
		pasted             setup.Found
		want               []string
		cleaned            string // "" is the value itself
	}{
		{name: "a client ID", field: setup.ClientID, value: clientID, a: person},
		{name: "nothing yet", field: setup.ClientID, value: "", a: person},
		{name: "the beginning of one", field: setup.ClientID, value: "11111111-2222", a: person, want: []string{setup.NotAGUID}},
		{name: "blanks around it", field: setup.ClientID, value: "  " + clientID + "\n", a: person, want: []string{setup.Blanks}, cleaned: clientID},
		{name: "a line break inside it", field: setup.ClientID, value: clientID[:20] + "\n" + clientID[20:], a: person, want: []string{setup.Blanks}, cleaned: clientID},
		{name: "quotes", field: setup.ClientID, value: `"` + clientID + `"`, a: person, want: []string{setup.Quotes}, cleaned: clientID},
		{name: "typographic quotes", field: setup.ClientID, value: "„" + clientID + "“", a: person, want: []string{setup.Quotes}, cleaned: clientID},
		{name: "angle brackets", field: setup.Tenant, value: "<" + tenantID + ">", a: person, want: []string{setup.Brackets}, cleaned: tenantID},
		{name: "invisible characters", field: setup.Tenant, value: "\u200b" + tenantID + "\ufeff", a: person, want: []string{setup.Invisible}, cleaned: tenantID},
		{name: "URL-encoded", field: setup.ClientID, value: "11111111%2D2222%2D4333%2D8444%2D555555555555", a: person, want: []string{setup.URLEncoded}, cleaned: clientID},
		{name: "an application's address", field: setup.ClientID, value: "api://" + clientID, a: person, cleaned: clientID},
		{name: "a token endpoint as tenant", field: setup.Tenant, value: "https://login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token", a: person, cleaned: tenantID},
		{name: "an example's word", field: setup.ClientID, value: "<Application Client ID>", a: person, want: []string{setup.Placeholder, setup.Brackets, setup.Blanks}, cleaned: "Application Client ID"},
		{name: "the Object ID of the paste", field: setup.ClientID, value: objectID, a: person, pasted: seen, want: []string{setup.ObjectIDNotClientID}},
		{name: "the tenant ID", field: setup.ClientID, value: tenantID, a: person, pasted: seen, want: []string{setup.TenantIDInClientID}},
		{name: "the tenant ID of the account", field: setup.ClientID, value: tenantID, a: with(person, func(a *account.Account) { a.Tenant = tenantID }), want: []string{setup.TenantIDInClientID}},
		{name: "the client ID as tenant", field: setup.Tenant, value: clientID, a: person, pasted: seen, want: []string{setup.ClientIDInTenant}},
		{name: "the secret as client ID", field: setup.ClientID, value: secret, a: person, want: []string{setup.SecretInClientID}},
		{name: "a domain as tenant", field: setup.Tenant, value: "contoso.onmicrosoft.com", a: app},
		{name: "a word as tenant", field: setup.Tenant, value: "contoso", a: app, want: []string{setup.NotATenant}},
		{name: "common, for a person", field: setup.Tenant, value: "common", a: person},
		{name: "common, for an application", field: setup.Tenant, value: "Common", a: app, want: []string{setup.TenantForMany}},
		{name: "consumers, in an organisation", field: setup.Tenant, value: "consumers", a: person, want: []string{setup.TenantOfPeople}},
		{name: "a secret's value", field: setup.Secret, value: secret, a: app},
		{name: "the Secret ID", field: setup.Secret, value: secretID, a: app, want: []string{setup.SecretIDNotValue}},
		{name: "the client ID as secret", field: setup.Secret, value: clientID, a: app, pasted: seen, want: []string{setup.ClientIDInSecret}},
		{name: "what the portal shows later", field: setup.Secret, value: "abc******************", a: app, want: []string{setup.SecretMasked}},
		{name: "part of a secret", field: setup.Secret, value: secret[:20], a: app, want: []string{setup.SecretShort}},
		{name: "a secret with a blank behind it", field: setup.Secret, value: secret + " ", a: app, want: []string{setup.Blanks}, cleaned: secret},
		{name: "a password may have anything", field: setup.Secret, value: ` "p%41ss` + "\u200b" + `<word> `, a: account.Account{Provider: account.Microsoft365, SignIn: account.PasswordSignIn}},
		{name: "another URL", field: setup.RedirectURL, value: "http://ec.contoso.com/oauth", a: person, want: []string{setup.RedirectNotLoopback}},
		{name: "a URL elsewhere", field: setup.RedirectURL, value: "https://ec.contoso.com/oauth", a: person, want: []string{setup.RedirectElsewhere}},
		{name: "no URL", field: setup.RedirectURL, value: "localhost", a: person, want: []string{setup.RedirectNotURL}},
		{name: "a URL with a query", field: setup.RedirectURL, value: "http://localhost/?x=1", a: person, want: []string{setup.RedirectHasQuery}},
		{name: "the Object ID of the registration as the enterprise application's", field: setup.ObjectID, value: clientID, a: with(app, func(a *account.Account) { a.ClientID = clientID }), want: []string{setup.ClientIDNotObjectID}},
		{name: "a day", field: setup.SecretExpires, value: "2028-01-31", a: app},
		{name: "a day of another form", field: setup.SecretExpires, value: "31/01/2028", a: app, want: []string{setup.DayNotADay}},
		{name: "a day that is over", field: setup.SecretExpires, value: "2020-01-31", a: app, want: []string{setup.DayPast}},
		{name: "not Google's", field: setup.ClientID, value: clientID, a: account.Account{Provider: account.Google, SignIn: account.BrowserSignIn}, want: []string{setup.NotAGoogleID}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range setup.Mistakes(tt.field, tt.value, setup.Context{Account: tt.a, Pasted: tt.pasted, Now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}) {
				got = append(got, m.Code)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Mistakes = %v, want %v", got, tt.want)
			}
			want := tt.cleaned
			if want == "" {
				want = tt.value
			}
			if got := setup.Clean(tt.field, tt.value, tt.a); got != want {
				t.Errorf("Clean = %q, want %q", got, want)
			}
		})
	}
}

func with(a account.Account, change func(*account.Account)) account.Account {
	change(&a)
	return a
}

func FuzzClean(f *testing.F) {
	f.Add(setup.ClientID, " <"+clientID+"> ")
	f.Add(setup.Username, "Sales <sales@contoso.com>;")
	f.Add(setup.Secret, "\""+secret+"\"")
	f.Fuzz(func(t *testing.T, field, value string) {
		a := account.Account{Provider: account.Microsoft365, SignIn: account.BrowserSignIn}
		clean := setup.Clean(field, value, a)
		setup.Mistakes(field, value, setup.Context{Account: a})
		if len(clean) > len(value) {
			t.Errorf("Clean(%q) = %q is longer", value, clean)
		}
	})
}
