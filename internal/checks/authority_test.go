package checks

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// web is an authority that answers every request like this.
func web(t *testing.T, answer http.HandlerFunc) (address string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(answer)
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots
}

// says answers with a status, a type and a body.
func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func at(authority string) func(*account.Account) {
	return func(a *account.Account) { a.AuthorityURL = authority }
}

func TestAuthorityKnowsTheTenant(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	for name, c := range map[string]struct {
		tenant  string
		status  Status
		finding string
		words   string
	}{
		"by its ID":    {b.TenantID, Pass, "", "the tenant " + b.TenantID + " exists"},
		"by a domain":  {"contoso.com", Pass, "", "its ID is " + b.TenantID},
		"by no one":    {"common", Pass, "", "many tenants"},
		"mistyped":     {"contosso.com", Fail, "tenant-unknown", "AADSTS90002"},
		"of elsewhere": {"11111111-2222-3333-4444-555555555555", Fail, "tenant-unknown", "11111111-2222-3333-4444-555555555555"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(b.setup(t, b.person(t, func(a *account.Account) { a.Tenant = c.tenant })), Options{})
			want(t, r.authority(t.Context()), c.status, c.finding, c.words)
			if known := r.tenantID == b.TenantID; known != (c.status == Pass && c.tenant != "common") {
				t.Errorf("the tenant's ID is taken for %q", r.tenantID)
			}
		})
	}
}

func TestAuthorityOfAnotherCloudIsNamed(t *testing.T) {
	address, roots := web(t, says(200, "application/json", `{"issuer":"https://login.microsoftonline.us/5c1f9a70-3a61-4a6e-9a0d-7d1f0c2b8e11/v2.0","cloud_instance_name":"microsoftonline.us"}`))
	s := setupOf(t, microsoft(t, at(address)), roots)
	want(t, newRun(s, Options{}).authority(t.Context()), Fail, "tenant-unknown", "another cloud", "US Government")
}

func TestAuthorityThatSomethingElseStandsInFor(t *testing.T) {
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		finding string
		words   string
	}{
		"a page":              {says(200, "text/html; charset=utf-8", "<html>Log in to the hotel</html>"), "proxy-page", "an HTML page"},
		"a page that refuses": {says(403, "text/html", "<html>Blocked by policy</html>"), "proxy-page", "HTTP 403"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://portal.hotel.example/login", 302)
		}, "proxy-page", "portal.hotel.example"},
		"other JSON":         {says(200, "application/json", `{"hello":"world"}`), "proxy-page", "no issuer"},
		"a proxy's question": {says(407, "text/html", "<html>Who are you?</html>"), "proxy-required", "user name"},
		"a failure":          {says(503, "text/html", "<html>Service unavailable</html>"), "authority-unavailable", "HTTP 503"},
		"too many requests":  {says(429, "application/json", `{"error":"temporarily_unavailable","error_description":"AADSTS90055: throttled"}`), "entra-throttled", "AADSTS90055"},
	} {
		t.Run(name, func(t *testing.T) {
			address, roots := web(t, c.answer)
			s := setupOf(t, microsoft(t, at(address)), roots)
			want(t, newRun(s, Options{}).authority(t.Context()), Fail, c.finding, c.words)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		s := setupOf(t, microsoft(t, at("https://"+closedPort(t).String())), nil)
		want(t, newRun(s, Options{}).authority(t.Context()), Fail, "connection-refused")
	})
	t.Run("a proxy that is not there", func(t *testing.T) {
		s := setupOf(t, microsoft(t), nil)
		proxy := closedPort(t).String()
		through(t, &s, "http://"+proxy)
		want(t, newRun(s, Options{}).authority(t.Context()), Fail, "connection-refused", "through the proxy "+proxy)
	})
	t.Run("a proxy that wants a password", func(t *testing.T) {
		p := httptest.NewServer(says(407, "text/plain", ""))
		t.Cleanup(p.Close)
		s := setupOf(t, microsoft(t), nil)
		through(t, &s, p.URL)
		want(t, newRun(s, Options{}).authority(t.Context()), Fail, "proxy-required", "the proxy wants")
	})
}

func TestAuthorityWithACertificateThatIsNotTrusted(t *testing.T) {
	address, _ := web(t, says(200, "application/json", "{}"))
	s := setupOf(t, microsoft(t, at(address)), x509.NewCertPool())
	want(t, newRun(s, Options{}).authority(t.Context()), Fail, "certificate-unknown-authority", "Acme Co")
}

