package apponly

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"traymail/authcode"
)

// The certificate in all files of testdata that can be read, by openssl x509 -fingerprint.
const (
	fixtureSHA1   = "56466760B2BF7CE857E93CE0DF7610D081D1F30D"
	fixtureSHA256 = "5C4CE00B4115FAC583AAE6A50173B434ECD7A00368FFDF1D288C3B6016F3E7C0"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fixture(t testing.TB, name string, password authcode.Secret) *Certificate {
	t.Helper()
	c, err := ParseCertificate(file(t, name), password)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificatesOfAllKindsOfFilesAreRead(t *testing.T) {
	for _, tc := range []struct {
		name     string
		password authcode.Secret
	}{
		{"chain.pem", ""}, {"pkcs1.pem", ""}, {"bag-attributes.pem", ""}, {"chain.pem", "not needed"},
		{"aes256.pfx", "fixture"}, {"rc2-3des.pfx", "fixture"}, {"3des.pfx", "fixture"}, {"empty-password.pfx", ""},
	} {
		c := fixture(t, tc.name, tc.password)
		if c.SHA1() != fixtureSHA1 || c.SHA256() != fixtureSHA256 || c.Subject() != "CN=traymail fixture" || c.Check(time.Now()) != nil {
			t.Errorf("%s gave %v", tc.name, c)
		}
	}
	windows := bytes.ReplaceAll(file(t, "chain.pem"), []byte("\n"), []byte("\r\n"))
	if c, err := ParseCertificate(append([]byte("\xef\xbb\xbf"), windows...), ""); err != nil || c.SHA1() != fixtureSHA1 {
		t.Errorf("with Windows' line ends and byte order mark: %v", err)
	}
	good := fixture(t, "chain.pem", "")
	for name, encoder := range map[string]*pkcs12.Encoder{"PBMAC1": pkcs12.Modern2026, "a hundred thousand rounds": pkcs12.Modern2023.WithIterations(100_000)} {
		pfx, err := encoder.Encode(good.key, good.leaf, nil, "pässwörd")
		if err != nil {
			t.Fatal(err)
		}
		if c, err := ParseCertificate(pfx, "pässwörd"); err != nil || c.SHA1() != fixtureSHA1 {
			t.Errorf("with %s: %v", name, err)
		}
	}
}

func TestFilesThatCannotBeUsedSayWhy(t *testing.T) {
	chain := file(t, "chain.pem")
	_, ca, _ := bytes.Cut(chain, []byte("-----END CERTIFICATE-----"))
	key, _ := pem.Decode(ca)
	keyPEM := pem.EncodeToMemory(key)
	good := fixture(t, "chain.pem", "")
	for name, tc := range map[string]struct {
		data     []byte
		password authcode.Secret
		want     string
	}{
		"a wrong password":                {file(t, "aes256.pfx"), "Fixture", "the password does not open the PFX file"},
		"a wrong password, legacy":        {file(t, "rc2-3des.pfx"), "wrong", "the password does not open the PFX file"},
		"no password":                     {file(t, "aes256.pfx"), "", "none was given"},
		"a password where none is":        {file(t, "empty-password.pfx"), "fixture", "the password does not open the PFX file"},
		"a PFX without MAC":               {file(t, "no-mac.pfx"), "fixture", "export it anew"},
		"a PFX without key":               {file(t, "no-key.pfx"), "fixture", "with its private key"},
		"a damaged PFX":                   {file(t, "aes256.pfx")[:2000], "fixture", "neither PEM nor a PFX"},
		"an uploaded certificate":         {file(t, "leaf.cer"), "", "only the certificate"},
		"a certificate in PEM":            {bytes.Replace(chain, keyPEM, nil, 1), "", "only the certificate"},
		"a key alone":                     {keyPEM, "", "no certificate belongs to the private key"},
		"another key's certificate":       {append(file(t, "ed25519.pem")[:bytes.Index(file(t, "ed25519.pem"), []byte("-----BEGIN PRIVATE"))], keyPEM...), "", "no certificate belongs to the private key"},
		"two keys":                        {append(chain, file(t, "pkcs1.pem")...), "", "several private keys"},
		"an encrypted key":                {file(t, "encrypted.pem"), "fixture", "is encrypted"},
		"a key encrypted in the old way":  {file(t, "encrypted-old.pem"), "fixture", "is encrypted"},
		"a short key":                     {file(t, "rsa-1024.pem"), "", "has 1024 bits"},
		"an ECDSA key":                    {file(t, "ec-p256.pem"), "", "is an ECDSA key"},
		"an Ed25519 key":                  {file(t, "ed25519.pem"), "", "is an Ed25519 key"},
		"a damaged certificate":           {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), "", "a certificate in the PEM file is damaged"},
		"a damaged key":                   {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "", "the private key in the PEM file is damaged"},
		"a PEM file cut off":              {chain[:500], "", "neither a certificate nor a private key"},
		"another text":                    {[]byte("hello"), "", "neither PEM nor a PFX"},
		"nothing":                         {nil, "", "neither PEM nor a PFX"},
		"a file that is too large":        {make([]byte, maxCertificateFile+1), "", "more than 1048576 bytes"},
		"a PFX that would take for hours": {manyRoundsOf(t, good), "fixture", "more than 2000000 rounds"},
	} {
		_, err := ParseCertificate(tc.data, tc.password)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if wrong := strings.HasPrefix(tc.want, "the password") || tc.want == "none was given"; errors.Is(err, ErrPassword) != wrong {
			t.Errorf("%s: it is ErrPassword, or is not: %v", name, err)
		}
	}
}

// manyRoundsOf is a PFX file, all right but for how often its MAC's key is to be hashed.
func manyRoundsOf(t *testing.T, c *Certificate) []byte {
	t.Helper()
	pfx, err := pkcs12.LegacyDES.Encode(c.key, c.leaf, nil, "fixture")
	if err != nil {
		t.Fatal(err)
	}
	var outer struct {
		Version  int
		AuthSafe asn1.RawValue
		MACData  struct {
			MAC    asn1.RawValue
			Salt   []byte
			Rounds int `asn1:"optional,default:1"`
		}
	}
	if _, err := asn1.Unmarshal(pfx, &outer); err != nil {
		t.Fatal(err)
	}
	outer.MACData.Rounds = 1 << 30
	if pfx, err = asn1.Marshal(outer); err != nil {
		t.Fatal(err)
	}
	return pfx
}

func TestAMadeCertificateSurvivesTheKeystoreAndUploadsWithoutItsKey(t *testing.T) {
	now := time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)
	made, err := MakeCertificate("traymail büro", now, 365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := made.PEM()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseCertificate([]byte(kept.Reveal()), "")
	if err != nil || back.SHA256() != made.SHA256() || !back.key.Equal(made.key) {
		t.Fatalf("%v came back, %v", back, err)
	}
	if made.Subject() != "CN=traymail büro" || !made.NotAfter().Equal(now.Add(365*24*time.Hour)) || !made.NotBefore().Before(now) || made.key.N.BitLen() != 2048 {
		t.Errorf("%v, valid from %v to %v", made, made.NotBefore(), made.NotAfter())
	}
	block, rest := pem.Decode([]byte(made.PublicPEM()))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 {
		t.Fatal("the file to upload is not one certificate")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) != nil || leaf.IsCA || leaf.SerialNumber.Cmp(big.NewInt(0)) <= 0 {
		t.Errorf("the certificate is not a sound one: %v", err)
	}
}

func TestACertificateIsNotMadeWithoutNameOrTime(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("x", 65), "a\nb", "\xff"} {
		if _, err := MakeCertificate(name, time.Now(), time.Hour); err == nil {
			t.Errorf("one was made for %q", name)
		}
	}
	if _, err := MakeCertificate("traymail", time.Now(), 0); err == nil {
		t.Error("one was made that is never valid")
	}
}

func TestOfTwoCertificatesForOneKeyTheOneThatEndsLastIsUsed(t *testing.T) {
	good := fixture(t, "chain.pem", "")
	renewed := *good.leaf
	renewed.NotAfter = good.leaf.NotAfter.Add(time.Hour)
	for _, certs := range [][]*x509.Certificate{{good.leaf, &renewed}, {&renewed, good.leaf}} {
		if c, err := newCertificate(good.key, certs); err != nil || c.leaf != &renewed {
			t.Errorf("got %v, %v", c, err)
		}
	}
}
