package admin

import (
	"errors"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"traymail/internal/account"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenantID = "99999999-8888-7777-6666-555555555555"
	clientID = "11111111-2222-3333-4444-555555555555"
	objectID = "6d111111-2222-3333-4444-555555555555"
)

// valid makes a valid account.
func valid(t testing.TB, name string, fields func(*account.Account)) account.Account {
	t.Helper()
	a := account.Account{Name: name, ID: "aaaaaaaaaa", Provider: account.Microsoft365, Tenant: tenantID, ClientID: clientID}
	fields(&a)
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	return a
}

// systems are the accounts of five guides.
func systems(t testing.TB) []account.Account {
	return []account.Account{
		valid(t, "endpoint-central", func(a *account.Account) {
			a.Username, a.Sender, a.Registration, a.RedirectURL = "svc@contoso.com", "helpdesk@contoso.com", account.Web, "https://central.contoso.com:8383/emsapi/oauth"
		}),
		valid(t, "secureauth", func(a *account.Account) {
			a.SignIn, a.Sender, a.Label, a.ObjectID = account.AppOnly, "login@contoso.com", "SMTP Mailer application", objectID
		}),
		valid(t, "sei", func(a *account.Account) {
			a.SignIn, a.Sender, a.Mailbox, a.SecretExpires = account.AppOnly, "reports@contoso.com", account.FromMailbox, "2027-01-31"
			a.Senders = []string{"finance@contoso.com", "Reports@contoso.com", "@sales.contoso.com"}
		}),
		valid(t, "incorta", func(a *account.Account) {
			a.SignIn, a.Sender, a.TokenURL, a.Tenant = account.AppOnly, "incorta@contoso.com", tenantID+"/oauth2/v2.0/token", ""
		}),
		valid(t, "signify", func(a *account.Account) {
			a.SignIn, a.Transport, a.Sender, a.Timeout = account.AppOnly, account.Graph, "payroll@contoso.com", 120
		}),
	}
}

// others are accounts of every further kind.
func others(t testing.TB) []account.Account {
	return []account.Account{
		valid(t, "same", func(a *account.Account) { a.Username = "svc@contoso.com" }),
		valid(t, "behalf", func(a *account.Account) {
			a.Username, a.Sender, a.OnBehalf = "svc@contoso.com", "desk@contoso.com", true
			a.Senders = []string{"Desk@contoso.com", "hr@contoso.com", "@contoso.com"}
		}),
		valid(t, "graph-person", func(a *account.Account) {
			a.Username, a.Sender, a.Transport = "svc@contoso.com", "desk@contoso.com", account.Graph
		}),
		valid(t, "auto", func(a *account.Account) {
			a.SignIn, a.Sender, a.Transport, a.Credential = account.AppOnly, "app@contoso.com", account.Auto, account.CertificateCredential
		}),
		valid(t, "graph-proxy", func(a *account.Account) {
			a.Username, a.Sender, a.Transport, a.GraphURL = "svc@contoso.com", "desk@contoso.com", account.Graph, "https://graph.contoso.com"
			a.GraphScope = "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read"
		}),
		valid(t, "dod", func(a *account.Account) {
			a.Provider, a.SignIn, a.Sender, a.Credential, a.AssertionFile = account.Microsoft365DD, account.AppOnly, "app@contoso.mil", account.FederatedCredential, "/run/token"
		}),
		valid(t, "china", func(a *account.Account) { a.Provider, a.Username = account.Microsoft365CN, "svc@contoso.cn" }),
		valid(t, "password", func(a *account.Account) {
			a.SignIn, a.Username, a.Sender, a.Tenant, a.ClientID = account.PasswordSignIn, "svc@contoso.com", "desk@contoso.com", "", ""
		}),
		valid(t, "outlook", func(a *account.Account) {
			a.Provider, a.Username, a.Tenant = account.OutlookCom, "me@outlook.com", ""
		}),
		valid(t, "gmail", func(a *account.Account) {
			a.Provider, a.Username, a.Tenant, a.ClientID = account.Google, "me@gmail.com", "", "1-a.apps.googleusercontent.com"
		}),
		valid(t, "gmail-password", func(a *account.Account) {
			a.Provider, a.SignIn, a.Username, a.Tenant, a.ClientID = account.Google, account.PasswordSignIn, "me@gmail.com", "", ""
		}),
		valid(t, "custom", func(a *account.Account) {
			a.Provider, a.Username, a.Sender, a.Tenant, a.ClientID = account.Custom, "me@example.org", "us@example.org", "", "abc"
			a.AuthorizeURL, a.TokenURL, a.SMTPScope, a.SMTPHost = "https://id.example.org/a", "https://id.example.org/t", "smtp", "smtp.example.org"
		}),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s is not what it was (-was +is):\n%s", name, diff)
	}
}

