package sandbox

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// The texts are spelled out once more: they are what users search for.
func TestScenariosInWhichExchangeRefuses(t *testing.T) {
	tests := map[string]struct {
		at   step
		text string
	}{
		"account-locked":            {atAuth, "535 5.7.139 Authentication unsuccessful, account locked."},
		"account-has-an-issue":      {atAuth, "535 5.7.139 Authentication unsuccessful, account has an issue. Contact your administrator."},
		"conditional-access-policy": {atAuth, "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator."},
		"federation-unreachable":    {atAuth, "535 5.7.139 Authentication unsuccessful, federated STS service was unreachable."},
		"federation-without-https":  {atAuth, "535 5.7.139 Authentication unsuccessful, the federated STS URL does not support HTTPS."},
		"passwords-retired":         {atPassword, "550 5.7.30 Basic authentication is not supported for Client Submission."},
		"server-error":              {atMail, "451 4.7.0 Temporary server error"},
		"service-unavailable":       {atMail, "421 4.3.2 Service not available"},
		"sender-not-permitted":      {atEnd, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"},
		"send-as-denied":            {atEnd, "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"},
		"too-large-converted":       {atEnd, "554 5.2.270"},
		"mailbox-full":              {atEnd, "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"},
		"recipient-quota":           {atEnd, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"},
		"trial-quota":               {atEnd, "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)"},
		"tenant-quota":              {atEnd, "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)"},
		"sender-banned":             {atEnd, "550 5.7.501 Access denied, spam abuse detected"},
		"tenant-block-list":         {atEnd, "550 5.7.703 Your message can't be delivered because messages to ops@contoso.com are blocked by your organization using Tenant Allow Block List."},
		"tenant-blocked":            {atEnd, "550 5.7.705 Access denied, tenant has exceeded threshold"},
		"sender-blocked":            {atEnd, "550 5.1.8 Access denied, bad outbound sender"},
		"outbound-spam":             {atEnd, "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is Suspend"},
		"outbound-spam-quota":       {atEnd, "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is RefuseQuota"},
		"outbound-spam-challenge":   {atEnd, "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is HipNotify"},
		"outbound-spam-upgrade":     {atEnd, "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is ShowTierUpgrade"},
		"submission-rate":           {atEnd, "421 4.4.2 Message submission rate for this client has exceeded the configured limit"},
	}
	for _, s := range refusals() {
		if _, ok := tests[s.Name]; !ok && s.exchange != nil {
			t.Errorf("%s is not in this table", s.Name)
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tenant := newExchangeTenant()
			o := exchangeOptions{Now: func() time.Time { return exchangeNow }}
			scenario, err := findScenario(name)
			if err != nil {
				t.Fatal(err)
			}
			scenario.exchange(&o)
			_, address := startExchange(t, tenant, o)
			c := dialExchange(t, address)
			c.startTLS()
			suffix := " [" + frontHost + " 2026-11-20T16:12:30.678Z " + c.id + "]"
			if test.at == atEnd {
				suffix = hostname
			}
			reply := c.until(test.at)
			if reply != test.text+suffix {
				t.Errorf("got %q", reply)
			}
			if strings.HasPrefix(reply, "421") && c.line() != "EOF" {
				t.Error("the session goes on after 421")
			}
			if n := len(tenant.Inbox()); n != 0 {
				t.Errorf("%d messages arrived", n)
			}
		})
	}
}

// until goes on to a step, with what is right, and returns the reply there.
func (c *smtpClient) until(at step) string {
	c.t.Helper()
	if at == atPassword {
		c.send("AUTH LOGIN "+base64.StdEncoding.EncodeToString([]byte("svc@contoso.com")),
			base64.StdEncoding.EncodeToString([]byte("correct")))
		c.expect("334")
		return c.reply()
	}
	c.send("AUTH XOAUTH2 " + xoauth2("svc@contoso.com", "good"))
	if at == atAuth {
		return c.reply()
	}
	c.expect("235")
	if at == atMail {
		return c.ask("MAIL FROM:<svc@contoso.com>")
	}
	return c.submit("svc@contoso.com", "ops@contoso.com", "From: svc@contoso.com\r\n\r\nhello\r\n")
}

func TestARefusalOfTheScenarioNeedsTheRightToken(t *testing.T) {
	o := exchangeOptions{Now: func() time.Time { return exchangeNow }, Refusal: smtpRefusal{at: atAuth, text: "535 5.7.139 x"}}
	_, address := startExchange(t, newExchangeTenant(), o)
	c := dialExchange(t, address)
	c.startTLS()
	checkRefusal(t, c, c.ask("AUTH XOAUTH2 "+xoauth2("svc@contoso.com", "expired")), refusedIdentity)
}

func TestWherePasswordsWorkOnlyLOGINIsOfferedBesideXOAUTH2(t *testing.T) {
	b := newBench(t, "basic-auth-allowed")
	c, r, _, extensions, err := b.smtpTLS()
	if err != nil || !strings.Contains(extensions, "250-AUTH LOGIN XOAUTH2\r\n") {
		t.Fatalf("%v, %s", err, extensions)
	}
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, test := range []struct{ said, want string }{
		{"AUTH PLAIN " + encode("\x00svc@contoso.com\x00svc-password-1"), "504 5.7.4 Unrecognized authentication type ["},
		{"AUTH LOGIN " + encode("svc@contoso.com"), "334 UGFzc3dvcmQ6"},
		{encode("wrong"), "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. ["},
		{"AUTH LOGIN", "334 VXNlcm5hbWU6"},
		{encode("svc@contoso.com"), "334 UGFzc3dvcmQ6"},
		{encode("svc-password-1"), "235 2.7.0 Authentication successful"},
	} {
		if reply := b.smtpAsk(c, r, test.said); !strings.HasPrefix(reply, test.want) {
			t.Errorf("got %s, want %s", reply, test.want)
		}
	}
}
