package graph

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const whoIsIt = "GET /v1.0/me?$select=id,userPrincipalName,mail,proxyAddresses,otherMails,userType"

func TestMeTellsWhoIsSignedInWithAllAddresses(t *testing.T) {
	tests := []struct {
		name, body string
		want       Person
	}{
		{"a member", `{"id":"1","userPrincipalName":"svc@corp.contoso.com","mail":"svc@contoso.com","proxyAddresses":["smtp:service@contoso.com","SMTP:svc@contoso.com","X500:/o=x","SIP:svc@contoso.com"],"otherMails":["home@example.net"],"userType":"Member"}`,
			Person{ID: "1", Username: "svc@corp.contoso.com", Mail: "svc@contoso.com", Addresses: []string{"svc@contoso.com", "service@contoso.com"}, Other: []string{"home@example.net"}}},
		{"without a mailbox", `{"id":"1","userPrincipalName":"svc@contoso.com","mail":null,"proxyAddresses":[]}`,
			Person{ID: "1", Username: "svc@contoso.com"}},
		{"a guest by its name", `{"id":"1","userPrincipalName":"ann_fabrikam.com#EXT#@contoso.com","mail":"ann@fabrikam.com"}`,
			Person{ID: "1", Username: "ann_fabrikam.com#EXT#@contoso.com", Mail: "ann@fabrikam.com", Guest: true}},
		{"a guest by its type", `{"id":"1","userPrincipalName":"ann@contoso.com","userType":"Guest"}`,
			Person{ID: "1", Username: "ann@contoso.com", Guest: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := graph(t, step{want: whoIsIt, status: 200, body: tt.body})
			got, err := c.Me(t.Context())
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
	p := tests[0].want
	if !p.Has("SERVICE@contoso.com") || !p.Has("svc@contoso.com") || p.Has("home@example.net") || p.Has("") || (Person{}).Has("") {
		t.Error("the person's addresses are others")
	}
}

func TestMeAsksForLessWhereTheDirectoryHasLess(t *testing.T) {
	_, c := graph(t, step{want: whoIsIt, status: 400, body: refusal("BadRequest", "Could not find a property named 'userType'.")},
		step{want: "GET /v1.0/me", status: 200, body: `{"id":"1","userPrincipalName":"svc@outlook.com"}`})
	if p, err := c.Me(t.Context()); err != nil || p.Username != "svc@outlook.com" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestMeIsRefusedWithTheReason(t *testing.T) {
	refused := step{want: whoIsIt, status: 401, body: refusal("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")}
	_, c := graph(t, refused, refused) // with a fresh token as well
	_, err := c.Me(t.Context())
	if e := failure(t, err); e.Op != OpMe || e.Status != http.StatusUnauthorized || e.Code != "Authorization_RequestDenied" {
		t.Errorf("%v", err)
	}
	_, c = graph(t, step{want: whoIsIt, status: 200, body: `[]`})
	_, err = c.Me(t.Context())
	if failure(t, err); !strings.Contains(err.Error(), "does not say who is signed in") {
		t.Errorf("%v", err)
	}
}

func TestALicenceCountsWhenItHasAMailbox(t *testing.T) {
	plan := func(name, state string) string {
		return `{"servicePlanName":"` + name + `","provisioningStatus":"` + state + `"}`
	}
	tests := []struct {
		name, plans string
		want        PlanState
		enabled     bool
	}{
		{"standard", plan("TEAMS1", "Success") + "," + plan("EXCHANGE_S_STANDARD", "Success"), PlanState{"EXCHANGE_S_STANDARD", "Success"}, true},
		{"for frontline workers", plan("exchange_s_deskless", "PendingProvisioning"), PlanState{"exchange_s_deskless", "PendingProvisioning"}, true},
		{"switched off", plan("EXCHANGE_S_ENTERPRISE", "Disabled"), PlanState{"EXCHANGE_S_ENTERPRISE", "Disabled"}, false},
		{"one off, another on", plan("EXCHANGE_S_ENTERPRISE", "Disabled") + "," + plan("EXCHANGE_S_STANDARD", "Success"), PlanState{"EXCHANGE_S_STANDARD", "Success"}, true},
		{"no mailbox", plan("EXCHANGE_S_FOUNDATION", "Success") + "," + plan("EXCHANGE_S_ARCHIVE_ADDON", "Success"), PlanState{}, false},
		{"of a small business offer", plan("EXCHANGE_B_STANDARD", "Success"), PlanState{"EXCHANGE_B_STANDARD", "Success"}, true},
		{"none", "", PlanState{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := graph(t, step{want: "GET /v1.0/me/licenseDetails", status: 200, body: `{"value":[{"skuPartNumber":"SPE_E3","servicePlans":[` + tt.plans + `]}]}`})
			l, err := c.Licences(t.Context())
			if got := l.Mailbox(); err != nil || got != tt.want || got.Enabled() != tt.enabled || len(l.Products) != 1 {
				t.Errorf("%+v, %v", l, err)
			}
		})
	}
	_, c := graph(t, step{want: "GET /v1.0/me/licenseDetails", status: 403, body: refusal("Authorization_RequestDenied", "Insufficient privileges.")})
	_, err := c.Licences(t.Context())
	if e := failure(t, err); e.Op != OpLicences || e.Status != http.StatusForbidden {
		t.Errorf("%v", err)
	}
}
