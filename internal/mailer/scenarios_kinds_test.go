package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// readyApp is the registration that accounts of a kind use, as the ready file
// has it: with what somebody copied wrongly.
func (b *bench) readyApp(kind string) sandbox.ReadyApp {
	b.t.Helper()
	// The order of the registrations is always the same, whatever is wrong with them.
	names := map[string]string{sandbox.KindWeb: "traymail (web)", sandbox.KindApp: "traymail (application)", sandbox.KindMailApp: "traymail (Graph)"}
	name := names[kind]
	if name == "" {
		name = "traymail (desktop)"
	}
	all := b.sandbox.Ready().Apps
	i := slices.IndexFunc(all, func(a sandbox.ReadyApp) bool { return strings.HasPrefix(a.What, name+",") })
	if i < 0 {
		b.t.Fatalf("the ready file has no %s", name)
	}
	return all[i]
}

// ofKind makes the account one of a kind that scenarios name, by what the ready
// file says.
func (b *bench) ofKind(kind string, s sandbox.Scenario) {
	b.t.Helper()
	app := b.readyApp(kind)
	secret := keystore.Secret(app.ClientSecret)
	f := func(*account.Account) {}
	if strings.HasPrefix(s.Name, "app-certificate-") {
		secret = b.makeCertificate()
	}
	switch kind {
	case sandbox.KindGraph:
		f = func(a *account.Account) { a.Transport = account.Graph }
	case sandbox.KindWeb:
		f = func(a *account.Account) { a.Registration = account.Web }
		if secret == "" { // whoever has none makes it a public one
			f = func(*account.Account) {}
		}
	case sandbox.KindApp, sandbox.KindMailApp:
		f = func(a *account.Account) {
			a.SignIn, a.Credential, a.Transport = account.AppOnly, account.SecretCredential, account.SMTP
			if kind == sandbox.KindMailApp {
				a.Transport = account.Graph
			}
			switch {
			case strings.HasPrefix(s.Name, "federated-"):
				a.Credential, a.AssertionFile = account.FederatedCredential, "token.jwt"
				b.writeFederatedToken()
			case strings.HasPrefix(s.Name, "app-certificate-"):
				a.Credential = account.CertificateCredential
			}
		}
	case sandbox.KindBasic:
		f = func(a *account.Account) { a.SignIn, a.ClientID, a.Tenant = account.PasswordSignIn, "", "" }
		secret = keystore.Secret(b.person.Password)
	default:
		if secret != "" { // of a registration that has none
			f = func(a *account.Account) { a.Registration = account.Web }
		}
	}
	kept := keystore.Secret("")
	if strings.HasPrefix(s.Name, "secret-id-") { // stored by hand, or by an older version
		kept = secret
		secret = "sbx8Q~another-client-secret-value"
	}
	b.change(secret, func(a *account.Account) {
		f(a)
		if a.SignIn != account.PasswordSignIn {
			a.ClientID = app.ClientID
		}
		if a.Username = s.Username; s.Username == "" {
			a.Username = "svc@contoso.com"
		}
		a.TestTo = "ops@contoso.com"
		if a.HasClientSecret() && app.SecretExpires.After(time.Now()) { // as the portal shows it
			a.SecretExpires = app.SecretExpires.Format(time.DateOnly)
		}
	})
	if s.Name == "app-certificate-expired" { // the first one, that is
		for _, m := range s.Mend {
			b.mendAtPortal(m)
		}
	}
	if b.account.SignIn == account.BrowserSignIn && kind != sandbox.KindDevice {
		b.change("", func(a *account.Account) { a.RedirectURL = app.RedirectURL })
	}
	if kept != "" {
		if err := b.Secrets.Set(b.t.Context(), clientSecretName(&b.account), kept); err != nil {
			b.t.Fatal(err)
		}
	}
	if s.Name == "mfa" {
		b.person.MFACode = "135790"
	}
	for _, u := range b.sandbox.Ready().Users {
		if u.Username == s.Username {
			b.person.Username, b.person.Password = u.Username, u.Password
		}
	}
}

