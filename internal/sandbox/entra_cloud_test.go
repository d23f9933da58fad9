package sandbox

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// realNames returns a client for which the providers' real names are the
// sandbox's, with cookies of its own.
func (b *bench) realNames() *http.Client {
	b.Helper()
	https := strings.Replace(strings.TrimPrefix(b.Authority, "https://"), "localhost", "127.0.0.1", 1)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: b.CertPool()},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && port == "443" && slices.Contains(Hosts(), host) {
				address = https
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	b.Cleanup(transport.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	return &http.Client{Transport: transport, Jar: jar}
}

// callback listens as a client does at its redirect address, on loopback; got
// yields what came to it.
func (b *bench) callback(host string) (address string, got <-chan url.Values) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	forms := make(chan url.Values, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		forms <- r.Form
		io.WriteString(w, "<p>You signed in.</p>")
	})}
	var wg sync.WaitGroup
	wg.Go(func() { server.Serve(l) })
	b.Cleanup(func() { server.Close(); wg.Wait() })
	return fmt.Sprintf("http://%s:%d", host, l.Addr().(*net.TCPAddr).Port), forms
}

// redeemAt posts a form to a token endpoint.
func redeemAt(b *bench, c *http.Client, address string, form url.Values) (a tokenAnswer) {
	b.Helper()
	v := b.post(c, address, form, nil)
	if err := json.Unmarshal([]byte(v.body), &a); err != nil {
		b.Fatalf("%v: %s", err, v.body)
	}
	a.status = v.status
	return a
}

func TestAPersonSignsInAtEveryProviderUnderItsRealNames(t *testing.T) {
	for _, test := range []struct {
		scenario, provider string
		issuer             string
		tenant             string // in the addresses, "" at Google
		scope, audience    string
		person             string
		opaque             string
	}{
		{"default", "microsoft365", "https://login.microsoftonline.com/" + contosoID + "/v2.0", "contoso.com",
			"https://outlook.office.com/SMTP.Send", "https://outlook.office.com", "svc@contoso.com", ""},
		{"gcc-high", "microsoft365-gcc-high", "https://login.microsoftonline.us/" + contosoID + "/v2.0", "contoso.com",
			"https://outlook.office365.us/SMTP.Send", "https://outlook.office365.us", "svc@contoso.com", ""},
		{"dod", "microsoft365-dod", "https://login.microsoftonline.us/" + contosoID + "/v2.0", "contoso.com",
			"https://outlook.office365.us/SMTP.Send", "https://outlook.office365.us", "svc@contoso.com", ""},
		{"21vianet", "microsoft365-21vianet", "https://login.partner.microsoftonline.cn/" + contosoID + "/v2.0", "contoso.com",
			"https://partner.outlook.cn/SMTP.Send", "https://partner.outlook.cn", "svc@contoso.com", ""},
		{"outlook.com", "outlook.com", "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "consumers",
			"https://outlook.office.com/SMTP.Send", "https://outlook.office.com", "svc@outlook.com", "EwB"},
		{"google", "google", "https://accounts.google.com", "",
			"https://mail.google.com/", "https://mail.google.com/", "svc@gmail.com", "ya29."},
	} {
		t.Run(test.scenario, func(t *testing.T) {
			b := newBench(t, test.scenario)
			if b.Ready.Provider != test.provider || b.Ready.Users[0].Username != test.person {
				t.Errorf("ready for %s at %s", b.Ready.Users[0].Username, b.Ready.Provider)
			}
			c := b.realNames()
			ctx := oidc.ClientContext(context.Background(), c)
			provider, err := oidc.NewProvider(ctx, test.issuer)
			if err != nil {
				t.Fatal(err)
			}
			endpoint := provider.Endpoint()
			if test.tenant != "" {
				endpoint.AuthURL = strings.Replace(endpoint.AuthURL, b.TenantID, test.tenant, 1)
				endpoint.TokenURL = strings.Replace(endpoint.TokenURL, b.TenantID, test.tenant, 1)
			}
			app := b.Ready.Apps[0]
			redirect, got := b.callback(strings.TrimPrefix(app.RedirectURL, "http://"))
			q := url.Values{"client_id": {app.ClientID}, "response_type": {"code"}, "redirect_uri": {redirect}, "state": {"s"}, "nonce": {"n"},
				"scope": {"openid email profile offline_access " + test.scope}}
			if test.provider == "google" {
				q.Set("scope", "openid email profile "+test.scope)
				q.Set("access_type", "offline")
			}
			p := Person{Username: test.person, Password: "svc-password-1", Client: c}
			if said, err := p.Visit(ctx, endpoint.AuthURL+"?"+q.Encode()); err != nil || said != "You signed in." {
				t.Fatalf("said %q, %v", said, err)
			}
			form := url.Values{"grant_type": {"authorization_code"}, "client_id": {app.ClientID}, "redirect_uri": {redirect},
				"code": {(<-got).Get("code")}}
			if app.ClientSecret != "" {
				form.Set("client_secret", app.ClientSecret)
			}
			a := redeemAt(b, c, endpoint.TokenURL, form)
			if a.status != http.StatusOK || a.RefreshToken == "" || !strings.HasPrefix(a.AccessToken, test.opaque) {
				t.Fatalf("%d %s %s", a.status, a.Error, a.Description)
			}
			claims, ok := b.entra.check(a.AccessToken)
			if !ok || claims.Audience != test.audience || claims.UPN != test.person || claims.TenantID != b.TenantID || claims.AppID != app.ClientID || claims.ObjectID == "" {
				t.Errorf("claims %+v, %v", claims, ok)
			}
			if _, ok := b.entra.check(a.AccessToken + "x"); ok || test.opaque != "" && strings.Count(a.AccessToken, ".") > 1 {
				t.Error("the access token is not what it should be")
			}
			id, err := provider.Verifier(&oidc.Config{ClientID: app.ClientID, Now: b.clock.now}).Verify(ctx, a.IDToken)
			if err != nil {
				t.Fatal(err)
			}
			var who struct{ Email, TID string }
			if err := id.Claims(&who); err != nil || who.Email != test.person || id.Nonce != "n" || test.tenant != "" && who.TID != b.TenantID {
				t.Errorf("%+v, %v", who, err)
			}
			if reply := b.smtpAuth(test.person, a.AccessToken); !strings.HasPrefix(reply, "235 ") {
				t.Errorf("SMTP: %s", reply)
			}
			b.clock.add(claims.Expires.Sub(b.clock.now()) + time.Second)
			if _, ok := b.entra.check(a.AccessToken); ok {
				t.Error("the access token has no end")
			}
		})
	}
}

