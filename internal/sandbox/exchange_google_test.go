package sandbox

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
)

func TestGoogleSendsAsTheAccount(t *testing.T) {
	tests := []struct {
		name, envelope, message string
		from, want              string // as recorded; want "" is unchanged
	}{
		{"the account", "svc@contoso.com", "From: Svc <svc@contoso.com>\r\n\r\nhi\r\n", "svc@contoso.com", ""},
		{"an alias", "service@contoso.com", "From: service@contoso.com\r\n\r\nhi\r\n", "service@contoso.com", ""},
		{
			"another address, without a name", "ann@fabrikam.com", "From: ann@fabrikam.com\r\nTo: bob@fabrikam.com\r\n\r\nFrom: me\r\n",
			"svc@contoso.com", "From: svc@contoso.com\r\nX-Google-Original-From: ann@fabrikam.com\r\nTo: bob@fabrikam.com\r\n\r\nFrom: me\r\n",
		},
		{
			"another address, with a folded name", "svc@contoso.com", "Subject: x\r\nfrom: Ann\r\n =?utf-8?q?L=C3=B6?=\r\n <ann@fabrikam.com>\r\n\r\nhi\r\n",
			"svc@contoso.com", "From: =?utf-8?q?Ann_L=C3=B6?= <svc@contoso.com>\r\nSubject: x\r\nX-Google-Original-From: Ann\r\n =?utf-8?q?L=C3=B6?=\r\n <ann@fabrikam.com>\r\n\r\nhi\r\n",
		},
		{
			"a mailbox that granted Send As", "sales@contoso.com", "From: sales@contoso.com\r\n\r\nhi\r\n",
			"svc@contoso.com", "From: svc@contoso.com\r\nX-Google-Original-From: sales@contoso.com\r\n\r\nhi\r\n",
		},
		{
			"two addresses", "svc@contoso.com", "From: Svc <svc@contoso.com>, Ann <ann@fabrikam.com>\r\n\r\nhi\r\n",
			"svc@contoso.com", "From: svc@contoso.com\r\nX-Google-Original-From: Svc <svc@contoso.com>, Ann <ann@fabrikam.com>\r\n\r\nhi\r\n",
		},
		{
			"two fields", "svc@contoso.com", "From: Svc <svc@contoso.com>\r\nFrom: Ann <ann@fabrikam.com>\r\n\r\nhi\r\n", "svc@contoso.com",
			"From: svc@contoso.com\r\nX-Google-Original-From: Svc <svc@contoso.com>\r\nX-Google-Original-From: Ann <ann@fabrikam.com>\r\n\r\nhi\r\n",
		},
		{
			"an unreadable field", "svc@contoso.com", "From: <svc@\r\n\r\nhi\r\n",
			"svc@contoso.com", "From: svc@contoso.com\r\nX-Google-Original-From: <svc@\r\n\r\nhi\r\n",
		},
		{"no field", "", "Subject: x\r\n\r\nhi\r\n", "svc@contoso.com", "From: svc@contoso.com\r\nSubject: x\r\n\r\nhi\r\n"},
	}
	tenant := newExchangeTenant()
	tenant.Provider = GoogleGmail
	_, address := startExchange(t, tenant, exchangeOptions{})
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialExchange(t, address)
			c.startTLS()
			c.send("AUTH XOAUTH2 " + xoauth2("svc@contoso.com", "google"))
			c.expect("235 2.7.0 Accepted")
			got := c.submit(test.envelope, "ann@fabrikam.com", test.message)
			if !strings.HasPrefix(got, "250 2.0.0 OK  1") || !strings.HasSuffix(got, c.id+" - gsmtp") {
				t.Fatal(got)
			}
			if test.want == "" {
				test.want = test.message
			}
			m := tenant.Inbox()[i]
			if string(m.Data) != test.want || m.Size != len(test.want) || m.From != test.from || m.User != "svc@contoso.com" {
				t.Errorf("from %q, user %q, %d octets:\n%s", m.From, m.User, m.Size, m.Data)
			}
		})
	}
}

func TestExchangesLimitsOfAMailboxAreNotGoogles(t *testing.T) {
	tenant := newExchangeTenant()
	tenant.Provider = GoogleGmail
	x := newExchange(tenant, exchangeTokens, exchangeOptions{Certificate: exchangeCertificate(), RatePerMinute: exchangeRate, MaxConnections: 3})
	if x.options().RatePerMinute != 0 || x.options().MaxConnections < maxSessions || x.options().SizeLimit != 35882577 {
		t.Errorf("%+v", x.options())
	}
}

