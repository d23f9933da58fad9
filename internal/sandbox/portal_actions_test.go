package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// administer does an action of the portal as curl does; form is pairs of name
// and value.
func (b *bench) administer(path string, form ...string) view {
	b.Helper()
	values := url.Values{}
	set(values, form)
	return b.post(b.browser(), b.PortalURL+path, values, nil)
}

// mends does an action, which has to succeed.
func (b *bench) mends(path string, form ...string) {
	b.Helper()
	if v := b.administer(path, form...); v.status != http.StatusOK {
		b.Fatalf("%s: %d %s", path, v.status, v.body)
	}
}

const (
	daemonPath = "/apps/" + daemonAppID
	graphPath  = "/apps/" + graphAppID
)

// Each scenario is mended by what an administrator would do, and by nothing
// else.
func TestThePortalMendsEveryScenarioOfAnAdministrator(t *testing.T) {
	secret := func(path string) func(*bench) {
		return func(b *bench) { b.mends(path+"/secrets", "months", "6") }
	}
	both := func(action string, form ...string) func(*bench) {
		return func(b *bench) { b.mends(daemonPath+"/"+action, form...); b.mends(graphPath+"/"+action, form...) }
	}
	tests := map[string]func(*bench){
		"app-no-permission": func(b *bench) {
			b.mends(daemonPath+"/application-permissions", "permission", "https://outlook.office365.com/SMTP.SendAsApp", "do", "add")
			b.mends(graphPath+"/application-permissions", "permission", "mail.send", "do", "add")
			both("consent", "do", "grant")(b)
		},
		"app-no-consent":     both("consent", "do", "grant"),
		"app-secret-expired": func(b *bench) { secret(daemonPath)(b); secret(graphPath)(b) },
		"app-disabled":       both("sign-in", "do", "on"),
		"app-no-service-principal": func(b *bench) {
			b.mends(daemonPath+"/service-principals", "object_id", daemonEnterpriseID, "do", "add")
		},
		"app-wrong-object-id": func(b *bench) {
			b.mends(daemonPath+"/service-principals", "object_id", b.Tenant().app(daemonAppID).ObjectID, "do", "remove")
			b.mends(daemonPath+"/service-principals", "object_id", daemonEnterpriseID, "do", "add")
		},
		"app-no-full-access": func(b *bench) {
			for _, mailbox := range []string{"svc@contoso.com", "ops@contoso.com"} {
				b.mends("/tenant/mailbox-permissions", "mailbox", mailbox, "right", "FullAccess", "who", daemonEnterpriseID, "do", "add")
			}
		},
		"app-rbac-out-of-scope": func(b *bench) {
			b.mends(daemonPath+"/role-assignments", "role", "Application SMTP.SendAsApp", "mailboxes", "svc@contoso.com, ops@contoso.com", "do", "add")
			// The usual outcome has the permission in the token.
			b.mends(daemonPath+"/application-permissions", "permission", "SMTP.SendAsApp", "do", "add")
			b.mends(daemonPath+"/consent", "do", "grant")
			for _, mailbox := range []string{"svc@contoso.com", "ops@contoso.com"} {
				b.mends("/tenant/mailbox-permissions", "mailbox", mailbox, "right", "FullAccess", "who", daemonEnterpriseID, "do", "add")
			}
		},
		"graph-access-policy": func(b *bench) { b.mends(graphPath+"/access-policy", "mailboxes", "ops@contoso.com", "do", "remove") },
		"graph-large": func(b *bench) {
			b.mends(graphPath+"/application-permissions", "permission", "Mail.ReadWrite", "do", "remove")
			b.mends(graphPath+"/consent", "do", "grant")
		},
		"no-licence": func(b *bench) { b.mends("/tenant/licences", "user", "svc@contoso.com", "do", "add") },
		"send-as-missing": func(b *bench) {
			b.mends("/tenant/mailbox-permissions", "mailbox", "invoices@contoso.com", "right", "SendAs", "who", "svc@contoso.com", "do", "add")
		},
		"send-on-behalf-missing": func(b *bench) {
			b.mends("/tenant/mailbox-permissions", "mailbox", "alerts@contoso.com", "right", "SendOnBehalf", "who", "svc@contoso.com", "do", "add")
		},
		"smtp-auth-off-tenant":  func(b *bench) { b.mends("/tenant/smtp-auth", "do", "on") },
		"smtp-auth-off-mailbox": func(b *bench) { b.mends("/tenant/smtp-auth", "mailbox", "svc@contoso.com", "do", "inherit") },
	}
	for name, mend := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, name)
			mend(b)
			got := b.outcome()
			for step, want := range usual {
				if got[step] != want {
					t.Errorf("%s: got %q, want %q", step, got[step], want)
				}
			}
		})
	}
}

