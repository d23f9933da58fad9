package setup

import (
	"strings"

	"traymail/internal/account"
	"traymail/internal/admin"
)

// The parts of the work at the provider.
const (
	AtRegistration = "registration" // the app: Entra's pages, Google's
	AtMailbox      = "mailbox"      // mailboxes and their permissions: Exchange's, the Microsoft 365 admin center's
)

// The steps that are setup's own; all others have the IDs of package admin.
const (
	NewRegistration = "new-registration" // New registration, with its redirect URL
	CopyIDs         = "copy-ids"         // the IDs on its Overview page
)

// A Step is one thing to do at the provider.
type Step struct {
	ID   string
	Part string // AtRegistration or AtMailbox
	// Link is the page to open, "" where none is known. While the client ID is not
	// known it is the list of app registrations.
	Link string
	// Copy is text that is typed or searched for there, in the order of its use:
	// the redirect URL, the name of an API, names of permissions.
	Copy []string
	// Command is PowerShell for Exchange's window, where connect-exchange comes
	// first. It is "" for steps that have none, and while an ID for it is missing.
	Command  string
	Optional bool
	// Help is the same step as package admin has it, in English; the zero Step for
	// those that are setup's own. NewRegistration has it for Outlook.com, where
	// other accounts are supported.
	Help admin.Step
}

// What stands in for values that are not known yet, so that what would contain
// them can be left out.
const (
	noClientID = "00000000-0000-4000-8000-0000c11e4700"
	noAddress  = "nobody@address.invalid"
)

// passed are the steps of package admin that setup does itself, or that are for
// other windows than Exchange's.
var passed = map[string]bool{"test": true, "connect-graph": true, personalAccounts: true}

// personalAccounts is the step of package admin that says which account type an
// app for Outlook.com has: setup has it in its NewRegistration.
const personalAccounts = "registration"

// atRegistration are the steps of package admin that are the app's, at Microsoft
// and elsewhere.
var atRegistration = map[string]bool{
	"redirect-url": true, "client-secret": true, "certificate": true, "federated-credential": true, "api-permissions": true, "admin-consent": true,
	"api-permission-smtp.sendasapp": true, "api-permission-mail.send": true,
	"project": true, "consent-screen": true, "scope": true, "client": true, "trust": true, "app-password": true, "password": true,
}

// Steps returns what has to be done at the provider for an account, in order. It
// may be incomplete: what its missing values would stand in is left out.
func Steps(a account.Account) []Step {
	full := a
	if full.ClientID == "" {
		full.ClientID = noClientID
	}
	if full.Username == "" {
		full.Username = noAddress
	}
	if full.Sender == "" {
		full.Sender = full.Username
	}
	help, err := admin.Steps(full, admin.Options{})
	if err != nil { // ErrNoRBAC, which was not asked for
		return nil
	}
	var steps []Step
	entra := a.HasEntra() && a.SignIn != account.PasswordSignIn
	registrations := admin.Registrations(a)
	if entra {
		first := Step{ID: NewRegistration, Part: AtRegistration, Link: registrations}
		if a.SignIn == account.BrowserSignIn && a.RedirectURL != "" {
			first.Copy = []string{a.RedirectURL}
		}
		for _, h := range help {
			if h.ID == personalAccounts {
				first.Help = h
			}
		}
		steps = append(steps, first, Step{ID: CopyIDs, Part: AtRegistration, Link: registrations})
	}
	for _, h := range help {
		if passed[h.ID] {
			continue
		}
		s := Step{ID: h.ID, Part: AtMailbox, Link: h.Link, Command: h.Command, Optional: h.Optional, Help: h}
		if atRegistration[h.ID] {
			s.Part = AtRegistration
		}
		if strings.Contains(s.Link, noClientID) {
			s.Link = registrations
		}
		if strings.Contains(s.Command, noClientID) || strings.Contains(s.Command, noAddress) {
			s.Command = ""
		}
		s.Copy = copied(a, h)
		if h.ID == "redirect-url" {
			s.Optional = true // new-registration has it; this is for an app that is there already
		}
		steps = append(steps, s)
	}
	return steps
}

// copied is the text of a step of package admin that is typed or searched for.
func copied(a account.Account, h admin.Step) []string {
	switch h.ID {
	case "redirect-url":
		return []string{a.RedirectURL}
	case "api-permissions":
		return admin.DelegatedPermissions(a)
	case "api-permission-smtp.sendasapp":
		return []string{"Office 365 Exchange Online", "SMTP.SendAsApp"}
	case "api-permission-mail.send":
		return []string{"Microsoft Graph", "Mail.Send"}
	}
	return nil
}

// Script returns the PowerShell of all steps as one script, "" while an ID for it
// is missing or where there is none.
func Script(a account.Account) string {
	if a.Validate() != nil {
		return ""
	}
	steps, err := admin.Steps(a, admin.Options{})
	if err != nil {
		return ""
	}
	return admin.Script(a, steps)
}
