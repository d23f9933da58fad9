package sandbox

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostname is what ends a reply that the mailbox server gave.
const hostname = " [Hostname=" + mailboxHost + "]"

// exchangeNow is the clock of tests that compare whole replies.
var exchangeNow = time.Date(2026, 11, 20, 16, 12, 30, 678e6, time.UTC)

// The app of newExchangeTenant, as clients and as Exchange know it.
const (
	testApp           = "a0000000-0000-4000-8000-000000000001"
	testAppObject     = "a0000000-0000-4000-8000-000000000002" // the registration's
	testAppEnterprise = "a0000000-0000-4000-8000-000000000003"
)

// newExchangeTenant has a user who signs in, an administrator, an app, and
// mailboxes that granted the user, the app or each other one permission or none.
func newExchangeTenant() *Tenant {
	return &Tenant{
		ID:     "5f4c1e0a-0000-4000-8000-000000000001",
		Domain: "contoso.com",
		Users: []*User{
			{UPN: "svc@contoso.com", Password: "correct", Proxies: []string{"service@contoso.com"}},
			{UPN: "admin@contoso.com", Password: "secret", MFA: true},
			{UPN: "unlicensed@contoso.com"},
			{UPN: "lapsed@contoso.com", Unlicensed: true},
		},
		Mailboxes: []*Mailbox{
			{Address: "svc@contoso.com", Proxies: []string{"printer@contoso.com"}},
			{Address: "admin@contoso.com"},
			{Address: "board@contoso.com", Shared: true},
			{Address: "sales@contoso.com", Shared: true, SendAs: []string{"SVC@contoso.com"}, Proxies: []string{"offers@contoso.com"}},
			{Address: "ceo@contoso.com", SendOnBehalf: []string{"svc@contoso.com", "app@contoso.com"}},
			{Address: "lapsed@contoso.com", FullAccess: []string{testAppEnterprise}},
			{Address: "app@contoso.com", Shared: true, FullAccess: []string{testAppEnterprise}, Proxies: []string{"robot@contoso.com"}},
			{Address: "billing@contoso.com", Shared: true, FullAccess: []string{testAppEnterprise}, SendAs: []string{"app@contoso.com"}},
			{Address: "legal@contoso.com", Shared: true, FullAccess: []string{testAppEnterprise}, SendAs: []string{testAppEnterprise}},
		},
		Apps:              []*App{{ClientID: testApp, ObjectID: testAppObject, EnterpriseID: testAppEnterprise}},
		ServicePrincipals: []ServicePrincipal{{AppID: testApp, ObjectID: testAppEnterprise}},
	}
}

// exchangeTokens verifies the tokens of the tests, which are words.
func exchangeTokens(token string) (accessClaims, bool) {
	claims := accessClaims{
		Audience: "https://outlook.office.com",
		UPN:      "svc@contoso.com",
		TenantID: "5f4c1e0a-0000-4000-8000-000000000001",
		Scopes:   []string{"SMTP.Send"},
		Expires:  exchangeNow.AddDate(100, 0, 0),
	}
	switch token {
	case "good":
	case "office365":
		claims.Audience = "https://outlook.office365.com/"
	case "graph":
		claims.Audience = "https://graph.microsoft.com"
	case "imap":
		claims.Scopes = []string{"IMAP.AccessAsUser.All"}
	case "expired":
		claims.Expires = exchangeNow
	case "admin":
		claims.UPN = "admin@contoso.com"
	case "unlicensed":
		claims.UPN = "unlicensed@contoso.com"
	case "stranger":
		claims.TenantID = "5f4c1e0a-0000-4000-8000-000000000002"
	case "lapsed":
		claims.UPN = "lapsed@contoso.com"
	case "us", "dod", "cn":
		claims.Audience = map[string]string{"us": "https://outlook.office365.us", "dod": "https://outlook-dod.office365.us", "cn": "https://partner.outlook.cn"}[token]
	case "google":
		claims.Audience, claims.Scopes = "", []string{"https://mail.google.com/"}
	case "app", "rbac", "unknown-app", "mail-app":
		claims.UPN, claims.Scopes, claims.AppID = "", nil, testApp
		claims.Roles = map[string][]string{"app": {"SMTP.SendAsApp"}, "mail-app": {"Mail.Send"}}[token]
		if token == "unknown-app" {
			claims.AppID = "a0000000-0000-4000-8000-00000000000f"
		}
	case "app-with-scopes":
		claims.UPN, claims.AppID, claims.Roles = "", testApp, []string{"SMTP.SendAsApp"}
	case "graph-app":
		claims.UPN, claims.Scopes, claims.AppID, claims.Roles = "", nil, testApp, []string{"SMTP.SendAsApp"}
		claims.Audience = graphAudience
	default:
		return accessClaims{}, false
	}
	return claims, true
}

// exchangeCertificate is self-signed, for localhost and 127.0.0.1.
var exchangeCertificate = sync.OnceValue(func() *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // synctest begins in 2000
		NotAfter:              time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

func exchangeRoots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(exchangeCertificate().Leaf)
	return roots
}

// startExchange serves tenant on loopback until the test ends.
func startExchange(t *testing.T, tenant *Tenant, o exchangeOptions) (x *exchange, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveExchange(t, tenant, o, l), l.Addr().String()
}

// startSMTPSExchange is startExchange for clients that begin with TLS.
func startSMTPSExchange(t *testing.T, tenant *Tenant, o exchangeOptions) (x *exchange, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveExchangeWith(t, tenant, o, func(x *exchange) error { return x.ServeTLS(l) }), l.Addr().String()
}

