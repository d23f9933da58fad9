package sandbox

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/admin"
)

// validAccount makes a valid account of the sandbox's tenant.
func validAccount(t testing.TB, name string, fields func(*account.Account)) account.Account {
	t.Helper()
	a := account.Account{Name: name, ID: "aaaaaaaaaa", Provider: account.Microsoft365, Tenant: contosoID}
	fields(&a)
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	return a
}

// guides are the accounts of five guides, in the sandbox's tenant, and others is
// one of every further kind that an organisation has.
func guides(t testing.TB) []account.Account {
	app := func(name string, fields func(*account.Account)) account.Account {
		return validAccount(t, name, func(a *account.Account) {
			a.SignIn, a.ClientID, a.Sender = account.AppOnly, daemonAppID, "board@contoso.com"
			fields(a)
		})
	}
	person := func(name string, fields func(*account.Account)) account.Account {
		return validAccount(t, name, func(a *account.Account) {
			a.ClientID, a.Username, a.Sender = desktopAppID, "svc@contoso.com", "board@contoso.com"
			fields(a)
		})
	}
	return []account.Account{
		person("endpoint-central", func(a *account.Account) {
			a.Registration, a.RedirectURL = account.Web, "https://central.contoso.com:8383/emsapi/oauth"
		}),
		app("secureauth", func(a *account.Account) { a.Label, a.ObjectID = "SMTP Mailer application", daemonEnterpriseID }),
		app("sei", func(a *account.Account) {
			a.Mailbox, a.Senders = account.FromMailbox, []string{"svc@contoso.com", "Board@contoso.com", "@sales.contoso.com"}
		}),
		app("incorta", func(a *account.Account) { a.TokenURL, a.Tenant = contosoID+"/oauth2/v2.0/token", "" }),
		app("signify", func(a *account.Account) { a.ClientID, a.Transport = graphAppID, account.Graph }),

		person("same", func(a *account.Account) { a.Sender = "" }),
		person("behalf", func(a *account.Account) {
			a.OnBehalf, a.Senders = true, []string{"Board@contoso.com", "ops@contoso.com", "@contoso.com"}
		}),
		person("graph-person", func(a *account.Account) { a.Transport = account.Graph }),
		app("auto", func(a *account.Account) { a.Transport, a.Credential = account.Auto, account.CertificateCredential }),
		app("dod", func(a *account.Account) {
			a.Provider, a.Credential, a.AssertionFile = account.Microsoft365DD, account.FederatedCredential, "/run/token"
		}),
		person("china", func(a *account.Account) { a.Provider = account.Microsoft365CN }),
		person("password", func(a *account.Account) { a.SignIn, a.Tenant, a.ClientID = account.PasswordSignIn, "", "" }),
	}
}

// emptied is a bench whose tenant nobody has set up: Exchange knows no app, no
// mailbox has granted anything, and SMTP AUTH is off.
func emptied(t *testing.T, a account.Account, o admin.Options) *bench {
	scenario := map[string]string{account.Microsoft365DD: "dod", account.Microsoft365CN: "21vianet"}[a.Provider]
	b := newBench(t, scenario)
	b.Tenant().Change(func(t *Tenant) {
		t.ServicePrincipals, t.SMTPAuthDisabled = nil, true
		for _, m := range t.Mailboxes {
			m.FullAccess, m.SendAs, m.SendOnBehalf = nil, nil, nil
		}
		app := t.app(daemonAppID)
		t.BasicAuthAllowed = a.SignIn == account.PasswordSignIn
		if a.Transport == account.Auto {
			app.AppRoles, app.GrantedRoles = []string{roleSMTP, roleMail}, []string{roleSMTP, roleMail}
		}
		if o.RBAC { // the step no-api-permission is the portal's
			app.GrantedRoles, t.app(graphAppID).GrantedRoles = nil, nil
		}
	})
	return b
}

// setups runs a test for each account in each way that it can be set up.
func setups(t *testing.T, do func(t *testing.T, a account.Account, o admin.Options, steps []admin.Step)) {
	for _, a := range guides(t) {
		for name, o := range map[string]admin.Options{a.Name: {}, a.Name + " by RBAC": {RBAC: true}} {
			steps, err := admin.Steps(a, o)
			if errors.Is(err, admin.ErrNoRBAC) {
				continue
			}
			t.Run(name, func(t *testing.T) { do(t, a, o, steps) })
		}
	}
}

