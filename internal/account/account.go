// Package account says what an account is: one way to send, without its
// secrets. It loads, validates and saves accounts, one TOML file each, and
// knows the presets of the providers.
package account

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Registration is the kind of app registration an account signs in with. It
// decides whether a client secret is sent (RFC 6749 §2.1).
type Registration string

// The two platforms of an Entra app registration that can be used here.
const (
	// Public is "Mobile and desktop applications": no client secret.
	Public Registration = "public"
	// Web has a redirect URL and a client secret, as Endpoint Central's guide
	// registers it.
	Web Registration = "web"
)

// SMTPTLS is how the connection to the submission server is protected.
type SMTPTLS string

// The three ways. NoTLS is for a server on this machine, and without
// authentication.
const (
	STARTTLS    SMTPTLS = "starttls"
	ImplicitTLS SMTPTLS = "implicit"
	NoTLS       SMTPTLS = "none"
)

// An Account is one way to send. The zero value is not usable: New fills in
// what the provider's preset knows, and Validate says what is missing.
type Account struct {
	// Name is the file's name without ".toml"; commands and the window use it.
	Name string `toml:"-" json:"name"`
	// ID names the account's secrets in the keystore. It is made once and never
	// changes, so that two homes, or a renamed account, never share a secret.
	ID string `toml:"id" json:"id"`

	Provider string `toml:"provider" json:"provider"`
	// Username authenticates; Sender stands in From. They may differ.
	Username string `toml:"username" json:"username"`
	Sender   string `toml:"sender" json:"sender"`
	// TestTo is where the test email goes.
	TestTo string `toml:"test_to,omitempty" json:"test_to,omitempty"`

	Tenant       string       `toml:"tenant" json:"tenant"`
	ClientID     string       `toml:"client_id" json:"client_id"`
	Registration Registration `toml:"registration" json:"registration"`
	RedirectURL  string       `toml:"redirect_url" json:"redirect_url"`

	// What follows comes from the provider's preset unless it is set.

	AuthorityURL string  `toml:"authority_url,omitempty" json:"authority_url"`
	GraphURL     string  `toml:"graph_url,omitempty" json:"graph_url"`
	SMTPScope    string  `toml:"smtp_scope,omitempty" json:"smtp_scope"`
	GraphScope   string  `toml:"graph_scope,omitempty" json:"graph_scope"`
	SMTPHost     string  `toml:"smtp_host,omitempty" json:"smtp_host"`
	SMTPPort     int     `toml:"smtp_port,omitempty" json:"smtp_port"`
	SMTPTLS      SMTPTLS `toml:"smtp_tls,omitempty" json:"smtp_tls"`
	// CAFile holds PEM certificates to trust instead of the system's, for the
	// sign-in and the submission server alike.
	CAFile string `toml:"ca_file,omitempty" json:"ca_file,omitempty"`
}

// A preset is what is known of a provider.
type preset struct {
	authorityURL, graphURL string
	smtpScope, graphScope  string
	smtpHost               string
	smtpPort               int
	smtpTLS                SMTPTLS
}

// Microsoft365 is the provider of a new account.
const Microsoft365 = "microsoft365"

var presets = map[string]preset{
	Microsoft365: {
		authorityURL: "https://login.microsoftonline.com",
		graphURL:     "https://graph.microsoft.com",
		// The portal lists SMTP.Send under Microsoft Graph; a token requested
		// that way has Graph as its audience and Exchange refuses it.
		smtpScope:  "https://outlook.office.com/SMTP.Send",
		graphScope: "https://graph.microsoft.com/User.Read",
		smtpHost:   "smtp.office365.com",
		smtpPort:   587,
		smtpTLS:    STARTTLS,
	},
}

