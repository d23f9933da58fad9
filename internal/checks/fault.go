package checks

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// A fault is why something could not be reached.
type fault struct {
	finding string
	words   string // what happened, to follow a name and a colon
}

// faultOf says what an error of the network means. What certificate says of a
// certificate is more exact.
func faultOf(err error) fault {
	var dns *net.DNSError
	var shown *tls.CertificateVerificationError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var timeout net.Error
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &shown) && inspector(shown.UnverifiedCertificates) != "":
		return fault{"certificate-inspected", inspector(shown.UnverifiedCertificates) + " looks into the connection"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault{"certificate-expired", without(err)}
	case errors.As(err, &name):
		return fault{"certificate-wrong-name", without(err)}
	case errors.As(err, &shown):
		return fault{"certificate-unknown-authority", without(err)}
	case errors.As(err, &dns) && dns.IsNotFound:
		return fault{"dns-not-found", "the name " + dns.Name + " does not exist"}
	case errors.As(err, &dns):
		return fault{"dns-failed", "the name " + dns.Name + " cannot be looked up: " + dns.Err}
	case strings.Contains(err.Error(), "Proxy Authentication Required"): // net/http has no type for it
		return fault{"proxy-required", "the proxy wants a user name and a password"}
	case errors.Is(err, errRefused):
		return fault{"connection-refused", "the connection was refused"}
	case errors.Is(err, errUnreachable), errors.Is(err, errNoHost), errors.Is(err, errNoAddress):
		return fault{"network-unreachable", "there is no way to this address"}
	case errors.Is(err, errForbidden), errors.Is(err, errNotPermitted):
		return fault{"connection-forbidden", "this computer does not allow the connection"}
	case errors.Is(err, errReset), errors.Is(err, errAborted), errors.Is(err, errPipe):
		return fault{"connection-reset", "the connection was broken off"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault{"connection-closed", "the connection was closed without a word"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault{"connection-timed-out", "nothing came back in time"}
	case strings.Contains(err.Error(), "protocol version not supported"), strings.Contains(err.Error(), "unsupported protocol version"): // crypto/tls has no type for either
		return fault{"tls-version", "it offers no TLS 1.2 or later"}
	case errors.Is(err, errNoReply), errors.Is(err, bufio.ErrBufferFull):
		return fault{"not-a-mail-server", "what it says is no reply of a mail server: something else listens on this port"}
	case errors.Is(err, errTooLong):
		return fault{"proxy-page", "the answer is longer than the provider's ever are: something else answers in its place"}
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fault{"tls-expected", "it does not speak TLS at this point"}
	case errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		return fault{"tls-handshake", "TLS cannot be agreed on: " + without(err)}
	}
	return fault{unrecognised, without(err)}
}

// without is an error's text without the address of the request that it came
// of: the host is named beside it, and the rest is long and tells nobody
// anything.
func without(err error) string {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	return oneLine(err.Error())
}
