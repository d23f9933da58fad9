package account

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// New returns an account with a fresh ID and the defaults of Microsoft 365 for
// a sign-in in the browser.
func New(name string) *Account {
	a := &Account{Name: name, ID: newID(), Provider: Microsoft365}
	a.fillIn()
	return a
}

func newID() string {
	b := make([]byte, 10)
	rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// A derived field has a default that follows from the provider and from other
// fields. Its order in derived matters: a default may depend on fields before it.
type derived struct {
	field *string
	// value is the default as the account is now.
	value func() string
	// written says that the file has the field also when it is the default,
	// because a person should see it there.
	written bool
}

func (a *Account) derived() []derived {
	constant := func(s string) func() string { return func() string { return s } }
	return []derived{
		{field: (*string)(&a.SignIn), value: constant(string(BrowserSignIn))},
		{field: (*string)(&a.Transport), value: constant(string(SMTP))},
		{field: (*string)(&a.Credential), value: func() string { return string(a.defaultCredential()) }},
		{field: (*string)(&a.Mailbox), value: func() string { return string(a.defaultMailbox()) }},
		{field: &a.Username, value: a.defaultUsername, written: true},
		{field: &a.Sender, value: func() string { return a.Username }, written: true},
		{field: (*string)(&a.From), value: func() string { return string(a.defaultFrom()) }},
		{field: (*string)(&a.Registration), value: func() string { return string(a.defaultRegistration()) }, written: true},
		{field: &a.RedirectURL, value: a.defaultRedirectURL, written: true},
		{field: &a.Tenant, value: a.defaultTenant, written: true},
		{field: &a.AuthorityURL, value: func() string { return a.preset().authorityURL }},
		{field: &a.AuthorizeURL, value: func() string { return a.preset().authorizeURL }},
		{field: &a.TokenURL, value: func() string { return a.preset().tokenURL }},
		{field: &a.DeviceURL, value: func() string { return a.preset().deviceURL }},
		{field: &a.JWKSURL, value: func() string { return a.preset().jwksURL }},
		{field: &a.Issuer, value: func() string { return a.preset().issuer }},
		{field: &a.GraphURL, value: func() string { return a.preset().graphURL }},
		{field: &a.ExchangeURL, value: func() string { return a.preset().exchangeURL }},
		{field: &a.SMTPScope, value: a.defaultSMTPScope},
		{field: &a.GraphScope, value: a.defaultGraphScope},
		{field: &a.SMTPHost, value: func() string { return a.preset().smtpHost }},
		{field: (*string)(&a.SMTPTLS), value: func() string { return string(a.preset().smtpTLS) }},
		{field: (*string)(&a.SMTPAuth), value: func() string { return string(a.defaultSMTPAuth()) }},
	}
}

// defaultUsername: an application has no name of its own, the mailbox it sends
// for stands for it.
func (a *Account) defaultUsername() string {
	if a.SignIn == AppOnly {
		return a.Sender
	}
	return ""
}

// fillIn sets what is empty to its default, so that the rest of the program
// never asks whether a field was set.
func (a *Account) fillIn() {
	trim(&a.TestTo, &a.NoticeTo, &a.SecretExpires, &a.ClientID, &a.Label, &a.ObjectID, &a.AssertionFile)
	for _, d := range a.derived() {
		trim(d.field)
	}
	a.adoptTokenURL()
	for _, d := range a.derived() {
		if *d.field == "" {
			*d.field = d.value()
		}
	}
	p := a.preset()
	for i, f := range a.numbers() {
		if *f == 0 {
			*f = *p.numbers()[i]
		}
	}
	a.AuthorityURL = strings.TrimRight(a.AuthorityURL, "/")
	a.GraphURL = strings.TrimRight(a.GraphURL, "/")
	a.ExchangeURL = strings.TrimRight(a.ExchangeURL, "/")
	a.SMTPScope = strings.Join(strings.Fields(a.SMTPScope), " ")
	a.GraphScope = strings.Join(strings.Fields(a.GraphScope), " ")
}

// adoptTokenURL takes the tenant, and another cloud's authority, from a token
// endpoint of Entra's form, whole or from the tenant on, as the guides of some
// programs write it. What is left in TokenURL does not follow from the tenant.
func (a *Account) adoptTokenURL() {
	if !a.preset().entra || a.TokenURL == "" {
		return
	}
	authority, path := "", strings.TrimPrefix(a.TokenURL, "/")
	if rest, ok := strings.CutPrefix(path, "https://"); ok {
		host, after, _ := strings.Cut(rest, "/")
		authority, path = "https://"+host, after
	}
	tenant, ok := strings.CutSuffix(path, "/oauth2/v2.0/token")
	if !ok || tenant == "" || strings.Contains(tenant, "/") || a.Tenant != "" && !strings.EqualFold(a.Tenant, tenant) {
		return // Validate says what is wrong with it
	}
	known := a.AuthorityURL
	if known == "" {
		known = a.preset().authorityURL
	}
	if authority != "" && authority != known {
		return
	}
	a.Tenant, a.TokenURL = tenant, ""
}

// Follow changes what followed from other fields of the account as it was,
// former: the sender and the tenant from the username, the hosts and scopes from
// the provider, the redirect URL from the kind of registration. Fields that were
// changed themselves stay, empty ones too.
func (a *Account) Follow(former Account) {
	was := former.derived()
	now := a.derived()
	follows := make([]bool, len(now))
	other := a.Registration != former.Registration // below it may be emptied
	for i, d := range now {
		kindChanged := d.field == &a.RedirectURL && other // whose URL is not the other's
		if *d.field == *was[i].field && (*d.field == was[i].value() || kindChanged) {
			follows[i] = true
			*d.field = ""
		}
	}
	if a.Username == "" && a.Sender == "" { // where an application sends, each is the other's default
		a.Username = former.Username
	}
	for i, d := range now {
		if follows[i] && *d.field == "" {
			*d.field = d.value()
		}
	}
	if a.SecretExpires == former.SecretExpires && !a.HasEnding() {
		a.SecretExpires = "" // it was that of a secret that is gone
	}
	own, p := former.preset(), a.preset()
	for i, f := range a.numbers() {
		if *f == *former.numbers()[i] && *f == *own.numbers()[i] {
			*f = *p.numbers()[i]
		}
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

// withoutPreset returns the account as it is written: what is the default is
// left out, so that a file shows what is particular to the account, and later
// presets apply.
func (a Account) withoutPreset() Account {
	full := a
	was := full.derived()
	for i, d := range a.derived() {
		if !d.written && *d.field == was[i].value() {
			*d.field = ""
		}
	}
	p := full.preset()
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
	return []*int{&l.MessagesPerMinute, &l.Sessions, &l.PipelineDepth, &l.RecipientsPerDay, &l.RecipientsPerMessage, &l.MaxSizeMB}
}
