package account

import (
	"fmt"
	"slices"
	"strings"
)

// The providers. A national cloud is a provider of its own, because every host
// and scope differs.
const (
	Microsoft365   = "microsoft365"          // the global cloud, and GCC
	Microsoft365US = "microsoft365-gcc-high" // US Government GCC High
	Microsoft365DD = "microsoft365-dod"      // US Government DoD
	Microsoft365CN = "microsoft365-21vianet" // China, operated by 21Vianet
	OutlookCom     = "outlook.com"           // personal Microsoft accounts
	Google         = "google"                // Gmail and Google Workspace
	Custom         = "custom"                // anything else; every address is a setting
)

// A preset is what is known of a provider.
type preset struct {
	// entra: the sign-in is Microsoft's, with tenants and IDs of its form.
	entra bool
	// appOnly: an application can sign in without a person.
	appOnly bool
	// secret: a browser sign-in sends a client secret, whatever the registration.
	secret bool

	tenant                            string // "" is the domain of the username
	redirectURL                       string // "" depends on the registration
	authorityURL, graphURL            string
	exchangeURL                       string // the administrators' endpoint
	authorizeURL, tokenURL, deviceURL string // without entra
	jwksURL, issuer                   string // without entra
	smtpResource                      string // of the scopes for SMTP, with entra
	smtpAppResource                   string // of the scope of an application; "" is the same
	smtpScope                         string // without entra
	smtpHost                          string
	smtpPort                          int
	smtpTLS                           SMTPTLS
	passwordAuth                      SMTPAuth
	limits                            Limits
}

// exchangeLimits are Exchange Online's for one mailbox.
var exchangeLimits = Limits{MessagesPerMinute: 30, Sessions: 3, PipelineDepth: 1, RecipientsPerDay: 10_000, RecipientsPerMessage: 500, MaxSizeMB: 35}

func cloud(login, graph, resource, exchange, smtpHost string) preset {
	return preset{
		entra: true, appOnly: true,
		authorityURL: "https://" + login, graphURL: "https://" + graph, exchangeURL: "https://" + exchange,
		smtpResource: "https://" + resource, smtpHost: smtpHost, smtpPort: 587, smtpTLS: STARTTLS,
		passwordAuth: LoginAuth, limits: exchangeLimits,
	}
}

// presets hold what the providers document. The national clouds' hosts beside
// the login come from third parties.
var presets = func() map[string]preset {
	global := cloud("login.microsoftonline.com", "graph.microsoft.com", "outlook.office.com", "outlook.office365.com", "smtp.office365.com")
	// Microsoft documents the one resource for people and the other for applications.
	global.smtpAppResource = "https://outlook.office365.com"

	personal := cloud("login.microsoftonline.com", "graph.microsoft.com", "outlook.office.com", "outlook.office365.com", "smtp-mail.outlook.com")
	personal.appOnly = false
	personal.exchangeURL = "" // nobody administers it
	personal.tenant = "consumers"
	personal.limits = Limits{MessagesPerMinute: 30, Sessions: 3, PipelineDepth: 1, RecipientsPerDay: 300, RecipientsPerMessage: 100, MaxSizeMB: 25}

	return map[string]preset{
		Microsoft365:   global,
		Microsoft365US: cloud("login.microsoftonline.us", "graph.microsoft.us", "outlook.office365.us", "outlook.office365.us", "smtp.office365.us"),
		Microsoft365DD: cloud("login.microsoftonline.us", "dod-graph.microsoft.us", "outlook.office365.us", "outlook-dod.office365.us", "outlook-dod.office365.us"),
		Microsoft365CN: cloud("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn", "partner.outlook.cn", "outlook.office365.cn", "smtp.partner.outlook.cn"),
		OutlookCom:     personal,
		Google: {
			// Google gives a desktop app a secret too, and says that it is none.
			secret:       true,
			redirectURL:  "http://127.0.0.1",
			authorizeURL: "https://accounts.google.com/o/oauth2/v2/auth",
			tokenURL:     "https://oauth2.googleapis.com/token",
			jwksURL:      "https://www.googleapis.com/oauth2/v3/certs",
			issuer:       "https://accounts.google.com",
			smtpScope:    "https://mail.google.com/",
			smtpHost:     "smtp.gmail.com", smtpPort: 587, smtpTLS: STARTTLS,
			passwordAuth: PlainAuth,
			limits:       Limits{MessagesPerMinute: 30, Sessions: 3, PipelineDepth: 1, RecipientsPerDay: 500, RecipientsPerMessage: 100, MaxSizeMB: 25},
		},
		Custom: {appOnly: true, smtpPort: 587, smtpTLS: STARTTLS, passwordAuth: PlainAuth, limits: exchangeLimits},
	}
}()

