package admin

import (
	"fmt"

	"traymail/internal/account"
)

// elsewhere is an account that no organisation of Microsoft 365 has: portal
// pages and no PowerShell. Google's pages are own knowledge.
func (h *help) elsewhere() []Step {
	var steps []Step
	switch {
	case h.a.Provider == account.OutlookCom && h.a.SignIn == account.PasswordSignIn:
		steps = []Step{{
			ID: "no-password", Title: "Use a sign-in in the browser",
			Why:  "Outlook.com refuses passwords over SMTP.",
			Note: "traymail account edit " + h.a.Name + ", with a sign-in in the browser and the client ID of an app registration.",
		}}
	case h.a.Provider == account.OutlookCom:
		steps = h.outlookCom()
	case h.a.Provider == account.Google && h.a.SignIn == account.PasswordSignIn:
		steps = []Step{{
			ID: "app-password", Title: "Make an app password",
			Why:   "Google refuses the account's own password over SMTP. An app password needs 2-Step Verification.",
			Where: "Google Account → Security → 2-Step Verification → App passwords", Link: "https://myaccount.google.com/apppasswords",
			Role: "the account's owner; in an organisation its administrator may have switched app passwords off",
		}}
	case h.a.Provider == account.Google:
		steps = h.google()
	default:
		steps = h.custom()
	}
	if h.a.Sender != h.a.Username {
		steps = append(steps, h.alias())
	}
	return append(steps, h.afterwards())
}

func (h *help) outlookCom() []Step {
	registration := Step{
		ID: "registration", Title: "Have an app registration that takes personal Microsoft accounts",
		Why:   "A registration for one organisation refuses them (AADSTS9002332).",
		Where: "Entra → App registrations → the app → Authentication → Supported account types: with personal Microsoft accounts",
		Link:  h.cloud.registrations(), Role: "whoever owns the registration; it is in any organisation of theirs",
	}
	permissions := h.delegated()
	permissions.Takes = "with the sign-in, in which the person consents"
	steps := []Step{registration, h.redirectURL()}
	if h.a.Registration == account.Web {
		steps = append(steps, h.secret())
	}
	return append(steps, permissions)
}

func (h *help) google() []Step {
	const role = "Owner or Editor of the project in Google Cloud"
	return []Step{{
		ID: "project", Title: "Have a project in Google Cloud",
		Why:   "The app that signs in belongs to a project.",
		Where: "Google Cloud console → project picker → New project", Link: "https://console.cloud.google.com/projectcreate", Role: "anybody with a Google account; an organisation may limit it",
	}, {
		ID: "consent-screen", Title: "Configure the consent screen",
		Why:   "It names the app to the person who signs in. In an organisation, Internal needs no review by Google.",
		Where: "Google Cloud console → Google Auth Platform → Branding, then Audience", Link: "https://console.cloud.google.com/auth/audience", Role: role,
		Note: "While an External app is in Testing, each sign-in ends after 7 days and " + h.a.Username + " must stand among the test users: publish it.",
	}, {
		ID: "scope", Title: "Add the scope " + h.a.SMTPScope,
		Why:   "It is the only one with which Gmail takes SMTP.",
		Where: "Google Cloud console → Google Auth Platform → Data Access → Add or remove scopes", Link: "https://console.cloud.google.com/auth/scopes", Role: role,
	}, {
		ID: "client", Title: "Have an OAuth client of the type Desktop app",
		Why:   "Its redirect to this machine needs no registration. Its client secret is sent as well, although Google does not take it for a secret.",
		Where: "Google Cloud console → Google Auth Platform → Clients → Create client → Desktop app", Link: "https://console.cloud.google.com/auth/clients", Role: role,
		Note: "Store the secret: traymail account edit " + h.a.Name + " --secret-stdin",
	}, {
		ID: "trust", Title: "Let the organisation's people use the app", Optional: true,
		Why:   "An administrator of Google Workspace may have limited which apps get at Gmail.",
		Where: "Google Admin console → Security → Access and data control → API controls → Manage third-party app access", Link: "https://admin.google.com/ac/owl/list?tab=configuredApps",
		Role: "Super administrator", Takes: "minutes, up to 24 hours",
	}}
}

func (h *help) custom() []Step {
	if h.a.SignIn == account.PasswordSignIn {
		return []Step{{
			ID: "password", Title: "Have a password that the submission server takes",
			Why:  "Many providers want a password for this one program, made on a page of theirs.",
			Note: fmt.Sprintf("The server is %s:%d, the username %s.", h.a.SMTPHost, h.a.SMTPPort, h.a.Username),
		}}
	}
	client := Step{
		ID: "client", Title: "Have an OAuth client registered at the provider",
		Why:  "The provider knows the app by its client ID and gives it what it asks for.",
		Note: fmt.Sprintf("Client ID %s; scope %s; token endpoint %s.", h.a.ClientID, h.a.SMTPScope, h.a.TokenURL),
	}
	if h.a.SignIn == account.BrowserSignIn {
		client.Title = "Have an OAuth client registered at the provider, with the redirect URL " + h.a.RedirectURL
		client.Note = join(client.Note, "Authorization endpoint "+h.a.AuthorizeURL+".")
	}
	return []Step{client}
}

// alias: other providers let a mailbox send under addresses that it has proved.
func (h *help) alias() Step {
	s := Step{
		ID: "alias", Title: fmt.Sprintf("Let %s send as %s", h.a.Username, h.a.Sender),
		Why: "The provider refuses the message, or puts its own From in, when it does not know the sender as an address of the mailbox.",
	}
	switch h.a.Provider {
	case account.Google:
		s.Where, s.Link = "Gmail → Settings → Accounts → Send mail as", "https://mail.google.com/mail/u/0/#settings/accounts"
	case account.OutlookCom:
		s.Where, s.Link = "Microsoft account → Your info → Account info: aliases", "https://account.live.com/names/manage"
	}
	s.Role = "the owner of " + h.a.Username
	return s
}
