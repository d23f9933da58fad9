package checks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// answers are name servers that know these names.
func answers(names map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		switch a := names[host]; a {
		case "":
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		case "timeout":
			return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true, IsTemporary: true}
		case "servfail":
			return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
		default:
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		}
	}
}

func microsoft(t *testing.T, change ...func(*account.Account)) account.Account {
	t.Helper()
	a := &account.Account{Name: "main", ID: "0123456789abcdef", Provider: account.Microsoft365}
	a.Username, a.ClientID, a.Tenant = "svc@contoso.com", desktopApp, "contoso.com"
	return valid(t, a, change...)
}

func TestNameResolutionTellsItsFailuresApart(t *testing.T) {
	const smtp, login, graph = "smtp.office365.com", "login.microsoftonline.com", "graph.microsoft.com"
	for name, c := range map[string]struct {
		names   map[string]string
		graph   bool
		status  Status
		finding string
		words   []string
	}{
		"all names known":     {map[string]string{smtp: "52.97.1.1", login: "20.190.1.1"}, false, Pass, "", []string{smtp + " is found at 52.97.1.1", login}},
		"over Graph":          {map[string]string{graph: "20.20.32.1", login: "20.190.1.1"}, true, Pass, "", []string{graph}},
		"no Graph":            {map[string]string{login: "20.190.1.1"}, true, Fail, "dns-not-found", []string{graph, "Microsoft Graph"}},
		"no submission":       {map[string]string{login: "20.190.1.1"}, false, Fail, "dns-not-found", []string{smtp, "the submission server"}},
		"no sign-in":          {map[string]string{smtp: "52.97.1.1"}, false, Fail, "dns-not-found", []string{login, "the sign-in"}},
		"nobody answers":      {map[string]string{smtp: "timeout", login: "timeout"}, false, Fail, "dns-failed", []string{smtp, "no name server answered"}},
		"the server fails":    {map[string]string{smtp: "servfail", login: "20.190.1.1"}, false, Fail, "dns-failed", []string{smtp, "server misbehaving"}},
		"blocked by a filter": {map[string]string{smtp: "0.0.0.0", login: "20.190.1.1"}, false, Fail, "dns-private-address", []string{smtp, "0.0.0.0"}},
		"blocked over IPv6":   {map[string]string{smtp: "::", login: "20.190.1.1"}, false, Fail, "dns-private-address", []string{smtp, "::"}},
		"in the hosts file":   {map[string]string{smtp: "127.0.0.1", login: "20.190.1.1"}, false, Fail, "dns-private-address", []string{smtp, "127.0.0.1", "hosts file"}},
		"mapped to IPv6":      {map[string]string{smtp: "::ffff:127.0.0.1", login: "20.190.1.1"}, false, Fail, "dns-private-address", []string{"127.0.0.1"}},
		"a private network":   {map[string]string{smtp: "10.1.2.3", login: "20.190.1.1"}, false, Warn, "dns-private-address", []string{smtp, "10.1.2.3"}},
		"a worse one after":   {map[string]string{smtp: "10.1.2.3"}, false, Fail, "dns-not-found", []string{login}},
	} {
		t.Run(name, func(t *testing.T) {
			s := setupOf(t, microsoft(t, func(a *account.Account) {
				if c.graph {
					a.Transport = account.Graph
				}
			}), nil)
			s.Resolve = answers(c.names)
			s.Addresses = func() ([]net.Addr, error) { return []net.Addr{ip("192.0.2.7/24")}, nil }
			want(t, newRun(s, Options{}).nameResolution(t.Context()), c.status, c.finding, c.words...)
		})
	}
}

func ip(s string) net.Addr {
	a, n, err := net.ParseCIDR(s)
	if err != nil {
		panic(err)
	}
	n.IP = a
	return n
}

func TestNameResolutionTellsAComputerWithoutANetwork(t *testing.T) {
	s := setupOf(t, microsoft(t), nil)
	s.Resolve = answers(map[string]string{"smtp.office365.com": "timeout", "login.microsoftonline.com": "timeout"})
	s.Addresses = func() ([]net.Addr, error) {
		return []net.Addr{ip("127.0.0.1/8"), ip("::1/128"), ip("fe80::1/64"), ip("169.254.3.4/16")}, nil
	}
	want(t, newRun(s, Options{}).nameResolution(t.Context()), Fail, "network-unreachable", "no network")
	s.Addresses = func() ([]net.Addr, error) { return nil, errors.New("not told") }
	want(t, newRun(s, Options{}).nameResolution(t.Context()), Fail, "dns-failed")
}

func TestAddressesAndThisComputerNeedNoNameServer(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	s := b.setup(t, b.person(t))
	want(t, newRun(s, Options{}).nameResolution(t.Context()), Pass, "", "localhost is ")

	s = setupOf(t, own(t, closedPort(t), func(a *account.Account) { a.SMTPHost = "192.0.2.1" }), nil)
	s.Resolve = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("nobody is to be asked") }
	want(t, newRun(s, Options{}).nameResolution(t.Context()), Pass, "", "192.0.2.1")
}

func TestNamesThatAProxyLooksUpAreNotLookedUpHere(t *testing.T) {
	s := setupOf(t, microsoft(t), nil)
	through(t, &s, "http://proxy.contoso.com:3128")
	s.Resolve = answers(map[string]string{"smtp.office365.com": "52.97.1.1"})
	want(t, newRun(s, Options{}).nameResolution(t.Context()), Pass, "", "login.microsoftonline.com is looked up by the proxy proxy.contoso.com:3128")
}
