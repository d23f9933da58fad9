package graph

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestWithoutSentItemsTheJSONFormGoesOut(t *testing.T) {
	s, c := graph(t, accepted, accepted)
	m := message(crlf(`From: =?iso-8859-1?q?J=F6rg?= <sender@example.com>
To: A <a@example.com>, Eve <eve@example.com>
Cc: b@example.com
Reply-To: desk@example.com
Subject: =?utf-8?q?Caf=C3=A9?=
Message-ID: <1@example.com>
X-Priority: 1
X-Tool: ServiceDesk
References: <0@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=a

--a

plain
--a
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>Caf=E9</p>
--a--
--b
Content-Type: image/gif
Content-ID: <i@example.com>
Content-Disposition: inline; filename=i.gif
Content-Transfer-Encoding: base64

R0lGODlh
--b
Content-Type: message/rfc822

Subject: inner

body
--b--
`), "a@example.com", "b@example.com", "c@example.com")
	m.SkipSentItems = true
	r, err := c.Send(t.Context(), m)
	if err != nil || r.Reply != "202 Accepted (request-id req-1)" || r.MessageID != "<1@example.com>" {
		t.Fatalf("%+v, %v", r, err)
	}
	var got jsonMail
	if err := json.Unmarshal([]byte(s.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if files := got.Message.Files; len(files) != 2 || string(files[0].ContentBytes) != "GIF89a" || string(files[1].ContentBytes) != "Subject: inner\r\n\r\nbody" {
		t.Errorf("the attachments are %+v", files)
	}
	m.Open = opener("Subject: x\r\n\r\nhello\r\n")
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	golden(t, "json", s.text())
}

func TestWhatTheJSONFormCannotSayIsRefused(t *testing.T) {
	two := "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n"
	for name, tt := range map[string]struct{ mime, text string }{
		"signed":       {"Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n", "multipart/signed"},
		"s/mime":       {"Content-Type: application/pkcs7-mime\n\nx", "signed or encrypted"},
		"report":       {"Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b--\n", "multipart/report"},
		"two texts":    {two, "more than one body"},
		"calendar":     {"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nx\n--b\nContent-Type: text/calendar\n\nx\n--b--\n", "text/calendar"},
		"no end":       {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n", "no end"},
		"large":        {"Subject: x\n\n" + strings.Repeat("x\"\n", 1_000_000), "4194304 at once"},
		"very large":   {"Subject: x\n\n" + strings.Repeat("xxxxxxx\n", 1_200_000), "octets"},
		"bad base64":   {"Content-Transfer-Encoding: base64\n\n====", "cannot be decoded"},
		"bad encoding": {"Content-Transfer-Encoding: uu\n\nx", `"uu" is not known`},
		"bad charset":  {"Content-Type: text/plain; charset=klingon\n\nx", "klingon"},
		"two authors":  {"From: a@example.com, b@example.com\n\nx", "several people"},
		"bad from":     {"From: a@@@\n\nx", "from cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := graph(t)
			m := message(crlf(tt.mime), "a@example.com")
			m.SkipSentItems = true
			_, err := c.Send(t.Context(), m)
			if e := failure(t, err); e.Op != OpMessage || e.Temporary() || !strings.Contains(e.Error(), tt.text) || !strings.Contains(e.Error(), "allow the copy, or send it over SMTP") {
				t.Errorf("got %v", e)
			}
		})
	}
}

func TestLostAnswerWithoutSentItemsStaysUnknown(t *testing.T) {
	_, c := graph(t, step{do: lose})
	m := message(hello, "a@example.com")
	m.SkipSentItems = true
	_, err := c.Send(t.Context(), m)
	if e := failure(t, err); !e.Unknown {
		t.Errorf("got %v", e)
	}
}

func TestNamesOfAttachments(t *testing.T) {
	for header, want := range map[string]string{
		"Content-Disposition: attachment; filename=a.txt":                                                        "a.txt",
		"Content-Disposition: attachment; filename*=utf-8'de'%C3%BC.txt":                                         "ü.txt",
		"Content-Disposition: attachment; filename*0*=utf-8''%C3%BC; filename*1=\".txt\"":                        "ü.txt",
		"Content-Disposition: attachment;\r\n filename*=iso-8859-1''%FC.txt":                                     "ü.txt",
		"Content-Disposition: attachment; filename=\"=?iso-8859-1?b?/C50eHQ=?=\"":                                "ü.txt",
		"Content-Disposition: attachment\r\nContent-Type: text/plain; name=\"=?utf-8?q?=C3=BC?= =?utf-8?q?x?=\"": "üx",
		"Content-Disposition: attachment; filename=\"a \\\"b\\\".txt\"":                                          `a "b".txt`,
		"Content-Type: message/rfc822":                                                                           "message.eml",
		"Content-Type: text/plain":                                                                               "attachment.txt",
		"Content-Type: broken broken":                                                                            "attachment.bin",
	} {
		p := part{description: describe([]byte(header+"\r\n"), false)}
		if got := p.fileName(); got != want {
			t.Errorf("%q is named %q, want %q", header, got, want)
		}
	}
	if d := describe([]byte("Content-Type: text/csv; name=x.csv; charset=iso-8859-1\r\n"), false); d.contentType != "text/csv; charset=iso-8859-1" {
		t.Errorf("the type is %q", d.contentType)
	}
}

func TestReadyAsksForNoMoreThanMustBePermitted(t *testing.T) {
	ready := step{want: "GET /v1.0/me?$select=id"}
	answer := func(status int, code, text string) step {
		st := ready
		st.status, st.body = status, refusal(code, text)
		return st
	}
	for name, tt := range map[string]struct {
		steps []step
		ok    bool
	}{
		"a user that may be read": {[]step{{want: ready.want, status: 200, body: `{"id":"1"}`}}, true},
		"a token for mail only":   {[]step{answer(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")}, true},
		"the same with 401":       {[]step{answer(401, "Authorization_RequestDenied", "x"), answer(401, "Authorization_RequestDenied", "x")}, true},
		"a token for SMTP":        {[]step{answer(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."), answer(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")}, false},
		"a sign-in page":          {[]step{{status: 200, body: "<html>"}}, false},
		"a proxy":                 {[]step{{status: 403, body: "<html>"}}, false},
		"a failure of Graph's":    {[]step{answer(500, "x", "y")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := graph(t, tt.steps...)
			if err := c.Ready(t.Context(), ""); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
	_, c := graph(t, step{want: "GET /v1.0/users/box@example.com?$select=id", status: 404, body: refusal("Request_ResourceNotFound", "Resource 'box' does not exist.")})
	if err := c.Ready(t.Context(), "box@example.com"); err == nil || !failure(t, err).Account() {
		t.Errorf("a mailbox that is not there: %v", err)
	}
}

func FuzzErrorAnswer(f *testing.F) {
	f.Add([]byte(refusal("ErrorSendAsDenied", "no")), "7", "application/json")
	f.Add([]byte(`{"error":"x"}`), "Sat, 21 Nov 2026 10:05:00 GMT", "")
	f.Add([]byte(`{"error":{"code":1,"message":"a\u000ab","innerError":[]}}`), "-1", "text/html")
	f.Fuzz(func(t *testing.T, body []byte, retryAfter, contentType string) {
		a := &answer{status: 429, header: map[string][]string{"Retry-After": {retryAfter}, "Content-Type": {contentType}}, body: body}
		e := (&dialog{c: &Client{}}).refusal(&request{op: OpSend, url: "https://graph.example.com/", want: 202, once: true}, a, "token")
		if text := e.Error(); strings.ContainsAny(text, "\r\n\x00") || len(text) > 4000 || e.RetryAfter < 0 || e.Unknown {
			t.Errorf("%+v: %q", e, text)
		}
		_, _ = nextRange(body)
	})
}

// Whatever is taken out, what stays and what was taken are the whole message.
func FuzzDivide(f *testing.F) {
	f.Add(largeMail([]byte("pdf"), []byte("png")))
	f.Add("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/gif\r\n\r\n--b\r\n\r\nx--b\r\n--b--\r\n")
	f.Add("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: a/b\r\n--b\r\n\r\n--b--")
	f.Fuzz(func(t *testing.T, mime string) {
		c, err := newContent(message(mime, "a@example.com"))
		if err != nil {
			return
		}
		_, _ = c.json()
		var loose []*part
		for _, p := range c.parts.list {
			if p.body > p.end || p.end > p.next || p.next > c.parts.size || p.delimiter > p.body {
				t.Errorf("part %+v of %d octets", p, c.parts.size)
			}
			if c.parts.vague == "" && p.separable() {
				loose = append(loose, p)
			}
		}
		edits := cut(loose)
		r, err := c.reader(edits)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		all, err := io.ReadAll(r)
		if err != nil || int64(len(all)) != c.size(edits) {
			t.Errorf("%d octets, want %d: %v", len(all), c.size(edits), err)
		}
		if _, err := c.divide(int64(len(all))); err == nil && c.parts.vague != "" {
			t.Error("a message that cannot be taken apart was")
		}
	})
}