// inFile gives a setting a value by hand, which traymail itself would refuse.
func (b *bench) inFile(key, value string) {
	b.t.Helper()
	name := filepath.Join(b.Home, "accounts", "main.toml")
	text, err := os.ReadFile(name)
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, key+" =") {
			lines = append(lines, line)
		}
	}
	if err := os.WriteFile(name, []byte(fmt.Sprintf("%s = %q\n", key, value)+strings.Join(lines, "")), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) writeFederatedToken() {
	b.t.Helper()
	r, err := b.person.Client.PostForm(b.sandbox.Ready().FederatedTokenURL, nil)
	if err == nil && r.StatusCode == http.StatusMethodNotAllowed {
		r.Body.Close()
		r, err = b.person.Client.Get(b.sandbox.Ready().FederatedTokenURL)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	token, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.t.Fatalf("the issuer's token: %s, %v", r.Status, err)
	}
	if err := os.WriteFile(filepath.Join(b.Home, "token.jwt"), token, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// makeCertificate makes the account's own certificate, and keeps what is to be
// uploaded of it.
func (b *bench) makeCertificate() keystore.Secret {
	b.t.Helper()
	cert, err := apponly.MakeCertificate("traymail", b.now(), 90*24*time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	pem, err := cert.PEM()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Home, "certificate.pem"), []byte(cert.PublicPEM()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return keystore.Secret(pem.Reveal())
}

// errPage says that the browser did not come back.
var errPage = errors.New("the sign-in ended on a page")

// enter signs the person in as accounts of a kind do. said is what the last
// page in the browser showed.
func (b *bench) enter(ctx context.Context, kind string) (said string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	visit := func(address string) (string, error) {
		page, err := b.person.Visit(ctx, address)
		if said = page; err != nil && page == "" {
			said = err.Error()
		}
		return page, err
	}
	switch {
	case kind == sandbox.KindDevice:
		_, err = b.SignIn(ctx, "main", SignIn{Device: func(c DeviceCode) {
			b.person.UserCode = c.UserCode
			if _, err := visit(c.VerificationURL); err != nil {
				cancel(errPage)
			}
		}})
	case strings.HasSuffix(b.account.RedirectURL, ":53682/callback"):
		// Its port is the registration's, and only one sign-in can have it.
		pasted := ""
		person := b.person
		client := *person.Client
		client.Transport = landing{client.Transport, func(u *url.URL) { pasted = u.String() }}
		person.Client = &client
		_, err = b.SignIn(ctx, "main", SignIn{Paste: func(ctx context.Context, address string, wrong error) (string, error) {
			if wrong != nil {
				return "", wrong
			}
			page, err := person.Visit(ctx, address)
			if said = page; pasted != "" {
				return pasted, nil
			}
			return "", errors.Join(errPage, err)
		}})
	default:
		back := false
		person := b.person
		client := *person.Client
		client.Transport = watching{client.Transport, func(u *url.URL) { back = back || !strings.HasPrefix(b.account.AuthorityURL, "https://"+u.Host) }}
		person.Client = &client
		_, err = b.SignIn(ctx, "main", SignIn{Open: func(address string) error {
			page, err := person.Visit(ctx, address)
			if said = page; err != nil && page == "" {
				said = err.Error()
			}
			if !back { // to the program, which goes on while the page is there
				cancel(errPage)
			}
			return nil
		}})
	}
	if context.Cause(ctx) == errPage {
		err = errPage
	}
	return strings.Join(strings.Fields(said), " "), err
}

// landing answers in place of the program at the redirect URL.
type landing struct {
	http.RoundTripper
	at func(*url.URL)
}

func (l landing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "localhost:53682" {
		return l.RoundTripper.RoundTrip(r)
	}
	l.at(r.URL)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<html></html>")), Request: r}, nil
}

// watching sees where a browser goes.
type watching struct {
	http.RoundTripper
	at func(*url.URL)
}

func (w watching) RoundTrip(r *http.Request) (*http.Response, error) {
	w.at(r.URL)
	return w.RoundTripper.RoundTrip(r)
}

// mendAtPortal does one request of a scenario's Mend and returns the new client
// secret, if the answer has one.
func (b *bench) mendAtPortal(m sandbox.Mend) (secret string) {
	b.t.Helper()
	form := url.Values{}
	body, kind := "", "application/x-www-form-urlencoded"
	for name, value := range m.Form {
		switch value {
		case "{certificate}":
			pem, err := os.ReadFile(filepath.Join(b.Home, "certificate.pem"))
			if err != nil {
				b.t.Fatal(err)
			}
			body, kind = string(pem), "application/x-pem-file"
			continue
		case "{issuer}":
			value = b.sandbox.Ready().FederatedIssuer
		}
		form.Set(name, value)
	}
	if body == "" {
		body = form.Encode()
	}
	r, err := b.person.Client.Post(b.sandbox.Ready().PortalURL+"/"+m.Action, kind, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	said, _ := io.ReadAll(r.Body)
	if r.StatusCode/100 != 2 {
		b.t.Fatalf("%s: %s %s", m.Action, r.Status, said)
	}
	return string(said)
}
