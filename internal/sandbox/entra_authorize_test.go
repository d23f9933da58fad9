package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAuthorizeShowsErrorsAboutTheClientAndNeverRedirects(t *testing.T) {
	b := newBench(t, "default")
	b.Tenant().Change(func(tenant *Tenant) {
		tenant.Apps = append(tenant.Apps, &App{ClientID: "d15ab1ed-0000-4000-8000-000000000000", Name: "off", Disabled: true})
	})
	c := b.browser()
	swap := func(address, segment string) string { return strings.Replace(address, b.TenantID, segment, 1) }
	for name, test := range map[string]struct{ address, want string }{
		"an unregistered path":                     {b.authorizeURL("redirect_uri", "http://localhost:1/cb"), "AADSTS50011: The redirect URI 'http://localhost:1/cb' specified in the request does not match"},
		"127.0.0.1 is not localhost":               {b.authorizeURL("redirect_uri", "http://127.0.0.1:1"), "AADSTS50011"},
		"[::1] is not supported":                   {b.authorizeURL("redirect_uri", "http://[::1]:1"), "AADSTS50011"},
		"https is not http":                        {b.authorizeURL("redirect_uri", "https://localhost:1"), "AADSTS50011"},
		"a path in other case":                     {b.authorizeURL("client_id", webAppID, "redirect_uri", "http://localhost:53682/Callback"), "AADSTS50011"},
		"a redirect URI with a fragment":           {b.authorizeURL("redirect_uri", "http://localhost:1#x"), "AADSTS50011"},
		"a redirect URI with a user":               {b.authorizeURL("redirect_uri", "http://x@localhost:1"), "AADSTS50011"},
		"no redirect URI":                          {b.authorizeURL("redirect_uri", ""), "AADSTS900144"},
		"an unknown client":                        {b.authorizeURL("client_id", "00000000-0000-0000-0000-000000000001"), "AADSTS700016"},
		"no client":                                {b.authorizeURL("client_id", ""), "AADSTS900144"},
		"a disabled client":                        {b.authorizeURL("client_id", "d15ab1ed-0000-4000-8000-000000000000"), "AADSTS7000112"},
		"an unknown tenant":                        {swap(b.authorizeURL(), "fabrikam.com"), "AADSTS90002"},
		"a work application on consumers":          {swap(b.authorizeURL(), "consumers"), "AADSTS9002332"},
		"a single-tenant application on common":    {swap(b.authorizeURL("client_id", webAppID), "common"), "AADSTS50194"},
		"a single-tenant app on organizations":     {swap(b.authorizeURL("client_id", webAppID), "organizations"), "AADSTS50194"},
		"a parameter twice":                        {b.authorizeURL() + "&state=2", "AADSTS9000411"},
		"an unknown response mode":                 {b.authorizeURL("response_mode", "smoke"), "AADSTS9002313"},
		"markup in a parameter is shown, not used": {b.authorizeURL("redirect_uri", "http://localhost/<b>x"), "'http://localhost/<b>x'"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.get(c, test.address)
			if v.status != http.StatusBadRequest || v.back != nil || !strings.Contains(v.screen.alert, test.want) {
				t.Errorf("status %d, page says %q", v.status, v.screen.text)
			}
		})
	}
}

