package account

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const clientID = "11111111-2222-3333-4444-555555555555"

// contoso returns a complete account of the main setup.
func contoso() *Account {
	a := New("invoices")
	a.Username = "svc@contoso.com"
	a.ClientID = clientID
	return a
}

func TestNewAccountIsMicrosoft365OnceItHasAUsernameAndAClientID(t *testing.T) {
	a := contoso()
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	want := &Account{
		Name: "invoices", ID: a.ID, Provider: "microsoft365", SignIn: BrowserSignIn, Transport: SMTP, Username: "svc@contoso.com", Sender: "svc@contoso.com",
		Tenant: "contoso.com", ClientID: clientID, Registration: Public, RedirectURL: "http://localhost",
		AuthorityURL: "https://login.microsoftonline.com", GraphURL: "https://graph.microsoft.com", ExchangeURL: "https://outlook.office365.com",
		SMTPScope: "https://outlook.office.com/SMTP.Send", GraphScope: "https://graph.microsoft.com/User.Read",
		SMTPHost: "smtp.office365.com", SMTPPort: 587, SMTPTLS: STARTTLS, SMTPAuth: XOAUTH2, From: KeepFrom,
		Limits: Limits{MessagesPerMinute: 30, Sessions: 3, PipelineDepth: 1, RecipientsPerDay: 10_000, RecipientsPerMessage: 500, MaxSizeMB: 35},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("unexpected account (-want +got):\n%s", diff)
	}
	if got, want := a.Endpoint("oauth2/v2.0/token"), "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"; got != want {
		t.Errorf("Endpoint = %s, want %s", got, want)
	}
}

func TestTwoNewAccountsNeverShareAnID(t *testing.T) {
	if a, b := New("a"), New("a"); a.ID == b.ID {
		t.Errorf("both have the ID %s", a.ID)
	}
}

func TestValidateRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Account)
		key    string
		text   string
	}{
		{"a name that leaves the folder", func(a *Account) { a.Name = "../x" }, "name", "not an account name"},
		{"a device name of Windows", func(a *Account) { a.Name = "con" }, "name", "device on Windows"},
		{"a device name of Windows with an extension", func(a *Account) { a.Name = "nul.x" }, "name", "device on Windows"},
		{"an ID that was edited", func(a *Account) { a.ID = "A/b" }, "id", "not an ID"},
		{"an unknown provider", func(a *Account) { a.Provider = "contoso" }, "provider", "not a provider"},
		{"no username", func(a *Account) { a.Username = " " }, "username", "is missing"},
		{"a username with a display name", func(a *Account) { a.Username = "Service <svc@contoso.com>" }, "username", "not an email address"},
		{"a sender with a line break", func(a *Account) { a.Sender = "a@contoso.com\r\nBcc: b@contoso.com" }, "sender", "not an email address"},
		{"a test address without a domain", func(a *Account) { a.TestTo = "ops" }, "test_to", "not an email address"},
		{"no client ID", func(a *Account) { a.ClientID = "" }, "client_id", "is missing"},
		{"a secret pasted as client ID", func(a *Account) { a.ClientID = "Zk8Q~verysecret" }, "client_id", "is not an ID"},
		{"an unknown kind of registration", func(a *Account) { a.Registration = "spa" }, "registration", "not a kind"},
		{"a tenant with a path", func(a *Account) { a.Tenant = "contoso.com/../common" }, "tenant", "neither a tenant ID nor a domain"},
		{"a redirect URL without a scheme", func(a *Account) { a.RedirectURL = "localhost" }, "redirect_url", "not a redirect URL"},
		{"a redirect URL with a query", func(a *Account) { a.RedirectURL = "http://localhost/?x=1" }, "redirect_url", "more than host, port and path"},
		{"http to another machine", func(a *Account) { a.RedirectURL = "http://server:8020/cb" }, "redirect_url", "http to another machine"},
		{"an authority without TLS", func(a *Account) { a.AuthorityURL = "http://login.example" }, "authority_url", "not an https address"},
		{"a bare scope", func(a *Account) { a.SMTPScope = "SMTP.Send" }, "smtp_scope", "not one scope with its resource"},
		{"a scope of Graph for SMTP", func(a *Account) { a.SMTPScope = "https://graph.microsoft.com/SMTP.Send" }, "smtp_scope", "scope of Microsoft Graph"},
		{"a host with a port", func(a *Account) { a.SMTPHost = "smtp.office365.com:587" }, "smtp_host", "not a host name"},
		{"a port out of range", func(a *Account) { a.SMTPPort = 70000 }, "smtp_port", "not a port"},
		{"an unknown way of TLS", func(a *Account) { a.SMTPTLS = "ssl" }, "smtp_tls", "not a way to use TLS"},
		{"a notice address without a domain", func(a *Account) { a.NoticeTo = "ops" }, "notice_to", "not an email address"},
		{"an unknown From policy", func(a *Account) { a.From = "drop" }, "from", "not a policy"},
		{"a domain of senders without its @", func(a *Account) { a.Senders = []string{"contoso.com"} }, "senders", "neither an address nor a domain"},
		{"a secret's end that is no day", func(a *Account) { a.SecretExpires = "31.1.2027" }, "secret_expires", "not a day"},
		{"a negative pace", func(a *Account) { a.MessagesPerMinute = -1 }, "messages_per_minute", "out of range"},
		{"too many sessions", func(a *Account) { a.Sessions = 1000 }, "sessions", "out of range"},
		{"too deep a pipeline", func(a *Account) { a.PipelineDepth = 33 }, "pipeline_depth", "out of range"},
		{"clear text to another machine", func(a *Account) { a.SMTPTLS = NoTLS }, "smtp_tls", "clear text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := contoso()
			tt.change(a)
			err := a.Validate()
			var f *FieldError
			if !errors.As(err, &f) {
				t.Fatalf("Validate = %v, want a *FieldError", err)
			}
			if f.Key != tt.key || !strings.Contains(f.Text, tt.text) || f.Fix == "" {
				t.Errorf("got key %q, text %q, fix %q; want key %q and a text with %q", f.Key, f.Text, f.Fix, tt.key, tt.text)
			}
			if strings.Contains(err.Error(), "verysecret") {
				t.Errorf("the error repeats what may be a secret: %v", err)
			}
		})
	}
}

