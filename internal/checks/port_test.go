package checks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

// through sends requests through a proxy.
func through(t *testing.T, s *Setup, proxy string) {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	s.Web.Transport.(*http.Transport).Proxy = http.ProxyURL(u)
}

// portOf does the check after the name was looked up.
func portOf(t *testing.T, s Setup) Result {
	t.Helper()
	r := newRun(s, Options{})
	if named := r.nameResolution(t.Context()); named.Status != Pass {
		t.Fatal(named)
	}
	return r.port(t.Context())
}

func TestPortSaysWhichAddressAnswersAndHowFast(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	want(t, portOf(t, b.setup(t, b.person(t))), Pass, "", "localhost:", "127.0.0.1 (", " ms)")
	over := func(a *account.Account) { a.Transport = account.Graph }
	want(t, portOf(t, b.setup(t, b.person(t, over))), Pass, "", "127.0.0.1 (")
}

func TestPortTellsItsFailuresApart(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		want(t, portOf(t, setupOf(t, own(t, closedPort(t), atIP), nil)), Fail, "connection-refused", "127.0.0.1: the connection was refused")
	})
	t.Run("closed before the greeting", func(t *testing.T) {
		at := listen(t, func(net.Conn) {})
		want(t, portOf(t, setupOf(t, own(t, at, atIP), nil)), Fail, "connection-closed", "without a word")
	})
	t.Run("broken off before the greeting", func(t *testing.T) {
		at := listen(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })
		want(t, portOf(t, setupOf(t, own(t, at, atIP), nil)), Fail, "connection-reset", "broken off")
	})
	t.Run("no way there", func(t *testing.T) {
		s := setupOf(t, own(t, closedPort(t), atIP), nil)
		s.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errUnreachable}
		}
		want(t, portOf(t, s), Fail, "network-unreachable")
	})
	t.Run("this computer forbids it", func(t *testing.T) {
		s := setupOf(t, own(t, closedPort(t), atIP), nil)
		s.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errForbidden}
		}
		want(t, portOf(t, s), Fail, "connection-forbidden")
	})
	t.Run("implicit TLS has no greeting to wait for", func(t *testing.T) {
		at := listen(t, func(net.Conn) {})
		implicit := func(a *account.Account) { a.SMTPTLS = account.ImplicitTLS }
		want(t, portOf(t, setupOf(t, own(t, at, atIP, implicit), nil)), Pass, "")
	})
}

func atIP(a *account.Account) { a.SMTPHost = "127.0.0.1" }

// A firewall that drops packets is a connection of which nothing is heard, so
// here it is a dialer that waits for its time to be over.
func TestPortTellsABlockedPortFromANetworkThatIsDown(t *testing.T) {
	for name, c := range map[string]struct {
		other error // of the connection to the sign-in
		words string
	}{
		"blocked": {nil, "so the network works and port 587 alone is blocked"},
		"down":    {errors.New("as well"), "login.microsoftonline.com:443 cannot be connected to either"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := setupOf(t, microsoft(t), nil)
				s.Resolve = answers(map[string]string{"smtp.office365.com": "52.97.1.1", "login.microsoftonline.com": "20.190.1.1"})
				s.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
					if strings.HasSuffix(address, ":443") && c.other == nil {
						here, there := net.Pipe()
						there.Close()
						return here, nil
					}
					<-ctx.Done()
					return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
				}
				start := time.Now()
				want(t, portOf(t, s), Fail, "connection-timed-out", "52.97.1.1: nothing came back in time", c.words)
				if took := time.Since(start); took > 2*connecting {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestPortWithOneAddressOfSeveralAnswering(t *testing.T) {
	greets := func(c net.Conn) { c.Write([]byte("220 mail.contoso.com ESMTP\r\n")); read(c) }
	at := listen(t, greets)
	for name, c := range map[string]struct {
		err     error
		status  Status
		finding string
	}{
		"no IPv6 here":      {errUnreachable, Pass, ""},
		"refused over IPv6": {errRefused, Warn, "connection-refused"},
	} {
		t.Run(name, func(t *testing.T) {
			s := setupOf(t, own(t, at, func(a *account.Account) { a.SMTPHost = "mail.contoso.com" }), nil)
			s.Resolve = func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("127.0.0.1")}, nil
			}
			dial := s.Dial
			s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "[2001:db8::1]") {
					return nil, &net.OpError{Op: "dial", Err: c.err}
				}
				return dial(ctx, network, address)
			}
			want(t, portOf(t, s), c.status, c.finding, "127.0.0.1 (", "2001:db8::1: ")
		})
	}
}

// read waits for the other end to speak or to go.
func read(c net.Conn) { c.Read(make([]byte, 100)) }
