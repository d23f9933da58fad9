package checks

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"traymail/internal/account"
)

// outside is what the checks of the world outside found out for one another.
type outside struct {
	// addresses are those of each host's name, from the name servers.
	addresses map[string][]netip.Addr
	// told is how far this computer's clock is ahead of what a server said,
	// by the server's name.
	told map[string]time.Duration
	// toward is the server that a check has before it, for the fixes; without a
	// host it is the one that messages leave through.
	toward struct {
		host string
		port int
	}
	// metadata is the authority's own description, as the check of the clock got
	// it; the check of the authority takes it from here, once.
	metadata *page
	// silent says that the submission server said nothing for as long as the
	// check of the port waits, so that the check of TLS need not.
	silent bool
}

// A server is one that messages leave through.
type server struct {
	what string // in words
	host string
	port int
	smtp bool
	// spare: messages take it only when the other way is closed.
	spare bool
}

// servers are those of the account's transport, SMTP first.
func (r *run) servers() []server {
	var all []server
	a := &r.Account
	if a.SendsOver(account.SMTP) {
		all = append(all, server{what: submissionName, host: a.SMTPHost, port: a.SMTPPort, smtp: true})
	}
	if host, port := hostOf(a.GraphURL); host != "" && a.SendsOver(account.Graph) {
		all = append(all, server{what: "Microsoft Graph", host: host, port: port, spare: a.Transport == account.Auto})
	}
	return all
}

// with has the fixes name a server.
func (r *run) with(host string, port int) { r.toward.host, r.toward.port = host, port }

// authorityAddress is an address that the sign-in is reached at, "" for
// passwords.
func (r *run) authorityAddress() string {
	switch a := &r.Account; {
	case a.SignIn == account.PasswordSignIn:
		return ""
	case a.HasEntra():
		return a.AuthorityURL
	default:
		return a.TokenURL
	}
}

// hostOf takes host and port from an https address; "" when it is none.
func hostOf(address string) (host string, port int) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "", 0
	}
	port = 443
	if p, err := netip.ParseAddrPort("127.0.0.1:" + u.Port()); err == nil {
		port = int(p.Port())
	}
	return strings.ToLower(u.Hostname()), port
}

// proxy is the host of the proxy that requests to address go through, "" where
// they go directly.
func (r *run) proxy(address string) string {
	t, ok := r.Web.Transport.(*http.Transport)
	if !ok || t.Proxy == nil {
		return ""
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return ""
	}
	u, err := t.Proxy(req)
	if err != nil || u == nil {
		return ""
	}
	return u.Host
}

// within is d, or the account's own timeout if that is shorter.
func (r *run) within(d time.Duration) time.Duration {
	if own := time.Duration(r.Account.Timeout) * time.Second; own > 0 {
		return min(own, d)
	}
	return d
}

// providers are the domains of the providers whose servers are on the internet,
// and nowhere else.
var providers = []string{
	"office365.com", "office.com", "outlook.com", "microsoftonline.com", "microsoft.com",
	"office365.us", "microsoftonline.us", "microsoft.us",
	"outlook.cn", "microsoftonline.cn", "chinacloudapi.cn",
	"gmail.com", "google.com", "googleapis.com",
	"yahoo.com", "yahooapis.com", "aol.com", "fastmail.com", "zoho.com", "zoho.eu", "icloud.com", "mail.me.com",
	"sendgrid.net", "mailgun.org", "gmx.net", "gmx.com", "web.de", "mail.ru", "yandex.com", "yandex.ru", "ionos.com",
}

// ofProvider reports whether host is a public provider's.
func ofProvider(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range providers {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}
