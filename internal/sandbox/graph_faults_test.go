package sandbox

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestGraphFaultsHappenAndPass(t *testing.T) {
	for _, test := range []struct {
		name       string
		fault      GraphFault
		status     int
		code, text string
		retry      string
		taken      int
	}{
		{"429 twice", GraphFault{On: "/sendMail", Times: 2, Status: 429, RetryAfter: 7 * time.Second}, 429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", "7", 0},
		{"503 once", GraphFault{Status: 503}, 503, "ServiceUnavailable", "The service is temporarily unavailable. Please try again later.", "", 0},
		{"an expired token", GraphFault{Status: 401}, 401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.", "", 0},
		{"200 instead of 202", GraphFault{Plain200: true}, 200, "", "", "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newGraphBench(t)
			b.faults.Add(test.fault)
			for range max(test.fault.Times, 1) {
				r := b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), simple(""))
				if code, text := r.error(); r.status != test.status || code != test.code || text != test.text || r.header.Get("Retry-After") != test.retry {
					t.Errorf("%d %s, Retry-After %q", r.status, r.body, r.header.Get("Retry-After"))
				}
			}
			if n := len(b.tenant.Inbox()); n != test.taken {
				t.Errorf("%d messages were taken", n)
			}
			b.accepted(b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), simple("")))
		})
	}
}

func TestAGraphFaultWaitsForItsPath(t *testing.T) {
	b := newGraphBench(t)
	token := b.svc("Mail.ReadWrite Mail.Send")
	b.faults.Add(GraphFault{On: "/AttachmentSessions", Status: 503, RetryAfter: time.Second}, GraphFault{On: "/send", Status: 401})
	content := make([]byte, graphMinUpload)
	draft, address := b.session(token, len(content))
	if r := b.put(address, content, 0, len(content)); r.status != 503 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.put(address, content, 0, len(content)); r.status != 201 {
		t.Errorf("%d %s", r.status, r.body)
	}
	b.faults.Clear()
	b.accepted(b.do(b.request(http.MethodPost, draft+"/send", token, "", "")))
}

func TestASilentGraphTookTheMessage(t *testing.T) {
	b := newGraphBench(t)
	b.faults.Add(GraphFault{On: "/sendMail", Silent: true})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	body := strings.Replace(simple(""), `"subject"`, `"internetMessageId":"<silent@x>","subject"`, 1)
	r := b.request(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), "application/json", body).WithContext(ctx)
	failed := make(chan error, 1)
	go func() {
		reply, err := b.client.Do(r)
		if err == nil {
			reply.Body.Close()
		}
		failed <- err
	}()
	for reader := b.svc("Mail.Read"); len(b.find("/v1.0/me", reader, "<silent@x>")) == 0; {
		select {
		case err := <-failed:
			t.Fatalf("it answered: %v", err)
		default:
		}
	}
	if m, _ := b.last(); m.MessageID != "<silent@x>" {
		t.Errorf("%+v", m)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTheFifthRequestAtOnceIsThrottled(t *testing.T) {
	b := newGraphBench(t)
	b.faults.Add(GraphFault{Times: 5, Silent: true}) // those that are taken stay
	token := b.app("Mail.Send")
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	type result struct {
		reply graphReply
		err   error
	}
	results := make(chan result, 5)
	for range 5 {
		r := b.request(http.MethodPost, "/v1.0/users/svc@contoso.com/sendMail", token, "application/json", simple("")).WithContext(ctx)
		go func() {
			reply, err := b.client.Do(r)
			if err != nil {
				results <- result{err: err}
				return
			}
			defer reply.Body.Close()
			results <- result{reply: graphReply{status: reply.StatusCode, header: reply.Header}}
		}()
	}
	first := <-results
	if first.err != nil || first.reply.status != http.StatusTooManyRequests || first.reply.header.Get("Retry-After") == "" {
		t.Fatalf("%+v", first)
	}
	// Another mailbox, or another app, is not in their way.
	b.accepted(b.json(http.MethodPost, "/v1.0/users/ops@contoso.com/sendMail", token, simple("")))
	b.accepted(b.json(http.MethodPost, "/v1.0/me/sendMail", b.svc("Mail.Send"), simple("")))
	r := b.json(http.MethodPost, "/v1.0/users/svc@contoso.com/sendMail", token, simple(""))
	if code, text := r.error(); r.status != 429 || code != "ApplicationThrottled" || text != "Application is over its MailboxConcurrency limit." {
		t.Errorf("%d %s", r.status, r.body)
	}
	cancel()
	for range 4 {
		if r := <-results; !errors.Is(r.err, context.Canceled) {
			t.Errorf("%+v", r)
		}
	}
	// When they are gone there is room again.
	for r.status == http.StatusTooManyRequests {
		r = b.json(http.MethodPost, "/v1.0/users/svc@contoso.com/sendMail", token, simple(""))
	}
	b.accepted(r)
}

func TestLicences(t *testing.T) {
	b := newGraphBench(t)
	get := func(path, token string) graphReply {
		t.Helper()
		return b.do(b.request(http.MethodGet, path, token, "", ""))
	}
	const ops = "/v1.0/users/ops@contoso.com/licenseDetails"
	for name, r := range map[string]graphReply{
		"one's own":                  get("/v1.0/me/licenseDetails", b.svc("User.Read")),
		"one's own, by name":         get("/v1.0/users/svc@contoso.com/licenseDetails", b.svc("User.Read")),
		"somebody's":                 get(ops, b.svc("User.Read.All")),
		"an app, by role":            get(ops, b.app("LicenseAssignment.Read.All")),
		"an app, by another's role ": get("/v1.0/users/10a6c0de-0004-4000-8000-000000000004/licenseDetails", b.app("Directory.Read.All")),
	} {
		if r.status != 200 || !strings.Contains(r.body, `"servicePlanName":"EXCHANGE_S_STANDARD"`) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	b.want(get(ops, b.svc("User.Read")), 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	b.want(get(ops, b.app("Mail.Send")), 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	b.want(get("/v1.0/me/licenseDetails", b.app("User.Read.All")), 400, "BadRequest", "/me request is only valid with delegated authentication flow.")
	b.want(get("/v1.0/users/nobody@contoso.com/licenseDetails", b.app("User.Read.All")), 404, "Request_ResourceNotFound",
		"Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not present.")
	b.want(get("/v1.0/me/licenseDetails", ""), 401, "InvalidAuthenticationToken", "Access token is empty.")
	b.tenant.Change(func(t *Tenant) { t.user("svc@contoso.com").Unlicensed = true })
	if r := get("/v1.0/me/licenseDetails", b.svc("User.Read")); r.status != 200 || !strings.Contains(r.body, `"value":[]`) {
		t.Errorf("without a licence: %d %s", r.status, r.body)
	}
}

func TestMeRefusesAnApplication(t *testing.T) {
	b := newGraphBench(t)
	for _, path := range []string{"/v1.0/me", "/v1.0/me/messages"} {
		b.want(b.do(b.request(http.MethodGet, path, b.app("Mail.Send", "Mail.ReadWrite"), "", "")), 400, "BadRequest", "/me request is only valid with delegated authentication flow.")
	}
}
