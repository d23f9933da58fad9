package sandbox

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4/jwt"
)

func TestSendMailRefusesInGraphsWords(t *testing.T) {
	const board = "/v1.0/users/board@contoso.com/sendMail"
	const svc = "/v1.0/users/svc@contoso.com/sendMail"
	me := func(scopes string) func(*graphBench) string {
		return func(b *graphBench) string { return b.svc(scopes) }
	}
	app := func(roles ...string) func(*graphBench) string {
		return func(b *graphBench) string { return b.app(roles...) }
	}
	for _, test := range []struct {
		name   string
		tenant func(*Tenant)
		token  func(*graphBench) string
		path   string
		kind   string
		body   string
		status int
		code   string
		text   string
	}{
		{"no token", nil, func(*graphBench) string { return "" }, "", "", "", 401, "InvalidAuthenticationToken", "Access token is empty."},
		{"a token for SMTP", nil, func(b *graphBench) string {
			return b.sign(graphClaims{Claims: jwt.Claims{Audience: jwt.Audience{exchangeID}}, UPN: "svc@contoso.com", Scope: "SMTP.Send"})
		}, "", "", "", 401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."},
		{"an app has no me", nil, app("Mail.Send"), "", "", "", 400, "BadRequest", "/me request is only valid with delegated authentication flow."},
		{"a scope is missing", nil, me("User.Read"), "", "", "", 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."},
		{"a role is missing", nil, app("User.Read.All"), svc, "", "", 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."},
		{"no such user", nil, app("Mail.Send"), "/v1.0/users/nobody@contoso.com/sendMail", "", "", 404, "ErrorInvalidUser", "The requested user 'nobody@contoso.com' is invalid."},
		{"a user without a licence", func(t *Tenant) { t.user("svc@contoso.com").Unlicensed = true }, me("Mail.Send"), "", "", "",
			404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise."},
		{"a user without a mailbox", nil, app("Mail.Send"), "/v1.0/users/left@contoso.com/sendMail", "", "",
			404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise."},
		{"an access policy", func(t *Tenant) { t.AccessPolicies = map[string][]string{graphAppID: {"ops@contoso.com"}} }, app("Mail.Send"), svc, "", "",
			403, "ErrorAccessDenied", "Access to OData is disabled."},
		{"out of the scope of RBAC", func(t *Tenant) {
			t.RoleAssignments = []RoleAssignment{{graphAppID, "Application Mail.Send", []string{"ops@contoso.com"}}}
			t.ServicePrincipals = []ServicePrincipal{{graphAppID, graphEnterpriseID}}
		}, app(), svc, "", "", 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."},
		{"Exchange knows the app by the wrong object ID", func(t *Tenant) {
			t.RoleAssignments = []RoleAssignment{{AppID: graphAppID, Role: "Application Mail.Send"}}
			t.ServicePrincipals = []ServicePrincipal{{graphAppID, t.app(graphAppID).ObjectID}}
		}, app(), svc, "", "", 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."},
		{"from another mailbox without Mail.Send.Shared", nil, me("Mail.Send"), "", "", simple("invoices@contoso.com"), 403, "ErrorSendAsDenied", textSendAs},
		{"from a mailbox that granted nothing", nil, me("Mail.Send.Shared"), "", "", simple("board@contoso.com"), 403, "ErrorSendAsDenied",
			"The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message."},
		{"through a mailbox without Full Access", nil, me("Mail.Send.Shared"), "/v1.0/users/invoices@contoso.com/sendMail", "", "", 403, "ErrorSendAsDenied", textSendAs},
		{"Full Access is not Send As", func(t *Tenant) {
			m := t.mailbox("board@contoso.com")
			m.FullAccess = []string{"svc@contoso.com"}
		}, me("Mail.Send.Shared"), board, "", "", 403, "ErrorSendAsDenied", textSendAs},
		{"an app from a mailbox that granted nothing", nil, app("Mail.Send"), svc, "", simple("board@contoso.com"), 403, "ErrorSendAsDenied", textSendAs},
		{"a sender who is somebody else", nil, me("Mail.Send"), "", "", strings.Replace(simple(""), `"subject"`, `"sender":{"emailAddress":{"address":"board@contoso.com"}},"subject"`, 1),
			403, "ErrorSendAsDenied", textSendAs},
		{"MIME from nobody", nil, me("Mail.Send"), "", "text/plain", base64.StdEncoding.EncodeToString([]byte("From: \"nobody\"@\r\nTo: a@example.com\r\n\r\n")), 403, "ErrorSendAsDenied", textSendAs},
		{"MIME that is not base64", nil, me("Mail.Send"), "", "text/plain", "From: svc@contoso.com\r\n\r\nHello", 400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."},
		{"MIME without padding", nil, me("Mail.Send"), "", "text/plain", "VG86IGE", 400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."},
		{"no MIME", nil, me("Mail.Send"), "", "text/plain", "", 400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."},
		{"MIME without recipients", nil, me("Mail.Send"), "", "text/plain", "RnJvbTogc3ZjQGNvbnRvc28uY29tDQoNCkhlbGxv", 400, "ErrorInvalidRecipients",
			"At least one recipient is not valid., A message can't be sent because it contains no recipients."},
		{"a recipient that is no address", nil, me("Mail.Send"), "", "", strings.Replace(simple(""), "to@example.com", "a@example.com; b@example.com", 1), 400, "ErrorInvalidRecipients",
			"At least one recipient is not valid., Recipient 'a@example.com; b@example.com' is not resolved. All recipients must be resolved before a message can be submitted."},
		{"replies to no address", nil, me("Mail.Send"), "", "", strings.Replace(simple(""), `"subject"`, `"replyTo":[{"emailAddress":{"address":"x\r\nBcc: y"}}],"subject"`, 1), 400, "ErrorInvalidRecipients",
			"At least one recipient is not valid., Recipient 'x\r\nBcc: y' is not resolved. All recipients must be resolved before a message can be submitted."},
		{"half a JSON", nil, me("Mail.Send"), "", "", `{"message":`, 400, "BadRequest", textBadJSON},
		{"JSON that is called something else", nil, me("Mail.Send"), "", "application/xml", simple(""), 400, "BadRequest",
			"Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."},
		{"JSON without a message", nil, me("Mail.Send"), "", "", `{"saveToSentItems":false}`, 400, "ErrorInvalidParameter", "The value of the parameter 'Message' is empty."},
		{"a property that does not exist", nil, me("Mail.Send"), "", "", `{"message":{"bcc":[]}}`, 400, "RequestBodyRead",
			"The property 'bcc' does not exist on type 'microsoft.graph.message'. Make sure to only use property names that are defined by the type or mark the type as open type."},
		{"a body of an unknown kind", nil, me("Mail.Send"), "", "", `{"message":{"body":{"contentType":"text/plain"}}}`, 400, "RequestBodyRead", "Requested value 'text/plain' was not found."},
		{"a header without x-", nil, me("Mail.Send"), "", "", `{"message":{"internetMessageHeaders":[{"name":"In-Reply-To","value":"<1>"}]}}`, 400, "InvalidInternetMessageHeader",
			"The internet message header name 'In-Reply-To' should start with 'x-' or 'X-'."},
		{"an attachment without its type", nil, me("Mail.Send"), "", "", `{"message":{"attachments":[{"name":"a","contentBytes":"AA=="}]}}`, 400, "RequestBodyRead",
			"The property 'contentBytes' does not exist on type 'microsoft.graph.attachment'. Make sure to only use property names that are defined by the type or mark the type as open type."},
		{"more than 4 MB", nil, me("Mail.Send"), "", "text/plain", strings.Repeat("A", graphMaxRequest+1), 413, "BadRequest", "The maximum request length supported is 4MB."},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newGraphBench(t)
			if test.tenant != nil {
				b.tenant.Change(test.tenant)
			}
			path, kind, body := test.path, test.kind, test.body
			if path == "" {
				path = "/v1.0/me/sendMail"
			}
			if kind == "" {
				kind = "application/json"
				if body == "" {
					body = simple("")
				}
			}
			r := b.do(b.request(http.MethodPost, path, test.token(b), kind, body))
			b.want(r, test.status, test.code, test.text)
			if test.status == 401 && r.header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
}

func TestSendMailKnowsWhoSends(t *testing.T) {
	for _, test := range []struct {
		name               string
		tenant             func(*Tenant)
		token              func(*graphBench) string
		path, from         string
		user, app          string
		wantFrom, wantSent string // the sender's header
	}{
		{"as oneself", nil, func(b *graphBench) string { return b.svc("Mail.Send") }, "/v1.0/me/sendMail", "", "svc@contoso.com", "", "svc@contoso.com", ""},
		{"by the object ID", nil, func(b *graphBench) string { return b.svc("Mail.Send") }, "/v1.0/users/10a6c0de-0001-4000-8000-000000000001/sendMail", "", "svc@contoso.com", "", "svc@contoso.com", ""},
		{"by an alias", nil, func(b *graphBench) string { return b.svc("Mail.Send") }, "/v1.0/me/sendmail", "service@contoso.com", "svc@contoso.com", "", "service@contoso.com", ""},
		{"Send As shows nobody else", nil, func(b *graphBench) string { return b.svc("Mail.Send.Shared") }, "/v1.0/me/sendMail", "invoices@contoso.com", "svc@contoso.com", "", "invoices@contoso.com", ""},
		{"Send on Behalf shows who sent it", nil, func(b *graphBench) string { return b.svc("Mail.Send.Shared") }, "/v1.0/me/sendMail", "alerts@contoso.com", "svc@contoso.com", "", "alerts@contoso.com", "<svc@contoso.com>"},
		{"through a mailbox with Full Access and Send As", func(t *Tenant) { t.mailbox("invoices@contoso.com").FullAccess = []string{"svc@contoso.com"} },
			func(b *graphBench) string { return b.svc("Mail.Send Mail.Send.Shared") }, "/v1.0/users/invoices@contoso.com/sendMail", "", "svc@contoso.com", "", "invoices@contoso.com", ""},
		{"an app as any mailbox", nil, func(b *graphBench) string { return b.app("Mail.Send") }, "/v1.0/users/ops@contoso.com/sendMail", "", "ops@contoso.com", graphAppID, "ops@contoso.com", ""},
		{"an app as a shared mailbox", nil, func(b *graphBench) string { return b.app("Mail.Send") }, "/v1.0/users/board@contoso.com/sendMail", "board@contoso.com", "board@contoso.com", graphAppID, "board@contoso.com", ""},
		{"an app within its access policy", func(t *Tenant) { t.AccessPolicies = map[string][]string{graphAppID: {"ops@contoso.com"}} },
			func(b *graphBench) string { return b.app("Mail.Send") }, "/v1.0/users/ops@contoso.com/sendMail", "", "ops@contoso.com", graphAppID, "ops@contoso.com", ""},
		{"an app by RBAC alone, whatever the policy", func(t *Tenant) {
			t.AccessPolicies = map[string][]string{graphAppID: {"ops@contoso.com"}}
			t.RoleAssignments = []RoleAssignment{{graphAppID, "Application Mail.Send", []string{"svc@contoso.com"}}}
			t.ServicePrincipals = []ServicePrincipal{{graphAppID, graphEnterpriseID}}
		}, func(b *graphBench) string { return b.app() }, "/v1.0/users/svc@contoso.com/sendMail", "", "svc@contoso.com", graphAppID, "svc@contoso.com", ""},
		{"an app as a mailbox that may send as another", func(t *Tenant) { t.mailbox("board@contoso.com").SendAs = []string{"ops@contoso.com"} },
			func(b *graphBench) string { return b.app("Mail.Send") }, "/v1.0/users/ops@contoso.com/sendMail", "board@contoso.com", "ops@contoso.com", graphAppID, "board@contoso.com", ""},
	} {
		for _, kind := range []string{"JSON", "MIME"} {
			t.Run(test.name+" in "+kind, func(t *testing.T) {
				b := newGraphBench(t)
				if test.tenant != nil {
					b.tenant.Change(test.tenant)
				}
				if kind == "JSON" {
					b.accepted(b.json(http.MethodPost, test.path, test.token(b), simple(test.from)))
				} else {
					from := ""
					if test.from != "" {
						from = "From: " + test.from + "\n"
					}
					b.accepted(b.mime(test.path, test.token(b), from+"To: to@example.com\nSubject: Hello\n\nHello\n"))
				}
				got, read := b.last()
				if got.Over != "graph" || got.User != test.user || got.App != test.app || got.From != test.wantFrom || !slices.Equal(got.To, []string{"to@example.com"}) || got.Subject != "Hello" {
					t.Errorf("%+v", got)
				}
				if got.MessageID == "" || read.Header.Get("Message-ID") != got.MessageID || read.Header.Get("Date") == "" {
					t.Errorf("Message-ID %q, in the header %q", got.MessageID, read.Header.Get("Message-ID"))
				}
				if from, err := read.Header.AddressList("From"); err != nil || from[0].Address != test.wantFrom || read.Header.Get("Sender") != test.wantSent {
					t.Errorf("From %v, Sender %q", from, read.Header.Get("Sender"))
				}
			})
		}
	}
}

func TestMIMEGoesToEverybodyInItsHeader(t *testing.T) {
	b := newGraphBench(t)
	b.accepted(b.mime("/v1.0/me/sendMail", b.svc("Mail.Send"), `From: Mail Service <svc@contoso.com>
To: ops@a.example <to1@example.com>, "Last, First" <to2@example.com>,
 team: to3@example.com, <to4@example.com>;
Cc: (cc) cc1@example.com, TO1@example.com
bcc: =?utf-8?q?secret=2C_one?= <bcc1@example.com>,
	bcc2@example.com
Cc: cc2@example.com
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <kept@client.example>
X-Odd : kept

.body
`))
	got, read := b.last()
	want := "to1@example.com to2@example.com to3@example.com to4@example.com cc1@example.com cc2@example.com bcc1@example.com bcc2@example.com"
	if strings.Join(got.To, " ") != want {
		t.Errorf("went to %v", got.To)
	}
	if got.MessageID != "<kept@client.example>" || got.Subject != "Grüße" {
		t.Errorf("%+v", got)
	}
	if strings.Contains(strings.ToLower(string(got.Data)), "bcc") || len(read.Header["Cc"]) != 2 {
		t.Errorf("recipients see\n%s", got.Data)
	}
}

func TestMIMEIsOtherwiseAsItWasSent(t *testing.T) {
	b := newGraphBench(t)
	message := "Received: by x\nFrom: svc@contoso.com\nTo: a@example.com\nDate: Fri, 20 Nov 2026 08:00:00 +0000\nMessage-ID: <1@x>\nContent-Type: text/plain\n\nline\n\n.\ntail without end"
	b.accepted(b.mime("/v1.0/me/sendMail", b.svc("Mail.Send"), message))
	if got, _ := b.last(); string(got.Data) != strings.ReplaceAll(message, "\n", "\r\n") {
		t.Errorf("%q", got.Data)
	}
	// Base64 may be wrapped, and lines may end in LF alone.
	wrapped := base64.StdEncoding.EncodeToString([]byte(message))
	b.accepted(b.do(b.request(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), "text/plain; charset=utf-8", wrapped[:60]+"\r\n "+wrapped[60:])))
	if got, _ := b.last(); string(got.Data) != strings.ReplaceAll(message, "\n", "\r\n") {
		t.Errorf("%q", got.Data)
	}
}

func TestJSONBecomesMIME(t *testing.T) {
	b := newGraphBench(t)
	odd := []byte("\x00\x01\r\n.\r\n\xff--=_")
	b.accepted(b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), jsonWithEverything(odd)))
	got, read := b.last()
	if strings.Join(got.To, " ") != "to@example.com cc@example.com bcc@example.com" || got.MessageID != "<mine@client.example>" {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{"Reply-To": `"Desk" <desk@contoso.com>`, "Bcc": "", "Importance": "high", "Cc": "<cc@example.com>", "X-Ticket": "4", "Mime-Version": "1.0",
		"To": `"ops@a.example" <to@example.com>, <TO@example.com>`} {
		if read.Header.Get(name) != want {
			t.Errorf("%s: %q", name, read.Header.Get(name))
		}
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject")); err != nil || subject != "Grüße\r\nBcc: x@example.com" {
		t.Errorf("subject %q, %v", subject, err)
	}
	parts := readParts(t, read.Header.Get("Content-Type"), read.Body)
	want := []string{"text/html; charset=utf-8||<p>Grüße <img src=\"cid:logo\"></p>\r\n", "image/png|logo.png|\x89PNG", "application/octet-stream|Übersicht \"1\".bin|" + string(odd)}
	if !slices.Equal(parts, want) {
		t.Errorf("%q", parts)
	}
}

// jsonWithEverything is a message with every property that has an effect.
func jsonWithEverything(attachment []byte) string {
	return `{"Message":{
		"subject":"Gr\u00fc\u00dfe\r\nBcc: x@example.com","importance":"high",
		"body":{"contentType":"HTML","content":"<p>Gr\u00fc\u00dfe <img src=\"cid:logo\"></p>"},
		"toRecipients":[{"emailAddress":{"name":"ops@a.example","address":"to@example.com"}},{"emailAddress":{"address":"TO@example.com"}}],
		"ccRecipients":[{"emailAddress":{"address":"cc@example.com"}}],
		"bccRecipients":[{"emailAddress":{"address":"bcc@example.com"}}],
		"replyTo":[{"emailAddress":{"name":"Desk","address":"desk@contoso.com"}}],
		"internetMessageId":"<mine@client.example>",
		"internetMessageHeaders":[{"name":"x-ticket","value":"4"}],
		"attachments":[
			{"@odata.type":"#microsoft.graph.fileAttachment","name":"logo.png","contentType":"image/png","isInline":true,"contentId":"logo","contentBytes":"iVBORw=="},
			{"@odata.type":"microsoft.graph.fileAttachment","name":"Übersicht \"1\".bin","contentBytes":"` + base64.StdEncoding.EncodeToString(attachment) + `"}]}}`
}

// readParts lists the parts that have no parts, each with its type, its name
// and its decoded content.
func readParts(t *testing.T, contentType string, body io.Reader) (list []string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%q: %v", contentType, err)
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextPart() // decodes quoted-printable
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if kind := p.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
			list = append(list, readParts(t, kind, p)...)
			continue
		}
		var from io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			from = base64.NewDecoder(base64.StdEncoding, p)
		}
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.Header.Get("Content-Type")+"|"+p.FileName()+"|"+string(content))
	}
}

func TestSentItemsKeepWhatWasSentUnlessToldNotTo(t *testing.T) {
	for _, test := range []struct {
		name, save string
		want       int
	}{{"by default", "", 1}, {"when told", `,"saveToSentItems":true`, 1}, {"not when told", `,"saveToSentItems":false`, 0}} {
		t.Run(test.name, func(t *testing.T) {
			b := newGraphBench(t)
			body := simple("")
			b.accepted(b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), body[:len(body)-1]+test.save+"}"))
			m, _ := b.last()
			found := b.find("/v1.0/me", b.svc("Mail.Read"), m.MessageID)
			if len(found) != test.want || test.want == 1 && found[0].IsDraft {
				t.Errorf("found %+v", found)
			}
			if other := b.find("/v1.0/users/ops@contoso.com", b.app("Mail.Read"), m.MessageID); len(other) != 0 {
				t.Errorf("another mailbox has %+v", other)
			}
		})
	}
	b := newGraphBench(t)
	r := b.do(b.request(http.MethodGet, "/v1.0/me/messages", b.svc("Mail.Send"), "", ""))
	b.want(r, 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
}
