package sandbox

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An outcome is what the applications and svc get from a tenant, step by step:
// what a scenario changes shows in it, and what it leaves alone does too.
type outcome map[string]string

// usual is the outcome of the default tenant.
var usual = outcome{
	"app: token":                      "200 SMTP.SendAsApp",
	"app: token by an issuer":         "401 AADSTS70025",
	"app: SMTP as svc":                "235",
	"app: SMTP as ops":                "235",
	"app: SMTP as svc, from invoices": "250",
	"svc: SMTP":                       "235",
	"svc: from invoices":              "250",
	"svc: on behalf of alerts":        "250",
	"svc: password":                   "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
	"Graph: token":                    "200 Mail.Send",
	"Graph: as svc":                   "202",
	"Graph: as ops":                   "202",
	"Graph: as ops once more":         "202",
	"Graph: draft of a large one":     "403 ErrorAccessDenied",
}

// but is usual with what a scenario changes.
func (o outcome) but() outcome {
	all := maps.Clone(usual)
	maps.Copy(all, o)
	return all
}

func TestAScenarioChangesWhatItSaysAndNothingElse(t *testing.T) {
	const identity = "535 5.7.3 Authentication unsuccessful"
	const denied, noMailbox = "403 ErrorAccessDenied", "404 MailboxNotEnabledForRESTAPI"
	noRole := outcome{
		"app: token": "200", "app: SMTP as svc": identity, "app: SMTP as ops": identity, "app: SMTP as svc, from invoices": identity,
		"Graph: token": "200", "Graph: as svc": denied, "Graph: as ops": denied, "Graph: as ops once more": denied,
	}
	noToken := func(number string) outcome {
		o := outcome{"app: token": number, "Graph: token": number}
		for name := range usual {
			if strings.HasPrefix(name, "app: SMTP") || strings.HasPrefix(name, "Graph: ") {
				o[name] = number
			}
		}
		return o
	}
	disabled := noToken("400 AADSTS7000112")
	disabled["app: token by an issuer"] = "400 AADSTS7000112"
	noSMTP := outcome{"app: SMTP as svc": identity, "app: SMTP as ops": identity, "app: SMTP as svc, from invoices": identity}
	refused := func(reply string) outcome {
		return outcome{"app: SMTP as svc": reply, "app: SMTP as ops": reply, "app: SMTP as svc, from invoices": reply,
			"svc: SMTP": reply, "svc: from invoices": reply, "svc: on behalf of alerts": reply}
	}
	noSecret := outcome{"app: token by an issuer": "200 SMTP.SendAsApp"}
	for _, name := range []string{"app: token", "app: SMTP as svc", "app: SMTP as ops", "app: SMTP as svc, from invoices"} {
		noSecret[name] = "401 AADSTS7000215"
	}
	tests := map[string]outcome{
		"default":                  {},
		"app-no-permission":        noRole,
		"app-no-consent":           noRole,
		"app-secret-expired":       noToken("401 AADSTS7000222"),
		"app-disabled":             disabled,
		"app-no-service-principal": noSMTP,
		"app-wrong-object-id":      noSMTP,
		"app-no-full-access":       noSMTP,
		"app-rbac":                 {"app: token": "200"},
		"app-rbac-out-of-scope":    {"app: token": "200", "app: SMTP as svc": identity, "app: SMTP as svc, from invoices": identity},
		"federated-credential":     noSecret,
		"graph-large":              {"Graph: token": "200 Mail.ReadWrite Mail.Send", "Graph: draft of a large one": "201"},
		"graph-access-policy":      {"Graph: as svc": denied},
		"graph-rbac":               {"Graph: token": "200"},
		"graph-throttled":          {"Graph: as svc": "429 ApplicationThrottled, after 2", "Graph: as ops": "429 ApplicationThrottled, after 2"},
		"graph-unavailable":        {"Graph: as svc": "503 ServiceUnavailable", "Graph: as ops": "503 ServiceUnavailable", "Graph: as ops once more": "503 ServiceUnavailable"},
		"graph-200":                {"Graph: as svc": "200", "Graph: as ops": "200", "Graph: as ops once more": "200"},
		"no-licence": {
			"app: SMTP as svc": identity, "app: SMTP as svc, from invoices": identity,
			"svc: SMTP": identity, "svc: from invoices": identity, "svc: on behalf of alerts": identity,
			"svc: password": "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.", "Graph: as svc": noMailbox,
		},
		"send-as-missing":           {"svc: from invoices": "554 5.2.252 SendAsDenied", "app: SMTP as svc, from invoices": "554 5.2.252 SendAsDenied"},
		"send-on-behalf-missing":    {"svc: on behalf of alerts": "554 5.2.252 SendAsDenied"},
		"security-defaults":         {"svc: password": "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator."},
		"account-has-an-issue":      refused("535 5.7.139 Authentication unsuccessful, account has an issue. Contact your administrator."),
		"conditional-access-policy": refused("535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator."),
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			got, want := newBench(t, name).outcome(), change.but()
			for step := range usual {
				if got[step] != want[step] {
					t.Errorf("%s: got %q, want %q", step, got[step], want[step])
				}
			}
		})
	}
}

