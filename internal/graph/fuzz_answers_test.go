package graph

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// says is a network on which every request gets the same answer.
type says struct {
	status int
	body   []byte
}

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: s.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

func asking(s says) *Client {
	return &Client{BaseURL: "https://graph.example/v1.0", HTTPClient: &http.Client{Transport: s},
		Token: func(context.Context, string) (string, error) { return "token-of-the-test", nil },
		Sleep: func(context.Context, time.Duration) error { return nil }}
}

// FuzzAnswer is a Graph that answers anything to every question that is asked:
// what it says stays on one line, the token is in no error, and the pieces of an
// attachment go nowhere but to https.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"id":"1","userPrincipalName":"a@b.example","mail":"a@b.example","proxyAddresses":["SMTP:a@b.example","smtp:x","sip:a"],"otherMails":["x"],"userType":"Guest"}`))
	f.Add(200, []byte(`{"value":[{"skuPartNumber":"O365","servicePlans":[{"servicePlanName":"EXCHANGE_S_STANDARD","provisioningStatus":"Success"}]}]}`))
	f.Add(201, []byte(`{"uploadUrl":"http://elsewhere.example/","nextExpectedRanges":["0-"]}`))
	f.Add(400, []byte(`{"error":{"code":"BadRequest","message":"no\u0000\r\nSet-Cookie: x"}}`))
	f.Add(200, []byte(`{"id":["1"],"mail":{},"value":[null,{"servicePlans":[null]}]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		c := asking(says{200 + int(uint(status)%400), body})
		defer c.Close()
		line := func(texts ...string) {
			for _, s := range texts {
				if strings.ContainsAny(s, "\r\n\x00\x1b") || len(s) > 4000 || strings.Contains(s, "token-of-the-test") {
					t.Errorf("%q", s)
				}
			}
		}
		told := func(err error) {
			if err != nil {
				line(err.Error())
			}
		}
		p, err := c.Me(t.Context())
		told(err)
		line(append(append(p.Addresses, p.Other...), p.Mail, p.Username)...)
		l, err := c.Licences(t.Context())
		told(err)
		line(append(l.Products, l.Mailbox().Name)...)
		told(c.Ready(t.Context(), "box@example.com"))
		s := &submission{dialog: dialog{c: c}, base: c.mailbox("")}
		address, err := s.openSession(t.Context(), "id", attachment{part: &part{}, size: 5})
		told(err)
		if err == nil && !strings.HasPrefix(strings.ToLower(address), "https://") {
			t.Errorf("the attachment would go to %q", address)
		}
	})
}
