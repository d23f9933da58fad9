package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// adminTokens verifies the tokens of the tests, which are words.
func adminTokens(token string) (accessClaims, bool) {
	claims := accessClaims{
		Audience: "https://outlook.office365.com", UPN: "admin@contoso.com",
		TenantID: "5f4c1e0a-0000-4000-8000-000000000001", Scopes: []string{"Exchange.ManageV2"},
		Expires: exchangeNow.Add(time.Hour),
	}
	switch token {
	case "admin":
	case "svc":
		claims.UPN = "svc@contoso.com"
	case "smtp":
		claims.Scopes = []string{"SMTP.Send"}
	case "graph":
		claims.Audience = graphAudience
	case "expired":
		claims.Expires = exchangeNow
	case "stranger":
		claims.TenantID = "5f4c1e0a-0000-4000-8000-000000000002"
	case "app", "smtp-app":
		claims.UPN, claims.Scopes, claims.AppID = "", nil, testApp
		claims.Roles = map[string][]string{"app": {"Exchange.ManageAsAppV2"}, "smtp-app": {"SMTP.SendAsApp"}}[token]
	default:
		return accessClaims{}, false
	}
	return claims, true
}

// newAdminTenant is newExchangeTenant with an administrator of Exchange.
func newAdminTenant() *Tenant {
	t := newExchangeTenant()
	t.user("admin@contoso.com").ExchangeAdmin = true
	t.user("svc@contoso.com").Name = "Mail Service"
	t.RoleAssignments = []RoleAssignment{{AppID: testApp, Role: adminRBACRole}}
	return t
}

// An adminReply is either kind of answer.
type adminReply struct {
	Value []map[string]any
	Error struct{ Code, Message string }
}

// ask sends body to the endpoint with a token and returns the answer.
func askAdmin(t *testing.T, tenant *Tenant, token, path, body string) (status int, reply adminReply) {
	t.Helper()
	mux := http.NewServeMux()
	adminAPI{tenant, adminTokens, func() time.Time { return exchangeNow }}.register(mux)
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-AnchorMailbox", "AAD-SMTP:ceo@contoso.com")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return w.Code, reply
}

const adminPath = "/adminapi/v2.0/5f4c1e0a-0000-4000-8000-000000000001/Mailbox"

func cmdlet(name, parameters string) string {
	return fmt.Sprintf(`{"CmdletInput":{"CmdletName":%q,"Parameters":%s}}`, name, parameters)
}

func TestSendOnBehalfIsReadAndOverwritten(t *testing.T) {
	tenant := newAdminTenant()
	get := cmdlet("Get-Mailbox", `{"Identity":"ceo@contoso.com","ResultSize":1,"IncludeGrantSendOnBehalfTowithDisplayNames":true}`)
	status, reply := askAdmin(t, tenant, "admin", adminPath, get)
	want := []map[string]any{{
		"Identity": "ceo@contoso.com", "DisplayName": "ceo", "UserPrincipalName": "ceo@contoso.com",
		"PrimarySmtpAddress": "ceo@contoso.com", "RecipientTypeDetails": "UserMailbox",
		"GrantSendOnBehalfTo": []any{"svc@contoso.com", "app@contoso.com"},
		"GrantSendOnBehalfToWithDisplayNames": []any{
			map[string]any{"DisplayName": "Mail Service", "PrimarySmtpAddress": "svc@contoso.com"},
			map[string]any{"DisplayName": "app", "PrimarySmtpAddress": "app@contoso.com"},
		},
	}}
	if diff := cmp.Diff(want, reply.Value); status != 200 || diff != "" {
		t.Errorf("%d %s", status, diff)
	}

	set := cmdlet("Set-Mailbox", `{"Identity":"CEO@contoso.com","GrantSendOnBehalfTo":["ADMIN@contoso.com","offers@contoso.com"]}`)
	if status, reply = askAdmin(t, tenant, "admin", adminPath, set); status != 200 || len(reply.Value) != 0 {
		t.Fatalf("%d %+v", status, reply)
	}
	tenant.View(func(t2 *Tenant) {
		if got := t2.mailbox("ceo@contoso.com").SendOnBehalf; !slices.Equal(got, []string{"admin@contoso.com", "sales@contoso.com"}) {
			t.Errorf("%q", got)
		}
	})
	path := strings.Replace(adminPath, "5f4c1e0a-0000-4000-8000-000000000001", "contoso.com", 1) + "?$select=GrantSendOnBehalfTo,Identity"
	_, reply = askAdmin(t, tenant, "app", path, cmdlet("get-mailbox", `{"Identity":"ceo@contoso.com"}`))
	want = []map[string]any{{"Identity": "ceo@contoso.com", "GrantSendOnBehalfTo": []any{"admin@contoso.com", "sales@contoso.com"}}}
	if diff := cmp.Diff(want, reply.Value); diff != "" {
		t.Error(diff)
	}
	askAdmin(t, tenant, "app", adminPath, cmdlet("Set-Mailbox", `{"Identity":"ceo@contoso.com","GrantSendOnBehalfTo":[]}`))
	if n := len(tenant.mailbox("ceo@contoso.com").SendOnBehalf); n != 0 {
		t.Errorf("%d delegates are left", n)
	}
}

