package claims

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	client = "66666666-7777-8888-9999-000000000000"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type object = map[string]any

// token is a JWT with claims on top of base; nil removes one.
func token(t testing.TB, base, over object) string {
	t.Helper()
	all := maps.Clone(base)
	maps.Copy(all, over)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return encode(`{"typ":"JWT","alg":"RS256"}`) + "." + encode(string(payload)) + "." + encode("signature")
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

var delegated = object{"aud": "https://outlook.office.com", "scp": "SMTP.Send User.Read", "tid": tenant, "appid": client, "appidacr": "0", "idtyp": "user",
	"upn": "svc@contoso.com", "unique_name": "svc@contoso.com", "nbf": now.Add(-5 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix()}

var application = object{"aud": "https://outlook.office365.com", "roles": []string{"SMTP.SendAsApp"}, "tid": tenant, "appid": client, "appidacr": "2",
	"nbf": now.Add(-5 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix()}

func TestTheClaimsOfATokenAreDecoded(t *testing.T) {
	v2 := object{"aud": []string{"a", "b"}, "roles": "one", "scp": []string{"x y", "z"}, "azp": client, "azpacr": 1, "preferred_username": "p@x", "upn": "u@x", "exp": "1e10", "nbf": -1, "tid": []int{1}}
	for name, tc := range map[string]struct {
		claims  object
		want    Claims
		appOnly bool
	}{
		"delegated": {delegated, Claims{Audience: []string{"https://outlook.office.com"}, Scopes: []string{"SMTP.Send", "User.Read"}, TenantID: tenant, ClientID: client,
			Usernames: []string{"svc@contoso.com"}, Expires: now.Add(time.Hour), NotBefore: now.Add(-5 * time.Minute), ClientAuth: "0", IdentityType: "user"}, false},
		"application": {application, Claims{Audience: []string{"https://outlook.office365.com"}, Roles: []string{"SMTP.SendAsApp"}, TenantID: tenant, ClientID: client,
			Expires: now.Add(time.Hour), NotBefore: now.Add(-5 * time.Minute), ClientAuth: "2"}, true},
		"of odd types": {v2, Claims{Audience: []string{"a", "b"}, Roles: []string{"one"}, Scopes: []string{"x", "y", "z"}, ClientID: client,
			Usernames: []string{"u@x", "p@x"}, Expires: time.Unix(1e10, 0), ClientAuth: "1"}, false},
		"guest": {object{"idtyp": "user", "iss": "https://sts.windows.net/1/", "idp": "https://sts.windows.net/2/", "oid": "3"},
			Claims{IdentityType: "user", ObjectID: "3", Guest: true}, false},
		"external": {object{"idtyp": "user", "acct": 1}, Claims{IdentityType: "user", Guest: true}, false},
		"member": {object{"idtyp": "user", "iss": "https://sts.windows.net/1/", "idp": "https://sts.windows.net/1/", "acct": 0},
			Claims{IdentityType: "user"}, false},
		"none":            {object{}, Claims{}, true},
		"user, no scopes": {object{"idtyp": "user"}, Claims{IdentityType: "user"}, false},
		"app, with scp":   {object{"idtyp": "app", "scp": "x"}, Claims{IdentityType: "app", Scopes: []string{"x"}}, true},
	} {
		got, ok := Inspect(token(t, tc.claims, nil))
		if diff := cmp.Diff(tc.want, got); !ok || diff != "" || got.AppOnly() != tc.appOnly {
			t.Errorf("%s: %v, app-only %v\n%s", name, ok, got.AppOnly(), diff)
		}
	}
}

func TestATokenThatIsNoJWTIsNotInspected(t *testing.T) {
	good := token(t, delegated, nil)
	parts := strings.Split(good, ".")
	for name, s := range map[string]string{
		"opaque":               "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
		"empty":                "",
		"two dots":             "..",
		"without signature":    parts[0] + "." + parts[1] + ".",
		"encrypted":            good + ".a.b",
		"with a line end":      parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2],
		"header without alg":   encode(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"header not JSON":      encode(`alg`) + "." + parts[1] + "." + parts[2],
		"payload null":         parts[0] + "." + encode(`null`) + "." + parts[2],
		"payload an array":     parts[0] + "." + encode(`[]`) + "." + parts[2],
		"payload not base64":   parts[0] + ".a." + parts[2],
		"padded":               parts[0] + "." + encode(`{}`) + "==." + parts[2],
		"larger than any sane": parts[0] + "." + encode(`{"x":"`+strings.Repeat("a", maxToken)+`"}`) + "." + parts[2],
	} {
		if c, ok := Inspect(s); ok {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestWhatStandsAgainstATokenIsNamed(t *testing.T) {
	person := Want{Resource: Exchange, Username: "SVC@contoso.com", TenantID: strings.ToUpper(tenant), ClientID: client, Now: now}
	app := Want{Resource: Exchange, AppOnly: true, Username: "alerts@contoso.com", TenantID: tenant, ClientID: client, Now: now}
	on := func(w Want, change func(*Want)) Want { change(&w); return w }
	graph := func(w *Want) { w.Resource = Graph }
	const graphID = "00000003-0000-0000-c000-000000000000"
	for name, tc := range map[string]struct {
		base, over object
		want       Want
		ids        []string // a fatal one with "!"
		says       string   // in the first one's meaning
	}{
		"a person's, all right":                 {delegated, nil, person, nil, ""},
		"an application's, all right":           {application, nil, app, nil, ""},
		"the audience as an ID":                 {delegated, object{"aud": "00000002-0000-0FF1-ce00-000000000000"}, person, nil, ""},
		"the audience with a slash":             {delegated, object{"aud": "https://outlook.office365.com/"}, person, nil, ""},
		"GCC High":                              {delegated, object{"aud": "https://outlook.office365.us"}, person, nil, ""},
		"for Graph":                             {delegated, object{"aud": graphID}, person, []string{"!wrong-audience"}, "Microsoft Graph, not for Exchange Online: the server will refuse it, with 535 5.7.3"},
		"for Graph, by address":                 {delegated, object{"aud": "https://graph.microsoft.com"}, person, []string{"!wrong-audience"}, "Microsoft Graph"},
		"for another API":                       {delegated, object{"aud": "api://x\n"}, person, []string{"!wrong-audience"}, `["api://x\n"]`},
		"for none":                              {delegated, object{"aud": nil}, person, []string{"!wrong-audience"}, "no API"},
		"for Exchange where Graph is needed":    {delegated, nil, on(person, graph), []string{"!wrong-audience"}, "401"},
		"a person's without SMTP.Send":          {delegated, object{"scp": "User.Read"}, person, []string{"!missing-scope"}, "535 5.7.3"},
		"a person's, Graph, without Mail.Send":  {delegated, object{"aud": graphID}, on(person, graph), []string{"!missing-scope"}, "403"},
		"a person's, Graph, with a shared one":  {delegated, object{"aud": graphID, "scp": "Mail.Send.Shared"}, on(person, graph), nil, ""},
		"another person's":                      {delegated, object{"upn": "admin@contoso.com", "unique_name": nil}, person, []string{"!wrong-user"}, `"admin@contoso.com"`},
		"another person's, Graph":               {delegated, object{"aud": graphID, "scp": "Mail.Send", "upn": "a@x", "unique_name": nil}, on(person, graph), []string{"wrong-user"}, "mailbox"},
		"a person's by unique_name":             {delegated, object{"upn": "other@contoso.com"}, person, nil, ""},
		"another tenant's":                      {delegated, object{"tid": client}, person, []string{"!wrong-tenant"}, client},
		"a tenant that is set as domain":        {delegated, object{"tid": client}, on(person, func(w *Want) { w.TenantID = "contoso.com" }), nil, ""},
		"another application's":                 {application, object{"appid": tenant}, app, []string{"wrong-client"}, tenant},
		"expired":                               {delegated, object{"exp": now.Unix()}, person, []string{"!expired"}, "2026-11-21T12:00:00Z"},
		"not yet valid":                         {delegated, object{"nbf": now.Add(6 * time.Minute).Unix()}, person, []string{"not-yet-valid"}, "clock is behind"},
		"not yet valid, by little":              {delegated, object{"nbf": now.Add(4 * time.Minute).Unix()}, person, nil, ""},
		"an application's without a role":       {application, object{"roles": nil}, app, []string{"missing-role"}, "App RBAC"},
		"an application's, Graph, without role": {application, object{"aud": graphID}, on(app, graph), []string{"missing-role"}, "Mail.Send"},
		"an application's, Graph":               {application, object{"aud": graphID, "roles": []string{"Mail.Send"}}, on(app, graph), nil, ""},
		"a person's where an application's is":  {delegated, nil, app, []string{"!not-app-only"}, `"svc@contoso.com"`},
		"an application's where a person's is":  {application, nil, person, []string{"!app-only"}, "nobody signed in"},
		"wrong in everything":                   {delegated, object{"aud": graphID, "scp": "x", "upn": "a@b", "unique_name": nil, "tid": client, "appid": tenant, "exp": 1}, person, []string{"!wrong-audience", "!wrong-user", "!wrong-tenant", "wrong-client", "!expired"}, ""},
	} {
		c, ok := Inspect(token(t, tc.base, tc.over))
		var ids []string
		warnings := c.Warnings(tc.want)
		for _, w := range warnings {
			if w.Fatal {
				w.ID = "!" + w.ID
			}
			ids = append(ids, w.ID)
			checkWarning(t, w)
		}
		if diff := cmp.Diff(tc.ids, ids); !ok || diff != "" {
			t.Errorf("%s: %v\n%s", name, ok, diff)
		} else if len(warnings) > 0 && !strings.Contains(warnings[0].Meaning, tc.says) {
			t.Errorf("%s: %s", name, warnings[0].Meaning)
		}
	}
}

// checkWarning wants words, on one line each, whatever the token holds.
func checkWarning(t *testing.T, w Warning) {
	t.Helper()
	for _, s := range []string{w.ID, w.Meaning, w.Fix} {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%+v has an empty text, or one that cannot be shown", w)
		}
	}
}

func FuzzInspect(f *testing.F) {
	header, payload, _ := strings.Cut(token(f, delegated, nil), ".")
	f.Add(`{"alg":"RS256"}`, `{"aud":["x"],"scp":1,"exp":1e300,"tid":"a\u0000b"}`)
	f.Add(`{"alg":"none"}`, `{"upn":"\u202e","aud":{},"roles":[1]}`)
	f.Add(header, payload)
	f.Fuzz(func(t *testing.T, header, payload string) {
		Inspect(header + "." + payload)
		c, ok := Inspect(encode(header) + "." + encode(payload) + ".c2ln")
		if !ok {
			return
		}
		for _, w := range []Want{{Resource: Exchange, Username: "a@b", TenantID: tenant, ClientID: client, Now: now}, {Resource: Graph, AppOnly: true, Now: now}} {
			for _, warning := range c.Warnings(w) {
				checkWarning(t, warning)
			}
		}
		if slices.Contains(c.Usernames, "") || c.Expires.Year() > 9999 {
			t.Errorf("got %+v", c)
		}
	})
}