func TestAResourceOfAnotherCloudIsUnknown(t *testing.T) {
	known := map[string][]string{
		"default":  {"https://outlook.office.com", "https://outlook.office365.com", "https://graph.microsoft.com"},
		"gcc-high": {"https://outlook.office365.us", "https://graph.microsoft.us"},
		"dod":      {"https://outlook.office365.us", "https://dod-graph.microsoft.us"},
		"21vianet": {"https://partner.outlook.cn", "https://microsoftgraph.chinacloudapi.cn"},
	}
	for scenario, own := range known {
		t.Run(scenario, func(t *testing.T) {
			b := newBench(t, scenario)
			for _, list := range known {
				for _, resource := range list {
					a := b.token(appForm("scope", resource+"/.default"), nil)
					if !slices.Contains(own, resource) {
						a.refused(t, 400, "invalid_resource", 500011)
					} else if claims, ok := b.entra.check(a.AccessToken); !ok || claims.Audience != resource || findResource(claims.Audience) == nil {
						t.Errorf("%s: %s %+v", resource, a.Description, claims)
					}
				}
			}
			back := b.get(b.browser(), b.authorizeURL("scope", "https://mail.google.com/x")).back
			if !strings.HasPrefix(back.Get("error_description"), "AADSTS500011: ") {
				t.Errorf("back with %v", back)
			}
		})
	}
}

func TestAConsentPageNamesTheCloudsResources(t *testing.T) {
	b := newBench(t, "21vianet")
	c := b.browser()
	v := b.get(c, b.authorizeURL("scope", "https://partner.outlook.cn/SMTP.Send https://microsoftgraph.chinacloudapi.cn/User.Read"))
	v = b.submit(c, b.submit(c, v, "login", "svc@contoso.com"), "passwd", "svc-password-1")
	v.says(t, "https://partner.outlook.cn/SMTP.Send", "https://microsoftgraph.chinacloudapi.cn/User.Read")
	a := b.redeem(b.signIn("scope", "offline_access https://partner.outlook.cn/SMTP.Send"), "scope", "https://partner.outlook.cn/SMTP.Send")
	if a.Scope != "https://partner.outlook.cn/SMTP.Send" || read(t, a.AccessToken)["iss"] != "https://sts.chinacloudapi.cn/"+contosoID+"/" {
		t.Errorf("%q %s", a.Scope, a.Description)
	}
}

func TestAnotherCloudsHostDoesNotKnowTheTenant(t *testing.T) {
	b := newBench(t, "gcc-high")
	c := b.realNames()
	tenant := "https://login.microsoftonline.com/contoso.com/"
	if v := b.get(c, tenant+"v2.0/.well-known/openid-configuration"); v.status != 400 || !strings.Contains(v.body, "AADSTS90002: Tenant 'contoso.com' not found.") {
		t.Errorf("%d %s", v.status, v.body)
	}
	b.get(c, tenant+"oauth2/v2.0/authorize?client_id="+desktopAppID).says(t, "AADSTS90002")
	b.TokenURL = tenant + "oauth2/v2.0/token"
	b.readToken(b.post(c, b.TokenURL, appForm(), nil)).refused(t, 400, "invalid_request", 90002)
}

