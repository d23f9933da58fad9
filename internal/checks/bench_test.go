package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// The registrations of the sandbox's tenant.
const (
	desktopApp = "0d5a4f3c-61e8-4f0b-8a4e-2b9c7d1e6f01"
	webApp     = "7b2e8c14-95d3-4d6a-b1f7-3c8e0a5d9b02"
	daemonApp  = "a81f6d20-7c4b-4f19-b3d5-6e0c9a2b7f04"
)

// A tenant is a running sandbox.
type tenant struct {
	*sandbox.Sandbox
	sandbox.Ready
}

func newTenant(t *testing.T, o sandbox.Options) tenant {
	t.Helper()
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return tenant{s, s.Ready()}
}

// person is an account of the tenant that a person signs in to.
func (b tenant) person(t *testing.T, change ...func(*account.Account)) account.Account {
	t.Helper()
	a := &account.Account{Name: "main", ID: "0123456789abcdef", Provider: b.Provider}
	a.Username, a.ClientID = "svc@"+b.Domain, desktopApp
	a.Tenant, a.AuthorityURL, a.GraphURL = b.TenantID, b.Authority, b.GraphURL
	a.SMTPHost, a.SMTPPort = b.SMTPHost, b.SMTPPort
	return valid(t, a, change...)
}

// application is an account of the tenant that nobody signs in to.
func (b tenant) application(t *testing.T, change ...func(*account.Account)) account.Account {
	t.Helper()
	a := &account.Account{Name: "main", ID: "0123456789abcdef", Provider: b.Provider, SignIn: account.AppOnly}
	a.Sender, a.ClientID = "svc@"+b.Domain, daemonApp
	a.Tenant, a.AuthorityURL, a.GraphURL = b.TenantID, b.Authority, b.GraphURL
	a.SMTPHost, a.SMTPPort = b.SMTPHost, b.SMTPPort
	return valid(t, a, change...)
}

// valid completes an account.
func valid(t *testing.T, a *account.Account, change ...func(*account.Account)) account.Account {
	t.Helper()
	for _, c := range change {
		c(a)
	}
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	return *a
}

// setupOf reaches the world as the program does; roots are what it trusts.
func setupOf(t *testing.T, a account.Account, roots *x509.CertPool) Setup {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return Setup{
		Account: a,
		Now:     time.Now,
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		Dial:      new(net.Dialer).DialContext,
		Addresses: net.InterfaceAddrs,
		Roots:     roots,
		Web:       &http.Client{Transport: transport},
	}
}

func (b tenant) setup(t *testing.T, a account.Account) Setup { return setupOf(t, a, b.CertPool()) }

// want checks status and finding of a result, and that what went wrong is told
// with the words.
func want(t *testing.T, r Result, status Status, finding string, words ...string) {
	t.Helper()
	if r.Status != status || r.Finding != finding {
		t.Errorf("%s: %s %q, want %s %q: %s", r.ID, r.Status, r.Finding, status, finding, r.Summary)
	}
	if r.Summary == "" {
		t.Errorf("%s %s has no summary", r.Status, r.Finding)
	}
	all := r.Summary + "\n" + r.Detail + "\n" + r.Fix + "\n" + r.Command + "\n" + r.Reply
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("%s %q does not say %q: %s", r.Status, r.Finding, w, all)
		}
	}
}

// listen serves connections until the test ends.
func listen(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// own is an account at a submission server of one's own, with a password.
func own(t *testing.T, at netip.AddrPort, change ...func(*account.Account)) account.Account {
	t.Helper()
	a := &account.Account{Name: "main", ID: "0123456789abcdef", Provider: account.Custom, SignIn: account.PasswordSignIn, Username: "svc@contoso.com"}
	a.SMTPHost, a.SMTPPort = "localhost", int(at.Port())
	return valid(t, a, change...)
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// toward connects to one place, whatever the address.
func toward(dial dialer, at netip.AddrPort) dialer {
	return func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, at.String()) }
}

// silent connects to somebody who reads and says nothing.
func silent(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() { io.Copy(io.Discard, there); there.Close() }()
	return here, nil
}