func TestGetMailboxListsThemAll(t *testing.T) {
	tenant := newAdminTenant()
	for parameters, want := range map[string]int{
		"{}": len(tenant.Mailboxes), `{"ResultSize":"unlimited"}`: len(tenant.Mailboxes), `{"ResultSize":2}`: 2, `{"ResultSize":1e300}`: len(tenant.Mailboxes),
	} {
		status, reply := askAdmin(t, tenant, "admin", adminPath, cmdlet("Get-Mailbox", parameters))
		if status != 200 || len(reply.Value) != want {
			t.Errorf("%s: %d, %d mailboxes", parameters, status, len(reply.Value))
		}
	}
}

func TestTheAdminEndpointRefuses(t *testing.T) {
	get := cmdlet("Get-Mailbox", `{"Identity":"ceo@contoso.com"}`)
	set := cmdlet("Set-Mailbox", `{"Identity":"ceo@contoso.com","GrantSendOnBehalfTo":["admin@contoso.com"]}`)
	elsewhere := strings.Replace(adminPath, "5f4c", "0000", 1)
	tests := []struct {
		name, token, path, body string
		change                  func(*Tenant)
		status                  int
	}{
		{name: "a token nobody issued", token: "forged", body: get, status: 401},
		{name: "an expired token", token: "expired", body: get, status: 401},
		{name: "a token of another tenant", token: "stranger", body: get, status: 401},
		{name: "a token for Graph", token: "graph", body: get, status: 401},
		{name: "another tenant in the address", token: "admin", path: elsewhere, body: get, status: 403},
		{name: "a token for SMTP", token: "smtp", body: get, status: 403},
		{name: "a user who is no administrator of Exchange", token: "svc", body: set, status: 403},
		{name: "an app with a permission for SMTP", token: "smtp-app", body: set, status: 403},
		{
			name: "an app without a role", token: "app", body: get, status: 403,
			change: func(t *Tenant) { t.RoleAssignments = nil },
		},
		{
			name: "an app that Exchange does not know", token: "app", body: get, status: 403,
			change: func(t *Tenant) { t.ServicePrincipals = nil },
		},
		{
			name: "an app whose role does not cover the mailbox", token: "app", body: set, status: 403,
			change: func(t *Tenant) { t.RoleAssignments[0].Mailboxes = []string{"board@contoso.com"} },
		},
		{
			name: "an app whose role does not cover all mailboxes", token: "app", body: cmdlet("Get-Mailbox", "{}"), status: 403,
			change: func(t *Tenant) { t.RoleAssignments[0].Mailboxes = []string{"gone@contoso.com"} },
		},
		{name: "a mailbox that does not exist", token: "admin", body: cmdlet("Get-Mailbox", `{"Identity":"x@contoso.com"}`), status: 404},
		{name: "a delegate that does not exist", token: "admin", body: cmdlet("Set-Mailbox", `{"Identity":"ceo@contoso.com","GrantSendOnBehalfTo":["admin@contoso.com","x@contoso.com"]}`), status: 404},
		{name: "no mailbox to change", token: "admin", body: cmdlet("Set-Mailbox", `{"GrantSendOnBehalfTo":[]}`), status: 400},
		{name: "nothing to change", token: "admin", body: cmdlet("Set-Mailbox", `{"Identity":"ceo@contoso.com"}`), status: 400},
		{name: "a parameter of the other cmdlet", token: "admin", body: cmdlet("Get-Mailbox", `{"GrantSendOnBehalfTo":[]}`), status: 400},
		{name: "a parameter it does not take", token: "admin", body: cmdlet("Set-Mailbox", `{"Identity":"ceo@contoso.com","MaxSendSize":"1MB"}`), status: 400},
		{name: "no size", token: "admin", body: cmdlet("Get-Mailbox", `{"ResultSize":0}`), status: 400},
		{name: "a size that is none", token: "admin", body: cmdlet("Get-Mailbox", `{"ResultSize":[]}`), status: 400},
		{name: "a property that does not exist", token: "admin", path: adminPath + "?$select=Shoes", body: get, status: 400},
		{name: "another cmdlet", token: "admin", body: cmdlet("Remove-Mailbox", `{"Identity":"ceo@contoso.com"}`), status: 400},
		{name: "no JSON", token: "admin", body: "hi", status: 400},
		{name: "too much JSON", token: "admin", body: strings.Repeat(" ", maxAdminBody) + get, status: 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tenant := newAdminTenant()
			if test.change != nil {
				test.change(tenant)
			}
			if test.path == "" {
				test.path = adminPath
			}
			status, reply := askAdmin(t, tenant, test.token, test.path, test.body)
			code := map[int]string{400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}[test.status]
			if status != test.status || reply.Error.Code != code || reply.Error.Message == "" {
				t.Errorf("%d %+v", status, reply)
			}
			if got := tenant.mailbox("ceo@contoso.com").SendOnBehalf; len(got) != 2 {
				t.Errorf("the delegates are %q now", got)
			}
		})
	}
}

func TestTheAdminEndpointWantsARoutingHint(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, adminPath, strings.NewReader(cmdlet("Get-Mailbox", "{}")))
	r.SetPathValue("tenant", "contoso.com")
	r.Header.Set("Authorization", "Bearer admin")
	a := adminAPI{newAdminTenant(), adminTokens, func() time.Time { return exchangeNow }}
	if got := a.mailbox(r); got.status != 400 || !strings.Contains(string(got.body), "X-AnchorMailbox") {
		t.Errorf("%d %s", got.status, got.body)
	}
	r.Header.Set("X-AnchorMailbox", "AAD-SMTP:ceo@contoso.com")
	r.Header.Set("Authorization", "Basic admin")
	if got := a.mailbox(r); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}