// And every setup is undone by it too, so that an administrator can begin with
// nothing.
func TestThePortalTakesAwayWhatItGave(t *testing.T) {
	b := newBench(t, "default")
	const issuer, keys = "https://issuer.example", `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`
	for _, step := range []struct {
		path string
		form []string
		has  string
	}{
		{daemonPath + "/application-permissions", []string{"permission", "Exchange.ManageAsAppV2"}, "Exchange.ManageAsAppV2"},
		{daemonPath + "/delegated-permissions", []string{"permission", "Mail.Send.Shared"}, "Mail.Send.Shared"},
		{daemonPath + "/federated-credentials", []string{"issuer", issuer, "subject", "s", "keys", keys}, issuer},
		{daemonPath + "/role-assignments", []string{"role", "Mail Recipients"}, "Mail Recipients"},
		{daemonPath + "/access-policy", []string{"mailboxes", "mfa@contoso.com"}, "mfa@contoso.com"},
		{graphPath + "/service-principals", []string{"object_id", graphEnterpriseID}, `"service_principals":["` + graphEnterpriseID},
		{"/tenant/mailbox-permissions", []string{"mailbox", "board@contoso.com", "right", "SendAs", "who", daemonEnterpriseID}, daemonEnterpriseID},
	} {
		if v := b.administer(step.path, append(step.form, "do", "add")...); v.status != http.StatusOK || !strings.Contains(v.body, step.has) {
			t.Errorf("%s, add: %d %s", step.path, v.status, v.body)
		}
		v := b.administer(step.path, append(step.form, "do", "remove")...)
		if v.status != http.StatusOK || strings.Contains(v.body, step.has) && !strings.HasPrefix(step.path, "/tenant") {
			t.Errorf("%s, remove: %d %s", step.path, v.status, v.body)
		}
	}
	for _, step := range [][]string{
		{daemonPath + "/consent", "do", "revoke"}, {daemonPath + "/sign-in", "do", "off"},
		{"/tenant/licences", "user", "ops@contoso.com", "do", "remove"}, {"/tenant/smtp-auth", "mailbox", "ops@contoso.com", "do", "off"},
		{"/tenant/smtp-auth", "do", "off"}, {"/tenant/security-defaults", "do", "on"},
	} {
		b.mends(step[0], step[1:]...)
	}
	b.Tenant().View(func(tenant *Tenant) {
		app, ops := tenant.app(daemonAppID), tenant.mailbox("ops@contoso.com")
		if len(app.GrantedRoles)+len(app.AdminConsented) != 0 || !app.Disabled || !tenant.user("ops@contoso.com").Unlicensed ||
			ops.SMTPAuthDisabled == nil || !*ops.SMTPAuthDisabled || !tenant.SMTPAuthDisabled || !tenant.SecurityDefaults ||
			len(tenant.mailbox("board@contoso.com").SendAs) != 0 {
			t.Errorf("%+v %+v", app, ops)
		}
	})
}

