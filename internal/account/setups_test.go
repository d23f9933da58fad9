package account

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tenantID = "99999999-8888-7777-6666-555555555555"

// application returns a complete account of an application.
func application() *Account {
	a := New("app")
	former := *a
	a.SignIn, a.Sender, a.ClientID, a.Tenant = AppOnly, "noreply@contoso.com", clientID, tenantID
	a.Follow(former)
	return a
}

func TestAnApplicationNeedsItsMailboxTenantAndClientIDAlone(t *testing.T) {
	a := application()
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	want := &Account{
		Name: "app", ID: a.ID, Provider: Microsoft365, SignIn: AppOnly, Transport: SMTP, Credential: SecretCredential, Mailbox: SenderMailbox,
		Username: "noreply@contoso.com", Sender: "noreply@contoso.com", From: ForceFrom, Tenant: tenantID, ClientID: clientID,
		AuthorityURL: "https://login.microsoftonline.com", GraphURL: "https://graph.microsoft.com", ExchangeURL: "https://outlook.office365.com",
		SMTPScope: "https://outlook.office365.com/.default", GraphScope: "https://graph.microsoft.com/.default",
		SMTPHost: "smtp.office365.com", SMTPPort: 587, SMTPTLS: STARTTLS, SMTPAuth: XOAUTH2, Limits: exchangeLimits,
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("unexpected account (-want +got):\n%s", diff)
	}
	if !a.HasClientSecret() {
		t.Error("it has no client secret")
	}
}

func TestEachProviderHasItsHostsAndScopes(t *testing.T) {
	tests := []struct {
		provider  string
		signIn    SignIn
		client    string
		authority string
		host      string
		scope     string
		graph     string
	}{
		{Microsoft365, BrowserSignIn, clientID, "https://login.microsoftonline.com", "smtp.office365.com", "https://outlook.office.com/SMTP.Send", "https://graph.microsoft.com/User.Read"},
		{Microsoft365US, AppOnly, clientID, "https://login.microsoftonline.us", "smtp.office365.us", "https://outlook.office365.us/.default", "https://graph.microsoft.us/.default"},
		{Microsoft365DD, AppOnly, clientID, "https://login.microsoftonline.us", "outlook-dod.office365.us", "https://outlook.office365.us/.default", "https://dod-graph.microsoft.us/.default"},
		{Microsoft365CN, BrowserSignIn, clientID, "https://login.partner.microsoftonline.cn", "smtp.partner.outlook.cn", "https://partner.outlook.cn/SMTP.Send", "https://microsoftgraph.chinacloudapi.cn/User.Read"},
		{OutlookCom, BrowserSignIn, clientID, "https://login.microsoftonline.com", "smtp-mail.outlook.com", "https://outlook.office.com/SMTP.Send", "https://graph.microsoft.com/User.Read"},
		{Google, BrowserSignIn, "123-abc.apps.googleusercontent.com", "", "smtp.gmail.com", "https://mail.google.com/", ""},
	}
	for _, tt := range tests {
		t.Run(tt.provider, func(t *testing.T) {
			a := &Account{Name: "a", ID: "abcdefgh", Provider: tt.provider, SignIn: tt.signIn, Username: "svc@contoso.com", ClientID: tt.client}
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			got := []string{a.AuthorityURL, a.SMTPHost, a.SMTPScope, a.GraphScope}
			if diff := cmp.Diff([]string{tt.authority, tt.host, tt.scope, tt.graph}, got); diff != "" {
				t.Errorf("unexpected hosts and scopes (-want +got):\n%s", diff)
			}
		})
	}
	if len(tests) != len(Providers())-1 { // Custom knows nothing
		t.Errorf("there are %d providers", len(Providers()))
	}
}

func TestATokenEndpointOfEntrasFormGivesTheTenant(t *testing.T) {
	tests := []struct{ name, endpoint, tenant, left string }{
		{"whole, as SEI's guide has it", "https://login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token", tenantID, ""},
		{"from the tenant on, as Incorta's guide has it", tenantID + "/oauth2/v2.0/token", tenantID, ""},
		{"of a domain", "/contoso.com/oauth2/v2.0/token", "contoso.com", ""},
		{"of version 1", "https://login.microsoftonline.com/" + tenantID + "/oauth2/token", "contoso.com", "refused"},
		{"of another cloud", "https://login.microsoftonline.us/" + tenantID + "/oauth2/v2.0/token", "contoso.com", "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := application()
			a.Tenant, a.TokenURL = "", tt.endpoint
			err := a.Validate()
			var f *FieldError
			if refused := errors.As(err, &f) && f.Key == "token_url"; refused != (tt.left != "") || err != nil && !refused {
				t.Fatalf("Validate = %v", err)
			}
			if a.Tenant != tt.tenant {
				t.Errorf("tenant %s, want %s", a.Tenant, tt.tenant)
			}
		})
	}
}

