package setup_test

import (
	"testing"

	"traymail/internal/account"
	"traymail/internal/setup"
)

func TestADomainSuggestsItsProviderAndTenant(t *testing.T) {
	for address, want := range map[string]setup.Suggestion{
		"svc@contoso.com":             {Provider: account.Microsoft365, Tenant: "contoso.com", Method: setup.M365Browser},
		"svc@Contoso.COM":             {Provider: account.Microsoft365, Tenant: "contoso.com", Method: setup.M365Browser},
		"svc@contoso.onmicrosoft.com": {Provider: account.Microsoft365, Tenant: "contoso.onmicrosoft.com", Method: setup.M365Browser, Sure: true},
		"svc@contoso.onmicrosoft.us":  {Provider: account.Microsoft365US, Tenant: "contoso.onmicrosoft.us", Method: setup.M365Browser, Sure: true},
		"me@gmail.com":                {Provider: account.Google, Method: setup.Google, Sure: true},
		"me@googlemail.com":           {Provider: account.Google, Method: setup.Google, Sure: true},
		"me@outlook.com":              {Provider: account.OutlookCom, Method: setup.OutlookCom, Sure: true},
		"me@outlook.de":               {Provider: account.OutlookCom, Method: setup.OutlookCom, Sure: true},
		"me@hotmail.co.uk":            {Provider: account.OutlookCom, Method: setup.OutlookCom, Sure: true},
		"me@live.com.mx":              {Provider: account.OutlookCom, Method: setup.OutlookCom, Sure: true},
		"me@msn.com":                  {Provider: account.OutlookCom, Method: setup.OutlookCom, Sure: true},
		"me@outlook.contoso.com":      {Provider: account.Microsoft365, Tenant: "outlook.contoso.com", Method: setup.M365Browser},
		"svc@":                        {},
		"svc@contoso":                 {},
		"":                            {},
	} {
		if got := setup.Suggest(address); got != want {
			t.Errorf("Suggest(%q) = %+v, want %+v", address, got, want)
		}
	}
}

func TestAnAddressAsTypedIsRefusedWithTheReason(t *testing.T) {
	for address, want := range map[string]string{
		"svc@contoso.com": "", " svc@contoso.com ": "", "o'neil+x@contoso.co.uk": "", "müller@müller.example": "",
		"": setup.AddressEmpty, " ": setup.AddressEmpty, "svc": setup.AddressNoAt, "@contoso.com": setup.AddressNoLocal, "svc@": setup.AddressNoDomain,
		"svc@contoso": setup.AddressBadDomain, "svc@contoso..com": setup.AddressBadDomain, "svc@-contoso.com": setup.AddressBadDomain, "svc@con_toso.com": setup.AddressBadDomain,
		"a@contoso.com, b@contoso.com": setup.AddressSeveral, "a@contoso.com;b@contoso.com": setup.AddressSeveral, "a@b@contoso.com": setup.AddressSeveral,
		"Sales <sales@contoso.com>": setup.AddressBrackets, "sales team@contoso.com": setup.AddressBlank, "sales\u200b@contoso.com": setup.AddressBlank, "a..b@contoso.com": setup.AddressBad,
	} {
		if got := setup.AddressProblem(address); got != want {
			t.Errorf("AddressProblem(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestAnAddressIsTakenOutOfWhatWasPasted(t *testing.T) {
	for pasted, want := range map[string]string{
		" sales@contoso.com\n": "sales@contoso.com", "mailto:sales@contoso.com": "sales@contoso.com", "Sales <sales@contoso.com>": "sales@contoso.com",
		"<sales@contoso.com>,": "<sales@contoso.com>", "sales@contoso.com;": "sales@contoso.com", "sales": "sales",
	} {
		if got := setup.Clean(setup.Username, pasted, account.Account{}); got != want {
			t.Errorf("Clean(%q) = %q, want %q", pasted, got, want)
		}
	}
}

func TestANameForAnAccountIsOneThatItMayHave(t *testing.T) {
	for address, want := range map[string]string{
		"Svc.Mail@contoso.com": "svc.mail", "o'neil@contoso.com": "oneil", "株式@contoso.com": "mail", "con@contoso.com": "mail", "-@contoso.com": "mail", "": "mail", "invoices@contoso.com": "invoices-3",
	} {
		if got := setup.FreeName(address, []string{"invoices", "invoices-2"}); got != want || account.ValidateName(got) != nil {
			t.Errorf("FreeName(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestWhatFollowsFromTheAddressFollows(t *testing.T) {
	person, _ := setup.MethodByID(setup.M365Browser)
	a := setup.WithAddress(person.Account("a"), "svc@contoso.com")
	if a.Sender != "svc@contoso.com" || a.Tenant != "contoso.com" || setup.SendsForOther(a) {
		t.Errorf("of a person: %+v", a)
	}
	a.Sender = "invoices@contoso.com"
	a = setup.WithAddress(a, "other@fabrikam.com")
	if a.Sender != "invoices@contoso.com" || a.Tenant != "fabrikam.com" || !setup.SendsForOther(a) {
		t.Errorf("with a sender of its own: %+v", a)
	}
	app, _ := setup.MethodByID(setup.M365App)
	if a := setup.WithAddress(app.Account("a"), "svc@contoso.com"); a.Sender != "svc@contoso.com" || a.Tenant != "contoso.com" || setup.SendsForOther(a) {
		t.Errorf("of an application: %+v", a)
	}
	other, _ := setup.MethodByID(setup.Other)
	if a = other.Account("a"); !setup.SendsForOther(account.Account{Provider: account.Microsoft365, Username: "a@contoso.com", Sender: "b@contoso.com"}) {
		t.Error("who sends for another one needs no permission at Exchange")
	}
	if a.Username, a.Sender = "a@example.org", "b@example.org"; setup.SendsForOther(a) {
		t.Error("at a server of somebody else's Exchange's permission is needed")
	}
	password, _ := setup.MethodByID(setup.Password)
	a = setup.WithAddress(password.Account("a"), "me@gmail.com")
	if a.Provider != account.Google || a.SMTPHost != "smtp.gmail.com" {
		t.Errorf("of a password at Google: %+v", a)
	}
	if a = setup.WithAddress(a, "svc@contoso.com"); a.Provider != account.Microsoft365 || a.SMTPHost != "smtp.office365.com" {
		t.Errorf("of a password at Microsoft again: %+v", a)
	}
}
