package account

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// validateSignIn checks that the parts of the sign-in go together.
func (a *Account) validateSignIn() error {
	if err := a.validateMethod(); err != nil {
		return err
	}
	switch a.SignIn {
	case AppOnly:
		return a.validateApplication()
	case PasswordSignIn:
		return a.validatePassword()
	}
	return a.validateBrowser()
}

// validateMethod checks the choices that the rest depends on.
func (a *Account) validateMethod() error {
	p := a.preset()
	switch {
	case !slices.Contains([]SignIn{BrowserSignIn, AppOnly, PasswordSignIn}, a.SignIn):
		return &FieldError{Key: "sign_in", Text: fmt.Sprintf("%q is not a way to sign in", string(a.SignIn)),
			Fix: `use "browser" (a person signs in once), "app-only" (the application signs in by itself) or "password" (basic authentication)`}
	case !slices.Contains([]Transport{SMTP, Graph, Auto}, a.Transport):
		return &FieldError{Key: "transport", Text: fmt.Sprintf("%q is not a transport", string(a.Transport)), Fix: `use "smtp", "graph" or "auto" (SMTP, and Graph when SMTP AUTH is switched off)`}
	case a.SignIn == AppOnly && !p.appOnly:
		return &FieldError{Key: "sign_in", Text: fmt.Sprintf("%s has no sign-in without a person for mailboxes", a.Provider), Fix: `use sign_in = "browser"`}
	case a.SignIn == PasswordSignIn && a.Provider == OutlookCom:
		return &FieldError{Key: "sign_in", Text: "Outlook.com takes no passwords (basic authentication) any more", Fix: `use sign_in = "browser"`}
	case a.Transport != SMTP && a.GraphURL == "":
		return &FieldError{Key: "transport", Text: fmt.Sprintf("%q needs Microsoft Graph, which %s has not", string(a.Transport), a.Provider), Fix: `use transport = "smtp", or choose a Microsoft provider`}
	case a.Transport != SMTP && a.SignIn == PasswordSignIn:
		return &FieldError{Key: "transport", Text: "Microsoft Graph takes no passwords", Fix: `use transport = "smtp", or another sign_in`}
	case a.SkipSentItems && a.Transport == SMTP:
		return &FieldError{Key: "skip_sent_items", Text: "goes with Microsoft Graph only: over SMTP the mailbox's own settings decide", Fix: `use transport = "graph", or Set-Mailbox -MessageCopyForSMTPClientSubmissionEnabled $false`}
	case a.Mailbox != "" && !slices.Contains([]Mailbox{SenderMailbox, FromMailbox}, a.Mailbox):
		return &FieldError{Key: "mailbox", Text: fmt.Sprintf("%q is not a choice of mailbox", string(a.Mailbox)), Fix: `use "sender" (one mailbox for all, "Use sender email") or "from" (the mailbox of each message's own From)`}
	case a.Mailbox != "" && a.SignIn != AppOnly:
		return &FieldError{Key: "mailbox", Text: fmt.Sprintf("goes with sign_in = \"app-only\" only: here %s is who authenticates", a.Username), Fix: `leave the key out; for other senders give the username Send As on their mailboxes`}
	case a.Mailbox == FromMailbox && a.From != KeepFrom:
		return &FieldError{Key: "from", Text: fmt.Sprintf("%q puts the sender into every message, and mailbox = \"from\" wants each message's own From", string(a.From)), Fix: `leave one of the two keys out`}
	}
	return nil
}

func (a *Account) validateBrowser() error {
	switch {
	case a.Registration != Public && a.Registration != Web:
		return &FieldError{Key: "registration", Text: fmt.Sprintf("%q is not a kind of registration", string(a.Registration)),
			Fix: `use "public" for Mobile and desktop applications, or "web" for a Web platform with a client secret`}
	case a.Credential != "":
		return &FieldError{Key: "credential", Text: `goes with sign_in = "app-only": when a person signs in, the registration decides`,
			Fix: `leave the key out; use registration = "web" for an app with a client secret, or sign_in = "app-only"`}
	case a.AssertionFile != "":
		return &FieldError{Key: "assertion_file", Text: `goes with sign_in = "app-only" and credential = "federated"`, Fix: "leave the key out"}
	}
	if err := a.validateIDs(); err != nil {
		return err
	}
	return a.validateRedirectURL()
}