func TestEachSystemGetsItsStepsAndItsScripts(t *testing.T) {
	for _, a := range systems(t) {
		t.Run(a.Name, func(t *testing.T) {
			steps, err := Steps(a, Options{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, a.Name+".txt", Text(a, steps))
			golden(t, a.Name+".ps1", Script(a, steps))
			golden(t, a.Name+"-verify.ps1", VerifyScript(a, steps))
			golden(t, a.Name+"-verify-graph.ps1", VerifyGraphScript(a, steps))
			if a.SignIn != account.AppOnly {
				return
			}
			if steps, err = Steps(a, Options{RBAC: true}); err != nil {
				t.Fatal(err)
			}
			golden(t, a.Name+"-rbac.ps1", Script(a, steps))
		})
	}
}

func TestTheOtherKindsGetTheirSteps(t *testing.T) {
	for _, a := range others(t) {
		t.Run(a.Name, func(t *testing.T) {
			steps, err := Steps(a, Options{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "other-"+a.Name+".txt", Text(a, steps))
		})
	}
}

// ways are the steps of every account in every way that it can be set up.
func ways(t testing.TB, do func(a account.Account, o Options, steps []Step)) {
	for _, a := range append(systems(t), others(t)...) {
		for _, o := range []Options{{}, {RBAC: true}} {
			steps, err := Steps(a, o)
			if errors.Is(err, ErrNoRBAC) {
				continue
			}
			do(a, o, steps)
		}
	}
}

func TestEveryStepSaysWhatItIsForAndEveryLinkIsAPage(t *testing.T) {
	ways(t, func(a account.Account, o Options, steps []Step) {
		var ids []string
		for _, s := range steps {
			if s.ID == "" || s.Title == "" || s.Why == "" || slices.Contains(ids, s.ID) {
				t.Errorf("%s %v: step %q has no ID of its own, no title or no reason", a.Name, o, s.ID)
			}
			ids = append(ids, s.ID)
			if u, err := url.Parse(s.Link); err != nil || s.Link != "" && (u.Scheme != "https" || u.Host == "") {
				t.Errorf("%s: the link of %s is %q", a.Name, s.ID, s.Link)
			}
			if (s.Verify == "") != (s.Expect == "") {
				t.Errorf("%s: %s is verified by %q and prints %q", a.Name, s.ID, s.Verify, s.Expect)
			}
			if s.Command != "" && s.Role == "" && !s.prepares {
				t.Errorf("%s: nobody knows who may do %s", a.Name, s.ID)
			}
		}
		if ids[len(ids)-1] != "test" {
			t.Errorf("%s: it ends with %s", a.Name, ids[len(ids)-1])
		}
	})
}

func TestOutsideMicrosoft365ThereIsNoPowerShellAndNoConsent(t *testing.T) {
	ways(t, func(a account.Account, o Options, steps []Step) {
		elsewhere := slices.Contains([]string{account.OutlookCom, account.Google, account.Custom}, a.Provider)
		if powershell := Script(a, steps)+VerifyScript(a, steps) != ""; powershell == elsewhere {
			t.Errorf("%s: PowerShell %v", a.Name, powershell)
		}
		if elsewhere && len(Consents(a, o)) != 0 {
			t.Errorf("%s: somebody is to consent", a.Name)
		}
	})
}

func TestOnlyApplicationsOfMicrosoft365HaveAppRBAC(t *testing.T) {
	for _, a := range append(systems(t), others(t)...) {
		_, err := Steps(a, Options{RBAC: true})
		if can := a.SignIn == account.AppOnly; can != (err == nil) || !can && !errors.Is(err, ErrNoRBAC) {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}

func TestTheConsentLinkAsksForWhatTheAccountNeedsOfEachResource(t *testing.T) {
	all := append(systems(t), others(t)...)
	for _, tt := range []struct {
		account  string
		redirect string
		scopes   []string
	}{
		{"endpoint-central", "https://central.contoso.com:8383/emsapi/oauth", []string{"offline_access https://outlook.office.com/SMTP.Send https://graph.microsoft.com/User.Read"}},
		{"graph-person", "http://localhost", []string{"offline_access https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Send.Shared"}},
		{"graph-proxy", "http://localhost", []string{"offline_access https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Send.Shared"}},
		{"incorta", "http://localhost", []string{"https://outlook.office365.com/.default"}},
		{"signify", "http://localhost", []string{"https://graph.microsoft.com/.default"}},
		{"auto", "http://localhost", []string{"https://outlook.office365.com/.default", "https://graph.microsoft.com/.default"}},
		{"dod", "http://localhost", []string{"https://outlook.office365.us/.default"}},
		{"password", "", nil},
	} {
		t.Run(tt.account, func(t *testing.T) {
			a := all[slices.IndexFunc(all, func(a account.Account) bool { return a.Name == tt.account })]
			var scopes []string
			for _, c := range Consents(a, Options{}) {
				link := c.Link(ConsentRedirect(a), "a state+&")
				u, err := url.Parse(link)
				if err != nil {
					t.Fatal(err)
				}
				q := u.Query()
				scopes = append(scopes, q.Get("scope"))
				if got, want := u.Scheme+"://"+u.Host+u.Path, a.AuthorityURL+"/"+tenantID+"/v2.0/adminconsent"; got != want {
					t.Errorf("it goes to %s, want %s", got, want)
				}
				if q.Get("client_id") != clientID || q.Get("redirect_uri") != tt.redirect || q.Get("state") != "a state+&" || strings.Contains(link, "+") {
					t.Errorf("the link is %s", link)
				}
			}
			if !slices.Equal(scopes, tt.scopes) {
				t.Errorf("scopes %q, want %q", scopes, tt.scopes)
			}
		})
	}
}

func TestConsentIsForOneTenant(t *testing.T) {
	a := valid(t, "a", func(a *account.Account) { a.Username, a.Tenant = "svc@Contoso.com", "organizations" })
	for o, want := range map[Options]string{{}: "/contoso.com/", {TenantID: tenantID}: "/" + tenantID + "/"} {
		if link := Consents(a, o)[0].Link(a.RedirectURL, ""); !strings.Contains(link, want) || strings.Contains(link, "state") {
			t.Errorf("with %+v it is %s", o, link)
		}
	}
}
