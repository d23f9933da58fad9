// Package account says what an account is: one way to send, without its
// secrets. It loads, validates and saves accounts, one TOML file each, and
// knows the presets of the providers.
package account

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"reflect"
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
	// NoticeTo gets the bounces that their sender cannot receive.
	NoticeTo string `toml:"notice_to,omitempty" json:"notice_to,omitempty"`
	// From is what happens to messages from others than Sender.
	From FromPolicy `toml:"from,omitempty" json:"from"`
	// OnBehalf names Username in the Sender field of messages from others, which
	// is how Send on Behalf is asked for (RFC 5322 §3.6.2).
	OnBehalf bool `toml:"on_behalf,omitempty" json:"on_behalf,omitempty"`
	// Senders are addresses, and domains as "@contoso.com", whose messages go
	// through this account when nothing else decides.
	Senders []string `toml:"senders,omitempty" json:"senders,omitempty"`

	Tenant       string       `toml:"tenant" json:"tenant"`
	ClientID     string       `toml:"client_id" json:"client_id"`
	Registration Registration `toml:"registration" json:"registration"`
	RedirectURL  string       `toml:"redirect_url" json:"redirect_url"`

	// SecretExpires is the day on which the client secret ends, "2027-01-31",
	// as the portal shows it; "" is not known.
	SecretExpires string `toml:"secret_expires,omitempty" json:"secret_expires,omitempty"`

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
	Limits
}

// Limits are what the provider takes from one account. traymail keeps below
// them, so that a burst is delivered late instead of refused.
type Limits struct {
	MessagesPerMinute    int `toml:"messages_per_minute,omitempty" json:"messages_per_minute"`
	Sessions             int `toml:"sessions,omitempty" json:"sessions"` // open at the same time
	RecipientsPerDay     int `toml:"recipients_per_day,omitempty" json:"recipients_per_day"`
	RecipientsPerMessage int `toml:"recipients_per_message,omitempty" json:"recipients_per_message"` // longer lists are split
	MaxSizeMB            int `toml:"max_size_mb,omitempty" json:"max_size_mb"`                       // of a message, in MiB
}

// FromPolicy is what happens to a message whose From is not the account's
// sender.
type FromPolicy string

// The three policies.
const (
	KeepFrom    FromPolicy = "keep"    // it stays; the account needs Send As or Send on Behalf
	ForceFrom   FromPolicy = "force"   // the account's sender takes its place
	RewriteFrom FromPolicy = "rewrite" // the same, and the original goes to Reply-To
)

// A preset is what is known of a provider.
type preset struct {
	authorityURL, graphURL string
	smtpScope, graphScope  string
	smtpHost               string
	smtpPort               int
	smtpTLS                SMTPTLS
	limits                 Limits
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
		limits:     Limits{MessagesPerMinute: 30, Sessions: 3, RecipientsPerDay: 10_000, RecipientsPerMessage: 500, MaxSizeMB: 35},
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
	trim(&a.Username, &a.Sender, &a.TestTo, &a.NoticeTo, &a.SecretExpires, &a.Tenant, &a.ClientID, &a.RedirectURL, &a.AuthorityURL, &a.GraphURL,
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
	fill(&a.From, KeepFrom)
	for i, f := range a.numbers() {
		if *f == 0 {
			*f = *p.numbers()[i]
		}
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
	if a.From == KeepFrom {
		a.From = ""
	}
	for i, f := range a.numbers() {
		if *f == *p.numbers()[i] {
			*f = 0
		}
	}
	return a
}

// numbers are the fields that a preset fills in and that are numbers.
func (a *Account) numbers() []*int { return append(a.Limits.numbers(), &a.SMTPPort) }

func (p *preset) numbers() []*int { return append(p.limits.numbers(), &p.smtpPort) }

func (l *Limits) numbers() []*int {
	return []*int{&l.MessagesPerMinute, &l.Sessions, &l.RecipientsPerDay, &l.RecipientsPerMessage, &l.MaxSizeMB}
}

// Equal reports whether two accounts are the same in every field.
func (a Account) Equal(b Account) bool {
	senders := slices.Equal(a.Senders, b.Senders)
	a.Senders, b.Senders = nil, nil
	return senders && reflect.DeepEqual(a, b)
}

// Endpoint returns an address of the authority for this account's tenant,
// such as Endpoint("oauth2/v2.0/token").
func (a *Account) Endpoint(path string) string {
	return a.AuthorityURL + "/" + url.PathEscape(a.Tenant) + "/" + path
}
