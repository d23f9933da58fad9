package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// created reads the answer to a new draft, attachment or session.
func (b *graphBench) created(r graphReply) (what struct {
	ID                 string
	IsDraft            bool
	MessageID          string `json:"internetMessageId"`
	UploadURL          string
	ExpirationDateTime time.Time
	NextExpectedRanges []string
}) {
	b.Helper()
	if err := json.Unmarshal([]byte(r.body), &what); err != nil || r.status != http.StatusCreated {
		b.Fatalf("%d %s", r.status, r.body)
	}
	return what
}

// draftJSON is a draft that needs nothing more to be sent.
const draftJSON = `{"subject":"Hello","body":{"contentType":"text","content":"Hello"},"toRecipients":[{"emailAddress":{"address":"to@example.com"}}]}`

func TestADraftIsMadeChangedAndSent(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	d := b.created(b.json(http.MethodPost, "/v1.0/me/messages", token, draftJSON))
	if d.ID == "" || !d.IsDraft || d.MessageID == "" {
		t.Fatalf("%+v", d)
	}
	path := "/v1.0/me/messages/" + url.PathEscape(d.ID)
	if found := b.find("/v1.0/me", token, d.MessageID); len(found) != 1 || !found[0].IsDraft || found[0].ID != d.ID {
		t.Errorf("found %+v", found)
	}
	if r := b.json(http.MethodPatch, path, token, `{"bccRecipients":[{"emailAddress":{"address":"bcc@example.com"}}],"internetMessageId":"<new'id@x>"}`); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r := b.do(b.request(http.MethodGet, path+"?$select=subject,%20bccRecipients", token, "", ""))
	if want := `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users('10a6c0de-0001-4000-8000-000000000001')/messages/$entity","bccRecipients":[{"emailAddress":{"name":"","address":"bcc@example.com"}}],"id":"` + d.ID + `","subject":"Hello"}`; r.body != want {
		t.Errorf("%d %s", r.status, r.body)
	}
	b.accepted(b.do(b.request(http.MethodPost, path+"/send", token, "", "")))
	got, _ := b.last()
	if got.MessageID != "<new'id@x>" || strings.Join(got.To, " ") != "to@example.com bcc@example.com" || bytes.Contains(got.Data, []byte("bcc@")) {
		t.Errorf("%+v", got)
	}
	if found := b.find("/v1.0/me", token, "<new'id@x>"); len(found) != 1 || found[0].IsDraft {
		t.Errorf("found %+v", found)
	}
	// It was sent once, and the draft is no more.
	if r := b.do(b.request(http.MethodPost, path+"/send", token, "", "")); r.status != http.StatusNotFound {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestEveryPropertyOfADraftCanBeChanged(t *testing.T) {
	for kind, create := range map[string]func(b *graphBench, token string) graphReply{
		"JSON": func(b *graphBench, token string) graphReply {
			return b.json(http.MethodPost, "/v1.0/me/messages", token, draftJSON)
		},
		"MIME": func(b *graphBench, token string) graphReply {
			return b.mime("/v1.0/me/messages", token, "From: ops@contoso.com\nSender: ops@contoso.com\nTo: to@example.com\nReply-To: old@example.com\nSubject: Hello\nMessage-ID: <old@x>\nImportance: low\n\nHello")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			b := newGraphBench(t)
			token := b.svc("Mail.ReadWrite Mail.Send Mail.Send.Shared")
			path := "/v1.0/me/messages/" + url.PathEscape(b.created(create(b, token)).ID)
			change := `{"@odata.type":"#microsoft.graph.message","isRead":true,"subject":"New","from":{"emailAddress":{"address":"invoices@contoso.com"}},"sender":{"emailAddress":{"address":"svc@contoso.com"}},
				"toRecipients":[{"emailAddress":{"address":"new-to@example.com"}}],"ccRecipients":[{"emailAddress":{"address":"new-cc@example.com"}}],"bccRecipients":[],
				"replyTo":[],"importance":"High","internetMessageId":"<new@x>","internetMessageHeaders":[{"name":"X-New","value":"new"}]`
			if kind == "JSON" {
				change += `,"body":{"contentType":"text","content":"New"}`
			}
			if r := b.json(http.MethodPatch, path, token, change+"}"); r.status != http.StatusOK {
				t.Fatalf("%d %s", r.status, r.body)
			}
			b.accepted(b.do(b.request(http.MethodPost, path+"/send", token, "", "")))
			got, read := b.last()
			if got.From != "invoices@contoso.com" || strings.Join(got.To, " ") != "new-to@example.com new-cc@example.com" || got.MessageID != "<new@x>" || got.Subject != "New" {
				t.Errorf("%+v", got)
			}
			for name, want := range map[string]string{"From": "<invoices@contoso.com>", "Sender": "<svc@contoso.com>", "To": "<new-to@example.com>", "Cc": "<new-cc@example.com>",
				"Reply-To": "", "Importance": "high", "Message-Id": "<new@x>", "X-New": "new", "Subject": "New"} {
				if values := read.Header[name]; strings.Join(values, "|") != want {
					t.Errorf("%s: %q", name, values)
				}
			}
			body := "Hello"
			if kind == "JSON" {
				body = "New"
			}
			if !bytes.Contains(got.Data, []byte("\r\n\r\n"+body)) {
				t.Errorf("%s", got.Data)
			}
		})
	}
}

func TestADraftThatIsRefusedStaysADraft(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	d := b.created(b.json(http.MethodPost, "/v1.0/me/messages", token, `{"subject":"Hello"}`))
	path := "/v1.0/me/messages/" + url.PathEscape(d.ID)
	b.want(b.do(b.request(http.MethodPost, path+"/send", token, "", "")), 400, "ErrorInvalidRecipients", textNoRecipients)
	if r := b.do(b.request(http.MethodDelete, path, token, "", "")); r.status != http.StatusNoContent || r.body != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if found := b.find("/v1.0/me", token, d.MessageID); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

func TestADraftOfMIMEKeepsItsBodyAndTakesMore(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	message := "From: svc@contoso.com\nTo: header@example.com\nSubject: Hello\nX-Kept: yes\nContent-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello\n--x--\n"
	d := b.created(b.mime("/v1.0/me/messages", token, message))
	path := "/v1.0/me/messages/" + url.PathEscape(d.ID)
	if r := b.json(http.MethodPatch, path, token, `{"toRecipients":[{"emailAddress":{"address":"other@example.com"}}],"ccRecipients":[]}`); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	b.created(b.json(http.MethodPost, path+"/attachments", token, `{"@odata.type":"#microsoft.graph.fileAttachment","name":"a.txt","contentType":"text/plain","contentBytes":"YWJj"}`))
	b.accepted(b.do(b.request(http.MethodPost, path+"/send", token, "", "")))
	got, read := b.last()
	if !slices.Equal(got.To, []string{"other@example.com"}) || strings.Contains(string(got.Data), "header@") || read.Header.Get("X-Kept") != "yes" || read.Header.Get("Message-ID") != d.MessageID {
		t.Errorf("%+v\n%s", got, got.Data)
	}
	if parts := readParts(t, read.Header.Get("Content-Type"), read.Body); !slices.Equal(parts, []string{"text/plain||Hello", "text/plain|a.txt|abc"}) {
		t.Errorf("%q", parts)
	}
}

func TestDraftsRefuseInGraphsWords(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	d := b.created(b.json(http.MethodPost, "/v1.0/me/messages", token, draftJSON))
	ofMIME := b.created(b.mime("/v1.0/me/messages", token, "To: a@example.com\n\nHello"))
	b.accepted(b.json(http.MethodPost, "/v1.0/me/sendMail", token, strings.Replace(simple(""), `"subject"`, `"internetMessageId":"<sent@x>","subject"`, 1)))
	sent := b.find("/v1.0/me", token, "<sent@x>")
	path := "/v1.0/me/messages/" + url.PathEscape(d.ID)
	session := path + "/attachments/createUploadSession"
	item := func(size int) string {
		return fmt.Sprintf(`{"AttachmentItem":{"attachmentType":"file","name":"a","size":%d}}`, size)
	}
	for name, test := range map[string]struct {
		method, path, token, body string
		status                    int
		code, text                string
	}{
		"no permission to write":              {"POST", "/v1.0/me/messages", b.svc("Mail.Send Mail.Read"), draftJSON, 403, "ErrorAccessDenied", textDenied},
		"an app without the role":             {"POST", "/v1.0/users/svc@contoso.com/messages", b.app("Mail.Send"), draftJSON, 403, "ErrorAccessDenied", textDenied},
		"another mailbox without Full Access": {"POST", "/v1.0/users/invoices@contoso.com/messages", b.svc("Mail.ReadWrite Mail.ReadWrite.Shared"), draftJSON, 403, "ErrorAccessDenied", textDenied},
		"no permission to send":               {"POST", path + "/send", b.svc("Mail.ReadWrite"), "", 403, "ErrorAccessDenied", textDenied},
		"another mailbox's draft":             {"GET", strings.Replace(path, "me", "users/ops@contoso.com", 1), b.app("Mail.ReadWrite"), "", 404, "ErrorItemNotFound", "The specified object was not found in the store."},
		"a property that is not read":         {"GET", path + "?$select=shoeSize", token, "", 400, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.message'."},
		"a filter of another kind":            {"GET", "/v1.0/me/messages?$filter=subject%20eq%20'x'", token, "", 400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes."},
		"no JSON":                             {"POST", "/v1.0/me/messages", token, "x", 400, "BadRequest", textBadJSON},
		"a PATCH of the MIME's body":          {"PATCH", "/v1.0/me/messages/" + url.PathEscape(ofMIME.ID), token, `{"body":{"content":"x"}}`, 400, "ErrorInvalidRequest", "The body of a message that was made from MIME cannot be changed here."},
		"a PATCH of what was sent":            {"PATCH", "/v1.0/me/messages/" + url.PathEscape(sent[0].ID), token, `{"subject":"x"}`, 400, "ErrorInvalidRequest", "The operation can only be performed on a draft message."},
		"a PATCH that is no JSON":             {"PATCH", path, token, `{`, 400, "BadRequest", textBadJSON},
		"a PATCH of another type":             {"PATCH", path, token, `{"subject":5}`, 400, "RequestBodyRead", "Cannot convert the value of 'subject' to the expected type."},
		"a PATCH of no draft":                 {"PATCH", "/v1.0/me/messages/AAMk=", token, `{}`, 404, "ErrorItemNotFound", textNotFound},
		"a DELETE of nothing":                 {"DELETE", "/v1.0/me/messages/AAMk=", token, "", 404, "ErrorItemNotFound", textNotFound},
		"an attachment that is no JSON":       {"POST", path + "/attachments", token, `x`, 400, "BadRequest", textBadJSON},
		"an attachment that is not base64":    {"POST", path + "/attachments", token, `{"@odata.type":"#microsoft.graph.fileAttachment","name":"a","contentBytes":"%"}`, 400, "BadRequest", textBadJSON},
		"an attachment of no draft":           {"POST", "/v1.0/me/messages/AAMk=/attachments", token, `{"@odata.type":"#microsoft.graph.fileAttachment","name":"a"}`, 404, "ErrorItemNotFound", textNotFound},
		"a session that is no JSON":           {"POST", session, token, `x`, 400, "BadRequest", textBadJSON},
		"a draft with an unknown property":    {"POST", "/v1.0/me/messages", token, `{"bcc":[]}`, 400, "RequestBodyRead", "The property 'bcc' does not exist on type 'microsoft.graph.message'. Make sure to only use property names that are defined by the type or mark the type as open type."},
		"a list with an unknown property":     {"GET", "/v1.0/me/messages?$select=shoeSize", token, "", 400, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.message'."},
		"a PATCH of attachments":              {"PATCH", path, token, `{"attachments":[]}`, 400, "ErrorInvalidRequest", "Attachments cannot be changed by a PATCH of the message."},
		"an attachment without a name":        {"POST", path + "/attachments", token, `{"@odata.type":"#microsoft.graph.fileAttachment","contentBytes":"YQ=="}`, 400, "ErrorRequiredPropertyMissing", "Required property is missing., Name"},
		"an attached item":                    {"POST", path + "/attachments", token, `{"@odata.type":"#microsoft.graph.itemAttachment","name":"a"}`, 400, "ErrorInvalidRequest", "Attachments of the type '#microsoft.graph.itemAttachment' cannot be sent."},
		"a session for little":                {"POST", session, token, item(3<<20 - 1), 400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", "Attachment size must be greater than the minimum size."},
		"a session for too much":              {"POST", session, token, item(150<<20 + 1), 400, "ErrorAttachmentSizeLimitExceeded", "The attachment exceeds the maximum supported size."},
		"a session for nothing":               {"POST", session, token, `{}`, 400, "ErrorInvalidParameter", "The value of the parameter 'AttachmentItem' is empty or not that of a file."},
		"a session for no draft":              {"POST", "/v1.0/me/messages/AAMk=/attachments/createUploadSession", token, item(3 << 20), 404, "ErrorItemNotFound", textNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			b := &graphBench{T: t, tenant: new(Tenant), server: b.server, client: b.client} // whose inbox is empty
			b.want(b.json(test.method, test.path, test.token, test.body), test.status, test.code, test.text)
		})
	}
	b.tenant.Change(func(tenant *Tenant) { tenant.mailbox("invoices@contoso.com").FullAccess = []string{"svc@contoso.com"} })
	b.created(b.json(http.MethodPost, "/v1.0/users/invoices@contoso.com/messages", b.svc("Mail.ReadWrite.Shared"), draftJSON))
	b.created(b.json(http.MethodPost, "/v1.0/users/ops@contoso.com/messages", b.app("Mail.ReadWrite"), draftJSON))
}

// session makes a draft and a session for size octets beside it.
func (b *graphBench) session(token string, size int) (draft, address string) {
	b.Helper()
	d := b.created(b.json(http.MethodPost, "/v1.0/me/messages", token, draftJSON))
	draft = "/v1.0/me/messages/" + url.PathEscape(d.ID)
	s := b.created(b.json(http.MethodPost, draft+"/attachments/createUploadSession", token,
		fmt.Sprintf(`{"AttachmentItem":{"attachmentType":"file","name":"big.bin","size":%d,"contentType":"application/pdf","contentId":"big","isInline":false}}`, size)))
	if s.UploadURL == "" || !s.ExpirationDateTime.After(b.clock.now()) || !slices.Equal(s.NextExpectedRanges, []string{"0-"}) {
		b.Fatalf("%+v", s)
	}
	return draft, s.UploadURL
}

// put sends a range of content.
func (b *graphBench) put(address string, content []byte, start, end int) graphReply {
	b.Helper()
	r := b.request(http.MethodPut, address, "", "application/octet-stream", string(content[start:end]))
	r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end-1, len(content)))
	return b.do(r)
}

func TestAnAttachmentOf20MBArrivesByteForByte(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	content := make([]byte, 20_000_003)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(content)
	draft, address := b.session(token, len(content))
	var location string
	for start := 0; start < len(content); start += graphMaxRequest {
		end := min(start+graphMaxRequest, len(content))
		r := b.put(address, content, start, end)
		switch {
		case end == len(content):
			if location = r.header.Get("Location"); r.status != http.StatusCreated || r.body != "" || !strings.Contains(location, "/Attachments('AAMk") {
				t.Fatalf("%d %s, Location %q", r.status, r.body, location)
			}
		case r.status != http.StatusOK || !strings.Contains(r.body, fmt.Sprintf(`"nextExpectedRanges":["%d"]`, end)):
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	b.accepted(b.do(b.request(http.MethodPost, draft+"/send", token, "", "")))
	_, read := b.last()
	parts := readParts(t, read.Header.Get("Content-Type"), read.Body)
	if len(parts) != 2 || parts[1] != "application/pdf|big.bin|"+string(content) {
		t.Error("the attachment is not what was uploaded")
	}
}

func TestAnUploadTakesOnlyTheNextRange(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	content := make([]byte, graphMinUpload+10)
	draft, address := b.session(token, len(content))
	refused := func(name string, r graphReply, status int, next string) {
		t.Helper()
		if r.status != status || next != "" && !strings.Contains(r.body, `"nextExpectedRanges":["`+next+`"]`) || !strings.Contains(r.body, `"error"`) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	refused("not from the start", b.put(address, content, 100, 200), 416, "0")
	if r := b.put(address, content, 0, 100); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	refused("once more", b.put(address, content, 0, 100), 416, "100")
	refused("with a gap", b.put(address, content, 101, 200), 416, "100")
	refused("of another size", b.put(address, content[:200], 100, 200), 416, "100")
	r := b.request(http.MethodPut, address, "", "", "x")
	refused("without a range", b.do(r), 400, "")
	r = b.request(http.MethodPut, address, "", "", "xy")
	r.Header.Set("Content-Range", fmt.Sprintf("bytes 100-100/%d", len(content)))
	refused("of another length", b.do(r), 400, "")
	refused("too much at once", b.put(address, make([]byte, graphMaxRequest+200), 100, graphMaxRequest+101), 413, "")
	r = b.request(http.MethodPut, address, token, "", "x")
	refused("with a bearer token", b.do(r), 401, "")
	refused("of no session", b.put(strings.Replace(address, "authtoken=", "authtoken=x", 1), content, 100, 200), 404, "")
	// None of this harmed the upload.
	if r := b.put(address, content, 100, len(content)); r.status != http.StatusCreated {
		t.Errorf("%d %s", r.status, r.body)
	}
	refused("after the end", b.put(address, content, 0, 100), 404, "")
	b.accepted(b.do(b.request(http.MethodPost, draft+"/send", token, "", "")))
}

func TestAnUploadSessionEnds(t *testing.T) {
	for name, end := range map[string]func(b *graphBench, token, draft, address string){
		"when it is cancelled": func(b *graphBench, _, _, address string) {
			if r := b.do(b.request(http.MethodDelete, address, "", "", "")); r.status != http.StatusNoContent {
				b.Errorf("%d %s", r.status, r.body)
			}
		},
		"when its time is over": func(b *graphBench, _, _, _ string) { b.clock.add(time.Hour) },
		"with its draft": func(b *graphBench, token, draft, _ string) {
			b.do(b.request(http.MethodDelete, draft, token, "", ""))
		},
		"when the draft was sent": func(b *graphBench, token, draft, _ string) {
			b.accepted(b.do(b.request(http.MethodPost, draft+"/send", token, "", "")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newGraphBench(t)
			token := b.svc("Mail.ReadWrite Mail.Send")
			content := make([]byte, graphMinUpload)
			draft, address := b.session(token, len(content))
			end(b, token, draft, address)
			if r := b.put(address, content, 0, len(content)); r.status != http.StatusNotFound {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
}

func TestAMessageAbove35MBIsRefused(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	content := make([]byte, graphMaxMessage)
	_, address := b.session(token, len(content)) // the text of the message is on top
	var r graphReply
	for start := 0; start < len(content); start += graphMaxRequest {
		r = b.put(address, content, start, min(start+graphMaxRequest, len(content)))
	}
	b.want(r, 400, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size., Cannot save changes made to an item to store.")
}

func FuzzContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-2097151/3483322", "bytes 0-0/1", "bytes */5", "bytes 5-4/9", "bytes 0-9/*", "bytes -1-2/3", "bytes 99999999999999999999-1/2", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		start, end, total, ok := parseContentRange(value)
		if !ok {
			return
		}
		if start < 0 || end < start || total <= end {
			t.Errorf("%q is %d-%d/%d", value, start, end, total)
		}
		if again, _, _, ok := parseContentRange(fmt.Sprintf("bytes %d-%d/%d", start, end, total)); !ok || again != start {
			t.Errorf("%q does not survive", value)
		}
	})
}

func FuzzGraphMIME(f *testing.F) {
	for _, seed := range []string{
		"From: a@x\r\nTo: \"x\" <b@y>, team: c@z;\r\nBcc: d@q\r\n\r\nbody", "To: a@x <b@y>\n\nbody", "To: (c(d)) \"a\\\"b\"@x,,<>\r\n", "Bcc\r\n: x\r\n\r\n", "To: [1,2]@x, <\"@\">\r\n", " \r\n", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		p := parseMIME(message)
		item := &graphItem{mime: &p, changed: map[string]bool{}}
		item.message.readHeader(p)
		to, err := item.message.recipients()
		if err == nil && len(to) == 0 {
			t.Error("no recipients and no error")
		}
		for _, address := range to {
			if !strings.Contains(address, "@") || strings.ContainsAny(address, "\r\n") {
				t.Errorf("recipient %q", address)
			}
		}
		data := item.compose(time.Unix(0, 0))
		again := parseMIME(data)
		if again.get("Bcc") != "" {
			t.Errorf("Bcc is left in %q", data)
		}
		if !bytes.HasSuffix(data, p.body) || !bytes.Equal(again.body, p.body) {
			t.Errorf("%q became %q", message, data)
		}
		// What decodes is what was encoded, wherever the lines break.
		text := base64.StdEncoding.EncodeToString(message)
		back, ok := decodeMIME([]byte(text[:len(text)/2] + "\r\n" + text[len(text)/2:]))
		if ok != (len(message) > 0) || !bytes.Equal(back, message) {
			t.Errorf("%q came back as %q", message, back)
		}
	})
}
