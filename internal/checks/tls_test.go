package checks

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// An issuer makes certificates.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newIssuer(t *testing.T, name pkix.Name) issuer {
	t.Helper()
	root := template(name)
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	c, key := signed(t, root, nil)
	parsed, err := x509.ParseCertificate(c)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{parsed, key}
}

func template(name pkix.Name) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: name,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}
}

// signed is a certificate by an issuer, or by itself.
func signed(t *testing.T, c *x509.Certificate, by *issuer) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// leaf is a server's certificate for localhost.
func (i issuer) leaf(t *testing.T, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	c := template(pkix.Name{CommonName: "localhost"})
	c.DNSNames = []string{"localhost", "smtp.office365.com"}
	for _, do := range change {
		do(c)
	}
	by := &i
	if i.certificate == nil {
		by = nil
	}
	der, key := signed(t, c, by)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (i issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	if i.certificate != nil {
		pool.AddCert(i.certificate)
	}
	return pool
}

// A mailServer answers up to STARTTLS and the handshake.
type mailServer struct {
	greeting   string
	extensions string // lines of the reply to EHLO after the first
	starttls   string // reply
	config     *tls.Config
}

func sound(c tls.Certificate) mailServer {
	return mailServer{"220 mail.contoso.com ESMTP", "250-PIPELINING\r\n250 STARTTLS\r\n", "220 2.0.0 go ahead", &tls.Config{Certificates: []tls.Certificate{c}}}
}

func (m mailServer) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	io.WriteString(conn, m.greeting+"\r\n")
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case strings.HasPrefix(line, "EHLO"):
			io.WriteString(conn, "250-mail.contoso.com\r\n"+m.extensions)
		case strings.HasPrefix(line, "STARTTLS"):
			io.WriteString(conn, m.starttls+"\r\n")
			if !strings.HasPrefix(m.starttls, "220") {
				continue
			}
			if m.config == nil {
				return
			}
			if s := tls.Server(conn, m.config); s.Handshake() == nil {
				read(s)
			}
			return
		default:
			return
		}
	}
}

func TestTLSOfTheSandboxIsSound(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	want(t, newRun(b.setup(t, b.person(t)), Options{}).tls(t.Context()), Pass, "", "TLS 1.3", "traymail sandbox CA", "localhost:")
	over := func(a *account.Account) { a.Transport = account.Graph }
	want(t, newRun(b.setup(t, b.person(t, over)), Options{}).tls(t.Context()), Pass, "", "TLS 1.3", "traymail sandbox CA")
	over = func(a *account.Account) { a.Transport = account.Auto }
	want(t, newRun(b.setup(t, b.person(t, over)), Options{}).tls(t.Context()), Pass, "", "; localhost: TLS")
}

func TestTLSOfTheSandboxesScenariosIsExplained(t *testing.T) {
	for scenario, finding := range map[string]string{
		"starttls-stripped":       "starttls-missing",
		"certificate-expired":     "certificate-expired",
		"certificate-self-signed": "certificate-unknown-authority",
		"certificate-wrong-host":  "certificate-wrong-name",
	} {
		t.Run(scenario, func(t *testing.T) {
			b := newTenant(t, sandbox.Options{Scenario: scenario})
			want(t, newRun(b.setup(t, b.person(t)), Options{}).tls(t.Context()), Fail, finding)
		})
	}
}