func TestPartsThatDoNotGoTogetherAreRefusedWithTheReason(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Account)
		key    string
		text   string
	}{
		{"an application on common", func(a *Account) { a.Tenant = "common" }, "tenant", "AADSTS50059"},
		{"an application in the tenant of personal accounts", func(a *Account) { a.Tenant = "9188040d-6c67-4c5b-b112-36a304b66dad" }, "tenant", "AADSTS50059"},
		{"an application with a redirect URL", func(a *Account) { a.RedirectURL = "http://localhost" }, "redirect_url", "redirected nowhere"},
		{"an application with a kind of registration", func(a *Account) { a.Registration = Public }, "registration", "always has a credential"},
		{"an application with a person's scope", func(a *Account) { a.SMTPScope = "https://outlook.office.com/SMTP.Send" }, "smtp_scope", "person's sign-in"},
		{"an application with Graph's scope for SMTP", func(a *Account) { a.SMTPScope = "https://graph.microsoft.com/.default" }, "smtp_scope", "scope of Microsoft Graph"},
		{"Exchange's scope for Graph", func(a *Account) { a.Transport, a.GraphScope = Graph, "https://outlook.office365.com/.default" }, "graph_scope", "not a scope of Microsoft Graph"},
		{"a federated credential without its file", func(a *Account) { a.Credential = FederatedCredential }, "assertion_file", "is missing"},
		{"a file without a federated credential", func(a *Account) { a.AssertionFile = "/token" }, "assertion_file", "does not go with"},
		{"an unknown credential", func(a *Account) { a.Credential = "key" }, "credential", "not a credential"},
		{"Send on Behalf without a person", func(a *Account) { a.OnBehalf = true }, "on_behalf", "sends without one"},
		{"each message's From, and the sender in each", func(a *Account) { a.Mailbox, a.From = FromMailbox, ForceFrom }, "from", "each message's own From"},
		{"the registration's object ID for the enterprise application's", func(a *Account) { a.ObjectID = clientID }, "object_id", "is the client ID"},
		{"an application at Google", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Google, SignIn: AppOnly, Sender: "a@gmail.com", ClientID: clientID}
		}, "sign_in", "no sign-in without a person"},
		{"an application at Outlook.com", func(a *Account) { a.Provider = OutlookCom }, "sign_in", "no sign-in without a person"},
		{"a person with an application's scope", func(a *Account) { *a = *contoso(); a.SMTPScope = "https://outlook.office365.com/.default" }, "smtp_scope", "scope of an application"},
		{"a person with a certificate", func(a *Account) { *a = *contoso(); a.Credential = CertificateCredential }, "credential", "goes with sign_in = \"app-only\""},
		{"a person with a mailbox to choose", func(a *Account) { *a = *contoso(); a.Mailbox = FromMailbox }, "mailbox", "who authenticates"},
		{"scopes of two resources", func(a *Account) { *a = *contoso(); a.SMTPScope += " https://graph.microsoft.com/User.Read" }, "smtp_scope", "two resources"},
		{"a password with Graph", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Microsoft365, SignIn: PasswordSignIn, Transport: Graph, Username: "a@contoso.com"}
		}, "transport", "takes no passwords"},
		{"a password with a client ID", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Microsoft365, SignIn: PasswordSignIn, ClientID: clientID, Username: "a@contoso.com"}
		}, "client_id", "does not go with a password"},
		{"a password by XOAUTH2", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Microsoft365, SignIn: PasswordSignIn, SMTPAuth: XOAUTH2, Username: "a@contoso.com"}
		}, "smtp_auth", "does not go with"},
		{"Graph at Google", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Google, Transport: Graph, Username: "a@gmail.com", ClientID: "1.apps.googleusercontent.com"}
		}, "transport", "needs Microsoft Graph"},
		{"Sent Items over SMTP", func(a *Account) { a.SkipSentItems = true }, "skip_sent_items", "Microsoft Graph only"},
		{"an organisation's tenant at Outlook.com", func(a *Account) { *a = *contoso(); a.Provider, a.Tenant = OutlookCom, "contoso.com" }, "tenant", "personal accounts are in none"},
		{"a client ID of Entra at Google", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Google, Username: "a@gmail.com", ClientID: clientID}
		}, "client_id", "not a client ID of Google"},
		{"a custom provider without endpoints", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Custom, Username: "a@x.org", ClientID: "c", SMTPHost: "smtp.x.org", SMTPScope: "mail"}
		}, "token_url", "is missing"},
		{"a custom provider without a server", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Custom, SignIn: PasswordSignIn, Username: "a@x.org"}
		}, "smtp_host", "is missing"},
		{"a password at Outlook.com", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: OutlookCom, SignIn: PasswordSignIn, Username: "a@outlook.com"}
		}, "sign_in", "takes no passwords"},
		{"the end of a secret that a person has not", func(a *Account) { *a = *contoso(); a.SecretExpires = "2031-01-31" }, "secret_expires", "has neither"},
		{"the end of a federated credential", func(a *Account) {
			a.Credential, a.AssertionFile, a.SecretExpires = FederatedCredential, "/token", "2031-01-31"
		}, "secret_expires", "has neither"},
		{"a fragment in another provider's address", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Custom, Username: "a@x.org", ClientID: "c", SMTPHost: "smtp.x.org", SMTPScope: "mail", TokenURL: "https://x.org/t", AuthorizeURL: "https://x.org/a?b=c#d"}
		}, "authorize_url", "not an https address"},
		{"a query in Entra's address", func(a *Account) { *a = *contoso(); a.AuthorizeURL = "https://proxy.example.org/a?b=c" }, "authorize_url", "not an https address"},
		{"a timeout below zero", func(a *Account) { a.Timeout = -1 }, "timeout", "out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := application()
			tt.change(a)
			err := a.Validate()
			var f *FieldError
			if !errors.As(err, &f) {
				t.Fatalf("Validate = %v, want a *FieldError", err)
			}
			if f.Key != tt.key || !strings.Contains(f.Text, tt.text) || f.Fix == "" {
				t.Errorf("got key %q, text %q, fix %q; want key %q and a text with %q", f.Key, f.Text, f.Fix, tt.key, tt.text)
			}
		})
	}
}

