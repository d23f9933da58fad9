package apponly

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"traymail/authcode"
)

const (
	minKeyBits  = 2048
	madeKeyBits = 2048 // what Entra's own pages make; a larger one only makes the stored form longer
	maxNameLen  = 64   // of a common name, X.520 ub-common-name
	madeEarlier = 5 * time.Minute
)

// A Certificate is an application's certificate with its private key. It does not
// change, is safe for concurrent use, and does not print its key.
type Certificate struct {
	leaf *x509.Certificate
	key  *rsa.PrivateKey
}

// newCertificate puts the key together with the certificate that belongs to it.
// Of several, as after a renewal that kept the key, it is the one that ends last.
func newCertificate(key any, certs []*x509.Certificate) (*Certificate, error) {
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the private key is %s: Entra takes an application's signature only as PS256 or RS256, so the key must be RSA", kindOf(key))
	}
	if bits := private.N.BitLen(); bits < minKeyBits {
		return nil, fmt.Errorf("the RSA key has %d bits: one of less than %d can be broken, and Entra does not take it; make a new certificate", bits, minKeyBits)
	}
	c := &Certificate{key: private}
	for _, cert := range certs {
		if private.PublicKey.Equal(cert.PublicKey) && (c.leaf == nil || cert.NotAfter.After(c.leaf.NotAfter)) {
			c.leaf = cert
		}
	}
	if c.leaf == nil {
		return nil, errNoCertificate
	}
	return c, nil
}

// kindOf names a private key that is not RSA.
func kindOf(key any) string {
	switch key.(type) {
	case *ecdsa.PrivateKey:
		return "an ECDSA key"
	case ed25519.PrivateKey:
		return "an Ed25519 key"
	}
	return "of another kind"
}

// MakeCertificate makes a new RSA key and a certificate signed with it, valid
// from now (less five minutes, for clocks that are behind) for as long as told.
// Entra wants no more: what counts is that somebody who may change the app
// registration uploads it.
func MakeCertificate(commonName string, now time.Time, validity time.Duration) (*Certificate, error) {
	if commonName == "" || utf8.RuneCountInString(commonName) > maxNameLen || !utf8.ValidString(commonName) ||
		strings.ContainsFunc(commonName, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return nil, fmt.Errorf("a certificate's name has 1 to %d printable characters, and %q has not", maxNameLen, commonName)
	}
	if validity <= 0 {
		return nil, fmt.Errorf("a certificate cannot be valid for %v", validity)
	}
	key, err := rsa.GenerateKey(rand.Reader, madeKeyBits)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // never fails: crypto/rand ends the program instead
	serial[0] = serial[0]&0x7f | 0x40
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-madeEarlier),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return &Certificate{leaf: leaf, key: key}, nil
}

// PEM is certificate and private key in a form that ParseCertificate reads, to be
// kept in a keystore. It has about 2.8 KB with a key of 2048 bits.
func (c *Certificate) PEM() (authcode.Secret, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return "", fmt.Errorf("writing the certificate's key: %w", err)
	}
	return authcode.Secret(c.PublicPEM() + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}

// PublicPEM is the certificate alone, the file to upload in the portal:
// Certificates & secrets → Certificates → Upload certificate.
func (c *Certificate) PublicPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.leaf.Raw}))
}

// SHA1 is the thumbprint as the portal shows it beside the certificate: 40
// hexadecimal digits in capitals.
func (c *Certificate) SHA1() string { return fmt.Sprintf("%X", sha1.Sum(c.leaf.Raw)) }

// SHA256 is the thumbprint that assertions carry, in the same form.
func (c *Certificate) SHA256() string { return fmt.Sprintf("%X", sha256.Sum256(c.leaf.Raw)) }

// Subject is whose certificate it is, as in "CN=traymail"; it may be empty.
func (c *Certificate) Subject() string { return c.leaf.Subject.String() }

// NotBefore is when the certificate becomes valid.
func (c *Certificate) NotBefore() time.Time { return c.leaf.NotBefore }

// NotAfter is when the certificate ends. Entra refuses it from then on.
func (c *Certificate) NotAfter() time.Time { return c.leaf.NotAfter }

// Check says whether the certificate is valid at a time. Reading a certificate
// does not ask this, so that one that has expired can still be shown.
func (c *Certificate) Check(now time.Time) error {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case now.Before(c.leaf.NotBefore):
		return fmt.Errorf("the certificate with the thumbprint %s is valid from %s, and this computer's clock says %s: set the clock, or wait", c.SHA1(), stamp(c.leaf.NotBefore), stamp(now))
	case now.After(c.leaf.NotAfter):
		return fmt.Errorf("the certificate with the thumbprint %s expired at %s (this computer's clock says %s): make a new one, and upload it to the app registration", c.SHA1(), stamp(c.leaf.NotAfter), stamp(now))
	}
	return nil
}

// Format writes the certificate's name and thumbprint for every verb, and never its key.
func (c Certificate) Format(f fmt.State, _ rune) {
	if c.leaf == nil {
		_, _ = fmt.Fprint(f, "no certificate")
		return
	}
	_, _ = fmt.Fprintf(f, "certificate %q with the thumbprint %s", c.Subject(), c.SHA1())
}

var errNoCertificate = errors.New("no certificate belongs to the private key: give the key and the certificate that is uploaded to the app registration in one file")
