package sandbox

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// smtpTLS says EHLO and STARTTLS and returns the encrypted session after the
// second EHLO, with the extensions of both.
func (b *bench) smtpTLS() (conn *tls.Conn, r *bufio.Reader, before, after string, err error) {
	b.Helper()
	raw, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.SMTPPort))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { raw.Close() })
	plain := bufio.NewReader(raw)
	b.smtpReply(plain)
	before = b.smtpAsk(raw, plain, "EHLO test.example")
	if reply := b.smtpAsk(raw, plain, "STARTTLS"); !strings.HasPrefix(reply, "220") {
		return nil, nil, before, "", errors.New(reply)
	}
	conn = tls.Client(raw, &tls.Config{RootCAs: b.CertPool(), ServerName: "localhost"})
	if err = conn.Handshake(); err != nil {
		return nil, nil, before, "", err
	}
	r = bufio.NewReader(conn)
	return conn, r, before, b.smtpAsk(conn, r, "EHLO test.example"), nil
}

func (b *bench) smtpAsk(c net.Conn, r *bufio.Reader, line string) string {
	b.Helper()
	if _, err := c.Write([]byte(line + "\r\n")); err != nil {
		b.Fatal(err)
	}
	return b.smtpReply(r)
}

// smtpReply reads one reply, all its lines.
func (b *bench) smtpReply(r *bufio.Reader) (reply string) {
	b.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		if reply += line; len(line) < 4 || line[3] != '-' {
			return reply
		}
	}
}

// smtpAuth signs in to SMTP with a fresh token and returns the reply.
func (b *bench) smtpAuth(user, token string) string {
	b.Helper()
	c, r, _, _, err := b.smtpTLS()
	if err != nil {
		b.Fatal(err)
	}
	blob := base64.StdEncoding.EncodeToString([]byte("user=" + user + "\x01auth=Bearer " + token + "\x01\x01"))
	return b.smtpAsk(c, r, "AUTH XOAUTH2 "+blob)
}

func TestATokenOfTheSignInOpensExchange(t *testing.T) {
	b := newBench(t, "default")
	smtp := b.redeem(b.signIn())
	if reply := b.smtpAuth("svc@contoso.com", smtp.AccessToken); !strings.HasPrefix(reply, "235 2.7.0") {
		t.Error(reply)
	}
	if reply := b.smtpAuth("ops@contoso.com", smtp.AccessToken); !strings.HasPrefix(reply, "535 5.7.3") {
		t.Error(reply)
	}
	graph := b.refresh(smtp.RefreshToken, "scope", "https://graph.microsoft.com/User.Read")
	if reply := b.smtpAuth("svc@contoso.com", graph.AccessToken); !strings.HasPrefix(reply, "535 5.7.3") {
		t.Error(reply)
	}
	b.clock.add(2 * time.Hour)
	if reply := b.smtpAuth("svc@contoso.com", smtp.AccessToken); !strings.HasPrefix(reply, "535 5.7.3") {
		t.Error(reply)
	}
}

func TestEveryScenarioStartsAndSaysWhatItDoes(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scenarios() {
		if seen[s.Name] || !strings.HasSuffix(s.What, ".") || strings.Count(s.What, ". ") > 0 {
			t.Errorf("%q: %q", s.Name, s.What)
		}
		seen[s.Name] = true
		if b := newBench(t, s.Name); b.Ready.Scenario != s.Name {
			t.Errorf("%q runs as %q", s.Name, b.Ready.Scenario)
		}
	}
}