func TestThePortalTrustsTheSandboxesOwnIssuer(t *testing.T) {
	b := newBench(t, "default")
	b.mends(daemonPath+"/federated-credentials", "issuer", b.FederatedIssuer, "subject", "job-1", "do", "add")
	for subject, want := range map[string]string{"job-1": "200 SMTP.SendAsApp", "job-2": "401 AADSTS700213"} {
		token := b.get(b.browser(), b.FederatedTokenURL+"?subject="+subject).body
		if _, said := b.applicationToken("client_secret", "", "client_assertion_type", jwtBearer, "client_assertion", token); said != want {
			t.Errorf("%s: %s", subject, said)
		}
		if _, ok := b.entra.check(token); ok {
			t.Error("the issuer's token is one of the tenant's")
		}
	}
	v := b.get(b.browser(), b.FederatedIssuer+"/keys")
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(v.body), &set); err != nil || len(set.Keys) == 0 || set.Keys[0]["kty"] != "RSA" {
		t.Error(v.body)
	}
}

func TestThePortalRefusesAnAction(t *testing.T) {
	b := newBench(t, "default")
	for name, test := range map[string]struct {
		path   string
		form   []string
		status int
		text   string
	}{
		"that it does not have":       {daemonPath + "/deletion", nil, 404, "no such action"},
		"on no app":                   {"/apps/nobody/consent", []string{"do", "grant"}, 404, "no app registration has this client ID"},
		"without a field":             {daemonPath + "/service-principals", []string{"do", "add"}, 400, "the form has no object_id"},
		"with another choice":         {daemonPath + "/consent", []string{"do", "add"}, 400, `do is one of grant, revoke, not "add"`},
		"on an unknown permission":    {daemonPath + "/application-permissions", []string{"permission", "SMTP.Send", "do", "add"}, 400, `no API here has the application permission "SMTP.Send"`},
		"on a permission elsewhere":   {daemonPath + "/application-permissions", []string{"permission", "https://graph.microsoft.com/SMTP.SendAsApp", "do", "add"}, 400, "no API here"},
		"with an issuer without TLS":  {daemonPath + "/federated-credentials", []string{"issuer", "http://x", "subject", "s", "do", "add"}, 400, "begins with https://"},
		"with an issuer without keys": {daemonPath + "/federated-credentials", []string{"issuer", "https://x", "subject", "s", "do", "add"}, 400, "not a JWK set"},
		"with a long secret":          {daemonPath + "/secrets", []string{"months", "25"}, 400, "from 1 to 24"},
		"with no Object ID":           {graphPath + "/service-principals", []string{"object_id", "x", "do", "add"}, 400, "is a GUID"},
		"with a second Object ID":     {daemonPath + "/service-principals", []string{"object_id", graphEnterpriseID, "do", "add"}, 400, daemonEnterpriseID + ": remove that first"},
		"on another Object ID":        {daemonPath + "/service-principals", []string{"object_id", graphEnterpriseID, "do", "remove"}, 400, "does not know this app by"},
		"on an app unknown there":     {graphPath + "/role-assignments", []string{"role", "Application Mail.Send", "do", "add"}, 400, "New-ServicePrincipal first"},
		"over a mailbox that is none": {daemonPath + "/role-assignments", []string{"role", "Application Mail.Send", "mailboxes", "x@contoso.com", "do", "add"}, 400, `no mailbox "x@contoso.com"`},
		"for a policy over none":      {graphPath + "/access-policy", []string{"mailboxes", "x@contoso.com", "do", "add"}, 400, `no mailbox "x@contoso.com"`},
		"on no mailbox":               {"/tenant/mailbox-permissions", []string{"mailbox", "x@contoso.com", "right", "SendAs", "who", "svc@contoso.com", "do", "add"}, 400, `no mailbox "x@contoso.com"`},
		"for nobody":                  {"/tenant/mailbox-permissions", []string{"mailbox", "svc@contoso.com", "right", "SendAs", "who", graphEnterpriseID, "do", "add"}, 400, "finds no user, mailbox or service principal"},
		"for an app, on behalf":       {"/tenant/mailbox-permissions", []string{"mailbox", "svc@contoso.com", "right", "SendOnBehalf", "who", daemonEnterpriseID, "do", "add"}, 400, "not to a service principal"},
		"on no switch":                {"/tenant/smtp-auth", []string{"mailbox", "x@contoso.com", "do", "on"}, 400, `no mailbox "x@contoso.com"`},
		"on a switch of the whole":    {"/tenant/smtp-auth", []string{"do", "inherit"}, 400, "only a mailbox inherits"},
		"on no user":                  {"/tenant/licences", []string{"user", "x@contoso.com", "do", "add"}, 400, `no user "x@contoso.com"`},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.administer(test.path, test.form...)
			var got map[string]string
			if err := json.Unmarshal([]byte(v.body), &got); err != nil || v.status != test.status || !strings.Contains(got["error"], test.text) {
				t.Errorf("%d %s", v.status, v.body)
			}
		})
	}
	hostile := http.Header{"Origin": {"https://attacker.example"}, "Sec-Fetch-Site": {"cross-site"}}
	for _, path := range []string{daemonPath + "/consent", "/tenant/security-defaults"} {
		if v := b.post(b.browser(), b.PortalURL+path, url.Values{"do": {"on"}}, hostile); v.status != http.StatusForbidden {
			t.Errorf("another site's page changes %s: %d", path, v.status)
		}
	}
	if v := newBench(t, "outlook.com").administer("/apps/"+desktopAppID+"/sign-in", "do", "off"); v.status != http.StatusNotFound && v.status != http.StatusMethodNotAllowed {
		t.Errorf("somebody administers personal accounts: %d", v.status)
	}
}

