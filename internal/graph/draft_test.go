package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// octets are n that no compression or line ending could hide a fault in.
func octets(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func inBase64(b []byte) string {
	enc := base64.StdEncoding.EncodeToString(b)
	var s strings.Builder
	for len(enc) > 76 {
		s.WriteString(enc[:76] + "\r\n")
		enc = enc[76:]
	}
	return s.String() + enc
}

// largeMail has a PDF and an image within an alternative's HTML.
func largeMail(pdf, image []byte) string {
	return strings.ReplaceAll(`From: <sender@example.com>
To: <a@example.com>
Subject: large
Message-ID: <1@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="m"

preamble
--m
Content-Type: multipart/alternative; boundary="m-a"

--m-a
Content-Type: text/plain; charset=utf-8

See the picture.
--m-a
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8

<img src="cid:pic@example.com">
--r
Content-Type: image/png; name=pic.png
Content-Transfer-Encoding: base64
Content-ID: <pic@example.com>
Content-Disposition: inline; filename=pic.png

`, "\n", "\r\n") + inBase64(image) + "\r\n--r--\r\n\r\n--m-a--\r\n" + strings.ReplaceAll(`--m
Content-Type: application/pdf
Content-Transfer-Encoding: BASE64
Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9%3B.pdf

`, "\n", "\r\n") + inBase64(pdf) + strings.ReplaceAll(`
--m
Content-Type: text/csv; charset=iso-8859-1
Content-Disposition: attachment; filename="=?utf-8?q?a=3Bb?=.csv"

1;2
--m--
epilogue
`, "\n", "\r\n")
}

var (
	made    = step{want: "POST /v1.0/me/messages", status: 201, body: `{"id":"AAMk/=","internetMessageId":"<1@example.com>"}`}
	added   = step{want: "POST /v1.0/me/messages/AAMk%2F=/attachments", status: 201, body: `{"id":"att"}`}
	session = step{want: "POST /v1.0/me/messages/AAMk%2F=/attachments/createUploadSession", status: 201, body: `{"uploadUrl":"$URL/up?authtoken=secret","expirationDateTime":"2026-11-22T00:00:00Z","nextExpectedRanges":["0-"]}`}
	sent    = step{want: "POST /v1.0/me/messages/AAMk%2F=/send", status: 202, header: map[string]string{"request-id": "req-9"}}
	removed = step{want: "DELETE /v1.0/me/messages/AAMk%2F=", status: 204}
	put     = "PUT /up?authtoken=secret"
	last    = step{want: put, status: 201, header: map[string]string{"Location": "https://outlook.office.com/att"}}
)

func ranges(next string) step {
	return step{want: put, status: 200, body: `{"nextExpectedRanges":["` + next + `"]}`}
}

func TestLargeMessageGoesAsDraftAndAttachments(t *testing.T) {
	pdf, image := octets(8_000_000), octets(2_500_000)
	s, c := graph(t, made, added, session, ranges("3932160"), ranges("7864320-"), last, sent)
	r, err := c.Send(t.Context(), message(largeMail(pdf, image), "a@example.com", "hidden@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Receipt{"202 Accepted (request-id req-9)", "req-9", "<1@example.com>", 7}); *r != want {
		t.Errorf("receipt %+v", *r)
	}
	if got := strings.Join(s.bodies[3:6], ""); got != string(pdf) {
		t.Error("the PDF did not arrive as it was")
	}
	var a fileAttachment
	if err := json.Unmarshal([]byte(s.bodies[1]), &a); err != nil || string(a.ContentBytes) != string(image) {
		t.Errorf("the image did not arrive as it was: %v", err)
	}
	if want := (attachmentFacts{"pic.png", "image/png", true, "pic@example.com"}); a.attachmentFacts != want {
		t.Errorf("the image is %+v", a.attachmentFacts)
	}
	golden(t, "large", s.text())
}

func TestBrokenPieceIsResumedWhereItBroke(t *testing.T) {
	pdf := octets(9_000_000)
	s, c := graph(t, made, session, ranges("3932160"),
		step{want: put, do: lose},
		step{want: "GET /up?authtoken=secret", status: 200, body: `{"nextExpectedRanges":["5000000-8999999"]}`},
		ranges("8932160"),
		step{want: put, status: 500, body: refusal("ErrorInternalServerError", "x")},
		step{want: "GET /up?authtoken=secret", status: 404, body: refusal("ErrorItemNotFound", "x")},
		last, sent)
	if _, err := c.Send(t.Context(), message(largeMail(pdf, nil), "a@example.com")); err != nil {
		t.Fatal(err)
	}
	if s.bodies[2]+string(pdf[3932160:5000000])+s.bodies[5]+s.bodies[8] != string(pdf) {
		t.Error("the pieces are not those of the file")
	}
	golden(t, "resume", s.text())
}

func TestFailedDraftIsRemoved(t *testing.T) {
	quota := step{status: 400, body: refusal("ErrorMessageSizeExceeded", "The message exceeds the maximum supported size.")}
	gone := step{want: put, status: 404, body: refusal("ErrorItemNotFound", "gone")}
	tests := []struct {
		name               string
		steps              []step
		account, temporary bool
	}{
		{"when an attachment is refused", []step{made, quota, removed}, false, false},
		{"when its session ends", []step{made, session, ranges("3932160"), gone, removed}, false, true},
		{"when it is not sent", []step{made, session, ranges("3932160"), last, {status: 403, body: refusal("ErrorSendAsDenied", "no")}, removed}, false, false},
		{"when its pieces never arrive", []step{made, session,
			{want: put, do: lose}, {status: 404}, {want: put, do: lose}, {status: 404}, {want: put, do: lose}, {status: 404}, {want: put, do: lose}, {status: 404}, {want: put, do: lose},
			removed}, true, true},
		{"when the session does not come forward", []step{made, session, ranges("0"), ranges("0"), ranges("0"), ranges("0"), ranges("0"), removed}, false, true},
		{"when the upload's address is none", []step{made, {status: 201, body: `{"uploadUrl":"http://plain.example.com/"}`}, removed}, true, true},
		{"when nobody knows whether it was made", []step{{want: "POST /v1.0/me/messages", do: lose},
			listed(item("AAMk/=", true, fresh, "a@example.com"), item("theirs", true, fresh, "b@example.com"), item("old", true, time.Hour, "a@example.com"), item("sent", false, fresh, "b@example.com")), removed}, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := graph(t, tt.steps...)
			_, err := c.Send(t.Context(), message(largeMail(octets(4_000_000), nil), "a@example.com"))
			if e := failure(t, err); e.Unknown || e.Account() != tt.account || e.Temporary() != tt.temporary || strings.Contains(e.Error(), "secret") {
				t.Errorf("account %v, temporary %v: %v", e.Account(), e.Temporary(), e)
			}
		})
	}
}

func TestFailedDraftIsRemovedAfterTheCallersEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("shutting down")
	_, c := graph(t, made, step{do: func(_ http.ResponseWriter, r *http.Request, _ []byte) {
		cancel(why)
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // an answer could cross the end
	}}, removed)
	_, err := c.Send(ctx, message(largeMail(octets(4_000_000), nil), "a@example.com"))
	if !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestDraftWithoutPermissionSaysWhichIsNeeded(t *testing.T) {
	_, c := graph(t, step{status: 403, body: refusal("ErrorAccessDenied", "Access is denied. Check credentials and try again.")})
	_, err := c.Send(t.Context(), message(largeMail(octets(4_000_000), nil), "a@example.com"))
	if e := failure(t, err); e.Account() || e.Temporary() || !strings.Contains(e.Error(), "Mail.ReadWrite") {
		t.Errorf("got %v", e)
	}
}

func TestLostAnswerToTheSendingOfADraft(t *testing.T) {
	lost := step{want: sent.want, do: lose}
	draft := listed(item("theirs", true, fresh, "b@example.com"), `{"id":"AAMk/=","isDraft":true}`)
	before := []step{made, session, ranges("3932160"), last, lost}
	tests := []struct {
		name      string
		after     []step
		ok        bool
		unknown   bool
		temporary bool
	}{
		{"was sent if there is a copy", []step{listed(item("B", false, fresh, "a@example.com"))}, true, false, false},
		{"was not if the draft could be removed", []step{draft, draft, draft, removed}, false, false, true},
		{"is unknown if the draft could not", []step{draft, draft, draft, {status: 404, body: refusal("ErrorItemNotFound", "x")}}, false, true, false},
		{"is unknown if the copy is another submission's", []step{listed(item("B", false, fresh, "b@example.com")), listed(), listed()}, false, true, false},
		{"is unknown if nothing is there", []step{{status: 200, body: `{}`}, {status: 200, body: `{}`}, {status: 200, body: `{}`}}, false, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := graph(t, append(before[:len(before):len(before)], tt.after...)...)
			r, err := c.Send(t.Context(), message(largeMail(octets(4_000_000), nil), "a@example.com"))
			if tt.ok {
				if err != nil || !strings.HasPrefix(r.Reply, "accepted") {
					t.Errorf("%+v, %v", r, err)
				}
				return
			}
			if e := failure(t, err); e.Unknown != tt.unknown || e.Temporary() != tt.temporary {
				t.Errorf("unknown %v, temporary %v: %v", e.Unknown, e.Temporary(), e)
			}
		})
	}
}