func TestAddressesAreOfTheHostThatWasAsked(t *testing.T) {
	b := newBench(t, "dod")
	discover := func(c *http.Client, authority string) (list map[string]any) {
		v := b.get(c, authority+"/contoso.com/v2.0/.well-known/openid-configuration")
		if err := json.Unmarshal([]byte(v.body), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	for name, want := range map[string]string{
		"issuer":                        "https://login.microsoftonline.us/" + contosoID + "/v2.0",
		"authorization_endpoint":        "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/authorize",
		"token_endpoint":                "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/token",
		"device_authorization_endpoint": "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/devicecode",
		"jwks_uri":                      "https://login.microsoftonline.us/contoso.com/discovery/v2.0/keys",
		"userinfo_endpoint":             "https://dod-graph.microsoft.us/oidc/userinfo",
	} {
		if got := discover(b.realNames(), "https://login.microsoftonline.us")[name]; got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got := discover(b.browser(), b.Authority)["token_endpoint"]; got != b.Authority+"/contoso.com/oauth2/v2.0/token" {
		t.Errorf("on localhost the token endpoint is %v", got)
	}
	// A certificate's assertion is for the address that is used.
	cert := newCredential(b)
	b.upload(cert)
	local := b.TokenURL
	b.TokenURL = "https://login.microsoftonline.us/" + contosoID + "/oauth2/v2.0/token"
	form := appForm("scope", "https://outlook.office365.us/.default", "client_secret", "", "client_assertion_type", jwtBearer,
		"client_assertion", cert.assertion(b, nil))
	if a := b.tokenWith(b.realNames(), form); a.status != http.StatusOK {
		t.Error(a.Description)
	}
	b.TokenURL = local
	b.token(form, nil).refused(t, 401, "invalid_client", 700023)
}

func TestHTTPSAndSMTPCarryEveryRealName(t *testing.T) {
	b := newBench(t, "default")
	https, err := tls.Dial("tcp", strings.TrimPrefix(b.Authority, "https://"), &tls.Config{RootCAs: b.CertPool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer https.Close()
	smtp, _, _, _, err := b.smtpTLS()
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range []*tls.Conn{https, smtp} {
		leaf := conn.ConnectionState().PeerCertificates[0]
		for _, name := range append(Hosts(), "localhost", "smtp.gmail.com", "smtp-mail.outlook.com", "outlook.office365.com", "smtp.partner.outlook.cn") {
			if err := leaf.VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestPersonalAccountsHaveNoTenantToAdminister(t *testing.T) {
	b := newBench(t, "outlook.com")
	ready := b.Ready
	for _, tenant := range []string{"common", "consumers", personalTenantID} {
		b.TokenURL = strings.Replace(ready.TokenURL, b.TenantID, tenant, 1)
		b.token(appForm("client_id", desktopAppID), nil).refused(t, 400, "invalid_request", 9001023)
		b.AuthorizeURL = strings.Replace(ready.AuthorizeURL, b.TenantID, tenant, 1)
		if code := b.walkAs("svc@outlook.com"); code == "" {
			t.Errorf("/%s brings no code", tenant)
		}
	}
	b.AuthorizeURL = strings.Replace(ready.AuthorizeURL, b.TenantID, "organizations", 1)
	b.get(b.browser(), b.authorizeURL()).says(t,
		"AADSTS9002346: Application '"+desktopAppID+"'(traymail (desktop)) is configured for use by Microsoft Account users only. Please use the /consumers endpoint to serve this request.")
	if v := b.get(b.browser(), b.Authority+"/consumers/v2.0/adminconsent"); v.status != http.StatusNotFound || b.AdminConsentURL != "" {
		t.Errorf("admin consent: %d, %q", v.status, b.AdminConsentURL)
	}
}

// walkAs signs in as somebody and returns the code.
func (b *bench) walkAs(username string) string {
	b.Helper()
	c := b.browser()
	v := b.get(c, b.authorizeURL())
	for range 5 {
		if code := v.back.Get("code"); code != "" {
			return code
		}
		v = b.submit(c, v, "login", username, "passwd", "svc-password-1")
	}
	return ""
}

func TestAPersonalSignInRefreshesForGraph(t *testing.T) {
	b := newBench(t, "outlook.com")
	a := b.redeem(b.walkAs("svc@outlook.com"))
	next := b.refresh(a.RefreshToken, "scope", "https://graph.microsoft.com/User.Read")
	if claims, ok := b.entra.check(next.AccessToken); !ok || claims.Audience != graphAudience || !slices.Contains(claims.Scopes, "User.Read") {
		t.Errorf("%+v %s", claims, next.Description)
	}
}
