package apponly

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"traymail/authcode"
)

const (
	maxCertificateFile = 1 << 20 // bytes
	maxIterations      = 2_000_000
)

// ErrPassword means that a PFX file needs another password than the one given.
var ErrPassword = errors.New("the password does not open the PFX file")

// ParseCertificate reads a certificate with its private key from a PEM file, in
// any order and with or without the chain, or from a PFX (PKCS#12) file with its
// password. It is the caller's to Check whether the certificate is valid now.
//
// The key must be RSA with at least 2048 bits. A password that a PFX file does
// not have is in an error that wraps ErrPassword; for PEM it is not used.
func ParseCertificate(data []byte, password authcode.Secret) (*Certificate, error) {
	if len(data) > maxCertificateFile {
		return nil, fmt.Errorf("the file has more than %d bytes, which no certificate has", maxCertificateFile)
	}
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return parsePEM(data)
	}
	return parsePFX(data, password)
}

func parsePEM(data []byte) (*Certificate, error) {
	var key any
	var certs []*x509.Certificate
	rest := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Windows' editors write a byte order mark
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("a certificate in the PEM file is damaged: %w", err)
			}
			certs = append(certs, cert)
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("the private key in the PEM file is encrypted, and PEM's ways to do so are not read: " +
				"give a PFX file with its password (openssl pkcs12 -export -in FILE.pem -out FILE.pfx), or the key decrypted (openssl pkey -in FILE.pem)")
		}
		found, ok, err := parseKey(block)
		switch {
		case err != nil:
			return nil, err
		case ok && key != nil:
			return nil, errors.New("the PEM file holds several private keys: leave only the one that belongs to the certificate")
		case ok:
			key = found
		}
	}
	switch {
	case key == nil && len(certs) > 0:
		return nil, errNoKey
	case key == nil:
		return nil, errors.New("the PEM file holds neither a certificate nor a private key that can be read: it must have the blocks -----BEGIN CERTIFICATE----- and -----BEGIN PRIVATE KEY-----, each whole")
	}
	return newCertificate(key, certs)
}

var errNoKey = errors.New("the file holds only the certificate, which is its public part: the private key is needed too, as a PFX file or in the same PEM file")

// parseKey reads a private key; it reports false for blocks of other kinds.
func parseKey(block *pem.Block) (key any, ok bool, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, false, nil
	}
	if err != nil {
		// The parser's own text may not be quoted: it has seen the key.
		return nil, false, errors.New("the private key in the PEM file is damaged, or of a kind that is not known")
	}
	return key, true, nil
}

func parsePFX(data []byte, password authcode.Secret) (*Certificate, error) {
	if _, err := x509.ParseCertificate(data); err == nil {
		return nil, errNoKey
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(data, &outer); err != nil || outer.Tag != asn1.TagSequence {
		return nil, errors.New("the file is neither PEM nor a PFX (PKCS#12) file in DER")
	}
	if tooSlow(data, 0) {
		return nil, fmt.Errorf("the PFX file wants more than %d rounds to turn its password into a key: export it with fewer", maxIterations)
	}
	key, first, others, err := pkcs12.DecodeChain(data, password.Reveal())
	var unknown pkcs12.NotImplementedError
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		if password == "" {
			return nil, fmt.Errorf("%w: it is protected by one, and none was given", ErrPassword)
		}
		return nil, ErrPassword
	case errors.As(err, &unknown):
		return nil, fmt.Errorf("the PFX file is protected in a way that is not read (%w): export it anew from Windows with TripleDES-SHA1 or AES256-SHA256, or with openssl pkcs12 -export", unknown)
	case err != nil:
		return nil, fmt.Errorf("the PFX file cannot be read (%w): export it anew, with its private key, from Windows or with openssl pkcs12 -export", err)
	}
	return newCertificate(key, append(others, first))
}

// tooSlow reports whether anything in a PFX file asks for more rounds of key
// derivation than anybody's does. A damaged number would keep this computer busy
// for hours. In all parameters of that kind (RFC 7292 §4 and appendix C, RFC 8018
// appendix A) the rounds are a number right behind the salt, and nothing else in
// these files is.
func tooSlow(der []byte, depth int) bool {
	const maxDepth = 24 // of values in values; files have 15
	afterSalt := false
	for len(der) > 0 && depth < maxDepth {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return false
		}
		der = rest
		if n := 0; afterSalt && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger {
			if _, err := asn1.Unmarshal(v.FullBytes, &n); err == nil && n > maxIterations {
				return true
			}
		}
		afterSalt = v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
		if (v.IsCompound || afterSalt) && tooSlow(v.Bytes, depth+1) {
			return true
		}
	}
	return false
}