func TestImplicitTLSIsServedWhereItIsAskedForAndAtGoogle(t *testing.T) {
	for _, test := range []struct {
		name     string
		provider Provider
		address  string
		want     string // the banner begins so; "" is no listener
	}{
		{"Exchange", GlobalCloud, "", ""},
		{"Exchange with an address", GlobalCloud, "127.0.0.1:0", "220 " + frontHost + " Microsoft ESMTP"},
		{"Google", GoogleGmail, "", "220 smtp.gmail.com ESMTP "},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, "default")
			b.exchange.google = test.provider == GoogleGmail
			b.exchange.front = fronts[test.provider]
			b.tenant.Provider = test.provider
			l, err := b.startSMTPS(test.address)
			if err != nil || (l == nil) != (test.want == "") {
				t.Fatalf("%v, %v", l, err)
			}
			if l == nil {
				return
			}
			conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: b.CertPool(), ServerName: "localhost"})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			banner := make([]byte, len(test.want))
			if _, err := conn.Read(banner); err != nil || string(banner) != test.want {
				t.Errorf("%q, %v", banner, err)
			}
		})
	}
	b := newBench(t, "default")
	if l, err := b.startSMTPS("0.0.0.0:0"); err == nil {
		l.Close()
		t.Error("an address that others can reach was accepted")
	}
}

func TestAClientThatDoesNotBeginWithTLSIsDropped(t *testing.T) {
	_, address := startSMTPSExchange(t, newExchangeTenant(), exchangeOptions{})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := newSMTPClient(t, conn)
	c.send("EHLO client.contoso.com")
	if line := c.line(); strings.HasPrefix(line, "2") {
		t.Error(line)
	}
}

func TestOAuthBearerAndPlainMessages(t *testing.T) {
	const whole = "n,a=svc@contoso.com,\x01host=h\x01port=587\x01auth=Bearer good\x01\x01"
	for _, test := range []struct {
		name, message, user string
		ok                  bool
	}{
		{"the usual one", whole, "svc@contoso.com", true},
		{"no host and port", "n,a=svc@contoso.com,\x01auth=bearer good\x01\x01", "svc@contoso.com", true},
		{"escapes in the name", strings.Replace(whole, "svc@", "s=2Cv=3Dc@", 1), "s,v=c@contoso.com", true},
		{"another escape", strings.Replace(whole, "svc@", "s=2Fvc@", 1), "", false},
		{"no name", strings.Replace(whole, "a=svc@contoso.com", "", 1), "", false},
		{"an empty name", strings.Replace(whole, "svc@contoso.com", "", 1), "", false},
		{"channel binding", strings.Replace(whole, "n,", "y,", 1), "", false},
		{"another scheme", strings.Replace(whole, "Bearer", "Basic", 1), "", false},
		{"two tokens", strings.Replace(whole, "host=h", "auth=Bearer bad", 1), "", false},
		{"no token", strings.Replace(whole, "auth=", "auto=", 1), "", false},
		{"no pair", strings.Replace(whole, "host=h", "host", 1), "", false},
		{"one control A at the end", strings.TrimSuffix(whole, "\x01"), "", false},
		{"something behind", whole + "x", "", false},
		{"XOAUTH2", "user=svc@contoso.com\x01auth=Bearer good\x01\x01", "", false},
		{"the answer to a challenge", "\x01", "", false},
	} {
		user, token, ok := parseOAuthBearer(encodeSASL(test.message))
		if ok != test.ok || ok && (user != test.user || token != "good") {
			t.Errorf("%s: %q, %q, %v", test.name, user, token, ok)
		}
	}
	for message, want := range map[string]bool{
		"\x00svc@contoso.com\x00pass": true, "svc@contoso.com\x00svc@contoso.com\x00pass": true,
		"admin@contoso.com\x00svc@contoso.com\x00pass": false, "svc@contoso.com\x00pass": false,
		"\x00svc@contoso.com\x00pass\x00": false, "": false,
	} {
		user, password, ok := parsePlain(encodeSASL(message))
		if ok != want || ok && (user != "svc@contoso.com" || password != "pass") {
			t.Errorf("PLAIN %q: %q, %v", message, user, ok)
		}
	}
}
