package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// A graphBench is Graph alone, with the sandbox's own keys: its tests choose
// what a token says.
type graphBench struct {
	*testing.T
	tenant *Tenant
	keys   *keyring
	clock  *clock
	faults *GraphFaults
	server *httptest.Server
	client *http.Client
}

// graphClaims is what a test's token says.
type graphClaims struct {
	jwt.Claims
	AppID    string   `json:"appid"`
	Scope    string   `json:"scp,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	TenantID string   `json:"tid"`
	UPN      string   `json:"upn,omitempty"`
	Version  string   `json:"ver"`
}

// graphKeys is one keyring for all benches: a key takes long to make.
var graphKeys = sync.OnceValues(newKeyring)

func newGraphBench(t *testing.T) *graphBench {
	t.Helper()
	keys, err := graphKeys()
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	b := &graphBench{T: t, tenant: contoso(c.now()), keys: keys, clock: c}
	mux := http.NewServeMux()
	b.faults = graph{b.tenant, b.check, c.now}.register(mux)
	b.server = httptest.NewTLSServer(mux)
	t.Cleanup(b.server.Close)
	b.client = b.server.Client()
	return b
}

// check is an accessChecker.
func (b *graphBench) check(token string) (accessClaims, bool) {
	var c graphClaims
	if !b.keys.verify(token, &c) || c.ValidateWithLeeway(jwt.Expected{Time: b.clock.now()}, 0) != nil {
		return accessClaims{}, false
	}
	return accessClaims{Audience: c.Audience[0], UPN: c.UPN, TenantID: c.TenantID, AppID: c.AppID,
		Scopes: strings.Fields(c.Scope), Roles: c.Roles, Expires: c.Expiry.Time()}, true
}

func (b *graphBench) sign(c graphClaims) string {
	b.Helper()
	if c.Audience == nil {
		c.Audience = jwt.Audience{graphAudience}
	}
	c.TenantID, c.Version = contosoID, "1.0"
	c.Expiry = jwt.NewNumericDate(b.clock.now().Add(time.Hour))
	token, err := b.keys.sign(c)
	if err != nil {
		b.Fatal(err)
	}
	return token
}

// svc signs a token of svc's for scopes.
func (b *graphBench) svc(scopes string) string {
	b.Helper()
	return b.sign(graphClaims{AppID: desktopAppID, UPN: "svc@contoso.com", Scope: scopes})
}

// app signs a token of the Graph application's with roles.
func (b *graphBench) app(roles ...string) string {
	b.Helper()
	return b.sign(graphClaims{AppID: graphAppID, Roles: roles})
}

// A graphReply is a response of Graph's, read.
type graphReply struct {
	status int
	header http.Header
	body   string
}

// code and text are those of an error.
func (r graphReply) error() (code, text string) {
	var reply struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	json.Unmarshal([]byte(r.body), &reply)
	return reply.Error.Code, reply.Error.Message
}

func (b *graphBench) request(method, path, token, kind, body string) *http.Request {
	b.Helper()
	if !strings.HasPrefix(path, "https://") {
		path = b.server.URL + path
	}
	r, err := http.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func (b *graphBench) do(r *http.Request) graphReply {
	b.Helper()
	reply, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		b.Fatal(err)
	}
	return graphReply{reply.StatusCode, reply.Header, string(body)}
}

func (b *graphBench) json(method, path, token, body string) graphReply {
	b.Helper()
	return b.do(b.request(method, path, token, "application/json", body))
}

// mime posts a message as MIME.
func (b *graphBench) mime(path, token, message string) graphReply {
	b.Helper()
	message = strings.ReplaceAll(message, "\n", "\r\n")
	return b.do(b.request(http.MethodPost, path, token, "text/plain", base64.StdEncoding.EncodeToString([]byte(message))))
}

// last returns the newest message of the inbox, read.
func (b *graphBench) last() (Message, *mail.Message) {
	b.Helper()
	list := b.tenant.Inbox()
	if len(list) == 0 {
		b.Fatal("the inbox is empty")
	}
	m := list[len(list)-1]
	read, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		b.Fatalf("%v in\n%s", err, m.Data)
	}
	return m, read
}

// want checks a refusal, and that nothing was taken.
func (b *graphBench) want(r graphReply, status int, code, text string) {
	b.Helper()
	if gotCode, gotText := r.error(); r.status != status || gotCode != code || gotText != text {
		b.Errorf("got %d %s\nwant %d %s: %s", r.status, r.body, status, code, text)
	}
	if n := len(b.tenant.Inbox()); n != 0 {
		b.Errorf("%d messages were taken", n)
	}
}

// accepted checks the answer of a message that was taken.
func (b *graphBench) accepted(r graphReply) {
	b.Helper()
	if r.status != http.StatusAccepted || r.body != "" {
		b.Fatalf("%d %s", r.status, r.body)
	}
}

// simple is a message in JSON from, and "" for no property from.
func simple(from string) string {
	if from != "" {
		from = fmt.Sprintf(`"from":{"emailAddress":{"address":%q}},`, from)
	}
	return `{"message":{` + from + `"subject":"Hello","body":{"contentType":"Text","content":"Hello"},"toRecipients":[{"emailAddress":{"address":"to@example.com"}}]}}`
}

// find asks for messages by their Message-ID.
func (b *graphBench) find(whose, token, id string) (found []struct {
	ID      string
	IsDraft bool
}) {
	b.Helper()
	q := url.Values{"$filter": {"internetMessageId eq '" + strings.ReplaceAll(id, "'", "''") + "'"}, "$select": {"id,isDraft"}}
	r := b.do(b.request(http.MethodGet, whose+"/messages?"+q.Encode(), token, "", ""))
	var list struct {
		Value []struct {
			ID      string
			IsDraft bool
		}
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != http.StatusOK {
		b.Fatalf("%d %s", r.status, r.body)
	}
	return list.Value
}