func (a *Account) validateApplication() error {
	switch {
	case !slices.Contains([]Credential{SecretCredential, CertificateCredential, FederatedCredential}, a.Credential):
		return &FieldError{Key: "credential", Text: fmt.Sprintf("%q is not a credential", string(a.Credential)), Fix: `use "secret", "certificate" or "federated"`}
	case a.Registration != "":
		return &FieldError{Key: "registration", Text: "goes with a sign-in in the browser: an application without a person always has a credential", Fix: `leave the key out; credential says which`}
	case a.RedirectURL != "":
		return &FieldError{Key: "redirect_url", Text: "goes with a sign-in in the browser: an application without a person is redirected nowhere", Fix: "leave the key out"}
	case a.Credential == FederatedCredential && a.AssertionFile == "":
		return &FieldError{Key: "assertion_file", Text: "is missing", Fix: "give the path of the file with the other issuer's token, such as /var/run/secrets/azure/tokens/azure-identity-token"}
	case a.Credential != FederatedCredential && a.AssertionFile != "":
		return &FieldError{Key: "assertion_file", Text: fmt.Sprintf("does not go with credential = %q", string(a.Credential)), Fix: `leave the key out, or use credential = "federated"`}
	case a.HasEntra() && slices.Contains(severalTenants, strings.ToLower(a.Tenant)):
		return &FieldError{Key: "tenant", Text: fmt.Sprintf("%q stands for many tenants, and an application signs in to one (AADSTS50059)", a.Tenant),
			Fix: "copy the Directory (tenant) ID from the app registration's Overview page"}
	case a.ObjectID != "" && !IsGUID(a.ObjectID):
		return &FieldError{Key: "object_id", Text: "is not an ID of the form 00000000-0000-0000-0000-000000000000", Fix: "copy the Object ID from Enterprise applications → the app → Overview, not from App registrations"}
	case a.ObjectID != "" && strings.EqualFold(a.ObjectID, a.ClientID):
		return &FieldError{Key: "object_id", Text: "is the client ID", Fix: "copy the Object ID from Enterprise applications → the app → Overview"}
	}
	return a.validateIDs()
}

func (a *Account) validatePassword() error {
	for _, f := range []struct{ key, value string }{
		{"client_id", a.ClientID}, {"registration", string(a.Registration)}, {"redirect_url", a.RedirectURL},
		{"credential", string(a.Credential)}, {"assertion_file", a.AssertionFile}, {"object_id", a.ObjectID}, {"tenant", a.Tenant},
	} {
		if f.value != "" {
			return &FieldError{Key: f.key, Text: "does not go with a password: basic authentication has no app registration", Fix: "leave the key out, or use another sign_in"}
		}
	}
	return nil
}

// severalTenants are Entra's names that stand for more than one tenant.
var severalTenants = []string{"common", "organizations", "consumers", personalTenant}

// personalTenant is the tenant of all personal accounts.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

func (a *Account) validateIDs() error {
	switch {
	case a.ClientID == "":
		return &FieldError{Key: "client_id", Text: "is missing", Fix: a.clientIDPlace()}
	case a.HasEntra() && !IsGUID(a.ClientID):
		// The value is not repeated: what people paste here by mistake is the secret.
		return &FieldError{Key: "client_id", Text: "is not an ID of the form 00000000-0000-0000-0000-000000000000",
			Fix: "copy the Application (client) ID from the app registration's Overview page, without blanks or quotes"}
	case strings.ContainsAny(a.ClientID, " \t\r\n\"'"):
		return &FieldError{Key: "client_id", Text: "has blanks, quotes or line breaks, which no client ID has", Fix: "copy the client ID again, alone"}
	case a.Provider == Google && !strings.HasSuffix(a.ClientID, ".apps.googleusercontent.com"):
		return &FieldError{Key: "client_id", Text: "is not a client ID of Google", Fix: a.clientIDPlace()}
	case !a.HasEntra() && a.Tenant != "":
		return &FieldError{Key: "tenant", Text: fmt.Sprintf("%s has no tenants", a.Provider), Fix: "leave the key out"}
	case a.HasEntra() && !IsGUID(a.Tenant) && !domainForm.MatchString(a.Tenant) && !slices.Contains(severalTenants, a.Tenant):
		return &FieldError{Key: "tenant", Text: fmt.Sprintf("%q is neither a tenant ID nor a domain", a.Tenant),
			Fix: "copy the Directory (tenant) ID from the app registration's Overview page, or give a domain of the tenant"}
	case a.Provider == OutlookCom && a.Tenant != "consumers" && a.Tenant != "common":
		return &FieldError{Key: "tenant", Text: fmt.Sprintf("%q is a tenant of an organisation, and personal accounts are in none", a.Tenant), Fix: `leave the key out, or use provider = "microsoft365"`}
	}
	return nil
}

// clientIDPlace says where a client ID stands.
func (a *Account) clientIDPlace() string {
	switch {
	case a.Provider == Google:
		return "copy it from Google Cloud console → Google Auth Platform → Clients; it ends in .apps.googleusercontent.com"
	case a.HasEntra():
		return "copy the Application (client) ID from the app registration's Overview page"
	}
	return "copy the client ID from where the app is registered at the provider"
}