func TestMessageThatCannotBeDividedIsRefusedAtOnce(t *testing.T) {
	big := strings.Repeat(strings.Repeat("x", 76)+"\r\n", 60_000)
	mixed := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	for name, tt := range map[string]struct{ mime, text string }{
		"one text":            {"Subject: x\r\n\r\n" + big, "is large without its attachments too"},
		"signed":              {"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n\r\n" + big + "--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n", "signed or encrypted"},
		"encrypted":           {"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\n" + big, "signed or encrypted"},
		"no end":              {mixed + "Content-Type: application/pdf\r\n\r\n" + big, "has no end"},
		"broken base64":       {mixed + "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n=" + big + "\r\n--b--\r\n", "cannot be decoded"},
		"unknown encoding":    {mixed + "Content-Type: application/pdf\r\nContent-Transfer-Encoding: uuencode\r\n\r\n" + big + "\r\n--b--\r\n", "is large without"},
		"the HTML of an html": {"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; name=x.html\r\n\r\n" + big + "\r\n--b--\r\n", "is large without"},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := graph(t)
			_, err := c.Send(t.Context(), message(tt.mime, "a@example.com"))
			if e := failure(t, err); e.Op != OpMessage || e.Temporary() || e.Account() || !strings.Contains(e.Error(), tt.text) || !strings.Contains(e.Error(), "send it over SMTP") {
				t.Errorf("got %v", e)
			}
		})
	}
}

