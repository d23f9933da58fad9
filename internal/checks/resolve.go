package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// lookUp is the longest wait for the name servers.
const lookUp = 10 * time.Second

// nameResolution looks the names of all servers up that the account talks to.
func (r *run) nameResolution(ctx context.Context) Result {
	r.addresses = map[string][]netip.Addr{}
	var found []string
	var worst *Result
	worse := func(result Result) {
		if worst == nil || worst.Status == Warn && result.Status == Fail {
			worst = &result
		}
	}
	for _, n := range r.names() {
		if n.proxy != "" {
			found = append(found, fmt.Sprintf("%s is looked up by the proxy %s", n.host, n.proxy))
			continue
		}
		if ip, err := netip.ParseAddr(n.host); err == nil {
			r.addresses[n.host] = []netip.Addr{ip}
			found = append(found, n.host+" is an address already")
			continue
		}
		addresses, err := r.lookUp(ctx, n.host)
		if err != nil {
			worse(r.notResolved(n, err))
			continue
		}
		r.addresses[n.host] = addresses
		if result, wrong := r.suspect(n, addresses); wrong {
			worse(result)
			continue
		}
		found = append(found, n.host+" is found at "+list(addresses))
	}
	if worst != nil {
		return *worst
	}
	return passed("%s", strings.Join(found, "; "))
}

// A name is one to look up.
type name struct {
	what, host string
	proxy      string // that looks it up instead, "" is none
}

// option is what names the server in a command, with what is usual.
func (n name) option() string {
	switch n.what {
	case signInName:
		return "authority-url https://login.microsoftonline.com"
	case submissionName:
		return "smtp-host smtp.office365.com"
	}
	return "graph-url https://graph.microsoft.com"
}

// What the servers are to the account.
const (
	signInName     = "the sign-in"
	submissionName = "the submission server"
)

func (r *run) names() []name {
	var all []name
	add := func(n name) {
		for _, other := range all {
			if other.host == n.host {
				return
			}
		}
		all = append(all, n)
	}
	for _, s := range r.servers() {
		n := name{what: s.what, host: s.host}
		if !s.smtp {
			n.proxy = r.proxy(r.Account.GraphURL)
		}
		add(n)
	}
	if address := r.authorityAddress(); address != "" {
		host, _ := hostOf(address)
		add(name{what: signInName, host: host, proxy: r.proxy(address)})
	}
	return all
}

func (r *run) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, r.within(lookUp))
	defer cancel()
	addresses, err := r.Resolve(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, err
}

// notResolved tells a name that does not exist from name servers that do not
// answer, and from a computer without a network.
func (r *run) notResolved(n name, err error) Result {
	r.with(n.host, 0)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		result := r.found("dns-not-found", Fail, fmt.Sprintf("%s, %s, has no address: the name does not exist", n.host, n.what), "")
		if !ofProvider(n.host) {
			result.Fix = fmt.Sprintf("correct the name, without blanks, port or https://: traymail account edit %s --%s", r.Account.Name, n.option())
		}
		return result
	case r.offline():
		return r.found("network-unreachable", Fail, fmt.Sprintf("this computer has no network: %s, %s, cannot be looked up", n.host, n.what), "")
	}
	what := "no name server answered"
	if dns != nil && !dns.IsTimeout {
		what = "the name server answered with a failure: " + dns.Err
	}
	return r.found("dns-failed", Fail, fmt.Sprintf("%s, %s, cannot be looked up: %s", n.host, n.what, what), "")
}

// offline reports whether this computer has no address but its own loopback's.
func (r *run) offline() bool {
	own, err := r.Addresses()
	if err != nil {
		return false
	}
	for _, a := range own {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast() {
			return false
		}
	}
	return true
}

// suspect looks for addresses that a public server cannot have.
func (r *run) suspect(n name, addresses []netip.Addr) (Result, bool) {
	r.with(n.host, 0)
	nowhere := func(a netip.Addr) bool { return a.IsUnspecified() }
	here := func(a netip.Addr) bool { return a.IsLoopback() }
	private := func(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() || carrier.Contains(a) }
	switch {
	case all(addresses, nowhere):
		return r.found("dns-private-address", Fail, fmt.Sprintf("%s, %s, has the address %s, which is not a usable one: a filter answers in place of the name server, or the hosts file does", n.host, n.what, list(addresses)), ""), true
	case !ofProvider(n.host):
	case all(addresses, func(a netip.Addr) bool { return nowhere(a) || here(a) }):
		return r.found("dns-private-address", Fail, fmt.Sprintf("%s, %s, has the address %s, which is this computer: a filter answers in place of the name server, or the hosts file does", n.host, n.what, list(addresses)), ""), true
	case all(addresses, func(a netip.Addr) bool { return nowhere(a) || here(a) || private(a) }):
		return r.found("dns-private-address", Warn, fmt.Sprintf("%s, %s, has the address %s, which is one of a private network: something here stands in for the provider's server", n.host, n.what, list(addresses)), ""), true
	}
	return Result{}, false
}

// carrier is the range between an internet provider and its customers (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

func all(addresses []netip.Addr, is func(netip.Addr) bool) bool {
	for _, a := range addresses {
		if !is(a) {
			return false
		}
	}
	return true
}

// list writes addresses, and how many more there are.
func list(addresses []netip.Addr) string {
	const shown = 4
	var words []string
	for i, a := range addresses {
		if i == shown {
			return fmt.Sprintf("%s and %d more", strings.Join(words, ", "), len(addresses)-shown)
		}
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}