// state is everything that a script can change.
func (b *bench) state() string {
	b.Helper()
	var all []any
	b.Tenant().View(func(t *Tenant) {
		all = append(all, describeOrganisation(t), t.AccessPolicies, t.console.uninstalled)
		for _, a := range t.Apps {
			all = append(all, describeRegistration(t, a))
		}
		for _, g := range t.console.groups {
			all = append(all, g.name, g.members, g.hidden)
		}
		for _, s := range t.console.scopes {
			all = append(all, s.name, s.filter)
		}
		for _, r := range t.console.assignments {
			all = append(all, r.name, r.mailboxes)
		}
		for _, p := range t.console.policies {
			all = append(all, p.name, p.smtp)
		}
		for id, p := range t.console.userPolicies {
			all = append(all, id, p.name)
		}
	})
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// sends tries to send as the account does.
func (b *bench) sends(a account.Account, from string) (said string) {
	b.Helper()
	if a.SignIn == account.AppOnly && a.Transport == account.Graph {
		token, _ := b.applicationToken("client_id", graphAppID, "client_secret", "gph8Q~graph-client-secret-value-of-the-sandbox", "scope", "https://graph.microsoft.com/.default")
		return b.graphPost("/v1.0/users/"+from+"/sendMail", simple(""), token)
	}
	var token string
	if a.SignIn == account.PasswordSignIn {
		return map[bool]string{true: "235, 250"}[b.smtpPassword("svc@contoso.com", "svc-password-1") == "235"]
	}
	if a.SignIn == account.AppOnly {
		token, _ = b.applicationToken("scope", strings.Fields(a.SMTPScope)[0])
		return strings.Join(b.smtpSubmit(from, token, from), ", ")
	}
	token = b.redeem(b.signIn("scope", "openid offline_access "+a.SMTPScope), "scope", a.SMTPScope).AccessToken
	return strings.Join(b.smtpSubmit("svc@contoso.com", token, from), ", ")
}

func (b *bench) powerShell(script string) (status int, output string) {
	b.Helper()
	v := b.post(b.browser(), b.PortalURL+"/powershell?answer="+daemonEnterpriseID, map[string][]string{"script": {script}}, nil)
	return v.status, v.body
}

// objectIDOf is what a person would say when the script asks.
func objectIDOf(a account.Account) string {
	if a.ClientID == graphAppID {
		return graphEnterpriseID
	}
	return daemonEnterpriseID
}

func TestEachScriptOfAnAccountMakesItSend(t *testing.T) {
	setups(t, func(t *testing.T, a account.Account, o admin.Options, steps []admin.Step) {
		b := emptied(t, a, o)
		from := a.Sender
		// A person's Graph needs nothing of Exchange here but the mailbox.
		tries := a.Name != "graph-person"
		graph := a.Transport == account.Graph
		before := ""
		if tries && (!graph || o.RBAC) {
			if before = b.sends(a, from); before == "235, 250" || before == "202" {
				t.Fatalf("it sends before anything was done: %s", before)
			}
		}
		script := admin.Script(a, steps)
		var first string
		for round := range 2 {
			window := newPSSession(b.Tenant())
			window.answers = []string{"no Object ID", objectIDOf(a)}
			output, ok := window.run(script)
			if !ok {
				t.Fatalf("round %d: %s", round+1, output)
			}
			if round == 0 {
				first = b.state()
			} else if again := b.state(); again != first {
				t.Errorf("the second run changes\n%s\nto\n%s", first, again)
			}
		}
		if want := map[bool]string{false: "235, 250", true: "202"}[graph]; tries {
			if got := b.sends(a, from); got != want {
				t.Errorf("it says %q afterwards, and %q before", got, before)
			}
		}
	})
}

func TestEachStepRunsAfterTheOthersAndAgain(t *testing.T) {
	setups(t, func(t *testing.T, a account.Account, o admin.Options, steps []admin.Step) {
		b := emptied(t, a, o)
		exchange, graph := newPSSession(b.Tenant()), newPSSession(b.Tenant())
		for _, s := range steps {
			var first string
			for round := range 2 {
				window := exchange
				if s.ID == "connect-graph" {
					window = graph
				}
				window.answers = []string{objectIDOf(a)}
				if output, ok := window.run(s.Command); !ok && s.Command != "" {
					t.Fatalf("%s, round %d: %s", s.ID, round+1, output)
				}
				if round == 0 {
					first = b.state()
				} else if b.state() != first {
					t.Errorf("%s changes something when it runs again", s.ID)
				}
			}
		}
		// What every check prints when all is done.
		for _, s := range steps {
			if s.Verify == "" {
				continue
			}
			window := exchange
			if strings.Contains(s.Verify, "-Mg") {
				window = graph
			}
			output, ok := window.run(s.Verify)
			if !ok || strings.Contains(output, "couldn't be found") {
				t.Errorf("the check of %s fails: %s", s.ID, output)
			}
			for _, want := range promised(a, o, s) {
				if !strings.Contains(output, want) {
					t.Errorf("the check of %s prints %q without %q; promised: %s", s.ID, output, want, s.Expect)
				}
			}
		}
	})
}

// promised is what the check of a step prints, of what its Expect says in words.
func promised(a account.Account, o admin.Options, s admin.Step) []string {
	id := objectIDOf(a)
	switch s.ID {
	case "object-id":
		return []string{id + "\n"}
	case "service-principal":
		return []string{"AppId       : " + a.ClientID + "\n", "ObjectId    : " + id + "\n", "DisplayName : "}
	case "licence":
		return []string{"RecipientTypeDetails : UserMailbox\n", "PrimarySmtpAddress   : svc@contoso.com\n"}
	case "smtp-auth":
		return []string{"SmtpClientAuthenticationDisabled : False\n"}
	case "smtp-auth-organisation":
		return []string{"SmtpClientAuthenticationDisabled : True\n"}
	case "full-access":
		return []string{"board@contoso.com " + id + " {FullAccess} False\n"}
	case "send-as":
		if a.SignIn == account.AppOnly {
			return []string{"board@contoso.com " + id + " {SendAs}\n"}
		}
		return []string{"board@contoso.com svc@contoso.com {SendAs}     Allow\n"}
	case "send-on-behalf":
		return []string{"GrantSendOnBehalfTo : {Mail Service}\n"}
	case "no-api-permission":
		return []string{"False\n"}
	case "group":
		return []string{"\nboard@contoso.com\n", "HiddenFromAddressListsEnabled : True\n"}
	case "scope":
		return []string{"RecipientFilter : MemberOfGroup -eq 'CN=traymail " + a.Name + " senders,OU="}
	case "role-smtp.sendasapp":
		return []string{"Application SMTP.SendAsApp traymail " + a.Name + " scope", " True\n"}
	case "role-mail.send":
		return []string{"Application Mail.Send", " True\n"}
	case "role-mail.readwrite":
		return []string{"Application Mail.ReadWrite", " True\n"}
	case "authentication-policy-own":
		return []string{"AuthenticationPolicy : traymail SMTP\n"}
	case "authentication-policy":
		return []string{"traymail SMTP True\n"}
	case "admin-consent":
		if a.SignIn == account.AppOnly {
			return []string{"True\n"}
		}
	}
	return nil
}

func TestTheVerificationOfAnEmptyTenantShowsWhatIsMissing(t *testing.T) {
	for _, a := range guides(t) {
		if a.Name != "incorta" && a.Name != "endpoint-central" {
			continue
		}
		steps, err := admin.Steps(a, admin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := emptied(t, a, admin.Options{})
		before := b.state()
		output, _ := newPSSession(b.Tenant()).run(admin.VerifyScript(a, steps))
		want := []string{"SmtpClientAuthenticationDisabled :\n", "SmtpClientAuthenticationDisabled : True\n"}
		if a.Name == "incorta" {
			want = append(want, "object '"+daemonAppID+"' couldn't be found")
		}
		for _, w := range want {
			if !strings.Contains(output, w) {
				t.Errorf("%s: %q is not in\n%s", a.Name, w, output)
			}
		}
		if strings.Contains(output, "{SendAs}") || strings.Contains(output, "{FullAccess}") {
			t.Errorf("%s: it shows permissions that nobody has:\n%s", a.Name, output)
		}
		if b.state() != before {
			t.Errorf("%s: the verification changes something", a.Name)
		}
	}
}

func TestTheVerificationByGraphShowsTheConsent(t *testing.T) {
	for _, a := range guides(t) {
		steps, err := admin.Steps(a, admin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		script := admin.VerifyGraphScript(a, steps)
		if script == "" {
			continue
		}
		b := emptied(t, a, admin.Options{})
		app := a.SignIn == account.AppOnly
		consented := func(yes bool) {
			b.Tenant().Change(func(t *Tenant) {
				target := t.app(a.ClientID)
				if app && !yes {
					target.GrantedRoles = nil
				}
				if app && yes {
					target.GrantedRoles = slices.Clone(target.AppRoles)
				}
				if !app && yes {
					target.AdminConsented = []string{"offline_access", exchangeID + "/SMTP.Send", graphID + "/User.Read"}
				}
			})
		}
		for _, yes := range []bool{false, true} {
			consented(yes)
			output, ok := newPSSession(b.Tenant()).run(script)
			shows := strings.Contains(output, "ConsentType : AllPrincipals") && strings.Contains(output, "SMTP.Send\n") && strings.Contains(output, "offline_access User.Read")
			if app {
				shows = strings.Contains(output, "True") && !strings.Contains(output, "False")
			}
			if !ok || shows != yes {
				t.Errorf("%s with consent %v: %v %s", a.Name, yes, ok, output)
			}
		}
	}
}

// A tenant without Exchange Online has no enterprise application of it, and so
// no permission to look for.
func TestAConsentIsNotSeenWhereTheAPIIsNotInTheTenant(t *testing.T) {
	a := guides(t)[1]
	steps, err := admin.Steps(a, admin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := emptied(t, a, admin.Options{})
	b.Tenant().Change(func(t *Tenant) { t.app(daemonAppID).GrantedRoles = nil })
	script := strings.ReplaceAll(admin.VerifyGraphScript(a, steps), "00000002-0000-0ff1-ce00-000000000000", "00000002-0000-0000-0000-000000000000")
	if output, ok := newPSSession(b.Tenant()).run(script); !ok || !strings.Contains(output, "False\n") || strings.Contains(output, "True") {
		t.Error(ok, output)
	}
}

func TestTheScriptEndsWhereTheObjectIDIsNone(t *testing.T) {
	for _, a := range guides(t) {
		if a.Name != "incorta" {
			continue
		}
		steps, err := admin.Steps(a, admin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := emptied(t, a, admin.Options{})
		before := b.state()
		for _, answers := range [][]string{nil, {"", "none", daemonAppID, daemonEnterpriseID}} {
			s := newPSSession(b.Tenant())
			s.answers = answers
			output, ok := s.run(admin.Script(a, steps))
			want := map[bool]string{true: "Read and Prompt functionality is not available", false: "That is not the Object ID"}[answers == nil]
			if ok || !strings.Contains(output, want) || b.state() != before {
				t.Errorf("with %q: %v %s", answers, ok, output)
			}
		}
	}
}

// Exchange adds a mailbox to a group by any of its addresses, and refuses to do
// it twice.
func TestASenderThatIsAnAliasIsPutIntoItsGroupOnce(t *testing.T) {
	a := validAccount(t, "alias", func(a *account.Account) {
		a.SignIn, a.ClientID, a.Sender, a.ObjectID = account.AppOnly, daemonAppID, "service@contoso.com", daemonEnterpriseID
	})
	steps, err := admin.Steps(a, admin.Options{RBAC: true})
	if err != nil {
		t.Fatal(err)
	}
	b := emptied(t, a, admin.Options{RBAC: true})
	for round := range 2 {
		if output, ok := newPSSession(b.Tenant()).run(admin.Script(a, steps)); !ok {
			t.Errorf("round %d: %s", round+1, output)
		}
	}
}
