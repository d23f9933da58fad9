package checks

import (
	"net/http"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

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
		"on to another": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sts.contoso.com/adfs", http.StatusFound)
		},
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