func TestCertificatesAreToldApart(t *testing.T) {
	ca := newIssuer(t, pkix.Name{CommonName: "Contoso Root CA", Organization: []string{"Contoso"}})
	zscaler := newIssuer(t, pkix.Name{CommonName: "Zscaler Intermediate Root CA (zscaler.net)", Organization: []string{"Zscaler Inc."}})
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		certificate tls.Certificate
		trusted     *x509.CertPool
		status      Status
		finding     string
		words       []string
	}{
		"sound":             {ca.leaf(t), ca.pool(), Pass, "", []string{"certificate of localhost, made by Contoso Root CA, good until"}},
		"unknown authority": {ca.leaf(t), zscaler.pool(), Fail, "certificate-unknown-authority", []string{"made by Contoso Root CA"}},
		"signed by itself":  {issuer{}.leaf(t), ca.pool(), Fail, "certificate-unknown-authority", []string{"signed by itself"}},
		"expired":           {ca.leaf(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-day) }), ca.pool(), Fail, "certificate-expired", []string{"expired on"}},
		"not valid yet":     {ca.leaf(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(day) }), ca.pool(), Fail, "certificate-expired", []string{"not valid before"}},
		"another name":      {ca.leaf(t, func(c *x509.Certificate) { c.DNSNames = []string{"mail.example.net"} }), ca.pool(), Fail, "certificate-wrong-name", []string{"not for localhost but for mail.example.net"}},
		"inspected":         {zscaler.leaf(t), ca.pool(), Fail, "certificate-inspected", []string{"Zscaler", "does not trust"}},
		"inspected openly":  {zscaler.leaf(t), zscaler.pool(), Warn, "certificate-inspected", []string{"Zscaler", "trusts it"}},
	} {
		t.Run(name, func(t *testing.T) {
			for mode, serve := range map[account.SMTPTLS]func(net.Conn){
				account.STARTTLS: sound(c.certificate).serve,
				account.ImplicitTLS: func(conn net.Conn) {
					s := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{c.certificate}})
					if s.Handshake() == nil {
						read(s)
					}
				},
			} {
				a := own(t, listen(t, serve), func(a *account.Account) { a.SMTPTLS = mode })
				want(t, newRun(setupOf(t, a, c.trusted), Options{}).tls(t.Context()), c.status, c.finding, c.words...)
			}
		})
	}
}

func TestProvidersCertificateFromNobodyKnown(t *testing.T) {
	for name, c := range map[string]struct{ issuer, finding, words string }{
		"a firewall without a known name":   {"Contoso Firewall", "certificate-inspected", "no public authority"},
		"a list of authorities that is old": {"DigiCert Cloud Services CA-1", "certificate-unknown-authority", "list of authorities"},
	} {
		t.Run(name, func(t *testing.T) {
			ca := newIssuer(t, pkix.Name{CommonName: c.issuer})
			at := listen(t, sound(ca.leaf(t)).serve)
			s := setupOf(t, microsoft(t), x509.NewCertPool())
			dial := s.Dial
			s.Dial = toward(dial, at)
			want(t, newRun(s, Options{}).tls(t.Context()), Fail, c.finding, c.words)
		})
	}
}

func TestBeginningsWithoutTLSAreExplained(t *testing.T) {
	ca := newIssuer(t, pkix.Name{CommonName: "Contoso Root CA"})
	good := sound(ca.leaf(t))
	with := func(change func(*mailServer)) func(net.Conn) {
		m := good
		change(&m)
		return m.serve
	}
	for name, c := range map[string]struct {
		serve   func(net.Conn)
		finding string
		words   []string
	}{
		"no STARTTLS":         {with(func(m *mailServer) { m.extensions = "250 PIPELINING\r\n" }), "starttls-missing", []string{"mail.contoso.com ESMTP"}},
		"censored list":       {with(func(m *mailServer) { m.extensions = "250 XXXXXXXA\r\n" }), "starttls-missing", []string{"Cisco"}},
		"censored greeting":   {with(func(m *mailServer) { m.greeting, m.extensions = "220 ********************", "250 PIPELINING\r\n" }), "starttls-missing", []string{"Cisco"}},
		"STARTTLS refused":    {with(func(m *mailServer) { m.starttls = "454 4.7.0 TLS not available" }), "starttls-missing", []string{"454 4.7.0"}},
		"no such name":        {with(func(m *mailServer) { m.extensions = "" }), "connection-timed-out", nil},
		"turned away":         {with(func(m *mailServer) { m.greeting = "554 5.7.1 no service for you" }), "unknown-refusal", []string{"554 5.7.1"}},
		"busy":                {with(func(m *mailServer) { m.greeting = "421 4.3.2 Service not available" }), "service-unavailable", []string{"421 4.3.2"}},
		"busy in other words": {with(func(m *mailServer) { m.greeting = "450 come back on Monday" }), "service-unavailable", []string{"on Monday"}},
		"meddled with":        {with(func(m *mailServer) { m.starttls = "220 go ahead\r\n250 and more" }), "tls-handshake", []string{"meddling"}},
		"closed in TLS":       {with(func(m *mailServer) { m.config = nil }), "tls-handshake", []string{"broken off"}},
		"old TLS": {with(func(m *mailServer) {
			m.config = &tls.Config{Certificates: m.config.Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		}), "tls-version", []string{"offers TLS 1.1"}},
		"no cipher shared": {with(func(m *mailServer) {
			m.config = &tls.Config{Certificates: m.config.Certificates, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}
		}), "tls-handshake", nil},
		"a web server":   {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "not-a-mail-server", nil},
		"closed at once": {func(net.Conn) {}, "connection-closed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := own(t, listen(t, c.serve), func(a *account.Account) { a.Timeout = 1 })
			want(t, newRun(setupOf(t, a, ca.pool()), Options{}).tls(t.Context()), Fail, c.finding, c.words...)
		})
	}
}

