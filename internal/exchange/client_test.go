package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"traymail/internal/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden dialogs")

// A recorder is a transport that writes down what passes through it.
type recorder struct {
	http.RoundTripper
	dialog strings.Builder
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	q.Body = io.NopCloser(bytes.NewReader(sent))
	fmt.Fprintf(&r.dialog, "> %s %s\n> Authorization: %.7s…\n> Content-Type: %s\n> X-AnchorMailbox: %s\n> | %s\n",
		q.Method, q.URL.Path, q.Header.Get("Authorization"), q.Header.Get("Content-Type"), q.Header.Get("X-AnchorMailbox"), sent)
	reply, err := r.RoundTripper.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	reply.Body = io.NopCloser(bytes.NewReader(got))
	var pretty bytes.Buffer
	if json.Indent(&pretty, got, "< | ", "  ") != nil {
		pretty.Reset()
		pretty.Write(got)
	}
	fmt.Fprintf(&r.dialog, "< %d\n< | %s\n\n", reply.StatusCode, pretty.String())
	return reply, nil
}

// tenant starts a sandbox whose application may administer, and returns a client
// of it with what it says.
func tenant(t *testing.T, change func(*sandbox.Tenant)) (*sandbox.Sandbox, *Client, *recorder) {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ready := s.Ready()
	var app *sandbox.App
	s.Tenant().Change(func(t *sandbox.Tenant) {
		for _, a := range t.Apps {
			if len(a.AppRoles) > 0 && len(t.ServicePrincipals) > 0 && t.ServicePrincipals[0].AppID == a.ClientID {
				app = a
			}
		}
		app.AppRoles = append(app.AppRoles, "https://outlook.office.com/Exchange.ManageAsAppV2")
		app.GrantedRoles = app.AppRoles
		t.RoleAssignments = []sandbox.RoleAssignment{{AppID: app.ClientID, Role: "Mail Recipients"}}
		if change != nil {
			change(t)
		}
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ready.CAPEM))
	r := &recorder{RoundTripper: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	return s, &Client{
		BaseURL: ready.ExchangeURL, TenantID: ready.TenantID, HTTPClient: &http.Client{Transport: r},
		Token: func(context.Context) (string, error) {
			plain := &http.Client{Transport: r.RoundTripper}
			reply, err := plain.PostForm(ready.TokenURL, url.Values{"grant_type": {"client_credentials"}, "client_id": {app.ClientID},
				"client_secret": {app.Secret}, "scope": {"https://outlook.office365.com/.default"}})
			if err != nil {
				return "", err
			}
			defer reply.Body.Close()
			var token struct {
				Access string `json:"access_token"`
			}
			return token.Access, json.NewDecoder(reply.Body).Decode(&token)
		},
	}, r
}

func sendOnBehalf(s *sandbox.Sandbox, address string) (list []string) {
	s.Tenant().View(func(t *sandbox.Tenant) {
		for _, m := range t.Mailboxes {
			if m.Address == address {
				list = slices.Clone(m.SendOnBehalf)
			}
		}
	})
	return list
}

func TestGrantingReadsTheListAddsToItAndProvesIt(t *testing.T) {
	s, c, r := tenant(t, nil)
	if err := c.GrantSendOnBehalf(t.Context(), "alerts@contoso.com", "ops@contoso.com"); err != nil {
		t.Fatal(err)
	}
	if got := sendOnBehalf(s, "alerts@contoso.com"); !slices.Equal(got, []string{"svc@contoso.com", "ops@contoso.com"}) {
		t.Errorf("the delegates are %q", got)
	}
	golden := filepath.Join("testdata", "grant.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(r.dialog.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.dialog.String(); got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("the dialog is another:\n%s", got)
	}

	// Nothing is written for whom the list has already.
	requests := strings.Count(r.dialog.String(), "Set-Mailbox")
	if err := c.GrantSendOnBehalf(t.Context(), "alerts@contoso.com", "OPS@contoso.com"); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(r.dialog.String(), "Set-Mailbox"); n != requests {
		t.Errorf("the list was written for somebody who is in it")
	}
}

func TestADelegateByAnAliasIsKnownByTheMailboxItBelongsTo(t *testing.T) {
	s, c, _ := tenant(t, nil)
	if err := c.GrantSendOnBehalf(t.Context(), "alerts@contoso.com", "service@contoso.com"); err != nil {
		t.Fatal(err)
	}
	if got := sendOnBehalf(s, "alerts@contoso.com"); !slices.Equal(got, []string{"svc@contoso.com"}) {
		t.Errorf("the delegates are %q", got)
	}
}

func TestWhoMayNotAdministerIsToldFromAMailboxThatIsNotThere(t *testing.T) {
	tests := []struct {
		name                 string
		mailbox              string
		change               func(*sandbox.Tenant)
		notAllowed, notFound bool
	}{
		{"no role of Exchange's", "alerts@contoso.com", func(t *sandbox.Tenant) { t.RoleAssignments = nil }, true, false},
		{"no such mailbox", "nobody@contoso.com", nil, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, c, _ := tenant(t, test.change)
			_, err := c.Mailbox(t.Context(), test.mailbox)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.NotAllowed() != test.notAllowed || e.NotFound() != test.notFound || e.Temporary() || e.Op != OpGet || e.RequestID == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

// answering is a client of a server that answers with one thing after another.
func answering(t *testing.T, answers ...func(http.ResponseWriter)) *Client {
	t.Helper()
	next := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if next == len(answers) {
			t.Error("one request too many")
			return
		}
		answers[next](w)
		next++
	}))
	t.Cleanup(func() { s.Client().CloseIdleConnections(); s.Close() })
	return &Client{BaseURL: s.URL, TenantID: "contoso.com", HTTPClient: s.Client(), Token: func(context.Context) (string, error) { return "the-token", nil }}
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	tests := []struct {
		name                            string
		answer                          func(http.ResponseWriter)
		notAllowed, notFound, temporary bool
		text                            string
	}{
		{"401 of the front end", func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(401)
		}, true, false, false, "401 Unauthorized"},
		{"403 with a reason", says(403, `{"error":{"code":"Forbidden","message":"The role is missing\r\nfor the-token."}}`), true, false, false, "The role is missing  for …."},
		{"403 of a proxy", says(403, "<html>Blocked"), false, false, false, "a proxy"},
		{"200 of a proxy", says(200, "<html>Sign in"), false, false, false, "a proxy"},
		{"a redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "https://example.net"); w.WriteHeader(302) }, false, false, false, "a proxy"},
		{"nothing in it", says(200, `{"value":[]}`), false, false, false, "holds no mailbox"},
		{"in the words of PowerShell", says(400, `{"error":{"code":"BadRequest","message":"The operation couldn't be performed because object 'x' couldn't be found on 'y'."}}`), false, true, false, "couldn't be found"},
		{"an odd code", says(400, `{"error":{"code":7,"message":"text"}}`), false, false, false, "400 Bad Request: text"},
		{"too many", says(429, ""), false, false, true, "429"},
		{"trouble of its own", says(503, `{"error":{"code":"ServiceUnavailable"}}`), false, false, true, "ServiceUnavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := answering(t, test.answer).Mailbox(t.Context(), "alerts@contoso.com")
			e, ok := errors.AsType[*Error](err)
			if !ok || e.NotAllowed() != test.notAllowed || e.NotFound() != test.notFound || e.Temporary() != test.temporary || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), "the-token") || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%q", err)
			}
		})
	}
}

