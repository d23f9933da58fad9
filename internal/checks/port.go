package checks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"traymail/internal/account"
)

const (
	// connecting is the longest wait for a connection: three attempts of TCP,
	// which follow one another after 1 and 2 seconds.
	connecting = 6 * time.Second
	// greeting is the longest wait for a server's first words.
	greeting = 8 * time.Second
	// tried is how many of a name's addresses are connected to.
	maxAddresses = 16
	// maxLine bounds what is read of one line.
	maxLine = 4 << 10
)

// An attempt is one connection to one address.
type attempt struct {
	address netip.Addr
	took    time.Duration
	fault   *fault // nil: it worked
	silent  bool   // it worked, and the server said nothing
}

// port connects to every address of the servers that messages leave through.
func (r *run) port(ctx context.Context) Result {
	var found []string
	var worst *Result
	for _, s := range r.servers() {
		if !s.smtp {
			if proxy := r.proxy(r.Account.GraphURL); proxy != "" {
				found = append(found, fmt.Sprintf("%s is reached through the proxy %s", s.host, proxy))
				continue
			}
		}
		result := r.reach(ctx, s)
		if result.Status == Pass {
			found = append(found, result.Summary)
		} else if worst == nil || worst.Status == Warn && result.Status == Fail {
			worst = &result
		}
	}
	if worst != nil {
		return *worst
	}
	return passed("%s", strings.Join(found, "; "))
}

// reach tries one server's addresses at the same time.
func (r *run) reach(ctx context.Context, s server) Result {
	addresses := r.addresses[s.host]
	if len(addresses) == 0 { // of a name that the check before did not look up
		addresses, _ = r.lookUp(ctx, s.host)
	}
	addresses = addresses[:min(len(addresses), maxAddresses)]
	attempts := make([]attempt, len(addresses))
	var wg sync.WaitGroup
	for i, a := range addresses {
		wg.Go(func() { attempts[i] = r.attempt(ctx, s, a) })
	}
	wg.Wait()
	return r.reached(ctx, s, attempts)
}

func (r *run) attempt(ctx context.Context, s server, a netip.Addr) attempt {
	start := r.Now()
	silent, err := r.knock(ctx, s, a)
	at := attempt{address: a, took: r.Now().Sub(start), silent: silent}
	if err != nil {
		f := faultOf(err)
		at.fault = &f
	}
	return at
}

// knock connects, and hears a submission server's first line where it speaks
// first. That nothing is said in time is for the check of TLS to explain.
func (r *run) knock(ctx context.Context, s server, a netip.Addr) (silent bool, err error) {
	conn, err := r.dial(ctx, net.JoinHostPort(a.String(), strconv.Itoa(s.port)))
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if !s.smtp || r.Account.SMTPTLS == account.ImplicitTLS {
		return false, nil
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(r.within(greeting)))
	_, err = bufio.NewReader(io.LimitReader(conn, maxLine)).ReadString('\n')
	if err == nil {
		io.WriteString(conn, "QUIT\r\n") // whether it arrives does not matter
		return false, nil
	}
	if faultOf(err).finding == "connection-timed-out" {
		return true, nil
	}
	return false, err
}

// dial connects within the time that a connection may take.
func (r *run) dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, r.within(connecting))
	defer cancel()
	return r.Dial(ctx, "tcp", address)
}

// reached says what came of the attempts.
func (r *run) reached(ctx context.Context, s server, attempts []attempt) Result {
	r.with(s.host, s.port)
	place := net.JoinHostPort(s.host, strconv.Itoa(s.port))
	var worked, failed []string
	var why *fault
	if s.smtp {
		r.silent = len(attempts) > 0 && !slices.ContainsFunc(attempts, func(a attempt) bool { return !a.silent })
	}
	for _, a := range attempts {
		if a.fault == nil {
			worked = append(worked, fmt.Sprintf("%s (%d ms)", a.address, a.took.Milliseconds()))
			continue
		}
		failed = append(failed, fmt.Sprintf("%s: %s", a.address, a.fault.words))
		// That an address of the other family has no way there says little.
		if why == nil || why.finding == "network-unreachable" {
			why = a.fault
		}
	}
	switch {
	case why == nil:
		return passed("%s answers at %s", place, strings.Join(worked, ", "))
	case len(worked) > 0 && why.finding == "network-unreachable":
		return passed("%s answers at %s; not at %s", place, strings.Join(worked, ", "), strings.Join(failed, ", "))
	case len(worked) > 0:
		return r.found(why.finding, Warn, fmt.Sprintf("%s answers at %s, but not at %s", place, strings.Join(worked, ", "), strings.Join(failed, ", ")), "")
	}
	status := Fail
	if s.spare {
		status = Warn
	}
	summary := fmt.Sprintf("%s, %s, cannot be connected to (%s)", place, s.what, strings.Join(failed, "; "))
	if why.finding == "connection-timed-out" {
		summary += r.elsewhere(ctx, s)
	}
	result := r.found(why.finding, status, summary, "")
	switch {
	case why.finding == "connection-reset":
		result.Fix += fmt.Sprintf("\nAsk whoever runs the firewall to let this computer reach port %d", s.port)
	case why.finding == "connection-refused" && ofProvider(s.host) && (s.port == 443 || s.port == 587):
		// Nothing is to be corrected in the settings.
		result.Detail = "server and port are the provider's: a firewall between here and there turns the connection away"
		result.Fix = "have whoever runs the firewall let this computer out to " + place
		if s.smtp && r.Account.HasEntra() {
			result.Fix += "; where mail ports stay closed, send through Microsoft Graph: traymail account edit " + r.Account.Name + " --transport graph"
		}
	}
	return result
}

// elsewhere tells a port that is blocked from a network that is down.
func (r *run) elsewhere(ctx context.Context, s server) string {
	host, port := hostOf(r.authorityAddress())
	if host == "" || host == s.host {
		return ""
	}
	place := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := r.dial(ctx, place)
	if err != nil {
		return fmt.Sprintf("; %s cannot be connected to either", place)
	}
	conn.Close()
	return fmt.Sprintf("; %s answers, so the network works and port %d alone is blocked", place, s.port)
}
