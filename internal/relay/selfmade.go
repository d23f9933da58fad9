package relay

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/natefinch/atomic"
)

const (
	validFor    = 397 * 24 * time.Hour // the longest that current clients take
	renewBefore = 30 * 24 * time.Hour
)

// The names of a self-made certificate and its key in their folder. One for
// TLS 1.0 has files of its own.
const (
	certName    = "relay.crt"
	keyName     = "relay.key"
	oldCertName = "relay-rsa.crt"
	oldKeyName  = "relay-rsa.key"
)

// selfMade keeps a certificate in a folder. It is made anew with the same key,
// so that a client that pins the key goes on.
type selfMade struct {
	folder string
	names  []string
	old    bool // an RSA key, as devices of the time of TLS 1.0 know no other
	now    func() time.Time
	log    *slog.Logger

	mu    sync.Mutex
	cert  *tls.Certificate
	retry time.Time // when to try again what failed
}

// get renews the certificate when its end is near. If that fails, the one from
// before serves on.
func (s *selfMade) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := s.cert != nil
	if !running {
		cert, err := tls.LoadX509KeyPair(s.certFile(), s.keyFile())
		if err == nil {
			s.cert = &cert
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w; remove the files %s and %s to have them made anew", err, s.certFile(), s.keyFile())
		}
	}
	if s.cert != nil && s.covers() || running && s.now().Before(s.retry) {
		return s.cert, nil
	}
	cert, err := s.make()
	switch {
	case err == nil:
		s.cert = cert
	case !running:
		return nil, err
	default:
		s.retry = s.now().Add(time.Minute)
		s.log.Error("the certificate cannot be renewed; it is tried again", "folder", s.folder, "valid_until", s.cert.Leaf.NotAfter, "err", err)
	}
	return s.cert, nil
}

func (s *selfMade) certFile() string {
	if s.old {
		return filepath.Join(s.folder, oldCertName)
	}
	return filepath.Join(s.folder, certName)
}

func (s *selfMade) keyFile() string {
	if s.old {
		return filepath.Join(s.folder, oldKeyName)
	}
	return filepath.Join(s.folder, keyName)
}

func (s *selfMade) covers() bool {
	leaf := s.cert.Leaf
	if s.now().Add(renewBefore).After(leaf.NotAfter) {
		return false
	}
	for _, n := range s.names {
		if leaf.VerifyHostname(n) != nil {
			return false
		}
	}
	return true
}

// make writes the key before the certificate: a crash in between leaves a key
// that the next run uses.
func (s *selfMade) make() (*tls.Certificate, error) {
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "traymail relay"},
		NotBefore:    s.now().Add(-time.Hour), // for clients whose clock is behind
		NotAfter:     s.now().Add(validFor),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if !s.old {
		template.KeyUsage = x509.KeyUsageDigitalSignature
	}
	for _, n := range s.names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := writePEM(s.certFile(), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func (s *selfMade) key() (crypto.Signer, error) {
	name := s.keyFile()
	data, err := os.ReadFile(name)
	if err == nil {
		block, _ := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("%s holds no key; remove it to have a new one made", name)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; remove it to have a new one made", name, err)
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("%s holds a key that cannot sign; remove it to have a new one made", name)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return nil, err
	}
	key, err := s.generate()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(name, "PRIVATE KEY", der)
}

func (s *selfMade) generate() (crypto.Signer, error) {
	if s.old {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// writePEM writes a file for the owner alone, whole or not at all.
func writePEM(name, kind string, der []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".relay-*") // mode 0600
	if err != nil {
		return err
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
	if err == nil {
		err = atomic.ReplaceFile(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
