package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// authority is the sandbox's certificate authority. It lives in memory: a
// machine that trusts it by mistake trusts nothing once the sandbox ends.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// inspectorName is that of a proxy's CA, in the form of a product's that
// inspects TLS.
var inspectorName = pkix.Name{
	Country: []string{"US"}, Province: []string{"California"}, Locality: []string{"San Jose"},
	Organization: []string{"Zscaler Inc."}, OrganizationalUnit: []string{"Zscaler Inc."}, CommonName: "Zscaler Root CA",
}

// A flaw is what is wrong with a certificate.
type flaw int

const (
	sound flaw = iota
	expired
	selfSigned
	wrongHost
)

func newAuthority(name pkix.Name) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := newCertificate(name)
	root.IsCA, root.BasicConstraintsValid = true, true
	root.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key}, nil
}

// newCertificate is valid for thirty days, and was for the last two: a client whose
// clock is a day off must fail at the tokens, not here. It uses the machine's
// clock, as the clients that verify it do.
func newCertificate(subject pkix.Name) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // fails with the random source alone
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: time.Now().AddDate(0, 0, -2), NotAfter: time.Now().AddDate(0, 0, 30),
	}
}

// leaf makes a server's certificate.
func (a *authority) leaf(f flaw) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := newCertificate(pkix.Name{CommonName: "localhost"})
	// The real names too, for a client that is told to reach them here.
	leaf.DNSNames = append([]string{"localhost"}, Hosts()...)
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	parent, signer := a.certificate, a.key
	switch f {
	case expired:
		leaf.NotBefore, leaf.NotAfter = time.Now().AddDate(0, 0, -31), time.Now().AddDate(0, 0, -1)
	case selfSigned:
		parent, signer = leaf, key
	case wrongHost:
		leaf.Subject.CommonName = "mail.example.net"
		leaf.DNSNames, leaf.IPAddresses = []string{"mail.example.net"}, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// pem is the certificate that clients have to trust.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}
