package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// adminURL is a good admin consent request of the application for SMTP; pairs
// change it.
func (b *bench) adminURL(change ...string) string {
	q := url.Values{
		"client_id": {daemonAppID}, "scope": {appScope}, "redirect_uri": {"http://localhost:1"}, "state": {"state-1"},
	}
	set(q, change)
	return b.AdminConsentURL + "?" + q.Encode()
}

func TestAnAdministratorGrantsWhatTheRegistrationLists(t *testing.T) {
	b := newBench(t, "default")
	b.Tenant().Change(func(tenant *Tenant) {
		app := tenant.app(daemonAppID)
		app.GrantedRoles, app.Permissions = nil, []string{graphID + "/User.Read"}
	})
	c := b.browser()
	v := b.submit(c, b.get(c, b.adminURL()), "login", "admin@contoso.com")
	v = b.submit(c, v, "passwd", "admin-password-1")
	v.says(t, "Permissions requested", "Send emails from any mailbox using SMTP AUTH", "https://outlook.office.com/SMTP.SendAsApp",
		"Sign you in and read your profile", "for all users in your organization")
	if strings.Contains(v.screen.text, "on behalf of") {
		t.Error("the page leaves a choice")
	}
	v = b.submit(c, v)
	want := url.Values{"admin_consent": {"True"}, "tenant": {contosoID}, "state": {"state-1"},
		"scope": {"https://graph.microsoft.com/User.Read https://outlook.office.com/SMTP.SendAsApp"}}
	if v.back.Encode() != want.Encode() {
		t.Errorf("back with %v", v.back)
	}
	b.Tenant().View(func(tenant *Tenant) {
		app := tenant.app(daemonAppID)
		if !slices.Equal(app.GrantedRoles, []string{roleSMTP}) || !slices.Equal(app.AdminConsented, []string{graphID + "/User.Read"}) {
			t.Errorf("granted %v and %v", app.GrantedRoles, app.AdminConsented)
		}
	})
	if claims, ok := b.entra.check(b.token(appForm(), nil).AccessToken); !ok || !slices.Equal(claims.Roles, []string{"SMTP.SendAsApp"}) {
		t.Errorf("claims %+v", claims)
	}
}

func TestAdminConsentForDelegatedScopesSparesEveryUserThePage(t *testing.T) {
	b := newBench(t, "consent-required")
	c := b.browser()
	v := b.get(c, b.adminURL("client_id", desktopAppID, "scope", bothScopes))
	v = b.submit(c, v, "login", "admin@contoso.com")
	v = b.submit(c, b.submit(c, v, "passwd", "admin-password-1"))
	if v.back.Get("admin_consent") != "True" || v.back.Get("error") != "" {
		t.Fatalf("back with %v", v.back)
	}
	if code := b.signIn(); code == "" { // svc may not consent here
		t.Error("no code")
	}
}

func TestAPersonWalksAdminConsent(t *testing.T) {
	b := newBench(t, "default")
	b.Tenant().Change(func(tenant *Tenant) { tenant.app(daemonAppID).GrantedRoles = nil })
	client := b.browser()
	p := Person{Username: "admin@contoso.com", Password: "admin-password-1", Client: client}
	if _, err := p.Visit(context.Background(), b.adminURL()); err != nil {
		t.Fatal(err)
	}
	b.Tenant().View(func(tenant *Tenant) {
		if !slices.Equal(tenant.app(daemonAppID).GrantedRoles, []string{roleSMTP}) {
			t.Error("nothing was granted")
		}
	})
	p.Username, p.Password = "svc@contoso.com", "svc-password-1"
	if _, err := p.Visit(context.Background(), b.adminURL()); err == nil || !strings.Contains(err.Error(), "AADSTS90094") {
		t.Errorf("somebody else is told: %v", err)
	}
}

func TestAdminConsentIsRefused(t *testing.T) {
	b := newBench(t, "default")
	t.Run("by Cancel", func(t *testing.T) {
		c := b.browser()
		v := b.submit(c, b.get(c, b.adminURL()), "login", "admin@contoso.com")
		v = b.cancel(c, b.submit(c, v, "passwd", "admin-password-1"))
		if v.back.Get("admin_consent") != "True" || v.back.Get("error") != "consent_required" || v.back.Get("state") != "state-1" || v.back.Has("tenant") ||
			!strings.HasPrefix(v.back.Get("error_description"), "AADSTS65004: The resource owner or authorization server denied the request.\r\nTrace ID: ") {
			t.Errorf("back with %v", v.back)
		}
	})
	for name, test := range map[string]struct {
		change []string
		oauth  string
		text   string
	}{
		"without a scope":                   {[]string{"scope", ""}, "invalid_request", "AADSTS900144: "},
		"for another cloud's resource":      {[]string{"scope", "https://outlook.office365.us/.default"}, "invalid_resource", "AADSTS500011: "},
		"for an application permission":     {[]string{"scope", "https://outlook.office365.com/SMTP.SendAsApp"}, "invalid_scope", "AADSTS70011: "},
		"for something that is not listed":  {[]string{"client_id", desktopAppID, "scope", "https://outlook.office.com/POP.AccessAsUser.All"}, "unauthorized_client", "AADSTS650056: "},
		"for a resource that is not listed": {[]string{"scope", "https://graph.microsoft.com/User.Read"}, "invalid_resource", "AADSTS650057: "},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.get(b.browser(), b.adminURL(test.change...))
			if v.back.Get("admin_consent") != "True" || v.back.Get("error") != test.oauth || !strings.HasPrefix(v.back.Get("error_description"), test.text) {
				t.Errorf("back with %v", v.back)
			}
		})
	}
	for name, test := range map[string]struct {
		tenant string
		change []string
		text   string
	}{
		"over /common":              {"common", nil, "AADSTS50059"},
		"over /consumers":           {"consumers", nil, "AADSTS50059"},
		"at another tenant":         {"fabrikam.com", nil, "AADSTS90002"},
		"of an unknown application": {contosoID, []string{"client_id", "nobody"}, "AADSTS700016"},
		"to another address":        {contosoID, []string{"redirect_uri", "http://localhost:1/other"}, "AADSTS50011"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.get(b.browser(), strings.Replace(b.adminURL(test.change...), contosoID, test.tenant, 1))
			if v.status != http.StatusBadRequest || v.back != nil {
				t.Errorf("%d %v", v.status, v.back)
			}
			v.says(t, test.text)
		})
	}
}