func (a *Account) validateRedirectURL() error {
	bad := func(text, fix string) error { return &FieldError{Key: "redirect_url", Text: text, Fix: fix} }
	u, err := url.Parse(a.RedirectURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return bad(fmt.Sprintf("%q is not a redirect URL", a.RedirectURL), "use http://localhost, or the URL exactly as it is registered")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return bad(fmt.Sprintf("%q has more than host, port and path", a.RedirectURL), "use the URL exactly as it is registered, without query or fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return bad(fmt.Sprintf("%q is http to another machine", a.RedirectURL), "Entra takes http for localhost only: use http://localhost, or an https URL with 'traymail login --paste'")
	}
	return nil
}

func (a *Account) validateEndpoints() error {
	if a.SignIn == PasswordSignIn {
		return nil
	}
	browser := a.SignIn == BrowserSignIn
	for _, f := range []struct {
		key, value string
		needed     bool
	}{
		{"authority_url", a.AuthorityURL, a.HasEntra()},
		{"graph_url", a.GraphURL, a.HasEntra()},
		{"exchange_url", a.ExchangeURL, false},
		{"token_url", a.TokenURL, !a.HasEntra()},
		{"authorize_url", a.AuthorizeURL, !a.HasEntra() && browser},
		{"device_url", a.DeviceURL, false},
		{"jwks_url", a.JWKSURL, a.Issuer != ""},
		{"issuer", a.Issuer, a.JWKSURL != ""},
	} {
		u, err := url.Parse(f.value)
		switch {
		case f.value == "" && !f.needed:
		case f.value == "":
			return &FieldError{Key: f.key, Text: "is missing", Fix: "give it as the provider's documentation names it, with https"}
		case f.key == "authorize_url" && !a.HasEntra() && err == nil && u.Scheme == "https" && u.Host != "" && u.Fragment == "" && u.User == nil:
			// A query of its own, such as ?access_type=offline, goes into the request (RFC 6749 §3.1).
		case err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			return &FieldError{Key: f.key, Text: fmt.Sprintf("%q is not an https address", f.value),
				Fix: "give scheme, host and path, such as https://login.microsoftonline.com, or leave the key out"}
		}
	}
	return a.validateTokenURL()
}

// validateTokenURL: at Entra it follows from authority and tenant. One that
// fitted was taken apart before.
func (a *Account) validateTokenURL() error {
	if !a.HasEntra() || a.TokenURL == "" {
		return nil
	}
	return &FieldError{Key: "token_url", Text: fmt.Sprintf("%q is not the token endpoint of tenant %s at %s", a.TokenURL, a.Tenant, a.AuthorityURL),
		Fix: "use " + a.Endpoint("oauth2/v2.0/token") + " or leave the key out, and set tenant to the Directory (tenant) ID"}
}

// validateScopes: a scope without its resource belongs to the resource before
// it, and the token is then for the wrong one.
func (a *Account) validateScopes() error {
	if a.SignIn == PasswordSignIn {
		return nil
	}
	for _, f := range []struct {
		key, value, example string
		needed              bool
	}{
		{"smtp_scope", a.SMTPScope, a.defaultSMTPScope(), a.SendsOver(SMTP)},
		{"graph_scope", a.GraphScope, a.defaultGraphScope(), a.SendsOver(Graph)},
	} {
		switch {
		case f.value == "" && !f.needed:
			continue
		case f.value == "":
			return &FieldError{Key: f.key, Text: "is missing", Fix: "give the scope that the provider's documentation names for SMTP"}
		}
		if a.HasEntra() {
			if err := a.validateEntraScope(f.key, f.value, f.example); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Account) validateEntraScope(key, value, example string) error {
	wrong := func(text string) error {
		return &FieldError{Key: key, Text: fmt.Sprintf("%q %s", value, text), Fix: "use " + example + ", or leave the key out"}
	}
	resource := ""
	for _, scope := range strings.Fields(value) {
		i := strings.LastIndexByte(scope, '/')
		if !strings.Contains(scope, "://") || i < len("https://") {
			return wrong("is not one scope with its resource, written in full")
		}
		if resource != "" && !strings.EqualFold(scope[:i], resource) {
			return wrong("has scopes of two resources, and a token is for one")
		}
		resource = scope[:i]
		if app := strings.HasSuffix(scope, "/.default"); app != (a.SignIn == AppOnly) && (a.SignIn == AppOnly || key == "smtp_scope") {
			if app {
				return wrong("is the scope of an application; a person's sign-in names what it wants")
			}
			return wrong("is a scope of a person's sign-in; an application asks for /.default and gets what was consented to")
		}
	}
	graph := strings.EqualFold(resource, a.GraphURL) || strings.EqualFold(resource, a.preset().graphURL)
	switch {
	case key == "smtp_scope" && graph:
		return wrong("is a scope of Microsoft Graph, and Exchange refuses its tokens (535 5.7.3)")
	case key == "graph_scope" && !graph:
		return wrong("is not a scope of Microsoft Graph at " + a.GraphURL)
	}
	return nil
}