// Providers returns the names that Provider may have: the usual one first, the
// others sorted.
func Providers() []string {
	names := make([]string, 0, len(presets))
	for n := range presets {
		if n != Microsoft365 {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return append([]string{Microsoft365}, names...)
}

// graphAtOnce is how many requests Graph takes at once from one application for
// one mailbox.
const graphAtOnce = 4

// preset is the provider's, for this account's transport.
func (a *Account) preset() preset {
	p := presets[a.Provider]
	if a.Transport == Graph {
		p.limits.Sessions = graphAtOnce
	}
	return p
}

// HasEntra reports whether the account signs in at Microsoft Entra ID, or at
// Microsoft for a personal account.
func (a *Account) HasEntra() bool { return a.preset().entra }

// HasClientSecret reports whether the account proves its app with a client secret.
func (a *Account) HasClientSecret() bool {
	switch a.SignIn {
	case AppOnly:
		return a.Credential == SecretCredential
	case BrowserSignIn:
		return a.Registration == Web || a.preset().secret
	}
	return false
}

// HasEnding reports whether the account proves its app with something that ends
// on a day: a client secret or a certificate.
func (a *Account) HasEnding() bool {
	return a.HasClientSecret() || a.SignIn == AppOnly && a.Credential == CertificateCredential
}

// SendsOver reports whether messages can leave over t.
func (a *Account) SendsOver(t Transport) bool { return a.Transport == t || a.Transport == Auto }

func (a *Account) defaultSMTPScope() string {
	p := a.preset()
	switch {
	case !p.entra:
		return p.smtpScope
	case a.SignIn == AppOnly && p.smtpAppResource != "":
		return p.smtpAppResource + "/.default"
	case a.SignIn == AppOnly:
		return p.smtpResource + "/.default"
	}
	// The portal lists SMTP.Send under Microsoft Graph; a token requested that
	// way has Graph as its audience and Exchange refuses it.
	return p.smtpResource + "/SMTP.Send"
}

func (a *Account) defaultGraphScope() string {
	p := a.preset()
	switch {
	case p.graphURL == "":
		return ""
	case a.SignIn == AppOnly:
		return p.graphURL + "/.default"
	case a.Transport == SMTP:
		return p.graphURL + "/User.Read"
	case a.sendsForOthers():
		return p.graphURL + "/Mail.Send " + p.graphURL + "/User.Read " + p.graphURL + "/Mail.Send.Shared"
	}
	return p.graphURL + "/Mail.Send " + p.graphURL + "/User.Read"
}

// sendsForOthers reports whether messages leave from addresses that are not the
// person's own, for which Graph wants Mail.Send.Shared. Personal accounts have
// nobody to share with.
func (a *Account) sendsForOthers() bool {
	return a.Provider != OutlookCom && (!strings.EqualFold(a.Sender, a.Username) || len(a.Senders) > 0 || a.OnBehalf)
}

func (a *Account) defaultSMTPAuth() SMTPAuth {
	if a.SignIn == PasswordSignIn {
		return a.preset().passwordAuth
	}
	return XOAUTH2
}

func (a *Account) defaultRedirectURL() string {
	switch p := a.preset(); {
	case a.SignIn != BrowserSignIn:
		return ""
	case a.Registration == Web:
		return WebRedirectURL
	case p.redirectURL != "":
		return p.redirectURL
	}
	return PublicRedirectURL
}

func (a *Account) defaultTenant() string {
	switch p := a.preset(); {
	case !p.entra || a.SignIn == PasswordSignIn:
		return ""
	case p.tenant != "":
		return p.tenant
	}
	return tenantOf(a.Username)
}

func (a *Account) defaultFrom() FromPolicy {
	if a.SignIn == AppOnly && a.Mailbox == SenderMailbox {
		return ForceFrom // an application has the permission for this one mailbox
	}
	return KeepFrom
}

func (a *Account) defaultCredential() Credential {
	if a.SignIn == AppOnly {
		return SecretCredential
	}
	return ""
}

func (a *Account) defaultMailbox() Mailbox {
	if a.SignIn == AppOnly {
		return SenderMailbox
	}
	return ""
}

func (a *Account) defaultRegistration() Registration {
	if a.SignIn == BrowserSignIn {
		return Public
	}
	return ""
}

// Retirement says what is known of the end of passwords at Microsoft, and is ""
// for other accounts.
func (a *Account) Retirement() string {
	if a.SignIn != PasswordSignIn || !a.HasEntra() {
		return ""
	}
	return "Microsoft switches basic authentication for SMTP off by default at the end of December 2026; an administrator can switch it on again until a final date, " +
		"to be announced in the second half of 2027. Organisations created after December 2026 never have it"
}

// Haste says that the pace is more than the server takes, and is "" for others.
func (a *Account) Haste() string {
	p := a.preset()
	if !p.entra || !a.SendsOver(SMTP) || a.MessagesPerMinute <= p.limits.MessagesPerMinute {
		return ""
	}
	return fmt.Sprintf("Exchange takes %d messages a minute over SMTP from one mailbox, and messages_per_minute is %d: what comes faster is refused for a while, and delivered later",
		p.limits.MessagesPerMinute, a.MessagesPerMinute)
}

// AdminScope is the scope of an access token for Exchange's endpoint for
// administrators, "" where the provider has none. A person needs the permission
// Exchange.ManageV2, and an application Exchange.ManageAsAppV2, which its tokens
// hold when it was granted.
func (a *Account) AdminScope() string {
	p := a.preset()
	resource := p.smtpAppResource
	if resource == "" {
		resource = p.smtpResource
	}
	switch {
	case a.ExchangeURL == "" || !p.entra:
		return ""
	case a.SignIn == AppOnly:
		return resource + "/.default"
	}
	return resource + "/Exchange.ManageV2"
}