func with(a *Account, change func(*Account)) *Account {
	change(a)
	return a
}

// setups are accounts of every kind.
func setups(t *testing.T) []Account {
	t.Helper()
	person := *contoso()
	app := *application()
	app.Label, app.Timeout, app.SecretExpires = "Payroll alerts", 120, "2027-01-31"
	open := *application()
	open.Name, open.Mailbox, open.Credential, open.AssertionFile = "open", FromMailbox, FederatedCredential, "/run/token"
	open.From = KeepFrom
	graph := *application()
	graph.Name, graph.Transport, graph.SkipSentItems, graph.Credential = "graph", Graph, true, CertificateCredential
	password := Account{Name: "legacy", ID: newID(), Provider: Microsoft365, SignIn: PasswordSignIn, Username: "svc@contoso.com", Senders: []string{"@contoso.com"}}
	custom := Account{Name: "custom", ID: newID(), Provider: Custom, Username: "me@example.org", ClientID: "abc", AuthorizeURL: "https://id.example.org/a?access_type=offline",
		TokenURL: "https://id.example.org/t", SMTPScope: "smtp offline_access", SMTPHost: "smtp.example.org", SMTPAuth: OAuthBearer}
	all := []Account{person, app, open, graph, password, custom}
	for i := range all {
		if err := all[i].Validate(); err != nil {
			t.Fatalf("%s: %v", all[i].Name, err)
		}
	}
	return all
}

func TestEverySetupComesBackFromItsFile(t *testing.T) {
	d := Dir(t.TempDir())
	for _, a := range setups(t) {
		if err := d.Save(&a); err != nil {
			t.Fatal(err)
		}
		back, err := d.Load(a.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, *back); diff != "" {
			t.Errorf("%s changed by saving (-saved +loaded):\n%s", a.Name, diff)
		}
	}
}