func TestTLSFromTheFirstOctetAndNotAreToldApart(t *testing.T) {
	ca := newIssuer(t, pkix.Name{CommonName: "Contoso Root CA"})
	good := ca.leaf(t)
	t.Run("the account expects it and the server does not begin with it", func(t *testing.T) {
		a := own(t, listen(t, sound(good).serve), func(a *account.Account) { a.SMTPTLS = account.ImplicitTLS })
		want(t, newRun(setupOf(t, a, ca.pool()), Options{}).tls(t.Context()), Fail, "tls-expected", "--smtp-tls starttls")
	})
	t.Run("the server begins with it and the account does not", func(t *testing.T) {
		implicit := func(conn net.Conn) { tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{good}}).Handshake() }
		a := own(t, listen(t, implicit), func(a *account.Account) { a.Timeout = 1 })
		want(t, newRun(setupOf(t, a, ca.pool()), Options{}).tls(t.Context()), Fail, "tls-expected", "--smtp-tls implicit")
	})
}

func TestAServerOfThisComputerNeedsNoTLS(t *testing.T) {
	a := own(t, listen(t, sound(tls.Certificate{}).serve), func(a *account.Account) { a.SMTPTLS = account.NoTLS })
	want(t, newRun(setupOf(t, a, nil), Options{}).tls(t.Context()), Pass, "", "without TLS")
}

func TestGreetingTellsTheTime(t *testing.T) {
	ca := newIssuer(t, pkix.Name{CommonName: "Contoso Root CA"})
	m := sound(ca.leaf(t))
	m.greeting = "220 PN4P287CA0064.outlook.office365.com Microsoft ESMTP MAIL Service ready at " + time.Now().Add(-time.Hour).Format(time.RFC1123Z) + " [08DD84B323498C1A]"
	r := newRun(setupOf(t, own(t, listen(t, m.serve)), ca.pool()), Options{})
	want(t, r.tls(t.Context()), Pass, "")
	want(t, r.clock(t.Context()), Warn, "clock-wrong", "1 h 00 min ahead of what localhost")
	r.again = true
	want(t, r.clock(t.Context()), Warn, "clock-wrong", "1 h 00 min ahead of what localhost")
}

// Nothing is heard of a server that does not greet, so the time is a bubble's.
func TestAServerThatSaysNothingIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setupOf(t, own(t, netip.MustParseAddrPort("127.0.0.1:587")), nil)
		s.Dial = silent
		start := time.Now()
		want(t, newRun(s, Options{}).tls(t.Context()), Fail, "connection-timed-out", "before its greeting")
		if took := time.Since(start); took > talking+connecting {
			t.Errorf("it took %v", took)
		}
	})
}
