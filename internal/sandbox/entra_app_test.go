package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const appScope = "https://outlook.office365.com/.default"

// appForm is a good client_credentials request of the application for SMTP;
// pairs change it, "" removes a parameter.
func appForm(change ...string) url.Values {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {daemonAppID}, "scope": {appScope},
		"client_secret": {"dmn8Q~application-client-secret-of-the-sandbox"},
	}
	set(form, change)
	return form
}

// read decodes a JWT's claims without a look at its signature.
func read(t *testing.T, token string) map[string]any {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestAnApplicationSignsInByItselfWithItsSecret(t *testing.T) {
	b := newBench(t, "default")
	v := b.post(b.browser(), b.TokenURL, appForm(), nil)
	var reply map[string]any
	if err := json.Unmarshal([]byte(v.body), &reply); err != nil || v.status != http.StatusOK {
		t.Fatalf("%d %v", v.status, err)
	}
	for _, absent := range []string{"refresh_token", "id_token", "scope"} {
		if _, ok := reply[absent]; ok {
			t.Errorf("the reply has %s", absent)
		}
	}
	token := reply["access_token"].(string)
	claims := read(t, token)
	for name, want := range map[string]string{
		"aud": "https://outlook.office365.com", "appid": daemonAppID, "appidacr": "1", "oid": daemonEnterpriseID, "sub": daemonEnterpriseID,
		"idtyp": "app", "tid": contosoID, "ver": "1.0", "iss": "https://sts.windows.net/" + contosoID + "/",
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %s", name, claims[name], want)
		}
	}
	for _, absent := range []string{"scp", "upn", "unique_name"} {
		if _, ok := claims[absent]; ok {
			t.Errorf("the token has %s", absent)
		}
	}
	checked, ok := b.entra.check(token)
	if !ok || !slices.Equal(checked.Roles, []string{"SMTP.SendAsApp"}) || checked.ObjectID != daemonEnterpriseID || checked.UPN != "" ||
		checked.AppID != daemonAppID || len(checked.Scopes) != 0 || checked.Audience != "https://outlook.office365.com" {
		t.Errorf("claims %+v, %v", checked, ok)
	}
	b.clock.add(2 * time.Hour)
	if _, ok := b.entra.check(token); ok {
		t.Error("the token has no end")
	}
}

func TestRolesAreThoseGrantedAtTheResourceAndTheAudienceIsTheSpelling(t *testing.T) {
	b := newBench(t, "default")
	for _, test := range []struct {
		scope, audience string
		roles           []string
	}{
		{"https://outlook.office.com/.default", "https://outlook.office.com", []string{"SMTP.SendAsApp"}},
		{"https://outlook.office365.com//.default", "https://outlook.office365.com/", []string{"SMTP.SendAsApp"}},
		{"00000002-0000-0ff1-ce00-000000000000/.default", "00000002-0000-0ff1-ce00-000000000000", []string{"SMTP.SendAsApp"}},
		{"https://graph.microsoft.com/.default", "https://graph.microsoft.com", nil},
	} {
		claims, ok := b.entra.check(b.token(appForm("scope", test.scope), nil).AccessToken)
		if !ok || claims.Audience != test.audience || !slices.Equal(claims.Roles, test.roles) {
			t.Errorf("%s: %+v %v", test.scope, claims, ok)
		}
	}
	b.Tenant().Change(func(tenant *Tenant) { tenant.app(daemonAppID).GrantedRoles = nil })
	token := b.token(appForm(), nil).AccessToken
	if _, ok := read(t, token)["roles"]; ok {
		t.Error("nothing is granted, and the token has roles")
	}
	if _, ok := b.entra.check(token); !ok {
		t.Error("the token without roles is not good")
	}
}

func TestASecretMayBeSentInEveryWayThatIsEncoded(t *testing.T) {
	b := newBench(t, "default")
	const awkward = "a+b&c=d%20e~f/g h"
	b.Tenant().Change(func(tenant *Tenant) { tenant.app(daemonAppID).Secret = awkward })
	if a := b.token(appForm("client_secret", awkward), nil); a.status != http.StatusOK {
		t.Errorf("in the body: %s", a.Description)
	}
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth(daemonAppID, url.QueryEscape(awkward))
	if a := b.token(appForm("client_id", "", "client_secret", ""), basic.Header); a.status != http.StatusOK {
		t.Errorf("in the header: %s", a.Description)
	}
	b.token(appForm("client_secret", url.QueryEscape(awkward)), nil).refused(t, 401, "invalid_client", 7000215) // encoded twice
}