type passing struct{ error }

func (passing) Temporary() bool { return true }

func TestARefusedTokenMeansNotAllowedAndAFailedOneDoesNot(t *testing.T) {
	c := answering(t)
	c.Token = func(context.Context) (string, error) { return "", errors.New("consent is missing") }
	_, err := c.Mailbox(t.Context(), "alerts@contoso.com")
	if e, ok := errors.AsType[*Error](err); !ok || !e.NotAllowed() || e.Op != OpToken {
		t.Errorf("%v", err)
	}
	c.Token = func(context.Context) (string, error) { return "", passing{errors.New("no network")} }
	_, err = c.Mailbox(t.Context(), "alerts@contoso.com")
	if e, ok := errors.AsType[*Error](err); !ok || e.NotAllowed() || !e.Temporary() {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.Mailbox(ctx, "alerts@contoso.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	c.BaseURL = "http://outlook.office365.com"
	if _, err = c.Mailbox(t.Context(), "alerts@contoso.com"); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("%v", err)
	}
}

func mailbox(delegates string) func(http.ResponseWriter) {
	return says(200, `{"value":[{"PrimarySmtpAddress":"alerts@contoso.com","GrantSendOnBehalfTo":`+delegates+`}]}`)
}

func TestAListThatReadsBackOtherwiseIsNoSuccess(t *testing.T) {
	ops := says(200, `{"value":[{"PrimarySmtpAddress":"ops@contoso.com","UserPrincipalName":"ops@contoso.com","DisplayName":"Operations","Name":"9e1c"}]}`)
	done := says(200, `{"value":[]}`)
	tests := []struct{ name, after, want string }{
		{"not there yet", `["svc"]`, "does not name it yet"},
		{"somebody was lost", `["9e1c"]`, "svc may no longer"},
		{"by another name", `["svc","9E1C"]`, ""},
		{"by its display name", `["svc","Operations"]`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := answering(t, mailbox(`["svc"]`), ops, done, mailbox(test.after)).GrantSendOnBehalf(t.Context(), "alerts@contoso.com", "ops@contoso.com")
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestDelegatesAreUnderstoodInEveryForm(t *testing.T) {
	svc := Mailbox{Address: "svc@contoso.com", Username: "svc@corp.contoso.com", DisplayName: "Mail Service", ID: "10a6c0de-0001-4000-8000-000000000001", Names: []string{"svc", "service@contoso.com"}}
	tests := []struct {
		name, row, shown string
		is               bool
	}{
		{"address", `{"GrantSendOnBehalfTo":["SVC@contoso.com"]}`, "SVC@contoso.com", true},
		{"an alias", `{"GrantSendOnBehalfTo":["service@contoso.com"]}`, "service@contoso.com", true},
		{"username", `{"GrantSendOnBehalfTo":["svc@corp.contoso.com"]}`, "svc@corp.contoso.com", true},
		{"ID", `{"GrantSendOnBehalfTo":["10A6C0DE-0001-4000-8000-000000000001"]}`, "10A6C0DE-0001-4000-8000-000000000001", true},
		{"name", `{"GrantSendOnBehalfTo":["svc"]}`, "svc", true},
		{"a single one", `{"GrantSendOnBehalfTo":"svc"}`, "svc", true},
		{"display name", `{"GrantSendOnBehalfTo":["Mail Service"]}`, "Mail Service", true},
		{"an ID with a display name beside it", `{"GrantSendOnBehalfTo":["77"],"GrantSendOnBehalfToWithDisplayNames":["Mail Service"]}`, "Mail Service (77)", true},
		{"an ID with an object beside it", `{"GrantSendOnBehalfTo":["77"],"GrantSendOnBehalfToWithDisplayNames":[{"DisplayName":"Mail Service","PrimarySmtpAddress":"svc@contoso.com"}]}`, "svc@contoso.com", true},
		{"objects alone", `{"GrantSendOnBehalfToWithDisplayNames":[{"DisplayName":"Mail Service"}]}`, "Mail Service", true},
		{"somebody else of that name", `{"GrantSendOnBehalfTo":["77"],"GrantSendOnBehalfToWithDisplayNames":[{"DisplayName":"Mail Service","PrimarySmtpAddress":"other@contoso.com"}]}`, "other@contoso.com", false},
		{"a group", `{"GrantSendOnBehalfTo":["Everybody"]}`, "Everybody", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, ok := readMailbox([]byte(`{"value":[` + strings.TrimSuffix(test.row, "}") + `,"Identity":"alerts"}]}`))
			if !ok || len(m.SendOnBehalf) != 1 || m.MaySendOnBehalf(svc) != test.is || m.SendOnBehalf[0].String() != test.shown {
				t.Errorf("%+v, %v", m, ok)
			}
		})
	}
}

func FuzzMailbox(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := readMailbox(body)
		for _, d := range m.SendOnBehalf {
			if d.Value == "" || strings.ContainsAny(d.String(), "\r\n\x00") {
				t.Errorf("%q", d)
			}
			if !d.Is(Mailbox{Names: []string{d.Value}}) {
				t.Errorf("%q is not itself", d)
			}
		}
		if !ok && len(m.SendOnBehalf) > 0 && !bytes.Contains(body, []byte("WithDisplayNames")) {
			t.Error("there are delegates of no mailbox")
		}
	})
}
