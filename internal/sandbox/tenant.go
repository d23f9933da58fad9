// Package sandbox is a Microsoft 365 tenant in a box, on loopback: the sign-in
// pages and token endpoint of Entra ID, Graph's /me, and an SMTP submission
// server that answers as Exchange Online does. It serves the demo, a rehearsal
// before the real tenant is touched, and the tests.
//
// Nothing in it was tried on a live tenant; what it answers follows public
// documents and transcripts, and where those give an exact text, it sends that
// text.
package sandbox

import (
	"strings"
	"sync"
	"time"
)

// Platform is the platform type of a redirect URI in an app registration. It
// decides whether a client secret is required, forbidden, or neither.
type Platform string

// The platform types that Entra's portal offers.
const (
	PublicClient Platform = "public" // "Mobile and desktop applications": no secret
	Web          Platform = "web"    // confidential: the secret is required
	SPA          Platform = "spa"    // cross-origin redemption only, refresh tokens of 24 h
)

// An App is an app registration together with its enterprise application.
type App struct {
	ClientID     string
	Name         string
	SingleTenant bool
	// Redirects maps each registered redirect URI to its platform type.
	Redirects map[string]Platform
	// Secret is the value of the only client secret, "" when there is none.
	// SecretID is what the portal shows beside it and people paste by mistake.
	Secret, SecretID string
	SecretExpires    time.Time
	Disabled         bool
	// Assigned are the only users who may sign in to the enterprise
	// application, if AssignmentRequired.
	AssignmentRequired bool
	Assigned           []string
	// AllowPublicFlows is "Allow public client flows", which only flows without
	// a redirect URI (device code) look at.
	AllowPublicFlows bool
	// Permissions are the delegated scopes in the registration, in full
	// ("https://outlook.office.com/SMTP.Send").
	Permissions []string
	// AdminConsented are the scopes an administrator has granted for everyone.
	AdminConsented []string

	// ObjectID is the app registration's, EnterpriseID the enterprise
	// application's. Exchange wants the second, and people paste the first.
	ObjectID, EnterpriseID string
	// AppRoles are the application permissions in the registration, in full
	// ("https://outlook.office.com/SMTP.SendAsApp"); GrantedRoles are those that
	// an administrator has consented to.
	AppRoles, GrantedRoles []string
	// Certificates are what was uploaded under Certificates & secrets, in DER.
	Certificates [][]byte
	// FirstCertificateExpired takes the first of Certificates for expired,
	// whatever it says.
	FirstCertificateExpired bool
	// Federated are the federated credentials.
	Federated []FederatedCredential
}

// Provider is the provider, or the national cloud, that a sandbox plays.
type Provider string

// The providers.
const (
	GlobalCloud Provider = ""
	GCCHigh     Provider = "gcc-high"
	DoD         Provider = "dod"
	China       Provider = "21vianet"
	OutlookCom  Provider = "outlook.com" // personal Microsoft accounts
	GoogleGmail Provider = "google"
)

// A FederatedCredential lets an app prove itself with the token of another
// issuer.
type FederatedCredential struct {
	Issuer, Subject, Audience string
	// Keys is the issuer's JWK set, as JSON.
	Keys []byte
}

// A ServicePrincipal is an app as Exchange knows it (New-ServicePrincipal).
type ServicePrincipal struct {
	AppID string
	// ObjectID is what the administrator typed. With any but the enterprise
	// application's, Exchange never finds the permissions again.
	ObjectID string
}

// A RoleAssignment is one of RBAC for Applications.
type RoleAssignment struct {
	AppID string
	Role  string // "Application SMTP.SendAsApp", "Application Mail.Send"
	// Mailboxes are those in the custom resource scope; nil is all.
	Mailboxes []string
}

// A User is an account of the tenant.
type User struct {
	ObjectID string
	UPN      string
	Name     string
	Password string
	// Proxies are further addresses of the same person, without "smtp:".
	Proxies  []string
	Disabled bool
	// Locked is after too many wrong passwords; PasswordExpired wants a new one.
	Locked, PasswordExpired bool
	// MFAUnregistered has to register a second factor before anything else.
	MFAUnregistered bool
	// HomeTenant is the tenant ID of a guest's own organisation, "" for a
	// member. SignInName is what a guest types, instead of the UPN.
	HomeTenant, SignInName string
	// MFA asks for the code after the password; MFACode is the only right one.
	MFA     bool
	MFACode string
	// Admin may consent where UserConsentDisabled stops everybody else.
	Admin bool
	// Consented holds, per client ID, the scopes this user has agreed to.
	Consented map[string][]string
	// Unlicensed users have no Exchange Online plan.
	Unlicensed bool
	// ExchangeAdmin may use the Exchange admin endpoint.
	ExchangeAdmin bool
}

// A Mailbox is what Exchange knows of an address.
type Mailbox struct {
	Address string
	Shared  bool
	// SMTPAuthDisabled is Set-CASMailbox's tri-state: nil inherits the tenant's.
	SMTPAuthDisabled *bool
	// SendAs, SendOnBehalf and FullAccess are who may send as this mailbox, on
	// its behalf, and open it: UPNs, and object IDs of service principals.
	SendAs, SendOnBehalf, FullAccess []string
	// Proxies are further addresses of the mailbox.
	Proxies []string
}

