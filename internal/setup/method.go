// Package setup is what setting an account up knows, without a face: the ways to
// send, the guides that people followed, what a paste holds, mistakes while
// typing, the steps in the portal, what to type into the tool, and the draft of
// an unfinished setup. It reaches nothing and keeps nothing.
//
// It has no sentences: what a person reads, a face says in its language by the
// IDs and codes here. What is the same in every language is here: names in
// portals, links, commands, lines of code. Every function is pure and may be
// called by several goroutines at once.
package setup

import (
	"traymail/internal/account"
)

// The IDs of the methods.
const (
	M365Browser  = "m365-browser"  // Microsoft 365, a person signs in once
	M365App      = "m365-app"      // Microsoft 365, the application signs in by itself
	GraphBrowser = "graph-browser" // Microsoft Graph, a person signs in once
	GraphApp     = "graph-app"     // Microsoft Graph, the application
	OutlookCom   = "outlook.com"   // a personal account at Microsoft
	Google       = "google"        // Gmail, Google Workspace
	Other        = "other"         // any server, with every address a setting
	Password     = "password"      // basic authentication at Microsoft 365 or Google
)

// A Method is one way to send, as a person chooses it.
type Method struct {
	ID string
	// Card is the card that it is chosen on: its ID, but for the two of Microsoft
	// Graph, which are a choice on the card "graph".
	Card        string
	Recommended bool

	Provider     string
	SignIn       account.SignIn
	Transport    account.Transport
	Registration account.Registration // "" where no person signs in
}

// GraphCard is the card with the two methods of Microsoft Graph.
const GraphCard = "graph"

// Methods returns the ways to send, in the order of their cards. The one to
// begin with on a card comes first.
func Methods() []Method {
	return []Method{
		{ID: M365Browser, Card: M365Browser, Recommended: true, Provider: account.Microsoft365, SignIn: account.BrowserSignIn, Transport: account.SMTP, Registration: account.Public},
		{ID: M365App, Card: M365App, Provider: account.Microsoft365, SignIn: account.AppOnly, Transport: account.SMTP},
		{ID: GraphBrowser, Card: GraphCard, Provider: account.Microsoft365, SignIn: account.BrowserSignIn, Transport: account.Graph, Registration: account.Public},
		{ID: GraphApp, Card: GraphCard, Provider: account.Microsoft365, SignIn: account.AppOnly, Transport: account.Graph},
		{ID: OutlookCom, Card: OutlookCom, Provider: account.OutlookCom, SignIn: account.BrowserSignIn, Transport: account.SMTP, Registration: account.Public},
		{ID: Google, Card: Google, Provider: account.Google, SignIn: account.BrowserSignIn, Transport: account.SMTP, Registration: account.Public},
		{ID: Other, Card: Other, Provider: account.Custom, SignIn: account.PasswordSignIn, Transport: account.SMTP},
		{ID: Password, Card: Password, Provider: account.Microsoft365, SignIn: account.PasswordSignIn, Transport: account.SMTP},
	}
}

// MethodByID returns the method with that ID.
func MethodByID(id string) (Method, bool) {
	for _, m := range Methods() {
		if m.ID == id {
			return m, true
		}
	}
	return Method{}, false
}

// Account returns the account to begin with, under name: the defaults of the
// method, without addresses and without IDs of an app. It has an ID of its own.
func (m Method) Account(name string) account.Account {
	a := account.New(name)
	former := *a
	a.Provider, a.SignIn, a.Transport, a.Registration = m.Provider, m.SignIn, m.Transport, m.Registration
	a.Follow(former)
	return *a
}

// Switch changes the method of an account that was begun with another one. What
// a person gave stays where the new method has a use for it: name, ID, label,
// addresses, and the IDs of the app where both are at Microsoft.
func (m Method) Switch(a account.Account) account.Account {
	to := m.Account(a.Name)
	to.ID, to.Label, to.TestTo, to.NoticeTo = a.ID, a.Label, a.TestTo, a.NoticeTo
	former := to
	to.Username, to.Sender = a.Username, a.Sender
	to.Follow(former)
	if a.HasEntra() && to.HasEntra() && m.SignIn != account.PasswordSignIn {
		to.ClientID = a.ClientID
		if a.Provider != account.OutlookCom && m.Provider != account.OutlookCom {
			former = to
			to.Provider = a.Provider // the same cloud
			to.Follow(former)
			if a.SignIn != account.PasswordSignIn {
				to.Tenant = a.Tenant
			}
		}
	}
	if to.HasEnding() {
		to.SecretExpires = a.SecretExpires
	}
	return to
}

// MethodOf returns the ID of the method that an account was set up by.
func MethodOf(a account.Account) string {
	switch {
	case a.Provider == account.Custom:
		return Other
	case a.SignIn == account.PasswordSignIn:
		return Password
	case a.Provider == account.OutlookCom:
		return OutlookCom
	case a.Provider == account.Google:
		return Google
	case a.Transport == account.Graph && a.SignIn == account.AppOnly:
		return GraphApp
	case a.Transport == account.Graph:
		return GraphBrowser
	case a.SignIn == account.AppOnly:
		return M365App
	}
	return M365Browser
}
