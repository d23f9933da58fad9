package sandbox

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// stage is the address of the providers' names where Resolve tells them: one of
// documentation (RFC 5737), which no machine has. That of this machine would look
// like a filter.
var stage = netip.MustParseAddr("192.0.2.25")

// Resolve is a name server's answer in a rehearsal: the real names lead to the
// sandbox, this machine's own to itself, and there are no others.
func (s *Sandbox) Resolve(_ context.Context, host string) ([]netip.Addr, error) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	switch ip, err := netip.ParseAddr(host); {
	case err == nil:
		return []netip.Addr{ip}, nil
	case host == "localhost":
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	case slices.Contains(Hosts(), host):
		return []netip.Addr{stage}, nil
	}
	return nil, &net.DNSError{Err: "no such host, in a rehearsal", Name: host, IsNotFound: true}
}

// Dial connects in a rehearsal. The real names have the sandbox behind the ports
// 443 and 587 and nothing behind others; addresses of this machine are what they
// are. Nothing else is reached, so that nothing leaves the machine.
func (s *Sandbox) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: network, Err: err} }
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	found, err := s.Resolve(ctx, host)
	if err != nil {
		return fail(err)
	}
	switch to := s.behind(port); {
	case found[0].IsLoopback():
		to = net.JoinHostPort(found[0].String(), port)
		return new(net.Dialer).DialContext(ctx, network, to)
	case found[0] != stage:
		return fail(os.NewSyscallError("connect", syscall.ENETUNREACH))
	case to == "":
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	default:
		return new(net.Dialer).DialContext(ctx, network, to)
	}
}

// behind is where the sandbox has what the providers have at a port, "" is
// nowhere.
func (s *Sandbox) behind(port string) string {
	switch port {
	case "443":
		return strings.Replace(strings.TrimPrefix(s.base, "https://"), "localhost", "127.0.0.1", 1)
	case "587":
		return s.smtpAddress
	}
	return ""
}

// listenPages takes the port of the pages without TLS.
func (s *Sandbox) listenPages() error {
	l, err := listenLoopback("")
	if err != nil {
		return err
	}
	s.pages = "http://localhost:" + strconv.Itoa(portOf(l.Addr().String()))
	s.pagesListener = l
	return nil
}

// servePages answers there until Close.
func (s *Sandbox) servePages() {
	s.wg.Go(func() {
		if err := s.server.Serve(s.pagesListener); err != http.ErrServerClosed {
			s.log.Error("sandbox pages ended", "error", err)
		}
	})
}

// Page is where a person's browser finds what an address of the web shows, in a
// rehearsal: the sign-in of the real names, the portals of Microsoft 365, the
// sandbox's own pages. Any other one leads to a page that names it. What is no
// such address, or one of this machine's, comes back as it is. Without
// Options.Pages everything does.
func (s *Sandbox) Page(address string) string {
	u, err := url.Parse(address)
	if err != nil || s.pages == "" || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return address
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case strings.HasPrefix(host, "outlook."), strings.HasPrefix(host, "graph."):
		return address // no page is there, but names of permissions begin so
	case "https://"+u.Host == s.base, slices.Contains(Hosts(), host):
		return s.pages + u.RequestURI()
	case loopbackName(host):
		return address
	case host == "entra.microsoft.com", strings.HasPrefix(host, "portal.azure."):
		return s.pages + s.blade(u.Fragment)
	case host == "admin.microsoft.com", host == "admin.exchange.microsoft.com":
		return s.pages + "/portal/tenant"
	}
	return s.pages + "/elsewhere?" + url.Values{"address": {address}}.Encode()
}

// blade is the path of what Entra's portal shows by the end of an address:
// "view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/ID".
func (s *Sandbox) blade(fragment string) string {
	parts := strings.Split(fragment, "/")
	if strings.Contains(fragment, "ConditionalAccess") {
		return "/portal/tenant"
	}
	if at := slices.Index(parts, "~"); at >= 0 && at+3 < len(parts) && parts[at+2] == "appId" {
		known := false
		s.tenant.View(func(t *Tenant) { known = t.app(parts[at+3]) != nil })
		if name := blades[parts[at+1]]; known && name != "" {
			return "/portal/apps/" + parts[at+3] + "/" + name
		}
	}
	return "/portal"
}

// outside is the page of an address that leads out of the rehearsal.
func outside(w http.ResponseWriter, r *http.Request) {
	p := page{Title: "This link leads out of the rehearsal", Text: r.URL.Query().Get("address")}
	if u, err := url.Parse(p.Text); err != nil || u.Scheme != "https" {
		p.Text = ""
	}
	render(http.StatusOK, "elsewhere", p).send(w)
}
