package mailer

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// mended puts the scenario right by what is printed.
func (m *meeting) mended(r checks.Result) {
	m.t.Helper()
	switch m.mend {
	case script:
		m.runScript(r.Command)
	case login:
		if !strings.Contains(printed(r), "traymail login main") {
			m.t.Fatalf("no sign-in is printed: %s", printed(r))
		}
	case edit:
		m.editAccount(r)
	case inFile:
		value := regexp.MustCompile(`^use (\S+), or leave the key out`).FindStringSubmatch(r.Fix)
		if value == nil || !strings.Contains(r.Summary, filepath.Join("accounts", "main.toml")) {
			m.t.Fatalf("neither file nor value is printed: %s, %s", r.Summary, r.Fix)
		}
		m.inFile(m.s.Settings[0].Name, value[1])
	case newWay:
		if !strings.Contains(strings.ToLower(printed(r)), "sign in in the browser") && !strings.Contains(printed(r), "--sign-in") {
			m.t.Fatalf("no other sign-in is printed: %s", printed(r))
		}
	default:
		m.byHand(r)
	}
}

// printed is all of a result that says what to do.
func printed(r checks.Result) string {
	return strings.Join([]string{r.Fix, r.Link, r.Command, r.Takes}, "\n")
}

// runScript runs PowerShell in the sandbox's console, as it is printed.
func (m *meeting) runScript(command string) {
	m.t.Helper()
	if command == "" {
		m.t.Fatal("no PowerShell is printed")
	}
	r, err := m.person.Client.Post(m.sandbox.Ready().PortalURL+"/powershell", "text/plain", strings.NewReader(command))
	if err != nil {
		m.t.Fatal(err)
	}
	defer r.Body.Close()
	said, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusOK {
		m.t.Fatalf("%s\n%s %s", command, r.Status, said)
	}
}

// places are words of what a person finds the portal's action by.
var places = map[string]string{
	"tenant/network open-smtp-port":    "(?i)firewall|port",
	"tenant/network open-sign-in-port": "(?i)firewall|proxy|port",
	"tenant/network keep-starttls":     "(?i)firewall|inspect|virus",
	"tenant/network end-inspection":    "(?i)inspection",
	"tenant/network exempt-from-proxy": "(?i)proxy",
	"tenant/service offer-tls-1.2":     "(?i)server",
	"tenant/service renew-certificate": "(?i)certificate",
	"tenant/service recover":           "(?i)wait|later|again|look",
	"tenant/clock set-right":           "(?i)clock",
	"tenant/time":                      "(?i)wait|minute|hour|day|later",
	"tenant/licences":                  "(?i)licen[cs]e",
	"tenant/security-defaults":         "(?i)security defaults",
	"tenant/mailbox-permissions":       "(?i)Send As|FullAccess|permission",
	"tenant/sign-in":                   "(?i)enable|sign-in|unblock",
	"tenant/passwords":                 "(?i)password|unlock",
	"tenant/authentication-methods":    "(?i)method|factor|register",
	"tenant/conditional-access":        "(?i)conditional ?access|exclude",
	"tenant/browser":                   "(?i)private",
	"tenant/account-verification":      "(?i)verif",
	"tenant/restricted-entities":       "(?i)restricted",
	"tenant/block-list":                "(?i)block list|allow/block",
	"tenant/support":                   "(?i)support",
	"tenant/federation":                "(?i)federat|AD FS",
	"tenant/mailbox-contents":          "(?i)empty|archive|delete|room",
	"consent":                          "(?i)consent",
	"application-permissions":          "(?i)add the application permission|API permissions",
	"delegated-permissions":            "(?i)API permissions|delegated permission",
	"redirect-urls":                    "(?i)mobile and desktop|redirect",
	"public-client-flows":              "(?i)public client flows",
	"assignments":                      "(?i)users and groups|assign",
	"certificates":                     "(?i)Certificates & secrets|upload",
	"federated-credentials":            "(?i)federated",
	"secrets":                          "(?i)Certificates & secrets",
	"access-policy":                    "(?i)access policy|group",
	"role-assignments":                 "(?i)RBAC|scope|role",
}

// byHand does what a person does at the portal, or waits for: what is printed
// has to name it.
func (m *meeting) byHand(r checks.Result) {
	m.t.Helper()
	text := printed(r)
	if r.Finding == "app-not-admitted" {
		text += r.Detail // what it may be
	}
	if m.explained.ID != "" && r.Finding == "not-signed-in" {
		// Only the browser's page told; that is explained by traymail explain.
		if !strings.Contains(r.Detail+r.Fix, "traymail explain") {
			m.t.Error("nothing says how the browser's page is explained")
		}
		e := m.explained
		text = strings.Join([]string{e.FixAdmin, e.FixUser, e.Link, e.Command}, "\n")
	}
	if m.scenario == "app-certificate-expired" { // another one
		secret := m.makeCertificate()
		m.change(secret, func(*account.Account) {})
	}
	for _, mend := range m.s.Mend {
		if id, of := strings.CutPrefix(mend.Action, "apps/"); of && !strings.HasPrefix(id, m.account.ClientID) {
			continue // another registration's
		}
		word, ok := placeOf(mend)
		if !ok {
			m.t.Fatalf("no words are known for %s", mend.Action)
		}
		if !regexp.MustCompile(word).MatchString(text) {
			m.t.Errorf("%s is not named (%s) by: %s", mend.Action, word, text)
		}
		m.mendAtPortal(mend)
	}
	if m.scenario == "mfa-not-registered" {
		m.person.MFACode = "135790"
	}
}

