package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// graphGet asks Graph with a token.
func (b *bench) graphGet(path, token string) view {
	b.Helper()
	r, err := http.NewRequest(http.MethodGet, b.GraphURL+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return b.do(b.browser(), r)
}

func TestMe(t *testing.T) {
	b := newBench(t, "default")
	smtp := b.redeem(b.signIn())
	graph := b.refresh(smtp.RefreshToken, "scope", "https://graph.microsoft.com/User.Read")
	t.Run("tells who signed in, with every address", func(t *testing.T) {
		v := b.graphGet("/v1.0/me?$select=id,userPrincipalName,mail,proxyAddresses,otherMails", graph.AccessToken)
		var me struct {
			ID, UserPrincipalName, Mail, DisplayName string
			ProxyAddresses, OtherMails               []string
		}
		if err := json.Unmarshal([]byte(v.body), &me); err != nil || v.status != http.StatusOK {
			t.Fatalf("%d %s", v.status, v.body)
		}
		if me.ID == "" || me.UserPrincipalName != "svc@contoso.com" || me.DisplayName != "" ||
			strings.Join(me.ProxyAddresses, " ") != "SMTP:svc@contoso.com smtp:service@contoso.com" {
			t.Errorf("%+v", me)
		}
	})
	t.Run("without a selection sends the usual properties", func(t *testing.T) {
		if v := b.graphGet("/v1.0/me", graph.AccessToken); !strings.Contains(v.body, `"displayName":"Mail Service"`) || strings.Contains(v.body, "proxyAddresses") {
			t.Error(v.body)
		}
	})
	t.Run("refuses a property that does not exist", func(t *testing.T) {
		if v := b.graphGet("/v1.0/me?$select=shoeSize", graph.AccessToken); v.status != 400 || !strings.Contains(v.body, `"code":"BadRequest"`) || !strings.Contains(v.body, "shoeSize") {
			t.Errorf("%d %s", v.status, v.body)
		}
	})
	for name, test := range map[string]struct{ token, want string }{
		"an SMTP token has the wrong audience": {smtp.AccessToken, "Access token validation failure. Invalid audience."},
		"garbage is no token":                  {"garbage", "Access token validation failure."},
		"no token":                             {"", "Access token is empty."},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.graphGet("/v1.0/me", test.token)
			if v.status != 401 || !strings.Contains(v.body, `"code":"InvalidAuthenticationToken"`) || !strings.Contains(v.body, test.want) || v.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%d %s", v.status, v.body)
			}
		})
	}
	t.Run("needs User.Read", func(t *testing.T) {
		b.Tenant().Change(func(tenant *Tenant) {
			app := tenant.app(desktopAppID)
			app.Permissions = append(app.Permissions, "https://graph.microsoft.com/Mail.Send")
			tenant.user("svc@contoso.com").Consented[desktopAppID] = []string{"https://graph.microsoft.com/Mail.Send"}
		})
		send := b.refresh(smtp.RefreshToken, "scope", "https://graph.microsoft.com/Mail.Send")
		if v := b.graphGet("/v1.0/me", send.AccessToken); v.status != 401 {
			t.Errorf("%d %s %s", v.status, v.body, send.Description)
		}
	})
	t.Run("a user who is gone is not found", func(t *testing.T) {
		b.Tenant().Change(func(tenant *Tenant) { tenant.Users = tenant.Users[1:] })
		if v := b.graphGet("/v1.0/me", graph.AccessToken); v.status != 404 {
			t.Errorf("%d %s", v.status, v.body)
		}
	})
}

func TestUserInfoHasTheSubjectOfTheIDToken(t *testing.T) {
	b := newBench(t, "default")
	a := b.redeem(b.signIn("scope", "openid profile"), "scope", "")
	v := b.graphGet("/oidc/userinfo", a.AccessToken)
	var info, id struct {
		Sub string `json:"sub"`
	}
	if err := json.Unmarshal([]byte(v.body), &info); err != nil || v.status != http.StatusOK {
		t.Fatalf("%d %s", v.status, v.body)
	}
	if !b.entra.keys.verify(a.IDToken, &id) || info.Sub == "" || info.Sub != id.Sub {
		t.Errorf("userinfo %q, ID token %q", info.Sub, id.Sub)
	}
}

func TestAnApplicationSendsWithTheTokenThatItGot(t *testing.T) {
	b := newBench(t, "default")
	token := b.token(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {graphAppID}, "client_secret": {b.Tenant().app(graphAppID).Secret},
		"scope": {"https://graph.microsoft.com/.default"},
	}, nil)
	r, err := http.NewRequest(http.MethodPost, b.GraphURL+"/v1.0/users/ops@contoso.com/sendMail", strings.NewReader(simple("")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	r.Header.Set("Content-Type", "application/json")
	if v := b.do(b.browser(), r); v.status != http.StatusAccepted || v.body != "" {
		t.Fatalf("%d %s %s", v.status, v.body, token.Description)
	}
	if list := b.Tenant().Inbox(); len(list) != 1 || list[0].Over != "graph" || list[0].App != graphAppID || list[0].From != "ops@contoso.com" {
		t.Errorf("%+v", list)
	}
}
