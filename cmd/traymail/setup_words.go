package main

import (
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/setup"
)

// methodWords are the methods as one chooses among them.
var methodWords = map[string]string{
	setup.M365Browser: "Microsoft 365 with my sign-in (recommended): you sign in once, in the browser",
	setup.M365App:     "Microsoft 365 as an application: nobody signs in; an administrator sets it up",
	setup.GraphCard:   "Microsoft Graph: where SMTP AUTH is switched off, or SMTP is blocked",
	setup.OutlookCom:  "Outlook.com, Hotmail, Live: a personal Microsoft account",
	setup.Google:      "Google: Gmail or Google Workspace",
	setup.Other:       "Another mail server, with a password or OAuth",
	setup.Password:    "The old way: a password at Microsoft 365, until Microsoft ends it; or an app password at Google",
}

// ownSteps are the words for the steps that are setup's own; all others come
// from package admin.
func ownStep(s setup.Step, a account.Account) (title, where, why string) {
	switch s.ID {
	case setup.NewRegistration:
		accounts := "Accounts in this organizational directory only"
		if a.Provider == account.OutlookCom {
			accounts = "Personal Microsoft accounts, with or without those of organisations"
		}
		where = "Entra → App registrations → New registration; Name: any, such as traymail; Supported account types: " + accounts
		if len(s.Copy) > 0 {
			platform := "Public client/native (mobile & desktop)"
			if a.Registration == account.Web {
				platform = "Web"
			}
			where += "; Redirect URI: " + platform + ", " + s.Copy[0]
		}
		return "Register an app", where + "; Register", "The sign-in is the app's. Nothing is installed by it, and it may do only what it is permitted below."
	case setup.CopyIDs:
		return "Copy its IDs", "Entra → App registrations → the app → Overview: select the whole page and copy it, or the two IDs", "They are asked for when you go on: Application (client) ID and Directory (tenant) ID."
	}
	return s.Help.Title, s.Help.Where, s.Help.Why
}

// mistakeWords say what is wrong with a value, and what to do.
var mistakeWords = map[string]string{
	setup.SecretIDNotValue:    "This is the Secret ID: copy the Value beside it. It is shown only once; make a new secret if it is hidden",
	setup.ObjectIDNotClientID: "This is the Object ID: copy the Application (client) ID above it",
	setup.ClientIDNotObjectID: "This is the client ID: copy the Object ID from Enterprise applications → the app → Overview",
	setup.TenantIDInClientID:  "This is the tenant ID: copy the Application (client) ID",
	setup.ClientIDInTenant:    "This is the client ID: copy the Directory (tenant) ID",
	setup.SecretInClientID:    "This looks like a client secret: it goes into the field for it; here goes the Application (client) ID",
	setup.ClientIDInSecret:    "This is the client ID: copy the secret's Value",
	setup.Blanks:              "There are blanks or line breaks in it",
	setup.Quotes:              "There are quotes around it",
	setup.Brackets:            "There are brackets around it",
	setup.Invisible:           "There are characters in it that cannot be seen",
	setup.URLEncoded:          "It has %2D and the like in it, from an address",
	setup.Placeholder:         "This is an example's word: put your own value there",
	setup.NotAGUID:            "An ID has the form 00000000-0000-0000-0000-000000000000",
	setup.NotAGoogleID:        "Google's client IDs end in .apps.googleusercontent.com",
	setup.NotATenant:          "Give the Directory (tenant) ID, or a domain of the organisation",
	setup.TenantForMany:       "An application signs in to one organisation: give its Directory (tenant) ID",
	setup.TenantOfPeople:      "This stands for personal accounts: give the Directory (tenant) ID",
	setup.SecretShort:         "It is shorter than the secrets that Microsoft makes: is all of it there?",
	setup.SecretMasked:        "The portal hides it by now: make a new secret, and copy its Value at once",
	setup.RedirectNotURL:      "Give the URL as it is registered, such as http://localhost",
	setup.RedirectNotLoopback: "Entra takes http for localhost only",
	setup.RedirectElsewhere:   "The browser ends elsewhere: sign in by pasting the address on which it ends",
	setup.RedirectHasQuery:    "A redirect URL has host, port and path only",
	setup.DayNotADay:          "Write year, month and day, such as 2028-01-31",
	setup.DayPast:             "That day is over: make a new secret",
}

// addressWords say what is wrong with an address as typed.
var addressWords = map[string]string{
	setup.AddressEmpty:     "an address is needed, such as svc@contoso.com",
	setup.AddressBlank:     "there is a blank in it",
	setup.AddressBrackets:  "give the address alone, without a name, brackets or quotes",
	setup.AddressSeveral:   "give one address",
	setup.AddressNoAt:      "there is no @ in it",
	setup.AddressNoLocal:   "there is nothing before the @",
	setup.AddressNoDomain:  "there is nothing behind the @",
	setup.AddressBadDomain: "what stands behind the @ is no domain, such as contoso.com",
	setup.AddressBad:       "this is not an email address",
}

// wrongAddress refuses what is not an address.
func wrongAddress(typed string) string {
	return addressWords[setup.AddressProblem(setup.Clean(setup.Username, typed, account.Account{}))]
}

// wrongValue refuses values of a field that cannot work.
func wrongValue(field string, c setup.Context) func(string) string {
	return func(typed string) string {
		for _, m := range setup.Mistakes(field, typed, c) {
			if m.Certain {
				return mistakeWords[m.Code]
			}
		}
		return ""
	}
}

// remarkValue says what should be known of a field's value while it is typed.
func remarkValue(field string, c setup.Context) func(string) string {
	return func(typed string) string {
		var all []string
		for _, m := range setup.Mistakes(field, typed, c) {
			text := mistakeWords[m.Code]
			if m.Cleaned {
				text += "; they are taken away"
			}
			all = append(all, text)
		}
		if len(all) == 0 {
			return ""
		}
		return "! " + strings.Join(all, ". ") + "."
	}
}

// contextOf is what is known while the account's fields are typed.
func contextOf(a account.Account, pasted setup.Found) setup.Context {
	return setup.Context{Account: a, Pasted: pasted, Now: time.Now()}
}

// inGuide adds the guide's own word for a field to its name.
func inGuide(g setup.Guide, field, name string) string {
	word := g.Word(field)
	if word == "" || strings.EqualFold(word, name) {
		return name
	}
	return name + " (in the guide of " + g.Name + ": " + word + ")"
}