func placeOf(mend sandbox.Mend) (string, bool) {
	for _, key := range []string{mend.Action + " " + mend.Form["do"], mend.Action, mend.Action[strings.LastIndexByte(mend.Action, '/')+1:]} {
		if word, ok := places[key]; ok {
			return word, true
		}
	}
	return "", false
}

// options are what edits a setting, for people and for applications.
var options = map[string][]string{
	"username": {"--username", "--sender"}, "tenant": {"--tenant"}, "client_id": {"--client-id"},
	"smtp_scope": {"--smtp-scope"}, "smtp_host": {"--smtp-host"}, "authority": {"--authority-url"},
}

var editing = regexp.MustCompile(`traymail account edit main((?: --[a-z-]+(?: [^ ;,:)\n]+)?)+)`)

// editAccount does the printed command with the scenario's right value.
func (m *meeting) editAccount(r checks.Result) {
	m.t.Helper()
	text := r.Command + "\n" + r.Fix + "\n" + r.Detail
	secret := ""
	for _, mend := range m.s.Mend {
		if !strings.HasPrefix(mend.Action, "apps/"+m.account.ClientID+"/") {
			continue
		}
		if word, _ := placeOf(mend); !regexp.MustCompile(word).MatchString(printed(r)) {
			m.t.Errorf("%s is not named by: %s", mend.Action, printed(r))
		}
		var answer struct {
			Secret string `json:"client_secret"`
		}
		if err := json.Unmarshal([]byte(m.mendAtPortal(mend)), &answer); err != nil || answer.Secret == "" {
			m.t.Fatalf("the portal shows no new secret: %v", err)
		}
		secret = answer.Secret
	}
	done := false
	for _, s := range m.s.Settings {
		if s.Kind != "" && s.Kind != m.kind {
			continue
		}
		value := strings.NewReplacer("{authority}", strings.TrimSuffix(m.sandbox.Ready().PortalURL, "/portal"), "{client_secret}", secret).Replace(s.Value)
		m.set(s.Name, value, text)
		done = true
	}
	if !done {
		m.t.Fatal("the scenario has no setting for this account")
	}
}

// set gives a setting its right value by an option that is printed.
func (m *meeting) set(name, value, text string) {
	m.t.Helper()
	option, candidates := "", options[name]
	if name == "client_secret" {
		candidates = []string{"--secret-stdin"}
		if value == "" {
			candidates = []string{"--registration public"}
		}
	}
	for _, found := range editing.FindAllStringSubmatch(text, -1) {
		for _, o := range candidates {
			if option == "" && strings.Contains(found[1], o) {
				option = o
			}
		}
	}
	if option == "" {
		m.t.Fatalf("no command sets %s:\n%s", name, text)
	}
	secret := keystore.Secret("")
	m.change("", func(*account.Account) {})
	public := option == "--registration public"
	if name == "client_secret" && !public {
		secret = keystore.Secret(value)
	}
	a := m.account
	switch option {
	case "--username":
		a.Username = value
	case "--sender":
		a.Sender = value
	case "--tenant":
		a.Tenant = value
	case "--client-id":
		a.ClientID = value
		secret = keystore.Secret(m.readyApp(m.kind).ClientSecret) // of another app
		if a.SignIn == account.BrowserSignIn && a.Registration != account.Web {
			secret = ""
		}
	case "--smtp-scope":
		a.SMTPScope = value
	case "--smtp-host":
		a.SMTPHost = value
	case "--authority-url":
		a.AuthorityURL = value
		if a.SignIn == account.AppOnly { // to another authority no secret goes along
			secret = keystore.Secret(m.readyApp(m.kind).ClientSecret)
		}
	case "--registration public":
		a.Registration = account.Public
	case "--secret-stdin":
		if a.SignIn == account.BrowserSignIn {
			a.Registration = account.Web
		}
	}
	a.Follow(m.account)
	if a.RedirectURL == account.WebRedirectURL && public {
		a.RedirectURL = account.PublicRedirectURL
	}
	if a.HasClientSecret() && secret != "" {
		a.SecretExpires = "2031-01-31" // as the portal shows it beside the new one
	}
	if err := m.Save(m.t.Context(), a, secret); err != nil {
		m.t.Fatal(err)
	}
	m.account = a
	if name == "username" && a.SignIn == account.BrowserSignIn {
		m.person.Username, m.person.Password = value, "svc-password-1"
	}
}
