package sandbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A graphRecorder writes down every request and response, as a recorder does,
// with the headers that matter to Graph and MIME decoded.
type graphRecorder struct {
	recorder
}

// Names that Graph makes up, beside those that a recorder knows.
var graphRandom = regexp.MustCompile(`AAMk[A-Za-z0-9_-]+(?:=|%3D)|[0-9A-F]{32}`)

func (c *graphRecorder) note(mark, text string) {
	c.recorder.note(mark, graphRandom.ReplaceAllStringFunc(strings.TrimRight(text, "\r\n"), func(found string) string {
		found = strings.ReplaceAll(found, "%3D", "=")
		if c.names[found] == "" {
			c.names[found] = fmt.Sprintf("{id-%d}", len(c.names)+1)
		}
		return c.names[found]
	}))
}

func (c *graphRecorder) RoundTrip(r *http.Request) (*http.Response, error) {
	uri, err := url.PathUnescape(r.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	request := r.Method + " " + uri + "\n"
	for _, name := range []string{"Content-Range", "Content-Type"} {
		if value := r.Header.Get(name); value != "" {
			request += name + ": " + value + "\n"
		}
	}
	if r.Header.Get("Authorization") != "" {
		request += "Authorization: Bearer …\n"
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	shown := string(body)
	if message, err := base64.StdEncoding.DecodeString(shown); err == nil && r.Header.Get("Content-Type") == "text/plain" {
		shown = "(base64 of)\n" + string(message)
	}
	if len(shown) > 1000 {
		shown = fmt.Sprintf("(%d octets)", len(shown))
	}
	c.note("C:", request+"\n"+shown)
	reply, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	reply.Body = io.NopCloser(bytes.NewReader(answer))
	response := reply.Status + "\n"
	var names []string
	for name := range reply.Header {
		if name != "Date" && name != "Content-Length" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		response += name + ": " + reply.Header.Get(name) + "\n"
	}
	c.note("S:", response+"\n"+string(answer))
	c.text.WriteString("\n")
	return reply, err
}

// recordGraph plays a dialog, adds what the inbox has, and compares it with
// the one on file.
func recordGraph(t *testing.T, name string, play func(b *graphBench)) {
	t.Helper()
	b := newGraphBench(t)
	r := &graphRecorder{recorder{next: b.client.Transport, base: b.server.URL, names: map[string]string{}}}
	b.client = &http.Client{Transport: r}
	play(b)
	for _, m := range b.tenant.Inbox() {
		r.note("I:", fmt.Sprintf("over %s, app %q, user %s, from %s, to %s\n\n%s", m.Over, m.App, m.User, m.From, strings.Join(m.To, " "), m.Data))
	}
	file := filepath.Join("testdata", "graph_"+name+".txt")
	if *updateDialogs {
		if err := os.WriteFile(file, []byte(r.text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A checkout on Windows may have made CRLF of the file's lines.
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), r.text.String()); diff != "" {
		t.Errorf("the dialog differs from %s (-file +now):\n%s", file, diff)
	}
}

func TestGraphDialogs(t *testing.T) {
	t.Run("sendMail as JSON and as MIME, and looked for in Sent Items", func(t *testing.T) {
		recordGraph(t, "send", func(b *graphBench) {
			b.accepted(b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send.Shared"), simple("alerts@contoso.com")))
			b.accepted(b.mime("/v1.0/users/ops@contoso.com/sendMail", b.app("Mail.Send"), "To: to@example.com\nBcc: bcc@example.com\nMessage-ID: <1@client.example>\n\nHello"))
			b.find("/v1.0/users/ops@contoso.com", b.app("Mail.ReadBasic.All"), "<1@client.example>")
		})
	})
	t.Run("refused", func(t *testing.T) {
		recordGraph(t, "refusals", func(b *graphBench) {
			b.json(http.MethodPost, "/v1.0/me/sendMail", "", simple(""))
			b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), simple("board@contoso.com"))
			b.do(b.request(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), "text/plain", "%"))
			b.faults.Add(GraphFault{Status: http.StatusTooManyRequests, RetryAfter: 10e9})
			b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), simple(""))
			b.json(http.MethodPost, "/v1.0/me/sendMail", b.app("Mail.Send"), simple(""))
		})
	})
	t.Run("a draft with a large attachment", func(t *testing.T) {
		recordGraph(t, "upload", func(b *graphBench) {
			token := b.svc("Mail.ReadWrite Mail.Send")
			content := make([]byte, graphMinUpload+1)
			draft, address := b.session(token, len(content))
			b.put(address, content, 0, 2<<20)
			b.put(address, content, 0, 2<<20)
			b.put(address, content, 2<<20, len(content))
			b.json(http.MethodPost, draft+"/attachments", token, `{"@odata.type":"#microsoft.graph.fileAttachment","name":"a.txt","contentType":"text/plain","contentBytes":"YWJj"}`)
			b.do(b.request(http.MethodDelete, draft, token, "", ""))
		})
	})
}
