// Package account says what an account is: one way to send, without its
// secrets. It loads, validates and saves accounts, one TOML file each, and
// knows the presets of the providers.
package account

import (
	"net/url"
	"reflect"
	"slices"
)

// SignIn is how an account proves who it is.
type SignIn string

// The three ways.
const (
	// BrowserSignIn is delegated: a person signs in once, in a browser.
	BrowserSignIn SignIn = "browser"
	// AppOnly signs the application in by itself, without a person (client
	// credentials, RFC 6749 §4.4).
	AppOnly SignIn = "app-only"
	// PasswordSignIn sends a password to the server: basic authentication.
	PasswordSignIn SignIn = "password"
)

// Registration is the kind of app registration that a person signs in to. It
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

// Credential is how an application proves itself.
type Credential string

// The three credentials of an app registration.
const (
	SecretCredential      Credential = "secret"
	CertificateCredential Credential = "certificate"
	FederatedCredential   Credential = "federated" // the token of another issuer, in a file
)

// Transport is the way that messages leave.
type Transport string

// The transports.
const (
	SMTP  Transport = "smtp"
	Graph Transport = "graph" // Microsoft Graph's sendMail
	Auto  Transport = "auto"  // SMTP, and Graph when SMTP AUTH is switched off
)

// Mailbox says whose mailbox an application sends through: user= of XOAUTH2, or
// the user in Graph's address.
type Mailbox string

// The two choices, which some programs call "Use sender email".
const (
	SenderMailbox Mailbox = "sender" // Sender's, for every message
	FromMailbox   Mailbox = "from"   // that of each message's own From
)

// SMTPAuth is the SASL mechanism of the submission server.
type SMTPAuth string

// The mechanisms: two for access tokens, two for passwords.
const (
	XOAUTH2     SMTPAuth = "xoauth2"
	OAuthBearer SMTPAuth = "oauthbearer" // RFC 7628
	PlainAuth   SMTPAuth = "plain"       // RFC 4616
	LoginAuth   SMTPAuth = "login"
)

// SMTPTLS is how the connection to the submission server is protected.
type SMTPTLS string