func TestAuthorityOfOtherProviders(t *testing.T) {
	custom := func(issuer string) account.Account {
		return valid(t, &account.Account{
			Name: "main", ID: "0123456789abcdef", Provider: account.Custom, Username: "svc@contoso.com", ClientID: "client",
			AuthorizeURL: issuer + "/authorize", TokenURL: issuer + "/token", SMTPScope: "mail", SMTPHost: "localhost",
			Issuer: issuer, JWKSURL: issuer + "/keys",
		})
	}
	t.Run("described", func(t *testing.T) {
		var address string
		address, roots := web(t, func(w http.ResponseWriter, r *http.Request) {
			says(200, "application/json", `{"issuer":"`+address+`"}`)(w, r)
		})
		want(t, newRun(setupOf(t, custom(address), roots), Options{}).authority(t.Context()), Pass, "", address)
	})
	t.Run("described as another", func(t *testing.T) {
		address, roots := web(t, says(200, "application/json", `{"issuer":"https://other.example"}`))
		want(t, newRun(setupOf(t, custom(address), roots), Options{}).authority(t.Context()), Fail, "settings-invalid", "https://other.example")
	})
	t.Run("without a description", func(t *testing.T) {
		a := custom("https://id.example")
		a.Issuer, a.JWKSURL = "", ""
		want(t, newRun(setupOf(t, a, nil), Options{}).authority(t.Context()), Skip, "")
	})
	t.Run("a password", func(t *testing.T) {
		want(t, newRun(setupOf(t, own(t, closedPort(t)), nil), Options{}).authority(t.Context()), Skip, "")
	})
}

func TestClientIDIsKnownInTheTenant(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	b.Tenant().Change(func(s *sandbox.Tenant) {
		off := *s.Apps[0]
		off.ClientID, off.Disabled = "99999999-0000-4000-8000-000000000001", true
		s.Apps = append(s.Apps, &off)
	})
	for name, c := range map[string]struct {
		client, tenant string
		status         Status
		finding        string
		words          string
	}{
		"a public app":                      {desktopApp, b.TenantID, Pass, "", desktopApp},
		"a public app for many tenants":     {desktopApp, "common", Pass, "", desktopApp},
		"an app with a secret":              {webApp, b.TenantID, Pass, "", webApp},
		"an unknown one":                    {"99999999-0000-4000-8000-000000000000", b.TenantID, Fail, "app-not-in-tenant", "AADSTS700016"},
		"one of one tenant, asked of many":  {webApp, "common", Fail, "single-tenant-app", "AADSTS50194"},
		"a work one, asked of personal":     {desktopApp, "consumers", Fail, "work-accounts-only", "AADSTS9002332"},
		"one that is disabled":              {"99999999-0000-4000-8000-000000000001", b.TenantID, Fail, "app-disabled", "AADSTS7000112"},
		"one of a tenant that is not there": {desktopApp, "contosso.com", Fail, "tenant-unknown", "AADSTS90002"},
	} {
		t.Run(name, func(t *testing.T) {
			s := b.setup(t, b.person(t, func(a *account.Account) { a.ClientID, a.Tenant = c.client, c.tenant }))
			want(t, newRun(s, Options{}).clientID(t.Context()), c.status, c.finding, c.words)
		})
	}
	t.Run("an application's own", func(t *testing.T) {
		s := b.setup(t, b.application(t))
		want(t, newRun(s, Options{}).clientID(t.Context()), Pass, "", daemonApp)
	})
}

func TestClientIDWithAnswersThatTheSandboxDoesNotGive(t *testing.T) {
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		status  Status
		finding string
	}{
		"not for device codes": {says(401, "application/json", `{"error":"invalid_client","error_description":"AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}`), Pass, ""},
		"something else":       {says(400, "application/json", `{"error":"invalid_request","error_description":"AADSTS900000: never heard of"}`), Warn, "client-id-not-proven"},
		"a page":               {says(200, "text/html", "<html></html>"), Fail, "proxy-page"},
		"busy":                 {says(503, "application/json", `{}`), Fail, "authority-unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			address, roots := web(t, c.answer)
			want(t, newRun(setupOf(t, microsoft(t, at(address)), roots), Options{}).clientID(t.Context()), c.status, c.finding)
		})
	}
}

func TestRedirectURLIsRegistered(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	redirect := func(url string) func(*account.Account) {
		return func(a *account.Account) { a.RedirectURL = url }
	}
	asWeb := func(a *account.Account) {
		a.ClientID, a.Registration, a.RedirectURL = webApp, account.Web, "http://localhost:53682/callback"
	}
	for name, c := range map[string]struct {
		change  func(*account.Account)
		status  Status
		finding string
		words   string
	}{
		"as it is":              {redirect("http://localhost"), Pass, "", "http://localhost is registered"},
		"on any port":           {redirect("http://localhost:4711"), Pass, "", ""},
		"of a web app":          {asWeb, Pass, "", "http://localhost:53682/callback is registered"},
		"with another path":     {redirect("http://localhost/callback"), Fail, "redirect-url-not-registered", "AADSTS50011"},
		"by the address":        {redirect("http://127.0.0.1"), Fail, "redirect-url-not-registered", "http://127.0.0.1"},
		"of an app not there":   {func(a *account.Account) { a.ClientID = "99999999-0000-4000-8000-000000000000" }, Fail, "app-not-in-tenant", "AADSTS700016"},
		"of an app of one only": {func(a *account.Account) { asWeb(a); a.Tenant = "common" }, Fail, "single-tenant-app", "AADSTS50194"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, newRun(b.setup(t, b.person(t, c.change)), Options{}).redirectURL(t.Context()), c.status, c.finding, c.words)
		})
	}
	t.Run("nobody signs in", func(t *testing.T) {
		want(t, newRun(b.setup(t, b.application(t)), Options{}).redirectURL(t.Context()), Skip, "")
	})
}

