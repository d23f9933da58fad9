package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// explain puts a network error in plain words, with what to do. The original
// stays in the chain.
func explain(err error) error {
	var dns *net.DNSError
	var words string
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		words = fmt.Sprintf("the name %s does not exist: check its spelling, and this machine's DNS", dns.Name)
	case errors.As(err, &dns):
		words = fmt.Sprintf("the name %s cannot be looked up: check this machine's network connection and DNS", dns.Name)
	case errors.Is(err, errRefused):
		words = "nothing listens on this port there, or a firewall turns it away: check host and port"
	case errors.Is(err, errUnreachable) || errors.Is(err, errNoHost):
		words = "there is no way to this host: check this machine's network connection"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		words = "no answer in time: a firewall may block the port, or the port may speak another protocol (587 wants STARTTLS, 465 implicit TLS)"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		words = "the server closed the connection"
	case errors.Is(err, errReset):
		words = "the connection was broken off by the server or by something on the way"
	default:
		return err
	}
	return fmt.Errorf("%s (%w)", words, err)
}

// explainLoss does so for a connection that had shown that host and port are right.
func explainLoss(err error) error {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" { // as crypto/tls has it
		return fmt.Errorf("the server ended the encryption with an alert: what arrived there was damaged, or something on the way meddles with the connection (%w)", err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("nothing gets through any more: check this machine's network connection (%w)", err)
	}
	return explain(err)
}

// explainTLS does so for a failed handshake. now is what this machine takes for
// the time, for a wrong clock looks like a bad certificate.
func explainTLS(err error, host string, now time.Time) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	var words string
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		words = validity(invalid.Cert, host, now)
	case errors.As(err, &unknown):
		words = fmt.Sprintf("the certificate of %s comes from an authority this machine does not know: it is self-signed, or a proxy looks into the connection; install its authority's certificate if you trust it", host)
	case errors.As(err, &name):
		words = fmt.Sprintf("the certificate is not for %s but for %s: check the server's name", host, names(name.Certificate))
	case errors.As(err, &record):
		words = "the port does not speak TLS at this point: if it is 587 or 25, choose STARTTLS"
	case strings.Contains(err.Error(), "protocol version"): // crypto/tls has no type for it
		words = "the server offers no TLS 1.2 or later"
	case errors.As(err, &invalid):
		words = fmt.Sprintf("the certificate of %s is not valid", host)
	default:
		return explain(err)
	}
	return permanent(fmt.Errorf("%s (%w)", words, err))
}

func validity(cert *x509.Certificate, host string, now time.Time) string {
	const day = "2 January 2006 15:04 MST"
	today := now.UTC().Format(day)
	if now.Before(cert.NotBefore) {
		return fmt.Sprintf("the certificate of %s is not valid before %s, and this machine's date is %s: check this machine's clock; if it is right, the server needs another certificate",
			host, cert.NotBefore.UTC().Format(day), today)
	}
	return fmt.Sprintf("the certificate of %s expired on %s, and this machine's date is %s: check this machine's clock; if it is right, the server's certificate has to be renewed",
		host, cert.NotAfter.UTC().Format(day), today)
}

func names(cert *x509.Certificate) string {
	if len(cert.DNSNames) == 0 {
		return "a host it does not name"
	}
	return clip(strings.Join(cert.DNSNames, ", "), 200)
}