func TestThePortalsPagesHaveAFormAndACommandForEachAction(t *testing.T) {
	b := newBench(t, "app-rbac")
	for path, actions := range map[string][]portalAction{daemonPath: appActions, "/tenant": tenantActions} {
		v := b.get(b.browser(), b.PortalURL+path)
		for _, a := range actions {
			v.says(t, a.Title, "curl --cacert CA.pem", b.PortalURL+path+"/"+a.Name)
			if !strings.Contains(v.body, `action="/portal`+path+"/"+a.Name+`"`) {
				t.Errorf("no form for %s", a.Name)
			}
			for _, f := range a.Fields {
				if !slices.ContainsFunc([]string{"<input", "<select"}, func(tag string) bool {
					return strings.Contains(v.body, tag+` id="`+a.Name+"-"+f.Name+`" name="`+f.Name+`"`)
				}) {
					t.Errorf("%s has no field %s", a.Name, f.Name)
				}
			}
		}
	}
	b.get(b.browser(), b.PortalURL+daemonPath).says(t, "Application SMTP.SendAsApp, over svc@contoso.com, ops@contoso.com", daemonEnterpriseID, b.FederatedTokenURL,
		"curl --cacert CA.pem --data-binary @traymail.cer "+b.PortalURL+daemonPath+"/certificates")
	b.get(b.browser(), b.PortalURL+"/tenant").says(t, "invoices@contoso.com, shared", "SMTP AUTH of the organisation: on")
	browser := http.Header{"Accept": {"text/html,application/xhtml+xml"}}
	b.post(b.browser(), b.PortalURL+"/tenant/smtp-auth", url.Values{"do": {"off"}}, browser).says(t, "SMTP AUTH of the organisation: off")
	b.post(b.browser(), b.PortalURL+daemonPath+"/sign-in", url.Values{"do": {"off"}}, browser).says(t, "switched off")
	b.post(b.browser(), b.PortalURL+daemonPath+"/secrets", url.Values{"months": {"x"}}, browser).says(t, "Nothing was changed", "months is a number")
	if v := b.get(b.browser(), b.PortalURL+"/apps/nobody"); v.status != http.StatusNotFound {
		t.Error(v.status)
	}
}
