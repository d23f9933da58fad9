package sandbox

import (
	"crypto/tls"
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestXOAUTH2Identity(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name, user, token string
		change            func(*Tenant)
		refusal           string
	}{
		{name: "the user's own token", user: "svc@contoso.com", token: "good"},
		{name: "the user name in other letters", user: "SVC@Contoso.com", token: "good"},
		{name: "the older name of the resource", user: "svc@contoso.com", token: "office365"},
		{name: "a token for Graph", user: "svc@contoso.com", token: "graph", refusal: refusedIdentity},
		{name: "a token with the scope of IMAP only", user: "svc@contoso.com", token: "imap", refusal: refusedIdentity},
		{name: "an expired token", user: "svc@contoso.com", token: "expired", refusal: refusedIdentity},
		{name: "a token nobody issued", user: "svc@contoso.com", token: "forged", refusal: refusedIdentity},
		{name: "a token of another tenant", user: "svc@contoso.com", token: "stranger", refusal: refusedIdentity},
		{name: "the administrator's token for the user", user: "svc@contoso.com", token: "admin", refusal: refusedIdentity},
		{name: "the shared mailbox instead of the delegate", user: "sales@contoso.com", token: "good", refusal: refusedIdentity},
		{name: "an alias of the user", user: "service@contoso.com", token: "good", refusal: refusedIdentity},
		{name: "a user without a mailbox", user: "unlicensed@contoso.com", token: "unlicensed", refusal: refusedIdentity},
		{name: "a user without a licence", user: "lapsed@contoso.com", token: "lapsed", refusal: refusedIdentity},
		{
			name: "a disabled account", user: "svc@contoso.com", token: "good", refusal: refusedAccount,
			change: func(t *Tenant) { t.Users[0].Disabled = true },
		},
		{
			name: "SMTP AUTH off for the organisation", user: "svc@contoso.com", token: "good", refusal: refusedTenantSwitch,
			change: func(t *Tenant) { t.SMTPAuthDisabled = true },
		},
		{
			name: "off for the organisation, on for the mailbox", user: "svc@contoso.com", token: "good",
			change: func(t *Tenant) { t.SMTPAuthDisabled = true; t.Mailboxes[0].SMTPAuthDisabled = &no },
		},
		{
			name: "off for the mailbox", user: "svc@contoso.com", token: "good", refusal: refusedMailboxSwitch,
			change: func(t *Tenant) { t.Mailboxes[0].SMTPAuthDisabled = &yes },
		},
		{
			name: "off for both", user: "svc@contoso.com", token: "good", refusal: refusedMailboxSwitch,
			change: func(t *Tenant) { t.SMTPAuthDisabled = true; t.Mailboxes[0].SMTPAuthDisabled = &yes },
		},
		{
			name: "off, and a bad token", user: "svc@contoso.com", token: "graph", refusal: refusedIdentity,
			change: func(t *Tenant) { t.SMTPAuthDisabled = true },
		},
		{
			name: "security defaults, which stop passwords only", user: "svc@contoso.com", token: "good",
			change: func(t *Tenant) { t.SecurityDefaults = true },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := dialChanged(t, test.change)
			got := c.ask("AUTH XOAUTH2 " + xoauth2(test.user, test.token))
			checkRefusal(t, c, got, test.refusal)
		})
	}
}

func TestPasswords(t *testing.T) {
	yes := true
	basic := func(t *Tenant) { t.BasicAuthAllowed = true }
	tests := []struct {
		name, user, password string
		change               func(*Tenant)
		refusal              string
	}{
		{name: "by default", user: "svc@contoso.com", password: "correct", refusal: refusedBasic},
		{name: "allowed", user: "svc@contoso.com", password: "correct", change: basic},
		{name: "a wrong password", user: "svc@contoso.com", password: "wrong", change: basic, refusal: refusedPassword},
		{name: "an unknown user", user: "ann@contoso.com", password: "correct", change: basic, refusal: refusedPassword},
		{name: "a user with MFA", user: "admin@contoso.com", password: "secret", change: basic, refusal: refusedPolicy},
		{
			name: "security defaults", user: "svc@contoso.com", password: "correct", refusal: refusedSecurityDefaults,
			change: func(t *Tenant) { t.BasicAuthAllowed, t.SecurityDefaults = true, true },
		},
		{
			name: "SMTP AUTH off for the organisation", user: "svc@contoso.com", password: "correct", refusal: refusedTenantSwitch,
			change: func(t *Tenant) { t.BasicAuthAllowed, t.SMTPAuthDisabled = true, true },
		},
		{
			name: "SMTP AUTH off for the mailbox", user: "svc@contoso.com", password: "correct", refusal: refusedMailboxSwitch,
			change: func(t *Tenant) { t.BasicAuthAllowed, t.Mailboxes[0].SMTPAuthDisabled = true, &yes },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := dialChanged(t, test.change)
			c.send("AUTH LOGIN " + base64.StdEncoding.EncodeToString([]byte(test.user)))
			c.expect("334 UGFzc3dvcmQ6")
			got := c.ask(base64.StdEncoding.EncodeToString([]byte(test.password)))
			checkRefusal(t, c, got, test.refusal)
		})
	}
}