func TestAuthorizeSendsOtherErrorsToTheClient(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	for name, test := range map[string]struct {
		change []string
		oauth  string
		code   string
	}{
		"another response type":                        {[]string{"response_type", "token"}, "unsupported_response_type", "70005"},
		"no response type":                             {[]string{"response_type", ""}, "invalid_request", "900144"},
		"no scope":                                     {[]string{"scope", ""}, "invalid_request", "900144"},
		"an app-only permission as a scope":            {[]string{"scope", "https://outlook.office.com/SMTP.SendAsApp"}, "invalid_scope", "70011"},
		"a scope after Exchange's belongs to Exchange": {[]string{"scope", smtpScope + " User.Read"}, "invalid_scope", "70011"},
		".default with others":                         {[]string{"scope", "https://outlook.office.com/.default User.Read"}, "invalid_scope", "70011"},
		"an unknown resource":                          {[]string{"scope", "https://nowhere.example/Read"}, "invalid_resource", "500011"},
		"a permission that is not registered":          {[]string{"scope", "https://outlook.office.com/IMAP.AccessAsUser.All"}, "unauthorized_client", "650056"},
		"an unknown PKCE method":                       {[]string{"code_challenge_method", "S512"}, "invalid_request", "501491"},
		"a short PKCE challenge":                       {[]string{"code_challenge", "short"}, "invalid_request", "501491"},
		"a single-page app without PKCE":               {[]string{"client_id", spaAppID, "redirect_uri", "http://localhost:53683/", "code_challenge", ""}, "invalid_request", "9002325"},
		"an unknown prompt":                            {[]string{"prompt", "maybe"}, "invalid_request", "9002313"},
		"prompt none with another":                     {[]string{"prompt", "none login"}, "invalid_request", "9002313"},
		"prompt none without a session":                {[]string{"prompt", "none"}, "login_required", "50058"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.get(c, b.authorizeURL(test.change...))
			if v.back.Get("error") != test.oauth || !strings.HasPrefix(v.back.Get("error_description"), "AADSTS"+test.code+": ") || v.back.Get("state") != "state-1" {
				t.Errorf("status %d, back %v, page %q", v.status, v.back, v.screen.text)
			}
		})
	}
}

func TestAResourceThatIsNotRegisteredIsRefused(t *testing.T) {
	b := newBench(t, "default")
	b.Tenant().Change(func(tenant *Tenant) {
		tenant.app(desktopAppID).Permissions = []string{"https://graph.microsoft.com/User.Read"}
	})
	v := b.get(b.browser(), b.authorizeURL("scope", smtpScope))
	if v.back.Get("error") != "invalid_resource" || !strings.Contains(v.back.Get("error_description"), "AADSTS650057") {
		t.Errorf("back %v", v.back)
	}
}

func TestRedirectMatching(t *testing.T) {
	app := &App{Redirects: map[string]Platform{
		"http://localhost": PublicClient, "http://localhost:53682/callback": Web, "http://localhost:7/both": SPA,
		"http://localhost:8/both": Web, "https://app.contoso.com:8443/a?b=c": Web, "http://app.contoso.com/": Web, "http://127.0.0.1/": PublicClient,
	}}
	for _, test := range []struct {
		name, uri string
		want      Platform // "" is no match
	}{
		{"the port of localhost is ignored", "http://localhost:49152", PublicClient},
		{"no path and a slash are the same", "http://localhost:49152/", PublicClient},
		{"the host's case is ignored", "http://LOCALHOST:1", PublicClient},
		{"the path must be there", "http://localhost:1/other", ""},
		{"the path's case counts", "http://localhost:1/Callback", ""},
		{"a slash at the end counts", "http://localhost:1/callback/", ""},
		{"any port reaches a registration with a port", "http://localhost:1/callback", Web},
		{"of two ports the exact one wins", "http://localhost:8/both", Web},
		{"the port counts elsewhere", "https://app.contoso.com/a?b=c", ""},
		{"the query counts", "https://app.contoso.com:8443/a", ""},
		{"everything equal", "https://app.contoso.com:8443/a?b=c", Web},
		{"http is for this machine only", "http://app.contoso.com/", ""},
		{"the loopback address, when the manifest has it", "http://127.0.0.1:5/", PublicClient},
		{"a name that begins like localhost", "http://localhost.example.com", ""},
		{"not a URI", "://", ""},
		{"an own scheme", "msal://localhost", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := app.matchRedirect(test.uri); got != test.want || ok != (test.want != "") {
				t.Errorf("%s is %q, %v", test.uri, got, ok)
			}
		})
	}
}

