package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// A Scenario is something that goes differently than a client hopes. But for
// the default, each breaks one thing, or none if it Works.
type Scenario struct {
	Name string `json:"name"`
	// Group is what the scenario is about: one of the Group constants. The list
	// is in their order.
	Group string `json:"group"`
	// What says in one sentence what is different.
	What string `json:"what"`

	// Meets are the kinds of accounts that meet it, of the Kind constants.
	Meets []string `json:"meets,omitempty"`
	// Works is true where mail can be sent nevertheless: something is unusual,
	// slow or about to break, but nothing has to be mended.
	Works bool `json:"works,omitempty"`
	// Username is the account that meets it, if not svc@contoso.com.
	Username string `json:"username,omitempty"`
	// SignInAs is who signs in at the page, if not Username: a person knows the
	// own name better than the settings do.
	SignInAs string `json:"sign_in_as,omitempty"`
	// Mend are the requests that put exactly this right while the sandbox runs,
	// in their order; those of other kinds of accounts than one's own do no
	// harm. It is empty where Settings or SignIn do.
	Mend []Mend `json:"mend,omitempty"`
	// Settings are the right values, where the fault is in what the client was
	// told: the ready file has the wrong ones.
	Settings []Setting `json:"settings,omitempty"`
	// SignIn is true where somebody has to sign in again, after Mend if there
	// is that too.
	SignIn bool `json:"sign_in,omitempty"`

	provider    Provider
	tenant      func(*Tenant)
	granted     func(*Tenant) // a moment ago, so that it has yet to take effect
	exchange    func(*exchangeOptions)
	exhausted   bool // svc's messages of this minute
	faults      tokenFaults
	graph       GraphFault    // its zero value is none
	federated   string        // whom the application for SMTP trusts the sandbox's issuer about
	certificate flaw          // of the SMTP server
	network     network       // on the way to the servers
	clock       time.Duration // how far the sandbox's clock is ahead
	copied      func(*Ready)  // what a person copied wrongly
}

// A Mend is a POST of a form to the portal: to Ready.PortalURL, "/" and Action.
// The answer is 200, or 201 for an upload.
type Mend struct {
	Action string `json:"action"`
	// Form is the form. The value "{certificate}" stands for the client's own
	// certificate in PEM, which is the request's body then, and "{issuer}" for
	// Ready.FederatedIssuer.
	Form map[string]string `json:"form"`
}

// A Setting is the right value of something that a client is told.
type Setting struct {
	// Kind is which kind of account it is for; "" is every one.
	Kind string `json:"kind,omitempty"`
	// Name is one of username, tenant, client_id, client_secret, smtp_host,
	// smtp_scope and authority.
	Name string `json:"name"`
	// Value may be "". "{authority}" stands for Ready.PortalURL without
	// "/portal", and "{client_secret}" for the new secret that the portal's
	// answer to Mend has.
	Value string `json:"value"`
}

// The kinds of accounts.
const (
	KindDesktop = "desktop"           // a person, with the desktop registration, over SMTP
	KindWeb     = "web"               // a person, with the Web registration and its secret
	KindDevice  = "device"            // a person, with a device code
	KindApp     = "application"       // an application by itself, over SMTP
	KindGraph   = "graph"             // a person, over Graph
	KindMailApp = "graph-application" // an application by itself, over Graph
	KindBasic   = "password"          // a password
)

var (
	people   = []string{KindDesktop, KindWeb, KindDevice, KindGraph}
	apps     = []string{KindApp, KindMailApp}
	overSMTP = []string{KindDesktop, KindWeb, KindDevice, KindApp}
	tokens   = []string{KindDesktop, KindWeb, KindDevice, KindGraph, KindApp, KindMailApp}
	overMail = []string{KindGraph, KindMailApp}
)

// The groups.
const (
	GroupProvider     = "provider"
	GroupNetwork      = "network"
	GroupServer       = "server"
	GroupSettings     = "settings"
	GroupRegistration = "registration"
	GroupSignIn       = "sign-in"
	GroupToken        = "token"
	GroupApplication  = "application"
	GroupMailbox      = "mailbox"
	GroupGraph        = "graph"
	GroupRefusal      = "refusal"
)

// Scenarios lists what Start knows, the default first.
func Scenarios() []Scenario {
	return slices.Concat(
		of(GroupProvider, providerScenarios()), of(GroupNetwork, networkScenarios()), of(GroupServer, serverScenarios()),
		of(GroupSettings, settingScenarios()), of(GroupRegistration, registrationScenarios()),
		of(GroupSignIn, signInScenarios()), of(GroupToken, tokenScenarios()), of(GroupApplication, appScenarios()),
		of(GroupMailbox, slices.Concat(mailboxScenarios(), permissionScenarios())),
		of(GroupGraph, graphScenarios()), of(GroupRefusal, refusals()),
	)
}

// of puts scenarios in a group.
func of(group string, list []Scenario) []Scenario {
	for i := range list {
		list[i].Group = group
	}
	return list
}

// mend makes a Mend; form is pairs of name and value.
func mend(action string, form ...string) Mend {
	m := Mend{Action: action, Form: map[string]string{}}
	for i := 0; i < len(form); i += 2 {
		m.Form[form[i]] = form[i+1]
	}
	return m
}

// mendApps makes the same Mend for several registrations.
func mendApps(ids []string, action string, form ...string) (list []Mend) {
	for _, id := range ids {
		list = append(list, mend("apps/"+id+"/"+action, form...))
	}
	return list
}

var (
	personApps = []string{desktopAppID, webAppID}
	aloneApps  = []string{daemonAppID, graphAppID}
)

// ofSvc changes svc, ofApps some registrations.
func ofSvc(change func(*User)) func(*Tenant) {
	return func(t *Tenant) { change(t.user("svc@contoso.com")) }
}

func ofApps(ids []string, change func(*App)) func(*Tenant) {
	return func(t *Tenant) {
		for _, id := range ids {
			change(t.app(id))
		}
	}
}

// providerScenarios are the default and the other clouds and providers.
func providerScenarios() []Scenario {
	return []Scenario{
		{Name: "default", Works: true, What: "Everything works; consent is asked for at the first sign-in."},
		{Name: "gcc-high", Works: true, What: "The tenant is in the US Government's cloud, GCC High.", provider: GCCHigh},
		{Name: "dod", Works: true, What: "The tenant is in the US Government's cloud of the DoD.", provider: DoD},
		{Name: "21vianet", Works: true, What: "The tenant is in the cloud that 21Vianet operates in China.", provider: China},
		{Name: "outlook.com", Works: true, What: "The accounts are personal ones of Outlook.com, without a tenant.", provider: OutlookCom},
		{Name: "google", Works: true, What: "The accounts are Google's, with Google's sign-in.", provider: GoogleGmail},
	}
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