func TestMessageThatIsOneFileBecomesAnAttachment(t *testing.T) {
	file := octets(3_100_000)
	s, c := graph(t, made, added, sent)
	if _, err := c.Send(t.Context(), message("To: a@example.com\r\nContent-Type: application/zip; name=a.zip\r\nX: 1\r\nContent-Transfer-Encoding: base64\r\n\r\n"+inBase64(file), "a@example.com")); err != nil {
		t.Fatal(err)
	}
	if want := "From: <sender@example.com>\r\nTo: a@example.com\r\nX: 1\r\n\r\n"; s.bodies[0] != want {
		t.Errorf("the draft is %q, want %q", s.bodies[0], want)
	}
	var a fileAttachment
	if err := json.Unmarshal([]byte(s.bodies[1]), &a); err != nil || string(a.ContentBytes) != string(file) || a.Name != "a.zip" {
		t.Errorf("the attachment is %q of %d octets (%v)", a.Name, len(a.ContentBytes), err)
	}
}

func TestMessageOfFilesOnlyKeepsAPart(t *testing.T) {
	s, c := graph(t, made, added, sent)
	file := inBase64(octets(3_000_000))
	if _, err := c.Send(t.Context(), message("To: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n"+file+"\r\n--b--\r\n", "a@example.com")); err != nil {
		t.Fatal(err)
	}
	if want := "\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b--\r\n"; !strings.HasSuffix(s.bodies[0], want) {
		t.Errorf("the draft is %q", s.bodies[0])
	}
}

// lines is a source of n lines of base64 that takes no memory.
type lines struct{ n, at int }

const oneLineOfBase64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"

func (l *lines) Read(p []byte) (int, error) {
	if l.at == l.n*len(oneLineOfBase64) {
		return 0, io.EOF
	}
	n := copy(p, oneLineOfBase64[l.at%len(oneLineOfBase64):])
	l.at += n
	return n, nil
}

func TestLargeMessageIsNotHeldInMemory(t *testing.T) {
	const count = 360_000 // 20.5 MB decoded, 28 MB encoded
	var most atomic.Uint64
	take := func(status int, answer string) step {
		return step{early: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			for o := most.Load(); m.HeapAlloc > o && !most.CompareAndSwap(o, m.HeapAlloc); o = most.Load() {
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, answer)
		}}
	}
	steps := []step{made, session}
	for done := chunkSize; done < count*57; done += chunkSize {
		steps = append(steps, take(200, fmt.Sprintf(`{"nextExpectedRanges":["%d"]}`, done)))
	}
	_, c := graph(t, append(steps, take(201, ""), sent)...)
	m := message("", "a@example.com")
	m.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(
			strings.NewReader("To: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
			&lines{n: count}, strings.NewReader("--b--\r\n"))), nil
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if extra := int64(most.Load()) - int64(before.HeapAlloc); extra > 14<<20 {
		t.Errorf("%d octets of memory", extra)
	} else {
		t.Logf("%d octets of memory", extra)
	}
}
