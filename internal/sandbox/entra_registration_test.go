package sandbox

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestAPersonRegistersAnAppOnThePortalsPages(t *testing.T) {
	b := onStage(t)
	c := b.plain()
	list := b.get(c, b.Page("https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"))
	list.says(t, "New registration")
	v := b.get(c, b.PagesURL+"/portal/apps/new")
	v.says(t, "Register an application", "Supported account types", "Redirect URI (optional)")
	v = b.post(c, b.PagesURL+"/portal/apps", url.Values{"name": {"Endpoint Central"}, "accounts": {"own"}, "platform": {"web"}, "uri": {"http://localhost:53682/callback"}}, nil)
	v.says(t, "Endpoint Central", "Application (client) ID", "Directory (tenant) ID", contosoID, "My organization only", "Add a certificate or secret")
	apps := b.Tenant().Apps
	app := apps[len(apps)-1]
	if app.Name != "Endpoint Central" || !app.SingleTenant || app.Redirects["http://localhost:53682/callback"] != Web {
		t.Errorf("%+v", app)
	}
	at := b.PagesURL + "/portal/apps/" + app.ClientID

	v = b.post(c, at+"/credentials/add", url.Values{"days": {"180"}}, nil)
	shown := regexp.MustCompile(`readonly autofocus value="([^"]+)"`).FindStringSubmatch(v.body)
	if shown == nil || html.UnescapeString(shown[1]) != app.Secret || app.Secret == "" {
		t.Fatalf("it shows %v", shown)
	}
	if v = b.get(c, at+"/credentials"); strings.Contains(v.body, shown[1]) || !strings.Contains(v.body, "new****") {
		t.Error("the value is shown again")
	}
	b.post(c, at+"/permissions/add", url.Values{"permission": {"Delegated " + graphID + "/SMTP.Send", "Delegated offline_access", "Application " + exchangeID + "/SMTP.SendAsApp", "Delegated " + graphID + "/Nothing"}}, nil).
		says(t, "SMTP.Send", "offline_access", "User.Read", "Delegated")
	if strings.Join(app.Permissions, " ") != graphID+"/User.Read offline_access "+graphID+"/SMTP.Send" || strings.Join(app.AppRoles, " ") != exchangeID+"/SMTP.SendAsApp" {
		t.Errorf("%v %v", app.Permissions, app.AppRoles)
	}
	b.post(c, at+"/permissions/grant", nil, nil).says(t, "Granted for Contoso", "Successfully saved")
	b.post(c, at+"/authentication/add", url.Values{"platform": {"public"}, "uri": {"http://localhost"}}, nil).says(t, "Mobile and desktop applications", "http://localhost:53682/callback")
}

func TestThePortalRefusesWhatCannotBeRegistered(t *testing.T) {
	b := onStage(t)
	c, known := b.plain(), b.PagesURL+"/portal/apps/"+webAppID
	before := len(b.Tenant().Apps)
	for path, form := range map[string]url.Values{
		b.PagesURL + "/portal/apps":                     {"name": {" "}, "platform": {"web"}},
		b.PagesURL + "/portal/apps?":                    {"name": {"a"}, "platform": {"web"}, "uri": {"http://example.com"}},
		b.PagesURL + "/portal/apps?1":                   {"name": {"a"}, "uri": {"http://localhost"}},
		known + "/credentials/add":                      {"days": {"0"}},
		known + "/credentials/add?":                     {"days": {"soon"}},
		known + "/authentication/add":                   {"platform": {"web"}},
		b.PagesURL + "/portal/apps/x/permissions/grant": nil,
	} {
		if v := b.post(c, path, form, nil); v.status < 400 || v.status >= 500 {
			t.Errorf("%s %v: %d", path, form, v.status)
		}
	}
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}}
	if v := b.post(c, b.PagesURL+"/portal/apps", url.Values{"name": {"a"}}, foreign); v.status != http.StatusForbidden {
		t.Errorf("from somebody else's page: %d", v.status)
	}
	if n := len(b.Tenant().Apps); n != before {
		t.Errorf("%d apps, there were %d", n, before)
	}
	for _, path := range []string{known + "/nothing", b.PagesURL + "/portal/apps/x/overview"} {
		if v := b.get(c, path); v.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, v.status)
		}
	}
}
