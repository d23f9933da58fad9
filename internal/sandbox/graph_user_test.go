package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestAUserIsReadByThoseWhoMay(t *testing.T) {
	b := newGraphBench(t)
	const denied = "Insufficient privileges to complete the operation."
	tests := map[string]struct {
		path, token string
		status      int
		says        string
	}{
		"by an application that may read all users":        {"ops@contoso.com?$select=id,mail", b.app("Mail.Send", "User.Read.All"), http.StatusOK, `"mail":"ops@contoso.com"`},
		"by the object ID":                                 {"10a6c0de-0004-4000-8000-000000000004", b.app("Directory.Read.All"), http.StatusOK, `"mail":"ops@contoso.com"`},
		"of a shared mailbox":                              {"invoices@contoso.com", b.app("User.Read.All"), http.StatusOK, `"userPrincipalName":"invoices@contoso.com"`},
		"by oneself":                                       {"svc@contoso.com", b.svc("User.Read"), http.StatusOK, `"mail":"svc@contoso.com"`},
		"not by an application that may only send":         {"ops@contoso.com?$select=id", b.app("Mail.Send"), http.StatusForbidden, denied},
		"not even whether there is such a user":            {"nobody@contoso.com", b.app("Mail.Send"), http.StatusForbidden, denied},
		"not another one by somebody who may read oneself": {"ops@contoso.com", b.svc("User.Read"), http.StatusForbidden, denied},
		"not one that the directory does not have":         {"nobody@contoso.com", b.app("User.Read.All"), http.StatusNotFound, "Request_ResourceNotFound"},
		"not with a property that there is not":            {"ops@contoso.com?$select=shoeSize", b.app("User.Read.All"), http.StatusBadRequest, "shoeSize"},
		"not without a token":                              {"ops@contoso.com", "", http.StatusUnauthorized, "InvalidAuthenticationToken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := b.do(b.request(http.MethodGet, "/v1.0/users/"+tt.path, tt.token, "", ""))
			if r.status != tt.status || !strings.Contains(r.body, tt.says) {
				t.Errorf("%d %s, want %d with %q", r.status, r.body, tt.status, tt.says)
			}
		})
	}
}