func TestRedirectURLThatTheAnswerDoesNotTell(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a page":         says(200, "text/html", "<html>Sign in</html>"),
		"another number": says(200, "text/html", `<script>{"strServiceExceptionMessage":"AADSTS165000: Invalid Request","x":1}</script>`),
		"on to another":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://sts.contoso.com/adfs", 302) },
	} {
		t.Run(name, func(t *testing.T) {
			address, roots := web(t, answer)
			result := newRun(setupOf(t, microsoft(t, at(address)), roots), Options{}).redirectURL(t.Context())
			want(t, result, Warn, "redirect-url-not-proven", "only a sign-in shows")
			if strings.Contains(result.Reply, `"`) {
				t.Errorf("the reply has more than the sentence: %s", result.Reply)
			}
		})
	}
	t.Run("a page of the provider's", func(t *testing.T) {
		address, roots := web(t, says(200, "text/html", `<html><script>$Config={"strServiceExceptionMessage":"AADSTS50011: The redirect URI &#39;http://localhost&#39; does not match.\r\nTrace ID: 1"}</script></html>`))
		result := newRun(setupOf(t, microsoft(t, at(address)), roots), Options{}).redirectURL(t.Context())
		want(t, result, Fail, "redirect-url-not-registered", "http://localhost is not registered")
		if result.Reply != "AADSTS50011: The redirect URI 'http://localhost' does not match." {
			t.Errorf("the reply is %q", result.Reply)
		}
	})
}

func TestClockIsComparedWithWhatServersSay(t *testing.T) {
	for name, c := range map[string]struct {
		ahead   time.Duration // of this computer
		status  Status
		finding string
		words   string
	}{
		"right":           {0, Pass, "", "right to"},
		"a little off":    {2 * time.Minute, Warn, "clock-wrong", "ahead of what"},
		"ahead":           {7 * time.Minute, Fail, "clock-wrong", "ahead of what"},
		"an hour behind":  {-time.Hour, Fail, "clock-wrong", "behind what"},
		"20 days behind":  {-20 * 24 * time.Hour, Fail, "clock-wrong", "20 days behind what"},
		"years behind":    {-9000 * 24 * time.Hour, Fail, "clock-wrong", "9000 days behind what"},
		"two months more": {60 * 24 * time.Hour, Fail, "clock-wrong", "60 days ahead of what"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTenant(t, sandbox.Options{})
			s := b.setup(t, b.person(t))
			s.Now = func() time.Time { return time.Now().Add(c.ahead) }
			// The library asks for the time where the program's clock counts.
			s.Web.Transport.(*http.Transport).TLSClientConfig.Time = s.Now
			want(t, newRun(s, Options{}).clock(t.Context()), c.status, c.finding, c.words)
		})
	}
}

func TestClockOfThisComputerIsWhatMakesTheCertificateSeemExpired(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	s := b.setup(t, b.person(t))
	s.Now = func() time.Time { return time.Now().AddDate(0, 3, 0) }
	s.Web.Transport.(*http.Transport).TLSClientConfig.Time = s.Now
	results := Run(t.Context(), s, Options{NoSend: true}, nil)
	for _, r := range results {
		if r.ID == TLS || r.ID == Clock || r.ID == Authority {
			want(t, r, Fail, "clock-wrong")
		}
	}
}

func TestClockWithoutAnybodyToAsk(t *testing.T) {
	a := own(t, closedPort(t))
	want(t, newRun(setupOf(t, a, nil), Options{}).clock(t.Context()), Skip, "")
	s := setupOf(t, microsoft(t, at("https://"+closedPort(t).String())), nil)
	want(t, newRun(s, Options{}).clock(t.Context()), Skip, "", "did not answer")
}

func TestSettingTheClockIsTheSystemsOwn(t *testing.T) {
	for system, command := range map[string]string{"linux": "timedatectl", "windows": "w32tm /resync", "darwin": "sntp -sS time.apple.com"} {
		if fix, is := setClock(system); fix == "" || !strings.Contains(is, command) {
			t.Errorf("on %s: %s: %s", system, fix, is)
		}
	}
}