// Providers returns the names that Provider may have, sorted.
func Providers() []string {
	names := make([]string, 0, len(presets))
	for n := range presets {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// The redirect URLs that a new account proposes. A port is left out where the
// provider ignores it, so that the listener takes any free one.
const (
	PublicRedirectURL = "http://localhost"
	WebRedirectURL    = "http://localhost:53682/callback"
)

// New returns an account with a fresh ID and the defaults of a provider.
func New(name string) *Account {
	a := &Account{Name: name, ID: newID(), Provider: Microsoft365, Registration: Public}
	a.fillIn()
	return a
}

func newID() string {
	b := make([]byte, 10)
	rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// fillIn sets what is empty to its default, so that the rest of the program
// never asks whether a field was set.
func (a *Account) fillIn() {
	trim(&a.Username, &a.Sender, &a.TestTo, &a.Tenant, &a.ClientID, &a.RedirectURL, &a.AuthorityURL, &a.GraphURL,
		&a.SMTPHost, &a.SMTPScope, &a.GraphScope)
	p := presets[a.Provider]
	fill(&a.Sender, a.Username)
	fill(&a.Tenant, tenantOf(a.Username))
	fill(&a.RedirectURL, proposedRedirectURL(a.Registration))
	fill(&a.AuthorityURL, p.authorityURL)
	fill(&a.GraphURL, p.graphURL)
	fill(&a.SMTPScope, p.smtpScope)
	fill(&a.GraphScope, p.graphScope)
	fill(&a.SMTPHost, p.smtpHost)
	fill(&a.SMTPTLS, p.smtpTLS)
	if a.SMTPPort == 0 {
		a.SMTPPort = p.smtpPort
	}
	a.AuthorityURL = strings.TrimRight(a.AuthorityURL, "/")
	a.GraphURL = strings.TrimRight(a.GraphURL, "/")
}

// Follow changes what followed from other fields of the account as it was,
// former: the sender and the tenant from the username, the redirect URL from
// the kind of registration. Fields that were changed themselves stay.
func (a *Account) Follow(former Account) {
	follow := func(field *string, was, proposal, now string) {
		if *field == was && was == proposal {
			*field = now
		}
	}
	follow(&a.Sender, former.Sender, former.Username, a.Username)
	follow(&a.Tenant, former.Tenant, tenantOf(former.Username), tenantOf(a.Username))
	if a.Registration != former.Registration && a.RedirectURL == former.RedirectURL {
		a.RedirectURL = proposedRedirectURL(a.Registration)
	}
}

func proposedRedirectURL(r Registration) string {
	if r == Web {
		return WebRedirectURL
	}
	return PublicRedirectURL
}

func fill[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}

func trim(fields ...*string) {
	for _, f := range fields {
		*f = strings.TrimSpace(*f)
	}
}

// tenantOf proposes the domain of the username: Entra takes a verified domain
// where it takes a tenant ID.
func tenantOf(username string) string {
	_, domain, _ := strings.Cut(username, "@")
	return strings.ToLower(domain)
}

// withoutPreset returns the account as it is written: what equals the preset
// is left out, so that a file shows what is particular to the account, and
// later presets apply.
func (a Account) withoutPreset() Account {
	p := presets[a.Provider]
	clear := func(field *string, value string) {
		if *field == value {
			*field = ""
		}
	}
	clear(&a.AuthorityURL, p.authorityURL)
	clear(&a.GraphURL, p.graphURL)
	clear(&a.SMTPScope, p.smtpScope)
	clear(&a.GraphScope, p.graphScope)
	clear(&a.SMTPHost, p.smtpHost)
	if a.SMTPTLS == p.smtpTLS {
		a.SMTPTLS = ""
	}
	if a.SMTPPort == p.smtpPort {
		a.SMTPPort = 0
	}
	return a
}

// Endpoint returns an address of the authority for this account's tenant,
// such as Endpoint("oauth2/v2.0/token").
func (a *Account) Endpoint(path string) string {
	return a.AuthorityURL + "/" + url.PathEscape(a.Tenant) + "/" + path
}