func TestScenariosOfTheSMTPServersCertificate(t *testing.T) {
	for scenario, want := range map[string]string{
		"default":                 "",
		"certificate-expired":     "certificate has expired",
		"certificate-self-signed": "signed by unknown authority",
		"certificate-wrong-host":  "valid for mail.example.net, not localhost",
	} {
		t.Run(scenario, func(t *testing.T) {
			_, _, _, _, err := newBench(t, scenario).smtpTLS()
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestScenariosOfTheSMTPServersExtensions(t *testing.T) {
	for scenario, missing := range map[string]string{
		"no-pipelining": "PIPELINING", "no-chunking": "CHUNKING", "no-8bitmime": "8BITMIME", "starttls-stripped": "STARTTLS",
	} {
		t.Run(scenario, func(t *testing.T) {
			_, _, before, after, err := newBench(t, scenario).smtpTLS()
			if strings.Contains(before+after, missing) || (err != nil) != (scenario == "starttls-stripped") {
				t.Errorf("%s%s%v", before, after, err)
			}
			if _, _, before, after, _ := newBench(t, "default").smtpTLS(); !strings.Contains(before+after, missing) {
				t.Errorf("by default: %s%s", before, after)
			}
		})
	}
}

func TestScenariosOfSMTPSignIn(t *testing.T) {
	for scenario, want := range map[string]string{
		"smtp-auth-off-tenant":  "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
		"smtp-auth-off-mailbox": "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
		"mfa":                   "235 2.7.0",
		"challenge-334":         "235 2.7.0",
	} {
		t.Run(scenario, func(t *testing.T) {
			b := newBench(t, scenario)
			if reply := b.smtpAuth("svc@contoso.com", b.redeem(b.signIn()).AccessToken); !strings.HasPrefix(reply, want) {
				t.Error(reply)
			}
		})
	}
	b := newBench(t, "challenge-334")
	if reply := b.smtpAuth("svc@contoso.com", "expired"); !strings.HasPrefix(reply, "334 eyJ") {
		t.Error(reply)
	}
}

func TestScenariosThatChangeTheServersLimits(t *testing.T) {
	for scenario, kept := range map[string]func(exchangeOptions) bool{
		"tarpit":            func(o exchangeOptions) bool { return o.Tarpit == 5*time.Second },
		"unpaced":           func(o exchangeOptions) bool { return o.RatePerMinute == 0 },
		"concurrency-limit": func(o exchangeOptions) bool { return o.MaxConnections == 1 },
	} {
		if !kept(*newBench(t, scenario).exchange.options()) || kept(*newBench(t, "default").exchange.options()) {
			t.Errorf("%s changes nothing", scenario)
		}
	}
	if rate := newBench(t, "default").exchange.options().RatePerMinute; rate != 30 {
		t.Errorf("by default %d messages a minute, Exchange takes 30", rate)
	}
	s, err := Start(Options{Tarpit: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.exchange.options().Tarpit != 5*time.Second {
		t.Error("the option Tarpit changes nothing")
	}
}

func TestADisabledUserIsToldSo(t *testing.T) {
	b := newBench(t, "user-disabled")
	c := b.browser()
	v := b.submit(c, b.get(c, b.authorizeURL()), "login", "svc@contoso.com")
	b.submit(c, v, "passwd", "svc-password-1").says(t, "AADSTS50057")
}

func TestTheFirstRenewalIsRevokedAndANewSignInWorks(t *testing.T) {
	b := newBench(t, "refresh-revoked")
	a := b.redeem(b.signIn())
	if graph := b.refresh(a.RefreshToken, "scope", "https://graph.microsoft.com/User.Read"); graph.status != 200 {
		t.Fatalf("the sign-in itself fails: %s", graph.Description)
	}
	for range 2 {
		b.refresh(a.RefreshToken).refused(t, 400, "invalid_grant", 50173)
	}
	b.clock.add(time.Second)
	a = b.redeem(b.signIn())
	if again := b.refresh(a.RefreshToken); again.status != 200 {
		t.Error(again.Description)
	}
}

func TestThrottlingEndsAfterTwoRequests(t *testing.T) {
	b := newBench(t, "throttled-token-endpoint")
	code := b.signIn()
	for range 2 {
		a := b.redeem(code)
		a.refused(t, 429, "temporarily_unavailable", 90055)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
	}
	if a := b.redeem(code); a.status != 200 {
		t.Error(a.Description)
	}
}

func TestAProxysPageIsNotJSON(t *testing.T) {
	b := newBench(t, "token-endpoint-html")
	v := b.post(b.browser(), b.TokenURL, nil, nil)
	if v.status != 200 || !strings.HasPrefix(v.body, "<html>") || v.header.Get("Content-Type") != "text/html" {
		t.Errorf("%d %s", v.status, v.body)
	}
}

func TestAClockThatIsOffShowsInTheDateAndTheTokens(t *testing.T) {
	b := newBench(t, "clock-off")
	want := b.clock.now().AddDate(0, 0, -1)
	if v := b.get(b.browser(), b.Authority+"/"); v.header.Get("Date") != want.Format("Mon, 02 Jan 2006 15:04:05 GMT") {
		t.Errorf("Date %s", v.header.Get("Date"))
	}
	var claims idTokenClaims
	if !b.entra.keys.verify(b.redeem(b.signIn()).IDToken, &claims) || !claims.IssuedAt.Time().Equal(want) {
		t.Errorf("issued at %v", claims.IssuedAt)
	}
}