// A Tenant is the directory and its Exchange organisation. Its methods are
// safe for concurrent use; scenarios and tests change it through Change.
type Tenant struct {
	ID     string
	Domain string
	// Provider is whose tenant it is, which decides hosts and behaviour: one of
	// the Provider constants. It never changes.
	Provider Provider

	mu sync.Mutex
	// Below: read and written with mu held (View, Change).

	Users     []*User
	Mailboxes []*Mailbox
	Apps      []*App
	// ServicePrincipals and RoleAssignments are Exchange's.
	ServicePrincipals []ServicePrincipal
	RoleAssignments   []RoleAssignment
	// AccessPolicies restrict, per client ID, the mailboxes that an app may use
	// through Graph (New-ApplicationAccessPolicy); SMTP does not ask them.
	AccessPolicies map[string][]string

	// SMTPAuthDisabled is Set-TransportConfig's switch for the organisation.
	SMTPAuthDisabled bool
	// SecurityDefaults blocks password sign-in to SMTP.
	SecurityDefaults bool
	// BasicAuthAllowed admits passwords to SMTP, as before their retirement.
	BasicAuthAllowed bool
	// ConditionalAccess are the policies in force.
	ConditionalAccess []AccessRule
	// UserConsentDisabled leaves consent to administrators ("Need admin approval").
	UserConsentDisabled bool
	// AccessTokenLifetime is what new access tokens get; zero is Entra's own
	// rule, a random 60 to 90 minutes.
	AccessTokenLifetime time.Duration
	// RefreshTokenLifetime is how long a refresh token may lie unused.
	RefreshTokenLifetime time.Duration
	// RevokedBefore: refresh tokens issued earlier answer AADSTS50173.
	RevokedBefore time.Time

	// propagation is how long Exchange goes on as before after a change; past
	// has what it still goes by, oldest first. now is the tenant's clock.
	propagation time.Duration
	past        []pastTenant
	now         func() time.Time

	console psDirectory // what only PowerShell knows

	inbox []Message
	kept  int // octets of Data in the inbox
	gone  int // messages, the oldest, without Data
}

// inboxLimit is how many octets of messages a tenant keeps in all.
const inboxLimit = 256 << 20

// A Message is one that Exchange accepted.
type Message struct {
	ID         int       `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	// Over is "smtp" or "graph".
	Over string `json:"over"`
	// App is the client ID of the app that sent it without a user.
	App string `json:"app,omitempty"`
	// User authenticated; From and To are the envelope.
	User string   `json:"user"`
	From string   `json:"from"`
	To   []string `json:"to"`
	// MessageID is the header's; ExchangeID is the one in the 250 reply.
	MessageID  string `json:"message_id"`
	ExchangeID string `json:"exchange_id"`
	Subject    string `json:"subject"`
	Size       int    `json:"size"`
	// Turns is how often the client had to wait for this session's server,
	// from the banner (or from the message before) to this message's 250.
	Turns int `json:"turns"`
	// Session counts sessions from 1; First is the first message in it.
	Session int  `json:"session"`
	First   bool `json:"first_in_session"`
	// Data is the message exactly as it was received, CRLF lines; nil once
	// later messages needed the room.
	Data []byte `json:"-"`
}

// Gone tells whether only the message's row is left.
func (m Message) Gone() bool { return m.Data == nil && m.Size > 0 }

// View runs f while nothing changes the tenant.
func (t *Tenant) View(f func(*Tenant)) { t.mu.Lock(); defer t.mu.Unlock(); f(t) }

// Change runs f, which may modify the tenant; what follows sees it, but for
// Exchange where changes take their time.
func (t *Tenant) Change(f func(*Tenant)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.propagation > 0 {
		t.past = append(t.past, pastTenant{t.now().Add(t.propagation), t.snapshot()})
	}
	f(t)
}

// Deliver puts a message in the inbox, numbered from 1, and returns its number.
// The data of the oldest messages makes room for it beyond 256 MiB in all; the
// latest message is always kept.
func (t *Tenant) Deliver(m Message) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.ID = len(t.inbox) + 1
	t.inbox = append(t.inbox, m)
	t.kept += len(m.Data)
	for ; t.kept > inboxLimit && t.gone < len(t.inbox)-1; t.gone++ {
		oldest := &t.inbox[t.gone]
		t.kept -= len(oldest.Data)
		oldest.Data = nil
	}
	return m.ID
}

// Inbox returns what was delivered, oldest first.
func (t *Tenant) Inbox() []Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Message(nil), t.inbox...)
}

// user finds an account by UPN, a guest also by the name it signs in with; call
// with mu held. Nil when there is none.
func (t *Tenant) user(upn string) *User {
	for _, u := range t.Users {
		if strings.EqualFold(u.UPN, upn) || u.SignInName != "" && strings.EqualFold(u.SignInName, upn) {
			return u
		}
	}
	return nil
}

// mailbox finds a mailbox by any of its addresses; call with mu held. Nil when
// there is none.
func (t *Tenant) mailbox(address string) *Mailbox {
	for _, m := range t.Mailboxes {
		if strings.EqualFold(m.Address, address) {
			return m
		}
		for _, p := range m.Proxies {
			if strings.EqualFold(p, address) {
				return m
			}
		}
	}
	return nil
}

// app finds a registration by client ID; call with mu held. Nil when there is
// none.
func (t *Tenant) app(clientID string) *App {
	for _, a := range t.Apps {
		if strings.EqualFold(a.ClientID, clientID) {
			return a
		}
	}
	return nil
}