func serveExchange(t *testing.T, tenant *Tenant, o exchangeOptions, l net.Listener) *exchange {
	t.Helper()
	return serveExchangeWith(t, tenant, o, func(x *exchange) error { return x.Serve(l) })
}

func serveExchangeWith(t *testing.T, tenant *Tenant, o exchangeOptions, serve func(*exchange) error) *exchange {
	t.Helper()
	o.Certificate = exchangeCertificate()
	x := newExchange(tenant, exchangeTokens, o)
	served := make(chan error, 1)
	go func() { served <- serve(x) }()
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error("Close:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
	return x
}

// An smtpClient says what a test tells it to, in the writes the test wants.
type smtpClient struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	id   string // the session's, from the banner
}

// dialExchange connects and reads the banner.
func dialExchange(t *testing.T, address string) *smtpClient {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := newSMTPClient(t, conn)
	c.banner()
	return c
}

func newSMTPClient(t *testing.T, conn net.Conn) *smtpClient {
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Hour)) // beyond all that tests in synctest's time wait for
	return &smtpClient{t: t, conn: conn, r: bufio.NewReader(conn)}
}

func (c *smtpClient) banner() {
	c.t.Helper()
	c.noteID(c.expect("220 "))
}

func (c *smtpClient) noteID(banner string) {
	if words := strings.Fields(banner); words[len(words)-1] == "gsmtp" {
		c.id = words[3]
		return
	}
	c.id = strings.TrimSuffix(banner[strings.LastIndexByte(banner, '[')+1:], "]")
}

// send writes lines in one piece.
func (c *smtpClient) send(lines ...string) {
	c.t.Helper()
	c.write(strings.Join(lines, "\r\n") + "\r\n")
}

func (c *smtpClient) write(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatal("write:", err)
	}
}

// line reads one line of a reply, without its CRLF; "EOF" after the last.
func (c *smtpClient) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		if line == "" {
			return "EOF"
		}
		c.t.Fatalf("read %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// reply reads a whole reply, its lines joined by LF.
func (c *smtpClient) reply() string {
	c.t.Helper()
	line := c.line()
	all := line
	for len(line) > 3 && line[3] == '-' {
		line = c.line()
		all += "\n" + line
	}
	return all
}

// expect reads a reply that begins with prefix.
func (c *smtpClient) expect(prefix string) string {
	c.t.Helper()
	reply := c.reply()
	if !strings.HasPrefix(reply, prefix) {
		c.t.Fatalf("got %q, want %q…", reply, prefix)
	}
	return reply
}

// ask sends a command and returns the reply.
func (c *smtpClient) ask(command string) string {
	c.t.Helper()
	c.send(command)
	return c.reply()
}

// upgrade shakes hands, in the maximum TLS version given (0: the latest).
func (c *smtpClient) upgrade(version uint16) {
	c.t.Helper()
	conn := tls.Client(c.conn, &tls.Config{RootCAs: exchangeRoots(), ServerName: "localhost", MaxVersion: version})
	if err := conn.Handshake(); err != nil {
		c.t.Fatal("handshake:", err)
	}
	c.conn, c.r = conn, bufio.NewReader(conn)
}

// startTLS greets, upgrades the connection and greets again.
func (c *smtpClient) startTLS() {
	c.t.Helper()
	c.send("EHLO client.contoso.com")
	c.expect("250")
	c.send("STARTTLS")
	c.expect("220")
	c.upgrade(0)
	c.send("EHLO client.contoso.com")
	c.expect("250")
}

// signIn is startTLS and XOAUTH2 as svc@contoso.com.
func (c *smtpClient) signIn() {
	c.t.Helper()
	c.startTLS()
	c.send("AUTH XOAUTH2 " + xoauth2("svc@contoso.com", "good"))
	c.expect("235")
}

// submit sends a message by BDAT in one flight, and returns the reply to it.
func (c *smtpClient) submit(from, to, message string) string {
	c.t.Helper()
	c.write(fmt.Sprintf("MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nBDAT %d LAST\r\n%s", from, to, len(message), message))
	c.expect("250 2.1.0")
	c.expect("250 2.1.5")
	return c.reply()
}

func encodeSASL(message string) string { return base64.StdEncoding.EncodeToString([]byte(message)) }

func xoauth2(user, token string) string {
	return encodeSASL("user=" + user + "\x01auth=Bearer " + token + "\x01\x01")
}

func oauthBearer(user, token string) string {
	return encodeSASL("n,a=" + user + ",\x01host=smtp.gmail.com\x01port=587\x01auth=Bearer " + token + "\x01\x01")
}

func TestCloseEndsEverySessionAndServe(t *testing.T) {
	x, address := startExchange(t, newExchangeTenant(), exchangeOptions{Tarpit: time.Hour})
	idle, waiting := dialExchange(t, address), dialExchange(t, address)
	waiting.send("NOOP")
	waiting.expect("250")
	waiting.send("XYZZY") // in the tarpit for an hour
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*smtpClient{idle, waiting} {
		c.conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, c.conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is still open after Close")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("Serve after Close left the listener open")
	}
}

func TestConnectionsBeyondTheBoundAreTurnedAway(t *testing.T) {
	_, address := startExchange(t, newExchangeTenant(), exchangeOptions{})
	for range maxSessions - 1 { // and the listener
		dialExchange(t, address)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := newSMTPClient(t, conn)
	c.expect("421 4.3.2 Service not available")
	if line := c.line(); line != "EOF" {
		t.Errorf("after 421: %q", line)
	}
}