func TestTheSilentGraphIsSilentOnce(t *testing.T) {
	b := newBench(t, "graph-silent")
	r, err := http.NewRequest(http.MethodPost, b.GraphURL+"/v1.0/me/sendMail", nil)
	if err != nil {
		t.Fatal(err)
	}
	if first, second := b.GraphFaults().next(r), b.GraphFaults().next(r); !first.Silent || second != (GraphFault{}) {
		t.Errorf("%+v, then %+v", first, second)
	}
}

// outcome tries everything.
func (b *bench) outcome() outcome {
	b.Helper()
	o := outcome{}
	secret := func(id string) (value string) {
		b.Tenant().View(func(t *Tenant) { value = t.app(id).Secret })
		if value == "" {
			value = "the one that was there"
		}
		return value
	}
	app, said := b.applicationToken("client_secret", secret(daemonAppID))
	o["app: token"] = said
	o["app: SMTP as svc"], o["app: SMTP as ops"], o["app: SMTP as svc, from invoices"] = said, said, said
	if app != "" {
		o["app: SMTP as ops"] = brief(b.smtpAuth("ops@contoso.com", app))
		replies := b.smtpSubmit("svc@contoso.com", app, "invoices@contoso.com")
		o["app: SMTP as svc"], o["app: SMTP as svc, from invoices"] = replies[0], replies[1]
	}
	_, o["app: token by an issuer"] = b.applicationToken("client_secret", "", "client_assertion_type", jwtBearer,
		"client_assertion", b.get(b.browser(), b.FederatedTokenURL).body)

	svc := b.redeem(b.signIn()).AccessToken
	replies := b.smtpSubmit("svc@contoso.com", svc, "invoices@contoso.com", "alerts@contoso.com")
	o["svc: SMTP"], o["svc: from invoices"], o["svc: on behalf of alerts"] = replies[0], replies[1], replies[2]
	o["svc: password"] = b.smtpPassword("svc@contoso.com", "svc-password-1")

	graph, said := b.applicationToken("client_id", graphAppID, "client_secret", secret(graphAppID), "scope", "https://graph.microsoft.com/.default")
	o["Graph: token"] = said
	for _, request := range []struct{ name, path, body string }{
		{"Graph: as svc", "/v1.0/users/svc@contoso.com/sendMail", simple("")},
		{"Graph: as ops", "/v1.0/users/ops@contoso.com/sendMail", simple("")},
		{"Graph: as ops once more", "/v1.0/users/ops@contoso.com/sendMail", simple("")},
		{"Graph: draft of a large one", "/v1.0/users/ops@contoso.com/messages", `{"subject":"large"}`},
	} {
		if o[request.name] = said; graph != "" {
			o[request.name] = b.graphPost(request.path, request.body, graph)
		}
	}
	return o
}

// brief is a reply of SMTP without what it says of the server and the time.
func brief(reply string) string {
	reply, _, _ = strings.Cut(strings.TrimSpace(reply), " [")
	if code, _, _ := strings.Cut(reply, " "); code == "235" || code == "250" {
		return code
	}
	return reply
}

// smtpSubmit signs in with a token and submits a message from each sender. It
// returns the reply to the sign-in and to each message, up to a semicolon; a
// session that was not let in has the first for all.
func (b *bench) smtpSubmit(user, token string, senders ...string) (replies []string) {
	b.Helper()
	c, r, _, _, err := b.smtpTLS()
	if err != nil {
		b.Fatal(err)
	}
	reply := brief(b.smtpAsk(c, r, "AUTH XOAUTH2 "+xoauth2(user, token)))
	replies = append(replies, reply)
	for _, from := range senders {
		if replies[0] == "235" {
			for _, line := range []string{"MAIL FROM:<" + from + ">", "RCPT TO:<ops@contoso.com>", "DATA", "From: " + from + "\r\n\r\nhello\r\n."} {
				reply, _, _ = strings.Cut(b.smtpAsk(c, r, line), ";")
			}
		}
		replies = append(replies, brief(reply))
	}
	return replies
}

// smtpPassword signs in with a password and returns the reply.
func (b *bench) smtpPassword(user, password string) string {
	b.Helper()
	c, r, _, _, err := b.smtpTLS()
	if err != nil {
		b.Fatal(err)
	}
	b.smtpAsk(c, r, "AUTH LOGIN "+base64.StdEncoding.EncodeToString([]byte(user)))
	return brief(b.smtpAsk(c, r, base64.StdEncoding.EncodeToString([]byte(password))))
}

// applicationToken gets an application's token, "" when refused; said is the status
// with the token's roles or with the refusal's number.
func (b *bench) applicationToken(change ...string) (token, said string) {
	b.Helper()
	a := b.token(appForm(change...), nil)
	number, _, _ := strings.Cut(a.Description, ":")
	if a.status == http.StatusOK {
		claims, _ := b.entra.check(a.AccessToken)
		number = strings.Join(slices.Sorted(slices.Values(claims.Roles)), " ")
	}
	return a.AccessToken, strings.TrimSpace(strconv.Itoa(a.status) + " " + number)
}

// graphPost posts JSON to Graph; said is the status, the error's code and the
// time to wait.
func (b *bench) graphPost(path, body, token string) (said string) {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, b.GraphURL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	v := b.do(b.browser(), r)
	said = strconv.Itoa(v.status)
	if _, code, ok := strings.Cut(v.body, `"code":"`); ok {
		code, _, _ = strings.Cut(code, `"`)
		said += " " + code
	}
	if after := v.header.Get("Retry-After"); after != "" {
		said += ", after " + after
	}
	return said
}