// dialChanged returns a client that is ready to AUTH at a tenant that was
// changed.
func dialChanged(t *testing.T, change func(*Tenant)) *smtpClient {
	t.Helper()
	tenant := newExchangeTenant()
	if change != nil {
		tenant.Change(change)
	}
	_, address := startExchange(t, tenant, exchangeOptions{Now: func() time.Time { return exchangeNow }})
	c := dialExchange(t, address)
	c.startTLS()
	return c
}

// checkRefusal compares the reply to AUTH, and what MAIL says after it.
func checkRefusal(t *testing.T, c *smtpClient, got, refusal string) {
	t.Helper()
	suffix := " [" + frontHost + " 2026-11-20T16:12:30.678Z " + c.id + "]"
	want, wantMail := replyAuthOK, replySenderOK
	if refusal != "" {
		want = refusal + suffix
		wantMail = "530 5.7.57 Client not authenticated to send mail. Error: " + refusal + suffix
	}
	if got != want {
		t.Errorf("AUTH:\n got %s\nwant %s", got, want)
	}
	if got := c.ask("MAIL FROM:<svc@contoso.com>"); got != wantMail {
		t.Errorf("MAIL:\n got %s\nwant %s", got, wantMail)
	}
}

func TestMalformedXOAUTH2IsRefused(t *testing.T) {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	whole := "user=svc@contoso.com\x01auth=Bearer good\x01\x01"
	if user, token, ok := parseXOAUTH2(encode(whole)); !ok || user != "svc@contoso.com" || token != "good" {
		t.Fatalf("the well-formed one: %q, %q, %v", user, token, ok)
	}
	for name, response := range map[string]string{
		"empty":                "=",
		"cancelled":            "*",
		"not base64":           whole,
		"base64 in two lines":  encode(whole)[:8] + "\n" + encode(whole)[8:],
		"one ending control A": encode(strings.TrimSuffix(whole, "\x01")),
		"something behind":     encode(whole + "x"),
		"another scheme":       encode(strings.Replace(whole, "Bearer", "Basic", 1)),
		"no user":              encode(strings.Replace(whole, "user=", "name=", 1)),
		"OAUTHBEARER":          encode("n,a=svc@contoso.com,\x01host=h\x01port=587\x01auth=Bearer good\x01\x01"),
	} {
		if _, _, ok := parseXOAUTH2(response); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTLSBelow12IsRefused(t *testing.T) {
	_, address := startExchange(t, newExchangeTenant(), exchangeOptions{})
	c := dialExchange(t, address)
	c.send("EHLO client.contoso.com")
	c.expect("250")
	c.send("STARTTLS")
	c.expect("220")
	old := tls.Client(c.conn, &tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true})
	if err := old.Handshake(); err == nil || !strings.Contains(err.Error(), "protocol version not supported") {
		t.Errorf("TLS 1.1: %v", err)
	}
}

func TestTLSIsNotResumed(t *testing.T) {
	_, address := startExchange(t, newExchangeTenant(), exchangeOptions{})
	config := &tls.Config{
		RootCAs: exchangeRoots(), ServerName: "localhost",
		MaxVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	for range 2 {
		c := dialExchange(t, address)
		c.send("EHLO client.contoso.com")
		c.expect("250")
		c.send("STARTTLS")
		c.expect("220")
		conn := tls.Client(c.conn, config)
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		if conn.ConnectionState().DidResume {
			t.Error("the session was resumed, and a wait saved")
		}
	}
}
