package checks

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

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
			http.Redirect(w, r, "https://portal.hotel.example/login", http.StatusFound)
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