func TestEverySetupTravelsAsTOMLAndAsJSONButWithoutItsID(t *testing.T) {
	accounts := setups(t)
	for name, export := range map[string]func([]Account) ([]byte, error){"TOML": ExportTOML, "JSON": ExportJSON} {
		t.Run(name, func(t *testing.T) {
			data, err := export(accounts)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Import(data)
			if err != nil {
				t.Fatalf("%v in\n%s", err, data)
			}
			if len(back) != len(accounts) {
				t.Fatalf("%d accounts came back of %d", len(back), len(accounts))
			}
			for i := range back {
				if back[i].ID == accounts[i].ID || strings.Contains(string(data), accounts[i].ID) {
					t.Errorf("%s has kept its ID, under which its secrets are stored", back[i].Name)
				}
				back[i].ID = accounts[i].ID
			}
			if diff := cmp.Diff(accounts, back); diff != "" {
				t.Errorf("changed on the way (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAPasswordAtAnotherProviderMayHaveAnyUserName(t *testing.T) {
	a := &Account{Name: "a", ID: "abcdefgh", Provider: Custom, SignIn: PasswordSignIn, Username: "apikey", Sender: "a@example.org", SMTPHost: "smtp.example.org"}
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
	a.Sender = ""
	var f *FieldError
	if err := a.Validate(); !errors.As(err, &f) || f.Key != "sender" {
		t.Errorf("without a sender: %v", err)
	}
}

func TestAnImportReadsWhatWindowsPowerShellWrites(t *testing.T) {
	data, err := ExportTOML(setups(t)[:1])
	if err != nil {
		t.Fatal(err)
	}
	wide := []byte{0xff, 0xfe}
	for _, c := range data {
		wide = append(wide, c, 0)
	}
	for name, text := range map[string][]byte{"UTF-16": wide, "UTF-8 with a byte order mark": append([]byte("\ufeff"), data...)} {
		if back, err := Import(text); err != nil || len(back) != 1 || back[0].Username != "svc@contoso.com" {
			t.Errorf("%s: %v, %d accounts", name, err, len(back))
		}
	}
}

func TestAnImportNamesWhatItCannotRead(t *testing.T) {
	good := "[[account]]\nname = \"a\"\nusername = \"svc@contoso.com\"\nclient_id = \"" + clientID + "\"\n"
	for name, tt := range map[string]struct{ data, want string }{
		"nothing":                      {"", "holds no account"},
		"a key that is not known":      {good + "smtp_hots = \"x\"\n", "line 5: account.smtp_hots: is not a key"},
		"an account twice":             {good + good, `"a" stands there twice`},
		"a value that cannot be":       {good + "smtp_tls = \"ssl\"\n", "account a: smtp_tls"},
		"no name":                      {"[[account]]\nusername = \"svc@contoso.com\"\n", "name: "},
		"JSON with an unknown key":     {"{\"account\":[\n{\"name\":\"a\",\"hots\":1}]}", "line 2: unknown field \"hots\""},
		"JSON that ends early":         {"{\"account\":[", "line 1: unexpected EOF"},
		"JSON with something after it": {"{\"account\":[]} {}", "more than one JSON value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Import([]byte(tt.data))
			var f *FieldError
			if !errors.As(err, &f) || f.Fix == "" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Import = %v, want %q and a fix", err, tt.want)
			}
		})
	}
}

func TestAChangeOfProviderOrSignInTakesWhatFollowedAlong(t *testing.T) {
	tests := []struct {
		name   string
		before *Account
		change func(*Account)
		want   func(*Account) bool
	}{
		{"to another cloud", contoso(), func(a *Account) { a.Provider = Microsoft365CN },
			func(a *Account) bool {
				return a.SMTPHost == "smtp.partner.outlook.cn" && strings.HasPrefix(a.SMTPScope, "https://partner.outlook.cn/")
			}},
		{"to an application", contoso(), func(a *Account) { a.SignIn = AppOnly },
			func(a *Account) bool {
				return a.SMTPScope == "https://outlook.office365.com/.default" && a.Registration == "" && a.RedirectURL == "" && a.From == ForceFrom
			}},
		{"from an application to a person", application(), func(a *Account) { a.SignIn = BrowserSignIn },
			func(a *Account) bool {
				return a.Username == "noreply@contoso.com" && a.Registration == Public && a.Mailbox == "" && a.From == KeepFrom
			}},
		{"an application's mailbox", application(), func(a *Account) { a.Sender = "other@contoso.com" },
			func(a *Account) bool { return a.Username == "other@contoso.com" }},
		{"an application's From", application(), func(a *Account) { a.Mailbox = FromMailbox },
			func(a *Account) bool { return a.From == KeepFrom }},
		{"to Graph", contoso(), func(a *Account) { a.Transport = Auto },
			func(a *Account) bool {
				return a.GraphScope == "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read"
			}},
		{"to Graph alone", application(), func(a *Account) { a.Transport = Graph }, func(a *Account) bool { return a.Sessions == 4 }},
		{"a number of sessions of its own stays", with(application(), func(a *Account) { a.Sessions = 2 }), func(a *Account) { a.Transport = Graph }, func(a *Account) bool { return a.Sessions == 2 }},
		{"to others' addresses over Graph", with(contoso(), func(a *Account) { a.Transport, a.GraphScope = Graph, "" }), func(a *Account) { a.Senders = []string{"@contoso.com"} },
			func(a *Account) bool {
				return strings.HasSuffix(a.GraphScope, " https://graph.microsoft.com/Mail.Send.Shared")
			}},
		{"from a secret to none", with(application(), func(a *Account) { a.SecretExpires = "2031-01-31" }), func(a *Account) { a.Credential, a.AssertionFile = FederatedCredential, "/token" },
			func(a *Account) bool { return a.SecretExpires == "" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.before.Validate(); err != nil {
				t.Fatal(err)
			}
			a := *tt.before
			tt.change(&a)
			a.Follow(*tt.before)
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			if !tt.want(&a) {
				t.Errorf("it became %+v", a)
			}
		})
	}
}

func TestOverGraphAPersonAsksForMailSendSharedToSendForOthers(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Account)
		shared bool
	}{
		{"from its own address", func(*Account) {}, false},
		{"from its own address, in other letters", func(a *Account) { a.Sender = strings.ToUpper(a.Username) }, false},
		{"from another address", func(a *Account) { a.Sender = "other@contoso.com" }, true},
		{"for several senders", func(a *Account) { a.Senders = []string{"@contoso.com"} }, true},
		{"on behalf", func(a *Account) { a.OnBehalf = true }, true},
		{"from another address, perhaps over Graph", func(a *Account) { a.Transport, a.Sender = Auto, "other@contoso.com" }, true},
		{"from another address, over SMTP", func(a *Account) { a.Transport, a.Sender = SMTP, "other@contoso.com" }, false},
		{"from another address, with scopes of its own", func(a *Account) {
			a.Sender, a.GraphScope = "other@contoso.com", "https://graph.microsoft.com/Mail.Send"
		}, false},
		{"a personal account", func(a *Account) { a.Provider, a.Tenant, a.OnBehalf = OutlookCom, "", true }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := contoso()
			a.Transport, a.GraphScope = Graph, ""
			tt.change(a)
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			if shared := strings.Contains(a.GraphScope, "/Mail.Send.Shared"); shared != tt.shared {
				t.Errorf("the scopes are %s", a.GraphScope)
			}
		})
	}
}