func TestWebRegistrationProposesARedirectURLWithAPort(t *testing.T) {
	a := contoso()
	a.Registration, a.RedirectURL = Web, ""
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	if a.RedirectURL != WebRedirectURL {
		t.Errorf("redirect URL %s, want %s", a.RedirectURL, WebRedirectURL)
	}
}

func TestSavedAccountComesBackAndItsFileHoldsOnlyWhatIsParticular(t *testing.T) {
	d := Dir(filepath.Join(t.TempDir(), "accounts"))
	a := contoso()
	a.SMTPHost = "smtp.example.com"
	if err := d.Save(a); err != nil {
		t.Fatal(err)
	}
	back, err := d.Load("invoices")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, back); diff != "" {
		t.Errorf("changed by saving (-saved +loaded):\n%s", diff)
	}
	data, _ := os.ReadFile(filepath.Join(string(d), "invoices.toml"))
	if s := string(data); !strings.Contains(s, "smtp_host") || strings.Contains(s, "smtp_port") || strings.Contains(s, "authority_url") {
		t.Errorf("the file holds presets or lacks what was set:\n%s", s)
	}
	if names, err := d.Names(); err != nil || !cmp.Equal(names, []string{"invoices"}) {
		t.Errorf("Names = %v, %v", names, err)
	}
	if err := d.Remove("invoices"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("invoices"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Remove, Load = %v, want ErrNotFound", err)
	}
	if err := d.Remove("invoices"); !errors.Is(err, ErrNotFound) {
		t.Errorf("second Remove = %v, want ErrNotFound", err)
	}
}

func TestASaveThatFailsLeavesTheFileAsItWas(t *testing.T) {
	d := Dir(t.TempDir())
	a := contoso()
	if err := d.Save(a); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(d.path("invoices"))
	a.SMTPPort = -1
	if err := d.Save(a); err == nil {
		t.Fatal("an invalid account was saved")
	}
	if after, _ := os.ReadFile(d.path("invoices")); string(after) != string(before) {
		t.Errorf("the file changed:\n%s", after)
	}
}

