package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// A Scenario is something that goes differently than a client hopes.
type Scenario struct {
	Name string `json:"name"`
	// What says in one sentence what is different.
	What string `json:"what"`

	provider    Provider
	tenant      func(*Tenant)
	exchange    func(*exchangeOptions)
	faults      tokenFaults
	graph       GraphFault    // its zero value is none
	federated   bool          // the application for SMTP trusts the sandbox's issuer
	certificate flaw          // of the SMTP server
	clock       time.Duration // how far the sandbox's clock is ahead
}

// Scenarios lists what Start knows, the default first.
func Scenarios() []Scenario {
	svc := func(change func(*User)) func(*Tenant) {
		return func(t *Tenant) { change(t.user("svc@contoso.com")) }
	}
	return slices.Concat([]Scenario{
		{Name: "default", What: "Everything works; consent is asked for at the first sign-in."},

		// Other clouds and providers.
		{Name: "gcc-high", What: "The tenant is in the US Government's cloud, GCC High.", provider: GCCHigh},
		{Name: "dod", What: "The tenant is in the US Government's cloud of the DoD.", provider: DoD},
		{Name: "21vianet", What: "The tenant is in the cloud that 21Vianet operates in China.", provider: China},
		{Name: "outlook.com", What: "The accounts are personal ones of Outlook.com, without a tenant.", provider: OutlookCom},
		{Name: "google", What: "The accounts are Google's, with Google's sign-in.", provider: GoogleGmail},

		// Signing in.
		{Name: "mfa", What: "svc is asked for a code after the password.",
			tenant: svc(func(u *User) { u.MFA, u.MFACode = true, "135790" })},
		{Name: "user-disabled", What: "The account svc is disabled.",
			tenant: svc(func(u *User) { u.Disabled = true })},
		{Name: "consent-required", What: "Only an administrator may consent; svc is told “Need admin approval”.",
			tenant: func(t *Tenant) { t.UserConsentDisabled = true }},
		{Name: "signing-key-rotated", What: "Every ID token is signed by a new key.",
			faults: tokenFaults{rotateKeys: true}},
		{Name: "clock-off", What: "The sandbox's clock is a day behind, so its tokens look expired.",
			clock: -24 * time.Hour},

		// Tokens.
		{Name: "secret-expired", What: "The client secret of the Web registration has expired.",
			tenant: func(t *Tenant) { a := t.app(webAppID); a.SecretExpires = a.SecretExpires.AddDate(0, -6, -3) }},
		{Name: "token-short-lived", What: "Access tokens are good for 60 seconds.",
			tenant: func(t *Tenant) { t.AccessTokenLifetime = time.Minute }},
		{Name: "refresh-revoked", What: "After the sign-in, the first renewal of the SMTP token finds the sign-in revoked; a new sign-in works.",
			tenant: func(t *Tenant) { t.AccessTokenLifetime = time.Minute },
			faults: tokenFaults{revokeRenewal: true}},
		{Name: "throttled-token-endpoint", What: "The token endpoint answers 429 with Retry-After twice, then works.",
			faults: tokenFaults{throttled: 2}},
		{Name: "token-endpoint-html", What: "A proxy's HTML page comes instead of every answer of the token endpoint.",
			faults: tokenFaults{proxyPage: true}},

		// Exchange.
		{Name: "smtp-auth-off-tenant", What: "SMTP AUTH is off for the organisation.",
			tenant: func(t *Tenant) { t.SMTPAuthDisabled = true }},
		{Name: "smtp-auth-off-mailbox", What: "SMTP AUTH is off for svc's mailbox.",
			tenant: func(t *Tenant) { off := true; t.mailbox("svc@contoso.com").SMTPAuthDisabled = &off }},
		{Name: "starttls-stripped", What: "Somebody on the way removes STARTTLS from the server's list.",
			exchange: func(o *exchangeOptions) { o.NoStartTLS = true }},
		{Name: "certificate-expired", What: "The SMTP server's certificate expired yesterday.", certificate: expired},
		{Name: "certificate-self-signed", What: "The SMTP server's certificate is signed by itself.", certificate: selfSigned},
		{Name: "certificate-wrong-host", What: "The SMTP server's certificate is for mail.example.net.", certificate: wrongHost},
		{Name: "no-pipelining", What: "The SMTP server does not offer PIPELINING.",
			exchange: func(o *exchangeOptions) { o.NoPipelining = true }},
		{Name: "no-chunking", What: "The SMTP server does not offer CHUNKING.",
			exchange: func(o *exchangeOptions) { o.NoChunking = true }},
		{Name: "no-8bitmime", What: "The SMTP server offers neither 8BITMIME nor SMTPUTF8.",
			exchange: func(o *exchangeOptions) { o.No8BitMIME = true }},
		{Name: "challenge-334", What: "A refused token gets a 334 challenge before the 535, as from Google.",
			exchange: func(o *exchangeOptions) { o.Challenge334 = true }},
		{Name: "tarpit", What: "Each 5xx reply comes after 5 seconds, as from Exchange.",
			exchange: func(o *exchangeOptions) { o.Tarpit = exchangeTarpit }},
		{Name: "unpaced", What: "A mailbox may send any number of messages a minute, unlike at Exchange, where those beyond 30 wait.",
			exchange: func(o *exchangeOptions) { o.RatePerMinute = 0 }},
		{Name: "concurrency-limit", What: "A second connection that submits for a mailbox is answered 432.",
			exchange: func(o *exchangeOptions) { o.MaxConnections = 1 }},
	}, appScenarios(), graphScenarios(), mailboxScenarios(), refusals())
}

// What Exchange Online does to every client.
const (
	exchangeTarpit = 5 * time.Second // before each 5xx
	exchangeRate   = 30              // messages of a mailbox a minute
)

// findScenario finds a scenario by name; "" is the default.
func findScenario(name string) (Scenario, error) {
	for _, s := range Scenarios() {
		if s.Name == name || name == "" {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("no sandbox scenario is called %q; traymail sandbox --list names them", name)
}