// The three ways. NoTLS is for a server on this machine that asks for no
// authentication: neither a token nor a password is sent to it.
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
	ID string `toml:"id,omitempty" json:"id,omitempty"`

	Provider string `toml:"provider" json:"provider"`
	// Label is the administrator's own name for it; nothing depends on it.
	Label string `toml:"label,omitempty" json:"label,omitempty"`
	// SignIn is how it proves who it is, and Transport how messages leave.
	SignIn    SignIn    `toml:"sign_in,omitempty" json:"sign_in"`
	Transport Transport `toml:"transport,omitempty" json:"transport"`
	// Username authenticates; Sender stands in From. They may differ. An
	// application has no username of its own: there it is Sender.
	Username string `toml:"username" json:"username"`
	Sender   string `toml:"sender" json:"sender"`
	// TestTo is where the test email goes.
	TestTo string `toml:"test_to,omitempty" json:"test_to,omitempty"`
	// NoticeTo gets the bounces that their sender cannot receive, and the alerts.
	NoticeTo string `toml:"notice_to,omitempty" json:"notice_to,omitempty"`
	// From is what happens to messages from others than Sender.
	From FromPolicy `toml:"from,omitempty" json:"from"`
	// OnBehalf names Username in the Sender field of messages from others, which
	// is how Send on Behalf is asked for (RFC 5322 §3.6.2).
	OnBehalf bool `toml:"on_behalf,omitempty" json:"on_behalf,omitempty"`
	// Senders are addresses, and domains as "@contoso.com", whose messages go
	// through this account when nothing else decides.
	Senders []string `toml:"senders,omitempty" json:"senders,omitempty"`
	// Mailbox is whose mailbox an application sends through.
	Mailbox Mailbox `toml:"mailbox,omitempty" json:"mailbox,omitempty"`
	// SkipSentItems keeps messages that leave through Graph out of Sent Items.
	SkipSentItems bool `toml:"skip_sent_items,omitempty" json:"skip_sent_items,omitempty"`

	Tenant       string       `toml:"tenant,omitempty" json:"tenant,omitempty"`
	ClientID     string       `toml:"client_id,omitempty" json:"client_id,omitempty"`
	Registration Registration `toml:"registration,omitempty" json:"registration,omitempty"`
	RedirectURL  string       `toml:"redirect_url,omitempty" json:"redirect_url,omitempty"`
	// Credential is how an application proves itself; AssertionFile holds the
	// other issuer's token of a federated one.
	Credential    Credential `toml:"credential,omitempty" json:"credential,omitempty"`
	AssertionFile string     `toml:"assertion_file,omitempty" json:"assertion_file,omitempty"`
	// ObjectID is the enterprise application's, for the commands that an
	// administrator of Exchange runs.
	ObjectID string `toml:"object_id,omitempty" json:"object_id,omitempty"`

	// SecretExpires is the day on which the client secret or the certificate
	// ends, "2027-01-31", as the portal shows it; "" is not known.
	SecretExpires string `toml:"secret_expires,omitempty" json:"secret_expires,omitempty"`

	// Timeout is the longest wait for one answer of a server, in seconds; 0 is
	// what the protocols recommend.
	Timeout int `toml:"timeout,omitempty" json:"timeout,omitempty"`

	// What follows comes from the provider's preset unless it is set.

	AuthorityURL string `toml:"authority_url,omitempty" json:"authority_url,omitempty"`
	// The endpoints of a provider that is not Entra; Entra's follow from the
	// authority and the tenant.
	AuthorizeURL string `toml:"authorize_url,omitempty" json:"authorize_url,omitempty"`
	TokenURL     string `toml:"token_url,omitempty" json:"token_url,omitempty"`
	DeviceURL    string `toml:"device_url,omitempty" json:"device_url,omitempty"`
	JWKSURL      string `toml:"jwks_url,omitempty" json:"jwks_url,omitempty"`
	Issuer       string `toml:"issuer,omitempty" json:"issuer,omitempty"`

	GraphURL string `toml:"graph_url,omitempty" json:"graph_url,omitempty"`
	// ExchangeURL is where Exchange's endpoint for administrators is, which tells
	// who may send on behalf of a mailbox.
	ExchangeURL string `toml:"exchange_url,omitempty" json:"exchange_url,omitempty"`
	// The scopes are lists separated by blanks, each of one resource.
	SMTPScope  string   `toml:"smtp_scope,omitempty" json:"smtp_scope,omitempty"`
	GraphScope string   `toml:"graph_scope,omitempty" json:"graph_scope,omitempty"`
	SMTPHost   string   `toml:"smtp_host,omitempty" json:"smtp_host,omitempty"`
	SMTPPort   int      `toml:"smtp_port,omitempty" json:"smtp_port,omitempty"`
	SMTPTLS    SMTPTLS  `toml:"smtp_tls,omitempty" json:"smtp_tls,omitempty"`
	SMTPAuth   SMTPAuth `toml:"smtp_auth,omitempty" json:"smtp_auth,omitempty"`
	// CAFile holds PEM certificates to trust instead of the system's, for the
	// sign-in and the submission server alike.
	CAFile string `toml:"ca_file,omitempty" json:"ca_file,omitempty"`
	Limits
}

// Limits are what the provider takes from one account. traymail keeps below
// them, so that a burst is delivered late instead of refused.
type Limits struct {
	MessagesPerMinute    int `toml:"messages_per_minute,omitempty" json:"messages_per_minute"`
	Sessions             int `toml:"sessions,omitempty" json:"sessions"`             // open at the same time
	PipelineDepth        int `toml:"pipeline_depth,omitempty" json:"pipeline_depth"` // messages under way on one session; 1 is none beside another
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

// The redirect URLs that a new account proposes. A port is left out where the
// provider ignores it, so that the listener takes any free one.
const (
	PublicRedirectURL = "http://localhost"
	WebRedirectURL    = "http://localhost:53682/callback"
)

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