func TestAPaceThatExchangeDoesNotTakeIsToldOf(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Account)
		hasty  bool
	}{
		{"Exchange's own", func(*Account) {}, false},
		{"more", func(a *Account) { a.MessagesPerMinute = 100 }, true},
		{"more, over Graph", func(a *Account) { a.Transport, a.MessagesPerMinute = Graph, 100 }, false},
		{"more, elsewhere", func(a *Account) {
			*a = Account{Name: "a", ID: "abcdefgh", Provider: Google, Username: "a@gmail.com", ClientID: "1.apps.googleusercontent.com", Limits: Limits{MessagesPerMinute: 100}}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := contoso()
			tt.change(a)
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			if (a.Haste() != "") != tt.hasty {
				t.Errorf("said: %q", a.Haste())
			}
		})
	}
}

func TestAMissingClientIDIsLookedForAtItsProvider(t *testing.T) {
	for provider, want := range map[string]string{Microsoft365: "Overview page", Google: "Google Cloud", Custom: "at the provider"} {
		a := &Account{Name: "a", ID: "abcdefgh", Provider: provider, Username: "a@example.org"}
		var f *FieldError
		if err := a.Validate(); !errors.As(err, &f) || f.Key != "client_id" || !strings.Contains(f.Fix, want) {
			t.Errorf("%s: %+v", provider, f)
		}
	}
}