func TestResponseModes(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	b.walk(c, b.authorizeURL()) // consent, and single sign-on for the rest
	t.Run("query adds a slash to a pathless address", func(t *testing.T) {
		v := b.get(c, b.authorizeURL())
		if at := v.header.Get("Location"); v.status != http.StatusFound || !strings.HasPrefix(at, "http://localhost:1/?") || v.back.Get("session_state") == "" {
			t.Errorf("%d %s", v.status, at)
		}
	})
	t.Run("fragment", func(t *testing.T) {
		v := b.get(c, b.authorizeURL("response_mode", "fragment"))
		if at := v.header.Get("Location"); !strings.HasPrefix(at, "http://localhost:1/#") || v.back.Get("code") == "" || v.back.Get("state") != "state-1" {
			t.Errorf("%d %s", v.status, at)
		}
	})
	t.Run("form_post is a page that sends itself, or by its button", func(t *testing.T) {
		v := b.get(c, b.authorizeURL("response_mode", "form_post"))
		form := v.screen.form
		if v.status != http.StatusOK || form == nil || form.action != "http://localhost:1" || form.fields["code"] == "" || form.fields["state"] != "state-1" {
			t.Fatalf("%d %s", v.status, v.body)
		}
		if !strings.Contains(v.body, "Continue</button>") || !strings.Contains(v.body, "<noscript>") || !strings.Contains(v.body, ".submit()") {
			t.Error(v.body)
		}
		if !strings.Contains(v.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error(v.header)
		}
	})
	t.Run("an address with a query keeps it", func(t *testing.T) {
		b.Tenant().Change(func(tenant *Tenant) { tenant.app(desktopAppID).Redirects["http://localhost/x?y=z"] = PublicClient })
		v := b.get(c, b.authorizeURL("redirect_uri", "http://localhost:1/x?y=z"))
		if v.back.Get("y") != "z" || v.back.Get("code") == "" {
			t.Error(v.header.Get("Location"))
		}
	})
}

func TestScopesBindToTheResourceBeforeThem(t *testing.T) {
	app := &App{ClientID: "a", Name: "a", Permissions: []string{smtpScope, "https://graph.microsoft.com/User.Read"}}
	for _, test := range []struct{ name, scope, want string }{
		{"no resource is Graph", "User.Read SMTP.Send", graphAudience + " " + graphAudience},
		{"Exchange first", smtpScope + " https://graph.microsoft.com/User.Read", exchangeID + " " + graphAudience},
		{"a Graph scope first pulls SMTP.Send to Graph", "https://graph.microsoft.com/User.Read SMTP.Send", graphAudience + " " + graphAudience},
		{"a scope in between without a resource", smtpScope + " openid SMTP.Send", exchangeID},
		{"the other spelling of Exchange", "https://outlook.office365.com/smtp.send", "https://outlook.office365.com"},
		{"everything registered", "https://outlook.office.com/.default openid", exchangeID},
		{"by application ID", graphAudience + "/User.Read", graphAudience},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, refused := GlobalCloud.parseScopes(test.scope, app)
			if refused != nil {
				t.Fatal(refused.text)
			}
			var got []string
			for _, p := range set.permissions {
				got = append(got, p.audience())
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("audiences %q", got)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	v := b.get(c, b.Authority+"/common/v2.0/.well-known/openid-configuration")
	if !strings.Contains(v.body, `"issuer":"`+b.Authority+`/{tenantid}/v2.0"`) {
		t.Error(v.body)
	}
	for _, segment := range []string{b.TenantID, b.Domain} {
		v = b.get(c, b.Authority+"/"+segment+"/v2.0/.well-known/openid-configuration")
		if !strings.Contains(v.body, `"issuer":"`+b.Issuer+`"`) {
			t.Error(v.body)
		}
	}
	if v = b.get(c, b.Authority+"/fabrikam.com/v2.0/.well-known/openid-configuration"); v.status != http.StatusBadRequest || !strings.Contains(v.body, "AADSTS90002") {
		t.Errorf("%d %s", v.status, v.body)
	}
}

func TestLogoutEndsSingleSignOnAndGoesOnlyToARegisteredAddress(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	b.walk(c, b.authorizeURL())
	if v := b.get(c, b.LogoutURL+"?post_logout_redirect_uri="+url.QueryEscape("https://evil.example/")); v.back != nil || v.status != http.StatusOK {
		t.Errorf("%d %v", v.status, v.header)
	}
	if v := b.get(c, b.authorizeURL("prompt", "none")); v.back.Get("error") != "login_required" {
		t.Error(v.back)
	}
	if v := b.get(c, b.LogoutURL+"?post_logout_redirect_uri="+url.QueryEscape("http://localhost:9")); v.header.Get("Location") != "http://localhost:9" {
		t.Error(v.header)
	}
}