func TestLoadNamesFileLineAndKey(t *testing.T) {
	good := "id = \"abcdefgh\"\nusername = \"svc@contoso.com\"\nclient_id = \"" + clientID + "\"\n"
	tests := []struct{ name, data, want string }{
		{"an unknown key", good + "smtp_hots = \"x\"\n", ":4: smtp_hots: is not a key"},
		{"a table that is not known", good + "\n[smtp]\nhost = \"x\"\n", ":5: smtp"},
		{"a wrong type", good + "smtp_port = \"587\"\n", ":4: smtp_port: "},
		{"broken syntax", good + "sender = \"x\n", ":4: "},
		{"a value that cannot be", good + "\n# TLS\nsmtp_tls = \"ssl\"\n", ":6: smtp_tls: \"ssl\""},
		{"a key twice", good + "username = \"b@contoso.com\"\n", ":4: "},
		{"a missing key", "id = \"abcdefgh\"\n", "invoices.toml: username: is missing"},
		{"bytes that are no text", "\xff\xfe\x00", "invoices.toml:1: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Dir(t.TempDir())
			if err := os.WriteFile(d.path("invoices"), []byte(tt.data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := d.Load("invoices")
			var f *FieldError
			if !errors.As(err, &f) || f.Fix == "" {
				t.Fatalf("Load = %v, want a *FieldError with a fix", err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), d.path("invoices")) {
				t.Errorf("Load = %q, want the path and %q", err, tt.want)
			}
		})
	}
}

// FuzzLoad feeds files of any content: whatever loads must save and load again
// as the same account, and whatever does not must say so as a *FieldError.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("id = \"abcdefgh\"\nusername = \"svc@contoso.com\"\nclient_id = \"" + clientID + "\"\n"))
	f.Add([]byte("id = 1\n[x]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := Dir(t.TempDir())
		if err := os.WriteFile(d.path("a"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := d.Load("a")
		if err != nil {
			var fe *FieldError
			if !errors.As(err, &fe) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if err := d.Save(a); err != nil {
			t.Fatalf("loaded but not saved: %v", err)
		}
		b, err := d.Load("a")
		if err != nil || !cmp.Equal(a, b) {
			t.Fatalf("saved and loaded differ: %v\n%s", err, cmp.Diff(a, b))
		}
	})
}

func TestWhatFollowsFromAFieldChangesWithItUnlessItWasSetApart(t *testing.T) {
	tests := []struct {
		name                     string
		before, change           func(*Account)
		sender, tenant, redirect string
	}{
		{"a new username takes sender and tenant along", nil, func(a *Account) { a.Username = "it@Fabrikam.com" },
			"it@Fabrikam.com", "fabrikam.com", PublicRedirectURL},
		{"a sender of its own stays", func(a *Account) { a.Sender = "boss@contoso.com" }, func(a *Account) { a.Username = "it@fabrikam.com" },
			"boss@contoso.com", "fabrikam.com", PublicRedirectURL},
		{"a tenant ID stays", func(a *Account) { a.Tenant = clientID }, func(a *Account) { a.Username = "it@fabrikam.com" },
			"it@fabrikam.com", clientID, PublicRedirectURL},
		{"a Web registration brings its redirect URL", nil, func(a *Account) { a.Registration = Web },
			"svc@contoso.com", "contoso.com", WebRedirectURL},
		{"a redirect URL that was set with it stays", nil, func(a *Account) { a.Registration, a.RedirectURL = Web, "http://localhost:1/x" },
			"svc@contoso.com", "contoso.com", "http://localhost:1/x"},
		{"a public registration's own redirect URL stays", func(a *Account) { a.RedirectURL = "http://localhost:1/x" }, func(a *Account) { a.Timeout = 5 },
			"svc@contoso.com", "contoso.com", "http://localhost:1/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := contoso()
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			if tt.before != nil {
				tt.before(a)
			}
			former := *a
			tt.change(a)
			a.Follow(former)
			if a.Sender != tt.sender || a.Tenant != tt.tenant || a.RedirectURL != tt.redirect {
				t.Errorf("sender %s, tenant %s, redirect URL %s", a.Sender, a.Tenant, a.RedirectURL)
			}
		})
	}
}
