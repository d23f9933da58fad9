package setup

import (
	"slices"

	"traymail/internal/account"
)

// The fields that a person fills in. All but Secret are keys of an account's
// file.
const (
	Username      = "username"
	Sender        = "sender"
	TestTo        = "test_to"
	ClientID      = "client_id"
	Tenant        = "tenant"
	ObjectID      = "object_id"
	RedirectURL   = "redirect_url"
	Secret        = "secret" // client secret or password; in the keystore only
	SecretExpires = "secret_expires"
	SMTPHost      = "smtp_host"
	SMTPPort      = "smtp_port"
	Label         = "label"
	NoticeTo      = "notice_to"
	TokenURL      = "token_url"
	SMTPScope     = "smtp_scope"
	SMTPTLS       = "smtp_tls"
	Mailbox       = "mailbox"
	Timeout       = "timeout"
	PerMinute     = "messages_per_minute"
)

// A Guide is what another program's own instructions for Microsoft 365 ask for.
type Guide struct {
	ID   string
	Name string // the program's
	// Method is the ID of the method that the guide sets up.
	Method string
	// Registration and Credential are the kind of app that the guide registers.
	Registration account.Registration
	Credential   account.Credential
	// Timeout is in seconds, 0 where the guide names none.
	Timeout int
	// Fields are in the guide's order.
	Fields []GuideField
}

// A GuideField is one of account's fields in the guide's own word for it.
type GuideField struct {
	Key  string
	Word string
}

// Word returns the guide's own word for a field, "" when it has none.
func (g Guide) Word(key string) string {
	i := slices.IndexFunc(g.Fields, func(f GuideField) bool { return f.Key == key })
	if i < 0 {
		return ""
	}
	return g.Fields[i].Word
}

// Account returns the account to begin with, as the guide has it.
func (g Guide) Account(name string) account.Account {
	m, _ := MethodByID(g.Method)
	a := m.Account(name)
	former := a
	a.Registration, a.Credential, a.Timeout = g.Registration, g.Credential, g.Timeout
	a.Follow(former)
	return a
}

// GuideByID returns the guide with that ID.
func GuideByID(id string) (Guide, bool) {
	for _, g := range Guides() {
		if g.ID == id {
			return g, true
		}
	}
	return Guide{}, false
}

// Guides returns the guides that are known, as docs/systems has them.
func Guides() []Guide {
	return []Guide{{
		ID: "endpoint-central", Name: "Endpoint Central", Method: M365Browser, Registration: account.Web,
		Fields: []GuideField{
			{SMTPHost, "Server Name"}, {SMTPPort, "Port"}, {Sender, "Sender Email Address"}, {TestTo, "Test Email Address"}, {SMTPTLS, "Enable TLS"},
			{Username, "Username"}, {ClientID, "Client ID"}, {Secret, "Client Secret"}, {RedirectURL, "Redirect URL"},
		},
	}, {
		ID: "secureauth", Name: "SecureAuth", Method: M365App, Credential: account.SecretCredential,
		Fields: []GuideField{
			{SMTPHost, "SMTP Client Server"}, {SMTPPort, "Port"}, {ClientID, "Application (client) ID"}, {Secret, "Client Secret"}, {Tenant, "Directory (tenant) ID"},
			{Sender, "Authorized from Address"}, {ObjectID, "Object ID"},
		},
	}, {
		ID: "sei", Name: "SEI", Method: M365App, Credential: account.SecretCredential,
		Fields: []GuideField{
			{SMTPHost, "SMTP Server"}, {Sender, "Sender Email"}, {SMTPPort, "Port"}, {ClientID, "Client ID"}, {Secret, "Client Secret"}, {NoticeTo, "Secret Expiration Alert"},
			{SecretExpires, "Secret Expiration Date"}, {TokenURL, "Token Endpoint"}, {SMTPScope, "Scopes"}, {SMTPTLS, "Use SSL/TLS"}, {Mailbox, "Use sender email"},
			{ObjectID, "ENTERPRISE_APP_OBJECT_ID"},
		},
	}, {
		ID: "incorta", Name: "Incorta", Method: M365App, Credential: account.SecretCredential,
		Fields: []GuideField{
			{SMTPHost, "SMTP Host"}, {SMTPPort, "Port"}, {Sender, "System Email Address"}, {Mailbox, "Sender's Username Auth"}, {ClientID, "SMTP OAuth Client ID"},
			{Secret, "SMTP OAuth Client Secret"}, {TokenURL, "SMTP OAuth Token Endpoint"}, {SMTPScope, "SMTP OAuth Scope"},
			{ObjectID, "Enterprise Application Object ID"},
		},
	}, {
		ID: "signify", Name: "Signify", Method: GraphApp, Credential: account.SecretCredential, Timeout: 120,
		Fields: []GuideField{
			{Label, "Server Name"}, {Timeout, "Timeout"}, {PerMinute, "Batch Size"}, {Sender, "From Email"}, {ClientID, "Client ID"}, {Secret, "Client Secret"}, {Tenant, "Tenant ID"},
		},
	}}
}
