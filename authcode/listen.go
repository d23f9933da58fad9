package authcode

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// portAttempts bounds the search for a port that is free in both address families.
const portAttempts = 20

// loopbackHosts are the only hosts of which a listener here receives anything.
// They are also the only Host headers answered: a name that an attacker points
// at 127.0.0.1 (DNS rebinding) is none of them.
var loopbackHosts = [...]string{"localhost", "127.0.0.1", "::1"}

func isLoopback(host string) bool {
	for _, h := range loopbackHosts {
		if strings.EqualFold(host, h) {
			return true
		}
	}
	return false
}

// listen binds the port of redirect, or a free one, on 127.0.0.1 and ::1: a
// browser may take "localhost" for either. It returns the sockets as they will
// be served, so that no port is let go between finding and using it. A machine
// without one of the families does with the other, but not when redirect names
// an address of the missing one.
func listen(redirect *url.URL) ([]net.Listener, string, error) {
	if port := redirect.Port(); port != "" {
		ls, err := listenBoth(redirect.Hostname(), port)
		if err != nil {
			return nil, "", &PortError{Port: port, Err: err}
		}
		return ls, port, nil
	}
	var err error
	for range portAttempts {
		var ls []net.Listener
		if ls, err = listenBoth(redirect.Hostname(), "0"); err == nil {
			return ls, strconv.Itoa(ls[0].Addr().(*net.TCPAddr).Port), nil
		}
	}
	return nil, "", fmt.Errorf("no free port on this machine to receive the browser: %w", err)
}

func listenBoth(host, port string) ([]net.Listener, error) {
	first, second := "127.0.0.1", "::1"
	if host == second {
		first, second = second, first
	}
	bind := func(host, port string) (net.Listener, error) {
		return (&net.ListenConfig{Control: exclusive}).Listen(context.Background(), "tcp", net.JoinHostPort(host, port))
	}
	a, err := bind(first, port)
	if err != nil {
		return nil, err
	}
	port = strconv.Itoa(a.Addr().(*net.TCPAddr).Port)
	b, err := bind(second, port)
	if err == nil {
		return []net.Listener{a, b}, nil
	}
	// Either another program has that port in this family, and would receive
	// half of the browsers; or the machine lacks the family. A port of the
	// system's choice tells which, alike on all systems.
	if c, cerr := bind(second, "0"); cerr == nil {
		_ = c.Close()
		_ = a.Close()
		return nil, err
	}
	return []net.Listener{a}, nil
}
