package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
)

// A Network stands in for the machine's own, so that the real names of a
// provider lead to a rehearsal. All its fields must be set.
type Network struct {
	// Dial reaches every server, those of the sign-in and of Graph too, and no
	// proxy comes between.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve looks names up for the setup checks.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Roots are trusted where an account names no CA of its own.
	Roots *x509.CertPool
}

// dialer reaches submission servers; nil is the machine's own.
func (m *Mailer) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	if m.Dial == nil && m.Network != nil {
		return m.Network.Dial
	}
	return m.Dial
}

// resolve looks a name up.
func (m *Mailer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if m.Network != nil {
		return m.Network.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// transport is for requests over HTTPS.
func (m *Mailer) transport(roots *x509.CertPool) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if m.Network != nil {
		t.DialContext, t.Proxy = m.Network.Dial, nil
	}
	return t
}