// headline is what a description says before its IDs.
func (a tokenAnswer) headline() string {
	text, _, _ := strings.Cut(a.Description, "\r\n")
	return text
}

func TestClientCredentialsAreRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		tenant  string // the path segment, "" is the right one
		breakIt func(*Tenant)
		change  []string
		status  int
		oauth   string
		text    string
	}{
		{name: "over /common", tenant: "common", status: 400, oauth: "invalid_request",
			text: "AADSTS50059: No tenant-identifying information found in either the request or implied by any provided credentials."},
		{name: "over /organizations", tenant: "organizations", status: 400, oauth: "invalid_request",
			text: "AADSTS50059: No tenant-identifying information found in either the request or implied by any provided credentials."},
		{name: "over /consumers", tenant: "consumers", status: 400, oauth: "invalid_request",
			text: "AADSTS9001023: The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint."},
		{name: "at another tenant", tenant: "fabrikam.com", status: 400, oauth: "invalid_request",
			text: "AADSTS90002: Tenant 'fabrikam.com' not found. Check that the tenant ID or domain is right and that you sign in to the right cloud."},
		{name: "for a scope by its name", change: []string{"scope", "https://outlook.office365.com/SMTP.SendAsApp"}, status: 400, oauth: "invalid_scope",
			text: "AADSTS1002012: The provided value for scope https://outlook.office365.com/SMTP.SendAsApp is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."},
		{name: "for no resource", change: []string{"scope", "/.default"}, status: 400, oauth: "invalid_scope",
			text: "AADSTS1002012: The provided value for scope /.default is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."},
		{name: "for two resources", change: []string{"scope", appScope + " https://graph.microsoft.com/.default"}, status: 400, oauth: "invalid_scope",
			text: "AADSTS70011: The provided value for the input parameter 'scope' is not valid. The scope " + appScope + " https://graph.microsoft.com/.default is not valid."},
		{name: "without a scope", change: []string{"scope", ""}, status: 400, oauth: "invalid_request",
			text: "AADSTS900144: The request body must contain the following parameter: 'scope'."},
		{name: "for another cloud's resource", change: []string{"scope", "https://outlook.office365.us/.default"}, status: 400, oauth: "invalid_resource",
			text: "AADSTS500011: The resource principal named https://outlook.office365.us was not found in the tenant. Either no administrator installed it there, or the request went to the wrong tenant."},
		{name: "without a secret", change: []string{"client_secret", ""}, status: 401, oauth: "invalid_client",
			text: "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."},
		{name: "with the secret's ID", change: []string{"client_secret", "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b05"}, status: 401, oauth: "invalid_client",
			text: "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '" + daemonAppID + "'."},
		{name: "with an expired secret", breakIt: func(t *Tenant) { t.app(daemonAppID).SecretExpires = time.Unix(0, 0) }, status: 401, oauth: "invalid_client",
			text: "AADSTS7000222: The provided client secret keys for app '" + daemonAppID + "' are expired. Create new keys for the app in the portal, or use a certificate."},
		{name: "by an unknown application", change: []string{"client_id", "nobody"}, status: 400, oauth: "unauthorized_client",
			text: "AADSTS700016: Application with identifier 'nobody' was not found in the directory 'contoso.com'. Either no administrator installed it there and no user consented to it, or the request went to the wrong tenant."},
		{name: "by a disabled application", breakIt: func(t *Tenant) { t.app(daemonAppID).Disabled = true }, status: 400, oauth: "unauthorized_client",
			text: "AADSTS7000112: Application '" + daemonAppID + "'(traymail (application)) is disabled."},
		{name: "by a public application", change: []string{"client_id", desktopAppID}, status: 401, oauth: "invalid_client",
			text: "AADSTS700025: Client is public so neither 'client_assertion' nor 'client_secret' should be presented."},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, "default")
			if test.breakIt != nil {
				b.Tenant().Change(test.breakIt)
			}
			if test.tenant != "" {
				b.TokenURL = strings.Replace(b.TokenURL, b.TenantID, test.tenant, 1)
			}
			a := b.token(appForm(test.change...), nil)
			if a.status != test.status || a.Error != test.oauth || a.headline() != test.text {
				t.Errorf("%d %s %s", a.status, a.Error, a.headline())
			}
		})
	}
}
